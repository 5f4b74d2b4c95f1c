"""Adds the doors of a template to a bank, and changes one compartment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from lastmile.core.actor import current_actor
from lastmile.core.errors import Conflict
from lockers.errors import ReservationRefused
from lockers.fitting import Size
from lockers.models import Compartment, LockerBank, LockerChange, LockerReservation
from lockers.services.banks import CompartmentDraft, add_compartments
from lockers.states import TAKING

_TAKING = sorted(state.value for state in TAKING)


@dataclass(frozen=True, slots=True, kw_only=True)
class DoorPlan:
    """A template of doors: ``columns`` columns of ``doors`` doors each, the lowest ones low."""

    columns: int
    doors: int
    inside: Size
    size_class: str = ""
    low_doors: int = 0
    cooled: bool = False


@transaction.atomic
def add_doors(*, bank: LockerBank, plan: DoorPlan) -> list[Compartment]:
    """Add the doors of a template, to the right of the columns that the bank has.

    The numbers continue from the greatest one, column by column, from top to bottom.

    Locks: the bank. Records: nothing. Raises: Invalid; Conflict if a number is taken.
    """
    LockerBank.objects.select_for_update(no_key=True).get(pk=bank.pk)
    known = list(bank.compartments.values_list("number", "side"))
    number = _greatest(number for number, _side in known)
    column = _greatest(side for _number, side in known)
    drafts = [
        CompartmentDraft(
            number=str(number + across * plan.doors + down + 1),
            side=str(column + across + 1),
            inside=plan.inside,
            size_class=plan.size_class,
            low=down >= plan.doors - plan.low_doors,
            cooled=plan.cooled,
        )
        for across in range(plan.columns)
        for down in range(plan.doors)
    ]
    return add_compartments(bank=bank, drafts=drafts)


def _greatest(texts: Any) -> int:
    """Return the greatest of the texts that are whole numbers; 0 without one."""
    return max((int(text) for text in texts if text.isascii() and text.isdigit()), default=0)


@transaction.atomic
def change_compartment(
    *, box: Compartment, number: str, inside: Size, **columns: Any
) -> Compartment:
    """Change a compartment. Its size changes only while nothing is kept in it.

    Locks: the compartment. Records: nothing. Raises: Conflict if the number is taken;
    ReservationRefused for another size while it is held or occupied.
    """
    row = Compartment.objects.select_for_update(no_key=True).get(pk=box.pk)
    if Compartment.objects.filter(bank=row.bank_id, number=number).exclude(pk=row.pk).exists():
        raise Conflict(_("Another compartment of this bank has this number. Use another one."))
    is_taken = LockerReservation.objects.filter(compartment=row, state__in=_TAKING).exists()
    if inside != row.inside and is_taken:
        raise ReservationRefused(
            _("The compartment is held or occupied. Change its size when it is free.")
        )
    new = columns | {
        "number": number, "width_mm": inside.width_mm, "height_mm": inside.height_mm,
        "depth_mm": inside.depth_mm,
    }  # fmt: skip
    changed = sorted(name for name, value in new.items() if getattr(row, name) != value)
    for name in changed:
        setattr(row, name, new[name])
    row.least_mm, row.middle_mm, row.most_mm = inside.sides
    row.volume_mm3 = inside.volume_mm3
    if changed:
        sorted_sides = ("least_mm", "middle_mm", "most_mm", "volume_mm3")
        row.save(update_fields=[*changed, *sorted_sides, "updated_at"])
        LockerChange.objects.create(
            bank_id=row.bank_id, compartment=row, what="compartment",
            after=", ".join(changed), cause="edited", actor=current_actor(),
        )  # fmt: skip
    return row
