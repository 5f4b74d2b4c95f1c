"""What an intake hands to ``place_orders``: frozen, untested, as the outside wrote it."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from dataclasses import asdict, dataclass
from typing import Any, Literal
from uuid import UUID

from dispatch.fleet.models import Shift
from dispatch.orders.models import Option, Order
from lastmile.core.errors import DomainError, FieldProblem
from lastmile.core.geo import Point


@dataclass(frozen=True, slots=True, kw_only=True)
class ShopperDraft:
    """Who; a national phone number is read in the country of the hub that is named, else in that
    of all hubs; where they differ a number needs its country code.
    """

    name: str = ""
    phone: str = ""
    email: str = ""
    language: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceDraft:
    """Where: coordinates are taken as they are, else the memory, else the geocoder finds them."""

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
    external_id: str | None = None
    barcode: str = ""
    weight_g: int = 0
    volume_cm3: int = 0
    length_mm: int | None = None
    width_mm: int | None = None
    height_mm: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowDraft:
    """A window as instants: service may begin within [opens_at, closes_at)."""

    opens_at: dt.datetime
    closes_at: dt.datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalWindowDraft:
    """A window in wall-clock minutes of the service date at the hub; an end before the start is
    the next day's.
    """

    opens_minute: int
    closes_minute: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SentFields:
    """What a partial draft says of an order; fields in neither set are not spoken of at all.

    Names are those of ``OrderDraft``, ``ShopperDraft`` and ``PlaceDraft``; besides,
    ``coordinates`` stands for both, and ``parcel_ids`` for parcels that are named one by one.

    Parameters
    ----------
    filled : frozenset of str
        Fields with a value.
    blank : frozenset of str
        Fields that the sender's file has and leaves empty here.
    """

    filled: frozenset[str] = frozenset()
    blank: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderDraft:
    """One order as the retailer sent it.

    ``hub`` is the public id, external_id or name of a hub; "" lets the zone or distance decide.
    A total that is None becomes the sum of the parcels. ``service_s`` None means the default.
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
    notes: str = ""
    sent_fields: SentFields | None = None

    def digest(self) -> str:
        """SHA-256 of the whole content, byte for byte: the same order sent again has the same."""

        def plain(value: Any) -> str:
            if isinstance(value, dt.datetime):
                return value.astimezone(dt.UTC).isoformat() if value.tzinfo else value.isoformat()
            return str(value)

        content = asdict(self)
        del content["sent_fields"]
        text = json.dumps(content, sort_keys=True, default=plain, ensure_ascii=True)
        return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """What became of one draft; ``refused`` comes with its problem.

    ``warnings`` are what its sender should know though the order is taken; ``changed`` the fields
    that an update wrote.
    """

    status: Literal["placed", "same", "updated", "refused"]
    order: Order | None = None
    problem: DomainError | None = None
    warnings: tuple[FieldProblem, ...] = ()
    changed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PromisedPlace:
    """Another place than the order's own: a hub's counter or curbside, a bank of lockers.

    ``reference`` is the public id of what is there; the same reference at the same point is the
    same place.
    """

    reference: str
    text: str
    point: Point


@dataclass(frozen=True, slots=True, kw_only=True)
class PromiseDraft:
    """What is to be promised.

    ``handover`` None keeps the one that was agreed before. ``place`` None means the order's own
    place for a window, and its hub for curbside and hub; a locker names its bank.
    """

    opens_at: dt.datetime
    closes_at: dt.datetime
    cause: str
    option: str = Option.WINDOW
    handover: str | None = None
    place: PromisedPlace | None = None
    slot: str = ""
    price_minor: int | None = None
    currency: str = ""
    co2_g: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptDraft:
    """How a try at the door, the locker or the counter went.

    ``client_id`` is the UUID that a phone gave the report; ``stop`` the public id of the stop.
    """

    outcome: str
    arrived_at: dt.datetime
    departed_at: dt.datetime
    reason: str = ""
    client_id: UUID | None = None
    shift: Shift | None = None
    stop: str = ""
