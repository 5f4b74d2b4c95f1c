"""Open slots days ahead, and bring the slots of a hub to its present rules."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import F, Q

from dispatch.fleet.models import Hub
from dispatch.slots.events import SLOTS_OPENED, OpenedFacts
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


@transaction.atomic
def sync_hub(*, hub: Hub) -> Synced:
    """Bring the future slots of a hub to its present templates, blackouts and calendar.

    A slot without holds that no rule wants is removed. With holds it is closed and keeps them.
    Slots without a template and slots that a person closed do not change. Locks: the hub, its
    future slots. Records: slots.opened; the caller records the change of the rule. Raises: nothing
    of its own.
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


def rewrite_columns(*, template: SlotTemplate, before: Mapping[str, Any]) -> None:
    """Write changed prices and capacities of a template to its future slots without holds.

    ``before`` has the old values. A slot whose value a person had changed keeps it. Call it inside
    a transaction. Locks: the slots. Records: nothing. Raises: nothing of its own.
    """
    for name, value in before.items():
        same = Q(**{f"{name}__isnull": True}) if value is None else Q(**{name: value})
        slots = future_slots(template.hub).filter(same, template=template, taken_orders=0)
        pks = list(slots.select_for_update().values_list("pk", flat=True))
        Slot.objects.filter(pk__in=pks, taken_orders=0).update(
            **{name: getattr(template, name)}, version=F("version") + 1, updated_at=clock.now()
        )
