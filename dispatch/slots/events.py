"""The event kinds of slots, holds and choices. Single slots that open have no event."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Annotated

from dispatch.fleet.events import HubRef
from lastmile.core.kinds import FieldDoc, Kind

SlotRef = Annotated[str, FieldDoc("Public id of the slot.", "slt_2v6x0z4c8f1h5k9n3q7s")]
OrderRef = Annotated[
    str | None,
    FieldDoc("Public id of the order; null before it comes.", "ord_5d9h3j7b1n4p8s2v6x0z"),
]
CallerWord = Annotated[
    str, FieldDoc("Caller: checkout, shopper, staff, integration or order.", "checkout")
]
Changed = Annotated[tuple[str, ...], FieldDoc("Names of the changed fields.", ["capacity_orders"])]


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleFacts:
    """A rule that opens slots was added, changed or removed. The subject is the rule."""

    hub: Annotated[
        str | None,
        FieldDoc("Public id of the hub; null for all hubs.", "hub_2p6s0r8m4k9d1f7c3v5x"),
    ]
    changed: Changed = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedFacts:
    """Slots of a hub were opened by its rules. The subject is the hub."""

    slots: Annotated[int, FieldDoc("Number of slots that were opened or opened again.", 5)]
    since: Annotated[dt.date, FieldDoc("Earliest service date of these slots.", "2026-12-13")]
    until: Annotated[dt.date, FieldDoc("Latest service date of these slots.", "2026-12-13")]


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotsChangedFacts:
    """The rules of a hub removed, closed or changed slots. The subject is the hub."""

    removed: Annotated[int, FieldDoc("Number of slots without holds that were removed.", 4)]
    closed: Annotated[int, FieldDoc("Number of slots with holds that were closed.", 1)]
    changed: Annotated[int, FieldDoc("Number of slots that were opened again or changed.", 0)]
    since: Annotated[dt.date, FieldDoc("Earliest service date of these slots.", "2026-12-13")]
    until: Annotated[dt.date, FieldDoc("Latest service date of these slots.", "2026-12-13")]


@dataclass(frozen=True, slots=True, kw_only=True)
class OverbookedFacts:
    """A promise took more of a slot than it has. The subject is the slot."""

    hub: HubRef
    service_date: Annotated[dt.date, FieldDoc("Service date of the slot.", "2026-11-30")]
    order: Annotated[
        str, FieldDoc("Public id of the order whose promise it is.", "ord_5d9h3j7b1n4p8s2v6x0z")
    ]
    beyond: Annotated[
        tuple[str, ...],
        FieldDoc("Capacities that are exceeded: orders, work_s, weight_g, volume_cm3.", ["orders"]),
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotChangedFacts:
    """A person opened, closed or changed a slot. The subject is the slot."""

    hub: HubRef
    service_date: Annotated[dt.date, FieldDoc("Service date in the hub's time zone.", "2026-11-30")]
    changed: Changed
    state: Annotated[str, FieldDoc("open or closed.", "closed")]
    capacity_orders: Annotated[
        int | None, FieldDoc("Capacity in orders; null without a limit.", 12)
    ]
    taken_orders: Annotated[int, FieldDoc("Orders that take a place in the slot.", 9)]


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldFacts:
    """A place in a slot was taken, for a short time or by a promise. The subject is the hold."""

    slot: SlotRef
    caller: CallerWord
    order: OrderRef
    expires_at: Annotated[
        dt.datetime | None,
        FieldDoc("When the hold ends; null with a promise.", "2026-11-29T11:45:00+00:00"),
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldRepricedFacts:
    """A held place, and its choice, got another price. The subject is the hold."""

    slot: SlotRef
    caller: CallerWord
    order: OrderRef
    old_price_minor: Annotated[
        int | None, FieldDoc("Price before, in minor units; null if not known.", 400)
    ]
    new_price_minor: Annotated[int, FieldDoc("Price now, in minor units.", 0)]
    currency: Annotated[str, FieldDoc("ISO 4217 code of the prices.", "EUR")]
    reason: Annotated[str, FieldDoc("now_free, no_longer_free or rules_changed.", "now_free")]


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldReleasedFacts:
    """A place in a slot was given back. The subject is the hold."""

    slot: SlotRef
    caller: CallerWord
    order: OrderRef
    reason: Annotated[
        str,
        FieldDoc("shopper, staff, expired, replaced, cancelled or superseded.", "superseded"),
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChoiceFacts:
    """A checkout chose an option. The subject is the choice."""

    option: Annotated[str, FieldDoc("window, curbside, locker or hub.", "window")]
    slot: Annotated[
        str | None, FieldDoc("Public id of the slot, if any.", "slt_2v6x0z4c8f1h5k9n3q7s")
    ]
    order: OrderRef
    expires_at: Annotated[
        dt.datetime, FieldDoc("When the choice expires.", "2026-11-29T12:15:00+00:00")
    ]


TEMPLATE_ADDED = Kind("slot_template.added", facts=RuleFacts)
TEMPLATE_CHANGED = Kind("slot_template.changed", facts=RuleFacts)
TEMPLATE_REMOVED = Kind("slot_template.removed", facts=RuleFacts)
BLACKOUT_ADDED = Kind("blackout.added", facts=RuleFacts)
BLACKOUT_CHANGED = Kind("blackout.changed", facts=RuleFacts)
BLACKOUT_REMOVED = Kind("blackout.removed", facts=RuleFacts)
CALENDAR_CHANGED = Kind("hub_calendar.changed", facts=RuleFacts)
SLOTS_OPENED = Kind("slots.opened", facts=OpenedFacts)
SLOTS_CHANGED = Kind("slots.changed", facts=SlotsChangedFacts)
SLOT_OVERBOOKED = Kind("slot.overbooked", facts=OverbookedFacts)
SLOT_CHANGED = Kind("slot.changed", facts=SlotChangedFacts)
HOLD_PLACED = Kind("hold.placed", facts=HoldFacts)
HOLD_REPRICED = Kind("hold.repriced", facts=HoldRepricedFacts)
HOLD_RELEASED = Kind("hold.released", facts=HoldReleasedFacts)
CHOICE_KEPT = Kind("choice.kept", facts=ChoiceFacts)
CHOICE_USED = Kind("choice.used", facts=ChoiceFacts)
CHOICE_EXPIRED = Kind("choice.expired", facts=ChoiceFacts)
CHOICE_CANCELLED = Kind("choice.cancelled", facts=ChoiceFacts)
