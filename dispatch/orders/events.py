"""The event kinds of orders, promises and attempts.

The subject of each event is the order, except for ``shopper.erased``: its subject is the shopper.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from lastmile.core.kinds import FieldDoc, Kind

FromState = Annotated[str, FieldDoc("State before.", "ready")]
AttemptRef = Annotated[str, FieldDoc("Public id of the attempt.", "att_3w7y1c5f9j2n6r0t4x8z")]
ShiftRef = Annotated[
    str, FieldDoc("Public id of the shift; empty when not known.", "sft_8k2m6q0t4w9y3c7f1h5j")
]
PlanRef = Annotated[str, FieldDoc("Public id of the plan.", "pln_7r1v5z9d3h6m0q4t8w2y")]
FailureReason = Annotated[str, FieldDoc("Why it failed; empty for a delivery.", "not_home")]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacedFacts:
    """An order was placed."""

    hub: Annotated[
        str | None,
        FieldDoc("Public id of the hub; null when none serves it.", "hub_2p6s0r8m4k9d1f7c3v5x"),
    ]
    hub_choice: Annotated[
        str, FieldDoc("How the hub was chosen: given, zone, nearest, only or none.", "zone")
    ]
    service_date: Annotated[
        dt.date | None, FieldDoc("Service date in the hub's time zone, if known.", "2026-11-30")
    ]
    state: Annotated[str, FieldDoc("needs_pin, placed or ready.", "ready")]
    source: Annotated[str, FieldDoc("Source of the order: api, desk or import:<id>.", "api")]


@dataclass(frozen=True, slots=True, kw_only=True)
class PromisedFacts:
    """A shopper was given a promise, which supersedes the promise before."""

    promise: Annotated[str, FieldDoc("Public id of the promise.", "prm_6t0w4y8c2f5j9n3r7v1x")]
    option: Annotated[str, FieldDoc("window, curbside, locker or hub.", "window")]
    opens_at: Annotated[
        dt.datetime, FieldDoc("When the window opens.", "2026-11-30T13:00:00+00:00")
    ]
    closes_at: Annotated[
        dt.datetime, FieldDoc("When the window closes.", "2026-11-30T17:00:00+00:00")
    ]
    cause: Annotated[str, FieldDoc("Cause of the promise.", "shopper")]
    supersedes: Annotated[
        str | None,
        FieldDoc("Public id of the promise before; null if none.", "prm_1b5d9h3j7m0q4s8v2x6z"),
    ]
    place: Annotated[
        str | None,
        FieldDoc(
            "Public id of the place, if it is not the place of the order.",
            "plc_9c3f7h1k5n8q2t6w0y4z",
        ),
    ] = None
    slot: Annotated[
        str | None, FieldDoc("Public id of the chosen slot.", "slt_2v6x0z4c8f1h5k9n3q7s")
    ] = None
    price_minor: Annotated[
        int | None, FieldDoc("Price of the delivery in minor units of the currency.", 299000)
    ] = None
    currency: Annotated[str | None, FieldDoc("ISO 4217 code of the price.", "CLP")] = None
    co2_g: Annotated[int | None, FieldDoc("Grams of CO2e that the shopper was shown.", 420)] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderChangedFacts:
    """Some fields of an order changed."""

    changed: Annotated[tuple[str, ...], FieldDoc("Names of the changed fields.", ["notes"])]
    source: Annotated[
        str | None, FieldDoc("Source of the new version, if the order was sent again.", "api")
    ] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RedatedFacts:
    """The round of another date serves an order, because the slot of its promise is on that date.

    The promised window stays the same. A window after midnight can belong to the evening before.
    """

    service_date: Annotated[dt.date, FieldDoc("The new service date.", "2026-11-23")]
    before: Annotated[dt.date, FieldDoc("The service date until now.", "2026-11-24")]


@dataclass(frozen=True, slots=True, kw_only=True)
class PinnedFacts:
    """A person set or moved the pin of the order's place."""

    place: Annotated[str, FieldDoc("Public id of the new place.", "plc_9c3f7h1k5n8q2t6w0y4z")]
    pin_source: Annotated[str, FieldDoc("shopper, driver or dispatcher.", "dispatcher")]


@dataclass(frozen=True, slots=True, kw_only=True)
class MovedFacts:
    """The state of an order changed; the event kind names the new state."""

    from_: FromState


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadyFacts:
    """The order can be planned: it became complete, left a plan or will be tried again."""

    from_: FromState
    plan: Annotated[
        PlanRef | None, FieldDoc("Public id of the plan that it left.", "pln_7r1v5z9d3h6m0q4t8w2y")
    ] = None
    service_date: Annotated[
        dt.date | None, FieldDoc("New service date, if it will be tried again.", "2026-12-01")
    ] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedFacts:
    """A published plan contains the order."""

    from_: FromState
    plan: PlanRef


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedFacts:
    """The order is in the vehicle."""

    from_: FromState
    shift: ShiftRef


@dataclass(frozen=True, slots=True, kw_only=True)
class OutFacts:
    """The order left the hub."""

    from_: FromState
    shift: ShiftRef | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AwaitingCollectionFacts:
    """The order is ready for the shopper to collect: at a curbside, a counter or in a locker."""

    from_: FromState
    attempt: AttemptRef | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TriedFacts:
    """An attempt ended; the event kind tells whether the order was delivered or failed."""

    from_: FromState
    attempt: AttemptRef
    reason: FailureReason


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelledFacts:
    """The order was cancelled."""

    from_: FromState
    cause: Annotated[str, FieldDoc("Cause of the cancellation.", "dispatcher")]
    reason: Annotated[
        str, FieldDoc("Word for the shopper's reason; empty if not known.", "too_late")
    ] = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptFacts:
    """An attempt was recorded; the event's time is when the driver left the place."""

    attempt: AttemptRef
    outcome: Annotated[str, FieldDoc("delivered, deposited, picked_up or failed.", "delivered")]
    reason: FailureReason
    stop: Annotated[
        str,
        FieldDoc("Public id of the stop; empty if not on a plan.", "stp_4h8j2m6p0s3v7x1z5b9d"),
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class ShopperErasedFacts:
    """A shopper was erased: name, contact, notes and addresses. The subject is the shopper."""

    orders: Annotated[int, FieldDoc("Number of the shopper's orders, which stay unnamed.", 3)]


SHOPPER_ERASED = Kind("shopper.erased", facts=ShopperErasedFacts, public=True)
PLACED = Kind("order.placed", facts=PlacedFacts, public=True)
PROMISED = Kind("order.promised", facts=PromisedFacts, public=True)
CHANGED = Kind("order.changed", facts=OrderChangedFacts, public=True)
#: Its stop with other orders, such as a bank of lockers: ``order.changed`` would ask for a new day.
STOP_CHANGED = Kind("order.stop_changed", facts=OrderChangedFacts)
REDATED = Kind("order.redated", facts=RedatedFacts, public=True)
PINNED = Kind("order.pinned", facts=PinnedFacts, public=True)
ATTEMPTED = Kind("attempt.recorded", facts=AttemptFacts, public=True)
#: State -> the event kind of a move to that state. A new order has the event ``order.placed``.
MOVED: Mapping[str, Kind[Any]] = {
    "needs_pin": Kind("order.needs_pin", facts=MovedFacts, public=True),
    "placed": Kind("order.waiting", facts=MovedFacts, public=True),
    "ready": Kind("order.ready", facts=ReadyFacts, public=True),
    "planned": Kind("order.planned", facts=PlannedFacts, public=True),
    "loaded": Kind("order.loaded", facts=LoadedFacts, public=True),
    "out": Kind("order.out", facts=OutFacts, public=True),
    "awaiting_collection": Kind(
        "order.awaiting_collection", facts=AwaitingCollectionFacts, public=True
    ),
    "delivered": Kind("order.delivered", facts=TriedFacts, public=True),
    "failed": Kind("order.failed", facts=TriedFacts, public=True),
    "returned": Kind("order.returned", facts=MovedFacts, public=True),
    "cancelled": Kind("order.cancelled", facts=CancelledFacts, public=True),
}
