"""Callbacks: calls of external systems (vendors) to us, each handled exactly once.

``POST /callbacks/<vendor>/`` on a retailer's host: verify the signature, recognise a repeated
call, parse the call into a ``VendorEvent``, and pass this to the vendor's service. All this is one
transaction, and the answer is sent only after its commit. A repeated call gets the same answer and
has no effect. A call with a bad signature is not stored.

A vendor is a class that ``CALLBACKS`` in the switchboard names. A vendor that reads our answer
has ``reply``, an ``Answer`` that replaces the usual one. A vendor that tests the address by a GET
before it uses it has ``probes = True``.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final, Protocol
from urllib.parse import urlsplit

from django.db import connection, transaction
from django.http import QueryDict
from django.utils.translation import gettext as _

from lastmile.core.clock import now
from lastmile.core.errors import Conflict, DomainError, Invalid
from lastmile.core.models import CallbackRecord
from lastmile.core.refusals import unknown
from lastmile.core.wiring import callback_table, load

KEPT: Final = dt.timedelta(days=30)  # longer than any vendor repeats a call
LONGEST_KEY: Final = 200
_KEEP: Final = """
    INSERT INTO core_callbackrecord (vendor, key, digest, received_at) VALUES (%s, %s, %s, %s)
        ON CONFLICT (vendor, key) DO NOTHING
"""


class BadSignature(DomainError):
    """The call does not come from the vendor, or it was changed on its way."""

    code: ClassVar[str] = "bad_signature"
    status: ClassVar[int] = 403


class CallbackChanged(Conflict):
    """A call with this id was received before with other content."""

    code: ClassVar[str] = "callback_changed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Incoming:
    """A callback before it is verified and parsed. Header names are in lower case."""

    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def query(self) -> QueryDict:
        """The parameters in the address."""
        return QueryDict(urlsplit(self.path).query)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The answer that a vendor reads after a call that was stored."""

    content: str
    content_type: str


STORED: Final = Answer(content='{"status": "stored"}', content_type="application/json")


@dataclass(frozen=True, slots=True, kw_only=True)
class VendorEvent:
    """The content of a callback in one form for all vendors.

    Parameters
    ----------
    key : str
        The vendor's id of the call: the same for each repetition, different for other calls.
    kind : str
        The kind of event, in our words, such as ``message.delivered``.
    subject : str
        The id of the object that the event is about: our id or the vendor's.
    occurred_at : datetime
        The aware time of the event by the vendor's clock.
    facts : mapping
        Further values that the service needs.
    recorded : bool
        False if the vendor's service recognises a repetition itself. Then no record of the call is
        kept, and ``act`` runs outside a transaction.
    """

    key: str
    kind: str
    subject: str
    occurred_at: dt.datetime
    facts: Mapping[str, Any] = field(default_factory=dict)
    recorded: bool = True


class Vendor(Protocol):
    """An external system that calls us."""

    def verify(self, incoming: Incoming) -> None:
        """Raise BadSignature unless the vendor sent the call. Compares in constant time."""
        ...

    def parse(self, incoming: Incoming) -> VendorEvent:
        """Return the event of a verified call. Raises Invalid when the call cannot be read."""
        ...

    def act(self, event: VendorEvent) -> None:
        """Call the service for the event, within the transaction of the callback if it has one."""
        ...


def vendor_by_name(name: str) -> Vendor:
    """Return a vendor by its name in the switchboard. Raises NotFound for an unknown name."""
    path = callback_table().get(name)
    if path is None:
        raise unknown()
    vendor: Vendor = load(path)()
    return vendor


def answer_of(vendor: str) -> Answer:
    """Return the answer to a stored call of a vendor. Raises NotFound for an unknown name."""
    answer: Answer = getattr(vendor_by_name(vendor), "reply", STORED)
    return answer


def is_probed(vendor: str) -> bool:
    """Return True if a vendor of this name tests our address by a GET."""
    path = callback_table().get(vendor)
    return path is not None and bool(getattr(load(path), "probes", False))


def receive(vendor: str, incoming: Incoming) -> bool:
    """Handle one callback and commit it; return True if it is new, False if it is a repetition.

    A call that is not recorded counts as new. Its service finds out.

    Locks: the row of the call, so that two repetitions at the same time wait for each other.
    Records: the events of the vendor's service. Raises: NotFound, BadSignature, Invalid,
    CallbackChanged, and the errors of the service. After an error nothing is stored, and the
    vendor may try again.
    """
    caller = vendor_by_name(vendor)
    caller.verify(incoming)
    event = caller.parse(incoming)
    if not 0 < len(event.key) <= LONGEST_KEY or "\x00" in event.key:
        raise Invalid(_("The call has no id, or its id is too long. Give each call its own id."))
    if not event.recorded:
        caller.act(event)
        return True
    digest = hashlib.sha256(incoming.body).hexdigest()
    with transaction.atomic():
        if _is_new(vendor, event.key, digest):
            caller.act(event)
            return True
        record = CallbackRecord.objects.get(vendor=vendor, key=event.key)
        if record.digest != digest:
            raise CallbackChanged(
                _("A call with this id was received before with other content. Use a new id.")
            )
    return False


def _is_new(vendor: str, key: str, digest: str) -> bool:
    """Write the row of a call; return False if there is one. A twin that is not committed waits."""
    with connection.cursor() as cursor:
        cursor.execute(_KEEP, [vendor, key, digest, now()])
        return bool(cursor.rowcount == 1)


def forget_callbacks() -> Mapping[str, int]:
    """Delete the records of callbacks that are older than 30 days.

    Locks: nothing. Records: nothing. Raises: nothing of its own.
    """
    old = CallbackRecord.objects.filter(received_at__lt=now() - KEPT)
    return {"callbacks": old.delete()[0]}
