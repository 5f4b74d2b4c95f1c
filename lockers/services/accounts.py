"""The retailer's accounts at networks of lockers: set up, test, switch on and off."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any, Final

from django.db import transaction
from django.utils.translation import gettext as _

from lastmile.core.clock import real_now
from lastmile.core.errors import Conflict, FieldProblem, Invalid, Stale
from lockers.models import LockerAccount
from lockers.vendors.base import VendorError
from lockers.vendors.registry import vendor_of
from tenants.people.services import audit

#: Our reference of a reservation that never exists. Looking for it proves the token.
_NO_REFERENCE: Final = "connection-test"
_TEST_LOOKS_BACK: Final = dt.timedelta(minutes=5)


@transaction.atomic
def put_account(
    *,
    vendor: str,
    facts: Mapping[str, Any],
    token: str = "",
    call_secret: str = "",
    is_on: bool = False,
    version: int | None = None,
) -> LockerAccount:
    """Set up or change the account at a network. An empty secret keeps the stored one.

    A new secret of calls is valid beside the one before it, until it changes again.

    Locks: the account. Records: an audit entry. Raises: Invalid for facts that the network's
    adapter refuses or without a token; Stale.
    """
    row = LockerAccount.objects.select_for_update().filter(vendor=vendor).first()
    row = row or LockerAccount(vendor=vendor, version=0)
    if version is not None and version != row.version:
        raise Stale(_("Somebody changed this account meanwhile. Reload the page."))
    secrets = dict(row.secrets)
    if token:
        secrets["token"] = token
    calls = [str(one) for one in secrets.get("calls", [])]
    if call_secret and call_secret not in calls[:1]:
        secrets["calls"] = [call_secret, *calls[:1]]
    if not secrets.get("token"):
        detail = _("The token is missing. The network shows it on the page of your account.")
        raise Invalid(detail, errors=[FieldProblem("/token", detail)])
    row.facts, row.secrets, row.is_on = dict(facts), secrets, is_on
    _check_facts(row)
    row.version += 1
    row.save()
    audit("locker.account", row.public_id)
    return row


def _check_facts(row: LockerAccount) -> None:
    try:
        vendor_of(row)
    except (KeyError, ValueError) as odd:
        raise Invalid(
            _("The network does not know such an account: %(why)s") % {"why": str(odd)}
        ) from odd


def try_account(*, account: LockerAccount) -> None:
    """Ask the network for something harmless that needs the token. Call it outside transactions.

    Locks, Records: nothing. Raises: Conflict with the cause.
    """
    try:
        vendor_of(account).find(_NO_REFERENCE, real_now() - _TEST_LOOKS_BACK)
    except VendorError as fault:
        if fault.permanent:
            raise Conflict(
                _("The network refused: %(why)s. Check the token and the organisation.")
                % {"why": str(fault)}
            ) from fault
        raise Conflict(
            _("The network did not answer: %(why)s. Try again later.") % {"why": str(fault)}
        ) from fault
