"""The protocol of a locker network, and the values that go to it and come back.

One instance serves one account. It reads no database and no context, tries a write once, and
raises only VendorError. What the network says in words that we do not know is kept as it is and
named unknown.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from lastmile.core.geo import Point
from lastmile.core.providers import ProviderError
from lockers.fitting import Size
from lockers.states import Capability, Rejection, ReservationState


class PointState(StrEnum):
    """The state of a point by its network.

    - open: it takes parcels.
    - closed: it takes none for now.
    - left: it is not in the network any more.
    - unknown: the network used a word that we do not know. It is not offered.
    """

    OPEN = "open"
    CLOSED = "closed"
    LEFT = "left"
    UNKNOWN = "unknown"


class Room(StrEnum):
    """The free room of a point for one size, as far as its network says."""

    FREE = "free"
    FULL = "full"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Features:
    """The abilities of a network.

    - counts: it says how many compartments are free.
    - holds: a reservation keeps a compartment. Without it, the network takes the parcel and finds
      a compartment on arrival, so a full point is possible.
    - cancels: a reservation can be cancelled before the deposit.
    - own_codes: the network makes the codes and sends them to the shopper.
    - signs: its calls to us are signed.
    """

    counts: bool
    holds: bool
    cancels: bool
    own_codes: bool
    signs: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class BoxSize:
    """A size of a network: its word, the largest parcel, and the heaviest."""

    word: str
    parcel: Size
    most_weight_g: int


@dataclass(frozen=True, slots=True, kw_only=True)
class VendorPoint:
    """A point of a network.

    Parameters
    ----------
    vendor_id : str
        The network's id, which a reservation names.
    state, word : PointState, str
        Our state and the network's word for it.
    hours : str or None
        An OSM opening_hours text; None if the network's text cannot be read for sure.
    hours_text : str
        The network's own text.
    takes_deliveries : bool
        True if a parcel from a retailer may go to it.
    room : mapping
        The free room by word of a size; a size without an entry is unknown.
    others : tuple of str
        Ids of points that the network recommends instead.
    unknown : tuple of str
        Words that we do not know, as ``field=word``.
    """

    vendor_id: str
    name: str
    at: Point
    country: str
    zone: str
    state: PointState
    word: str
    is_locker: bool
    takes_deliveries: bool
    address: str = ""
    access: str = ""
    hours: str | None = None
    hours_text: str = ""
    payment: bool = False
    capabilities: frozenset[Capability] = frozenset()
    sizes: tuple[BoxSize, ...] = ()
    room: Mapping[str, Room] = field(default_factory=dict)
    others: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedPoint:
    """A point that cannot be read: its id or "", its place in the page, and the cause."""

    vendor_id: str
    place: int
    cause: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PointPage:
    """A page of points. ``number`` begins with 1; ``total`` counts the points of all pages."""

    number: int
    pages: int
    total: int
    points: tuple[VendorPoint, ...]
    refused: tuple[RefusedPoint, ...] = ()

    @property
    def is_last(self) -> bool:
        return self.number >= self.pages


@dataclass(frozen=True, slots=True, kw_only=True)
class Availability:
    """The answer to "does this point take a parcel now": its state and its room by size."""

    state: PointState
    room: Mapping[str, Room] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class VendorRequest:
    """A reservation to ask for. ``reference`` is our id of it: the same in every repetition."""

    reference: str
    point: str
    parcel: Size
    weight_g: int
    phone: str = field(repr=False)
    email: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class VendorStatus:
    """The state of a reservation at a network.

    Parameters
    ----------
    vendor_id : str
        The network's id of the reservation.
    word : str
        The network's word.
    known : bool
        False for a word that we do not know. Then ``state`` is None.
    state : ReservationState or None
        Our state. None: the word changes no reservation.
    reason : Rejection or None
        The reason of the closed list, if the network refused the parcel.
    attention : bool
        True if staff must look: the parcel is elsewhere, or the word is unknown.
    code : str
        The network's code of a failure, "" without one.
    tracking : str
        The number with which the network's own pages show the parcel.
    """

    vendor_id: str
    word: str
    known: bool = True
    state: ReservationState | None = None
    reason: Rejection | None = None
    attention: bool = False
    code: str = ""
    tracking: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class VendorCall:
    """A call of a network to us: the account at the network, and a status with its time."""

    account: str
    event: str
    status: VendorStatus
    occurred_at: dt.datetime


class VendorError(ProviderError):
    """A call to a network failed.

    Parameters
    ----------
    detail : str
        The cause for the log, without numbers, addresses or secrets.
    unclear : bool
        True if the network may have done it all the same: look it up before you send it again.
    reason : Rejection or None
        The reason of the closed list, if the network refused the parcel. None with ``permanent``:
        the account is at fault, and the same call may succeed when somebody has corrected it.
    code : str
        The network's own code.
    words : str
        The network's words, for staff only. They are never logged.
    """

    def __init__(
        self,
        detail: str,
        *,
        permanent: bool,
        unclear: bool = False,
        reason: Rejection | None = None,
        code: str = "",
        words: str = "",
        retry_after_s: int | None = None,
    ) -> None:
        super().__init__(detail, permanent=permanent, retry_after_s=retry_after_s)
        self.unclear = unclear
        self.reason = reason
        self.code = code
        self.words = words

    @property
    def of_account(self) -> bool:
        """True if the account is at fault: a wrong token, a debt. The parcel is not refused."""
        return self.permanent and not self.unclear and self.reason is None


class LockerVendor(Protocol):
    """A network of lockers with the credentials of one account."""

    def features(self) -> Features:
        """Return the abilities of the network. Raises nothing."""
        ...

    def points(self, since: dt.date | None = None) -> Iterator[PointPage]:
        """Return the points page by page: all, or those that changed since a day.

        A network that cannot look back so far returns all. Raises VendorError; then the pages
        before it are no complete list.
        """
        ...

    def point(self, vendor_id: str) -> VendorPoint | None:
        """Return a point as it is now; None if the network does not know it. Raises VendorError."""
        ...

    def availability(self, vendor_id: str) -> Availability:
        """Return the state and the room of a point now. Raises VendorError."""
        ...

    def reserve(self, request: VendorRequest) -> VendorStatus:
        """Ask for a reservation, once. Raises VendorError; see ``unclear``."""
        ...

    def find(self, reference: str, since: dt.datetime) -> VendorStatus | None:
        """Return the reservation with our reference, made since a time; None if there is none.

        Raises VendorError when it cannot tell.
        """
        ...

    def cancel(self, vendor_id: str) -> VendorStatus:
        """Cancel a reservation. Cancelling it again does no harm. Raises VendorError."""
        ...

    def status(self, vendor_id: str) -> VendorStatus:
        """Return the state of a reservation. Raises VendorError."""
        ...

    def parse(self, body: bytes) -> VendorCall:
        """Return the content of a verified call to us. Raises ValueError for an odd body."""
        ...
