"""Services of single slots: open, close, and change capacity and prices."""

from __future__ import annotations

from typing import TypedDict, Unpack

from django.db import transaction
from django.utils.translation import gettext as _

from dispatch.fleet import values
from dispatch.slots.errors import SlotPassed
from dispatch.slots.events import SLOT_CHANGED, SlotChangedFacts
from dispatch.slots.models import ClosedReason, Slot
from dispatch.slots.services.checking import CAPACITY_RULES, PRICE_RULES
from dispatch.slots.services.writing import assign, locked, save_changes
from dispatch.slots.states import SlotState
from lastmile.core import clock
from lastmile.core.events import record
from tenants.people.services import audit


class SlotFields(TypedDict, total=False):
    """The fields of a slot that a person may change; None is no limit."""

    state: str
    capacity_orders: int | None
    capacity_work_s: int | None
    capacity_weight_g: int | None
    capacity_volume_cm3: int | None
    base_minor: int
    surcharge_minor: int


RULES: dict[str, values.Rule] = {
    "state": values.one_of(*[state.value for state in SlotState]),
    **CAPACITY_RULES,
    **PRICE_RULES,
}


@transaction.atomic
def change_slot(*, slot: Slot, version: int | None = None, **fields: Unpack[SlotFields]) -> Slot:
    """Open or close a slot, or change its capacity or prices. No promise and no hold changes.

    A capacity below what is taken leaves no free place until places are given back. Locks: the
    slot. Records: slot.changed if a value differs. Raises: Invalid, Stale; SlotPassed if the slot
    has begun.
    """
    columns = values.clean(fields, RULES)
    row = locked(slot, version)
    if "state" in columns:
        closes = columns["state"] == SlotState.CLOSED
        kept = row.closed_reason if row.state == SlotState.CLOSED else ClosedReason.STAFF
        columns["closed_reason"] = kept if closes else ""
    if row.opens_at <= clock.now():
        raise SlotPassed(
            _("This slot has begun and no longer changes. Choose a later slot."),
            data={"slot": row.public_id},
        )
    before = assign(row, columns)
    if not before:
        return row
    save_changes(row, before)
    facts = SlotChangedFacts(
        hub=row.hub.public_id,
        service_date=row.service_date,
        changed=tuple(sorted(before)),
        state=row.state,
        capacity_orders=row.capacity_orders,
        taken_orders=row.taken_orders,
    )
    record(SLOT_CHANGED, facts, subject=row.public_id)
    before.pop("closed_reason", None)  # the state says it
    changes = {name: (old, getattr(row, name)) for name, old in before.items()}
    audit(SLOT_CHANGED.name, row.public_id, changes)
    return row
