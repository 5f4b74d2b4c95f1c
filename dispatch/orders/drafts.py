"""The drafts that services of orders take: immutable values as received, not yet validated."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from dataclasses import dataclass, fields, is_dataclass
from functools import cache
from typing import Any, Literal
from uuid import UUID

from dispatch.fleet.models import Shift
from dispatch.orders.models import Option, Order
from lastmile.core.errors import DomainError, FieldProblem
from lastmile.core.geo import Point


@dataclass(frozen=True, slots=True, kw_only=True)
class ShopperDraft:
    """The shopper of an order as received.

    A phone number without a country code is read as a number of the named hub's country. Without
    a named hub, the country of all hubs counts. If their countries differ, the number needs its
    country code.
    """

    name: str = ""
    phone: str = ""
    email: str = ""
    language: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceDraft:
    """The address of an order as received, with coordinates if the sender has them.

    Without coordinates, an earlier pin for the same address is used, else the geocoder is asked.
    """

    text: str = ""
    street: str = ""
    house_number: str = ""
    unit: str = ""
    postcode: str = ""
    city: str = ""
    region: str = ""
    country: str = ""
    lat: float | None = None
    lon: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ParcelDraft:
    """A parcel of an order as received."""

    external_id: str | None = None
    barcode: str = ""
    weight_g: int = 0
    volume_cm3: int = 0
    length_mm: int | None = None
    width_mm: int | None = None
    height_mm: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowDraft:
    """A time window as two instants: service may begin within [opens_at, closes_at)."""

    opens_at: dt.datetime
    closes_at: dt.datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalWindowDraft:
    """A time window in local minutes of the service date at the hub.

    A closing time before the opening time means the next day.
    """

    opens_minute: int
    closes_minute: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SentFields:
    """The names of the fields that a partial draft contains; it does not mention any other field.

    The names are those of ``OrderDraft``, ``ShopperDraft`` and ``PlaceDraft``. In addition,
    ``coordinates`` means latitude and longitude, and ``parcel_ids`` means that each parcel is
    listed with its own id.

    Parameters
    ----------
    filled : frozenset of str
        Fields with a value.
    blank : frozenset of str
        Fields for which the file has a column, but no value in this row.
    """

    filled: frozenset[str] = frozenset()
    blank: frozenset[str] = frozenset()


#: Fields that were added after the first release. Without a value they are not in the digest, so
#: that an order from before has the same digest when it is sent again.
_ADDED = ("least_age", "signature", "choice")


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderDraft:
    """An order as received.

    ``hub`` is the public id, external_id or name of a hub; "" lets the zone or distance decide.
    A total of None becomes the sum of the parcels. ``service_s`` None means the default.
    ``choice`` is the public id of the choice that the shopper made in the shop, "" without one.
    ``sent_fields`` None means that the draft holds the whole order. Otherwise an existing order
    keeps every field that the draft does not name.
    """

    external_id: str | None = None
    direction: str = "outward"
    shopper: ShopperDraft = ShopperDraft()
    place: PlaceDraft
    hub: str = ""
    service_date: dt.date | None = None
    window: WindowDraft | LocalWindowDraft | None = None
    service_s: int | None = None
    parcels: tuple[ParcelDraft, ...] = ()
    parcel_count: int | None = None
    weight_g: int | None = None
    volume_cm3: int | None = None
    skills: tuple[str, ...] = ()
    value_minor: int | None = None
    price_minor: int | None = None
    currency: str = ""
    handover: str = ""
    least_age: int = 0
    signature: bool = False
    choice: str = ""
    notes: str = ""
    sent_fields: SentFields | None = None

    def digest(self) -> str:
        """Return the SHA-256 of the content. The same order sent again has the same digest."""

        def plain(value: Any) -> str:
            if isinstance(value, dt.datetime):
                return value.astimezone(dt.UTC).isoformat() if value.tzinfo else value.isoformat()
            return str(value)

        content = _as_dict(self)
        del content["sent_fields"]
        for name in _ADDED:
            if not content[name]:
                del content[name]
        text = json.dumps(content, sort_keys=True, default=plain, ensure_ascii=True)
        return hashlib.sha256(text.encode()).hexdigest()


def _as_dict(draft: Any) -> dict[str, Any]:
    """Return a draft as ``asdict`` does, but without copies of its values: four times as fast."""
    kind: Any = type(draft)
    return {name: _as_plain(getattr(draft, name)) for name in _names_of(kind)}


def _as_plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_as_plain(one) for one in value]
    return _as_dict(value) if is_dataclass(value) else value


@cache
def _names_of(kind: type[Any]) -> tuple[str, ...]:
    return tuple(one.name for one in fields(kind))


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """The result of placing one draft.

    ``problem`` is set when the status is ``refused``. ``warnings`` tell the sender what to check
    in an accepted order. ``changed`` names the fields that an update wrote.
    """

    status: Literal["placed", "same", "updated", "refused"]
    order: Order | None = None
    problem: DomainError | None = None
    warnings: tuple[FieldProblem, ...] = ()
    changed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PromisedPlace:
    """A place of a promise that is not the shopper's address: a hub or a bank of lockers.

    ``reference`` is the public id of the hub or bank. The same reference with the same text and
    point is the same place.
    """

    reference: str
    text: str
    point: Point


@dataclass(frozen=True, slots=True, kw_only=True)
class PromiseDraft:
    """A promise to be given.

    ``handover`` None keeps the handover of the promise before. ``place`` None means the order's
    own place for the option window, and its hub for curbside and hub. The option locker needs a
    place: the bank of lockers. ``service_date`` is the date of the round that serves the window; a
    window after midnight may belong to the date before. None means the local date of the window.
    """

    opens_at: dt.datetime
    closes_at: dt.datetime
    cause: str
    service_date: dt.date | None = None
    option: str = Option.WINDOW
    handover: str | None = None
    place: PromisedPlace | None = None
    slot: str = ""
    price_minor: int | None = None
    currency: str = ""
    co2_g: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptDraft:
    """The report of one attempt at a door, locker or counter.

    ``client_id`` is the UUID that the driver's phone gave to the report. ``stop`` is the public id
    of the stop in the plan. ``arrived_from`` is tap or position, "" if the arrival is not known.
    """

    outcome: str
    arrived_at: dt.datetime
    departed_at: dt.datetime
    reason: str = ""
    arrived_from: str = ""
    client_id: UUID | None = None
    shift: Shift | None = None
    stop: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CommonStopDraft:
    """The stop that an order shares with others; see ``CommonStop`` for the fields."""

    key: str
    arrival_s: int
    service_s: int
    opens_at: dt.datetime | None = None
    closes_at: dt.datetime | None = None
    refused: str = ""
