"""Calls of locker networks to us: ``POST /callbacks/<vendor>/`` on a retailer's host.

A call that is not signed by one of the retailer's accounts, or has an odd body, is refused with
403 and not stored.
"""

from __future__ import annotations

import hashlib
from typing import ClassVar, Final

from lastmile.core.callbacks import BadSignature, Incoming, VendorEvent
from lastmile.core.clock import real_now
from lockers.models import LockerAccount
from lockers.services import keep_vendor_report
from lockers.services.vendor_following import follow_report
from lockers.vendors.base import VendorCall
from lockers.vendors.inpost.reading import read_call
from lockers.vendors.inpost.signing import is_signed
from lockers.vendors.registry import account_of

LARGEST_BODY: Final = 65_536
REPORTED: Final = "locker.reported"


class InPostCalls:
    """InPost as a caller. It uses an address only if a GET of it is answered with 200."""

    name: ClassVar[str] = "inpost"
    probes: ClassVar[bool] = True

    def verify(self, incoming: Incoming) -> None:
        """Raise BadSignature unless InPost signed the call for the retailer's account.

        The organisation in the body must be the one of the account.
        """
        account = account_of(self.name)
        if account is None or len(incoming.body) > LARGEST_BODY or not _signed(account, incoming):
            raise BadSignature(
                "The signature does not fit. Check the secret, that the account is on, and that"
                " InPost signs the time together with the body."
            )
        if _call(incoming).account != str(account.facts.get("organization", "")):
            raise BadSignature("The call is for another organisation. Check its ID.")

    def parse(self, incoming: Incoming) -> VendorEvent:
        """Return the report. A repetition has the same body and so the same key."""
        call = _call(incoming)
        return VendorEvent(
            key=hashlib.sha256(incoming.body).hexdigest(),
            kind=REPORTED,
            subject=call.status.vendor_id,
            occurred_at=call.occurred_at,
            facts={"call": call},
        )

    def act(self, event: VendorEvent) -> None:
        """Keep the report, and let the reservation follow it."""
        account = account_of(self.name)
        if account is not None:
            call = event.facts["call"]
            keep_vendor_report(account=account, call=call)
            row = account.reservations.filter(vendor_id=call.status.vendor_id).first()
            if row is not None:
                follow_report(row=row)


def _signed(account: LockerAccount, incoming: Incoming) -> bool:
    """Return True if a secret of the account signed the call; two are valid while they change."""
    secrets = account.secrets.get("calls", [])
    return is_signed(incoming.headers, incoming.body, map(str, secrets), now=real_now())


def _call(incoming: Incoming) -> VendorCall:
    try:
        return read_call(incoming.body)
    except ValueError as odd:
        raise BadSignature("The call cannot be read as a call from InPost.") from odd
