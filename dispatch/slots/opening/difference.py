"""The difference between the slots that the rules of a hub want and the slots that exist."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db.models import QuerySet

from dispatch.fleet.models import Hub
from dispatch.slots.models import ClosedReason, Hold, Slot, SlotTemplate
from dispatch.slots.opening.wanted import COPIED, HubRules, Key, Wanted, key_of, wanted_slots
from dispatch.slots.rules.occurrences import LeftOutReason
from dispatch.slots.states import SlotState
from lastmile.core import clock

#: Slots that a rule closed, not a person; a rule opens them again.
CLOSED_BY_RULE = frozenset({ClosedReason.BLACKOUT, ClosedReason.HOLIDAY, ClosedReason.TEMPLATE})
_REASONS: Mapping[LeftOutReason, ClosedReason] = {
    "blackout": ClosedReason.BLACKOUT,
    "holiday": ClosedReason.HOLIDAY,
}


@dataclass(frozen=True, slots=True)
class Difference:
    """The slots to create, remove, close and change, so that a hub has what its rules want.

    Parameters
    ----------
    create : list of Wanted
        Slots that are due and can still be booked.
    remove : list of Slot
        Slots without any hold that no rule wants.
    close : list of (Slot, ClosedReason)
        Slots with holds that no rule wants. Their promises are kept.
    change : list of (Slot, columns)
        Slots to reopen, or whose cut-off or template differs.
    """

    create: list[Wanted] = field(default_factory=list)
    remove: list[Slot] = field(default_factory=list)
    close: list[tuple[Slot, ClosedReason]] = field(default_factory=list)
    change: list[tuple[Slot, dict[str, Any]]] = field(default_factory=list)


def future_slots(hub: Hub) -> QuerySet[Slot]:
    """Return the slots of a hub that have not opened yet, in the order of their locks."""
    today = clock.local_date(clock.now(), hub.zone)
    return Slot.objects.filter(hub=hub, service_date__gte=today, opens_at__gt=clock.now()).order_by(
        "pk"
    )


def difference(
    rules: HubRules, templates: Sequence[SlotTemplate], stored: Sequence[Slot]
) -> Difference:
    """Return the difference between the future slots of a hub and what its templates want.

    Slots without a template and slots that a person closed stay as they are.
    """
    today = clock.local_date(clock.now(), rules.hub.zone)
    last = max([_horizon(templates, today), *(slot.service_date for slot in stored)])
    wanted, absent = wanted_slots(rules, templates, today, last)
    result = Difference(create=_due(wanted, {key_of(slot) for slot in stored}, today))
    ruled = [
        slot
        for slot in stored
        if slot.template_id is not None and slot.closed_reason != ClosedReason.STAFF
    ]
    unwanted = [slot for slot in ruled if key_of(slot) not in wanted]
    held = _with_holds(unwanted)
    for slot in unwanted:
        if slot.pk not in held and slot.taken_orders == 0:
            result.remove.append(slot)
            continue
        reason = _REASONS.get(absent.get(key_of(slot), "no_such_time"), ClosedReason.TEMPLATE)
        if slot.closed_reason != reason:
            result.close.append((slot, reason))
    for slot in ruled:
        one = wanted.get(key_of(slot))
        columns = _columns(slot, one) if one is not None else {}
        if columns:
            result.change.append((slot, columns))
    return result


def _horizon(templates: Sequence[SlotTemplate], today: dt.date) -> dt.date:
    return today + dt.timedelta(days=max((t.opens_days_ahead for t in templates), default=0))


def _due(wanted: Mapping[Key, Wanted], stored: Collection[Key], today: dt.date) -> list[Wanted]:
    """Return the wanted slots that are due, not stored and can still be booked."""
    now = clock.now()
    return [
        one
        for key, one in wanted.items()
        if key not in stored
        and now < one.occurrence.book_until_at
        and (one.occurrence.service_date - today).days <= one.template.opens_days_ahead
    ]


def _with_holds(slots: Sequence[Slot]) -> set[int]:
    """Return the keys of the slots that have or had a hold; these rows stay."""
    holds = Hold.objects.filter(slot__in=[slot.pk for slot in slots])
    return set(holds.values_list("slot_id", flat=True).distinct())


def _columns(slot: Slot, one: Wanted) -> dict[str, Any]:
    """Return the columns of a wanted slot that differ.

    A slot that a rule had closed is opened. Without holds, a slot takes the cut-off of its
    template, and all terms if another template opens it now.
    """
    columns: dict[str, Any] = {}
    if slot.closed_reason in CLOSED_BY_RULE:
        columns |= {"state": SlotState.OPEN, "closed_reason": ""}
    if slot.taken_orders == 0:
        if slot.book_until_at != one.occurrence.book_until_at:
            columns["book_until_at"] = one.occurrence.book_until_at
        if slot.template_id != one.template.pk:
            columns["template"] = one.template
            columns |= {
                name: getattr(one.template, name)
                for name in COPIED
                if getattr(slot, name) != getattr(one.template, name)
            }
    return columns
