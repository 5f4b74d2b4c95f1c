"""Open slots days ahead, and bring the slots of a hub to its present rules."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import F, Q

from dispatch.fleet.models import Hub
from dispatch.slots.events import SLOTS_CHANGED, SLOTS_OPENED, OpenedFacts, SlotsChangedFacts
from dispatch.slots.models import Slot, SlotTemplate
from dispatch.slots.opening import (
    Difference,
    HubRules,
    active_templates,
    difference,
    future_slots,
)
from dispatch.slots.states import SlotState
from lastmile.core import clock
from lastmile.core.events import record


@dataclass(frozen=True, slots=True, kw_only=True)
class Synced:
    """The numbers of slots that were opened, changed, removed and closed."""

    opened: int
    changed: int
    removed: int
    closed: int


def open_slots() -> int:
    """Open the slots that are due in all hubs of the retailer; return how many were opened.

    A repeated call opens nothing. Existing slots do not change. Locks: nothing. Records:
    slots.opened for a hub with new slots. Raises: nothing of its own.
    """
    hubs = Hub.objects.filter(active=True, slot_templates__active=True).distinct().order_by("pk")
    return sum(_open_hub(hub) for hub in hubs)


def _open_hub(hub: Hub) -> int:
    stored = list(future_slots(hub))
    differs = difference(HubRules.read(hub), active_templates(hub), stored)
    if not differs.create:
        return 0
    with transaction.atomic():
        opened = _create(differs)
        _record_opened(hub, opened)
    return len(opened)


def _create(differs: Difference) -> list[Slot]:
    rows = [one.slot() for one in differs.create]
    Slot.objects.bulk_create(rows, ignore_conflicts=True, batch_size=500)
    return rows


def _record_opened(hub: Hub, slots: Sequence[Slot]) -> None:
    """Record that slots opened: promises for their windows then take their places."""
    dates = [slot.service_date for slot in slots]
    if dates:
        facts = OpenedFacts(slots=len(dates), since=min(dates), until=max(dates))
        record(SLOTS_OPENED, facts, subject=hub.public_id)


def _record_changed(
    hub: Hub,
    *,
    removed: Sequence[dt.date] = (),
    closed: Sequence[dt.date] = (),
    changed: Sequence[dt.date] = (),
) -> None:
    """Record the slots that the rules of a hub removed, closed or changed, by service date."""
    dates = [*removed, *closed, *changed]
    if dates:
        facts = SlotsChangedFacts(
            removed=len(removed),
            closed=len(closed),
            changed=len(changed),
            since=min(dates),
            until=max(dates),
        )
        record(SLOTS_CHANGED, facts, subject=hub.public_id)


@transaction.atomic
def sync_hub(*, hub: Hub) -> Synced:
    """Bring the future slots of a hub to its present templates, blackouts and calendar.

    A slot without holds that no rule wants is removed. With holds it is closed and keeps them.
    Slots without a template and slots that a person closed do not change. Locks: the hub, its
    future slots. Records: slots.opened, slots.changed; the caller records the change of the rule.
    Raises: nothing of its own.
    """
    hub = Hub.objects.select_for_update(no_key=True).get(pk=hub.pk)
    stored = list(future_slots(hub).select_for_update())
    differs = difference(HubRules.read(hub), active_templates(hub), stored)
    Slot.objects.filter(pk__in=[slot.pk for slot in differs.remove]).delete()
    for slot, reason in differs.close:
        _write(slot, {"state": SlotState.CLOSED, "closed_reason": reason})
    for slot, columns in differs.change:
        _write(slot, columns)
    opened = _create(differs)
    reopened = [slot for slot, columns in differs.change if "state" in columns]
    _record_opened(hub, [*opened, *reopened])
    _record_changed(
        hub,
        removed=[slot.service_date for slot in differs.remove],
        closed=[slot.service_date for slot, _reason in differs.close],
        changed=[slot.service_date for slot, _columns in differs.change],
    )
    return Synced(
        opened=len(opened),
        changed=len(differs.change),
        removed=len(differs.remove),
        closed=len(differs.close),
    )


def sync_hubs(hubs: Iterable[Hub]) -> None:
    """Bring the slots of several hubs to their rules, in the order of their locks.

    Locks, Records and Raises: as ``sync_hub``.
    """
    for hub in sorted(hubs, key=lambda hub: hub.pk):
        sync_hub(hub=hub)


def _write(slot: Slot, columns: Mapping[str, Any]) -> None:
    for name, value in columns.items():
        setattr(slot, name, value)
    slot.version += 1
    slot.save(update_fields=[*columns, "version"])


def rewrite_columns(
    *, template: SlotTemplate, before: Mapping[str, Any], with_orders: bool = False
) -> None:
    """Write changed prices and capacities of a template to its future slots without holds.

    ``before`` has the old values. A slot whose value a person had changed keeps it. ``with_orders``
    changes slots with orders and holds too; what they promised keeps its price. Call it inside a
    transaction. Locks: the hub, its future slots. Records: slots.changed. Raises: nothing of its
    own.
    """
    if not before:
        return
    Hub.objects.select_for_update(no_key=True).get(pk=template.hub_id)
    list(future_slots(template.hub).select_for_update().values_list("pk"))  # all in one order
    changed: dict[int, dt.date] = {}
    own = future_slots(template.hub).filter(template=template)
    for name, value in before.items():
        same = Q(**{f"{name}__isnull": True}) if value is None else Q(**{name: value})
        slots = own.filter(same) if with_orders else own.filter(same, taken_orders=0)
        dates = dict(slots.values_list("pk", "service_date"))
        Slot.objects.filter(pk__in=list(dates)).update(
            **{name: getattr(template, name)}, version=F("version") + 1, updated_at=clock.now()
        )
        changed |= dates
    _record_changed(template.hub, changed=list(changed.values()))
