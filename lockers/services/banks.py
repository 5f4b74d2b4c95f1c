"""Adds banks and their compartments."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from dispatch.fleet.models import Hub
from lastmile.core import clock
from lastmile.core.actor import current_actor
from lastmile.core.errors import Conflict, Problems, Stale
from lastmile.core.geo import Point
from lastmile.core.phones import is_country
from lockers.fitting import Size
from lockers.hours import Hours, HoursUnreadable
from lockers.models import Compartment, LockerBank, LockerChange
from lockers.services.changed_banks import ask_to_follow
from lockers.states import BankKind, BoxState, Capability
from tenants.people.services import audit

MOST_COMPARTMENTS = 1000
LONGEST_SIDE_MM = 3000


@dataclass(frozen=True, slots=True, kw_only=True)
class BankDraft:
    """A bank to add. ``hours`` is an OSM opening_hours text; "" means always open."""

    name: str
    hub: Hub
    point: Point
    zone: str
    country: str
    kind: str = BankKind.OWN
    external_id: str | None = None
    network: str = ""
    address: str = ""
    access: str = ""
    hours: str = ""
    capabilities: Sequence[str] = ()
    most_weight_g: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CompartmentDraft:
    """A compartment to add: the number on its door, and its inner size."""

    number: str
    inside: Size
    size_class: str = ""
    side: str = ""
    low: bool = False
    cooled: bool = False


@transaction.atomic
def add_bank(*, draft: BankDraft) -> LockerBank:
    """Add a bank. A bank of our own gets its key for codes with the first provisioning.

    Locks: nothing. Records: an audit entry. Raises: Invalid; Conflict if the external id is taken.
    """
    check_bank(draft)
    taken = LockerBank.objects.filter(external_id=draft.external_id)
    if draft.external_id is not None and taken.exists():
        raise Conflict(
            _("Another bank has this external ID. Use another ID, or change that bank."),
            data={"external_id": draft.external_id},
        )
    bank = LockerBank.objects.create(**bank_values(draft))
    LockerChange.objects.create(
        bank=bank, what="bank", after="added", cause="added", actor=current_actor()
    )
    audit("locker.add_bank", bank.public_id)
    return bank


@transaction.atomic
def change_bank(
    *, bank: LockerBank, draft: BankDraft, active: bool = True, version: int | None = None
) -> LockerBank:
    """Change a bank to what the draft says. With ``active`` False it takes no new parcels.

    A job then gives the orders for the bank that are not on the road yet its new place and hours,
    or takes them off their plan.

    Locks: the bank. Records: nothing. Raises: Invalid; Stale; Conflict if the external id is
    taken.
    """
    check_bank(draft)
    row = LockerBank.objects.select_for_update(of=("self",), no_key=True).get(pk=bank.pk)
    if version is not None and version != row.version:
        raise Stale(_("Somebody changed this bank meanwhile. Reload the page."))
    taken = LockerBank.objects.filter(external_id=draft.external_id).exclude(pk=row.pk)
    if draft.external_id is not None and taken.exists():
        raise Conflict(
            _("Another bank has this external ID. Use another ID, or change that bank."),
            data={"external_id": draft.external_id},
        )
    new = bank_values(draft) | {"active": active}
    if active != row.active:
        new["closed_there"] = False  # the word of staff counts now
    changed = sorted(name for name, value in new.items() if getattr(row, name) != value)
    for name in changed:
        setattr(row, name, new[name])
    if changed:
        row.version += 1
        row.save(update_fields=[*changed, "version", "updated_at"])
        LockerChange.objects.create(
            bank=row, what="bank", after=", ".join(changed), cause="edited",
            actor=current_actor(),
        )  # fmt: skip
        ask_to_follow([row])
    return row


def bank_values(draft: BankDraft) -> dict[str, Any]:
    """Return the columns of a bank for a draft."""
    return {
        "name": draft.name,
        "hub": draft.hub,
        "lat": draft.point.lat,
        "lon": draft.point.lon,
        "zone": draft.zone,
        "country": draft.country,
        "kind": draft.kind,
        "external_id": draft.external_id,
        "network": draft.network,
        "address": draft.address,
        "access": draft.access,
        "hours": draft.hours,
        "capabilities": sorted(set(draft.capabilities)),
        "most_weight_g": draft.most_weight_g,
    }


def check_bank(draft: BankDraft) -> None:
    """Check the values of a bank that its columns do not check. Raises Invalid."""
    problems = Problems()
    if not draft.name.strip():
        problems.add("/name", _("The name is missing."))
    if not (len(draft.country) == 2 and draft.country.isascii() and draft.country.isupper()):
        problems.add("/country", _("Write the country as two capital letters, such as NL."))
    elif not is_country(draft.country):
        problems.add("/country", _("There is no country with this code. Write NL for example."))
    if draft.kind not in list(BankKind):
        problems.add("/kind", _("This must be one of: %(words)s.") % {"words": ", ".join(BankKind)})
    if not set(draft.capabilities) <= set(Capability):
        problems.add(
            "/capabilities",
            _("Use these words only: %(words)s.") % {"words": ", ".join(Capability)},
        )
    problems.raise_if_any()
    clock.zone(draft.zone)
    try:
        Hours(text=draft.hours, zone=draft.zone, country=draft.country, point=draft.point).check()
    except HoursUnreadable:
        problems.add(
            "/hours",
            _("The opening hours cannot be read. Write them as Mo-Fr 09:00-18:00; Sa 10:00-17:00."),
        )
    problems.raise_if_any()


@transaction.atomic
def add_compartments(*, bank: LockerBank, drafts: Iterable[CompartmentDraft]) -> list[Compartment]:
    """Add compartments to a bank. They count as empty, with closed doors.

    Locks: the bank. Records: nothing. Raises: Invalid; Conflict if a number is taken.
    """
    LockerBank.objects.select_for_update(no_key=True).get(pk=bank.pk)
    wanted = list(drafts)
    taken = set(bank.compartments.values_list("number", flat=True))
    problems = Problems()
    if len(taken) + len(wanted) > MOST_COMPARTMENTS:
        problems.add("", _("A bank has at most 1,000 compartments."))
    for place, draft in enumerate(wanted):
        if not draft.number.strip() or len(draft.number) > 16:
            problems.add(f"/{place}/number", _("Write a number of 1 to 16 characters."))
        if max(draft.inside.sides) > LONGEST_SIDE_MM:
            problems.add(f"/{place}", _("A side is longer than 3,000 mm. Write the sides in mm."))
    problems.raise_if_any()
    numbers = [draft.number for draft in wanted]
    if taken & set(numbers) or len(set(numbers)) < len(numbers):
        raise Conflict(_("Two compartments have the same number. Give each one its own number."))
    rows = Compartment.objects.bulk_create(_row(bank, draft) for draft in wanted)
    LockerChange.objects.bulk_create(
        LockerChange(
            bank=bank,
            compartment=row,
            what="state",
            after=BoxState.EMPTY,
            cause="added",
            actor=current_actor(),
        )
        for row in rows
    )
    return rows


def _row(bank: LockerBank, draft: CompartmentDraft) -> Compartment:
    least, middle, most = draft.inside.sides
    return Compartment(
        bank=bank,
        number=draft.number,
        size_class=draft.size_class,
        width_mm=draft.inside.width_mm,
        height_mm=draft.inside.height_mm,
        depth_mm=draft.inside.depth_mm,
        least_mm=least,
        middle_mm=middle,
        most_mm=most,
        volume_mm3=draft.inside.volume_mm3,
        side=draft.side,
        low=draft.low,
        cooled=draft.cooled,
    )
