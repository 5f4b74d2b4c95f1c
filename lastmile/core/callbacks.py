"""Callbacks: what systems outside tell us, each taken once.

``POST /callbacks/<vendor>/`` on a retailer's host: verify the signature, know a repeated call
again, parse it into one normalised form, and hand it to the vendor's service. All is one
transaction, and only its commit is acknowledged. A call that comes again gets the same answer and
does nothing; a call with a bad signature leaves nothing behind.

A vendor is a class that ``CALLBACKS`` in the switchboard names.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final, Protocol

from django.db import transaction
from django.utils.translation import gettext as _

from lastmile.core.clock import now
from lastmile.core.errors import Conflict, DomainError, Invalid
from lastmile.core.models import CallbackRecord
from lastmile.core.refusals import unknown
from lastmile.core.wiring import callback_table, load

KEPT: Final = dt.timedelta(days=30)  # longer than any vendor tries again
LONGEST_KEY: Final = 200


class BadSignature(DomainError):
    """The call does not come from whom it says, or was changed on its way."""

    code: ClassVar[str] = "bad_signature"
    status: ClassVar[int] = 401


class CallbackChanged(Conflict):
    """A call with a number that is known holds something else than the first one."""

    code: ClassVar[str] = "callback_changed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Incoming:
    """One call as it came. Names of ``headers`` are in lower case."""

    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class VendorEvent:
    """What a call says, in the one form that services know.

    Parameters
    ----------
    key : str
        The vendor's own number of the call: the same for each repetition, and for no other call.
    kind : str
        What happened, in our words, such as ``message.delivered``.
    subject : str
        What it happened to, as we or the vendor call it.
    occurred_at : datetime
        When, by the vendor's clock; aware.
    facts : mapping
        What else the service needs.
    """

    key: str
    kind: str
    subject: str
    occurred_at: dt.datetime
    facts: Mapping[str, Any] = field(default_factory=dict)


class Vendor(Protocol):
    """One system outside that calls us."""

    def verify(self, incoming: Incoming) -> None:
        """Raise BadSignature unless the call is the vendor's own. Compares in constant time."""
        ...

    def parse(self, incoming: Incoming) -> VendorEvent:
        """Return what a verified call says. Raises Invalid when it cannot be read."""
        ...

    def act(self, event: VendorEvent) -> None:
        """Do what follows, by one service, within the transaction of the callback."""
        ...


def vendor_by_name(name: str) -> Vendor:
    """Return a vendor by its name in the switchboard. Raises NotFound for an unknown one."""
    path = callback_table().get(name)
    if path is None:
        raise unknown()
    vendor: Vendor = load(path)()
    return vendor


def receive(vendor: str, incoming: Incoming) -> bool:
    """Take one call in; say whether it is new. It is committed when this returns.

    Locks: the row of the call, so that two repetitions at once wait for each other. Records: what
    the vendor's service records. Raises: NotFound, BadSignature, Invalid, CallbackChanged, and
    what the service raises; then nothing is kept and the vendor may try again.
    """
    caller = vendor_by_name(vendor)
    caller.verify(incoming)
    event = caller.parse(incoming)
    if not 0 < len(event.key) <= LONGEST_KEY or "\x00" in event.key:
        raise Invalid(
            _("The call has no number of its own, or one that is too long. Number each call.")
        )
    digest = hashlib.sha256(incoming.body).hexdigest()
    with transaction.atomic():
        kept, is_new = CallbackRecord.objects.get_or_create(
            vendor=vendor, key=event.key, defaults={"digest": digest}
        )
        if is_new:
            caller.act(event)
        elif kept.digest != digest:
            raise CallbackChanged(
                _("This call was taken with another content. Send the new content under a new "
                  "number.")
            )  # fmt: skip
    return is_new


def forget_callbacks() -> Mapping[str, int]:
    """Delete the records of calls that no vendor repeats any more.

    Locks: nothing. Records: nothing. Raises: nothing of its own.
    """
    old = CallbackRecord.objects.filter(received_at__lt=now() - KEPT)
    return {"callbacks": old.delete()[0]}
