"""Services of blackouts and of the hub calendar: dates without slots."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any, TypedDict, Unpack

from django.db import transaction
from django.utils.translation import gettext as _

from dispatch.fleet import values
from dispatch.fleet.models import Hub, Zone
from dispatch.slots.events import (
    BLACKOUT_ADDED,
    BLACKOUT_CHANGED,
    BLACKOUT_REMOVED,
    CALENDAR_CHANGED,
)
from dispatch.slots.models import Blackout, HubCalendar
from dispatch.slots.models.templates import OPTION_VALUES
from dispatch.slots.rules import calendars
from dispatch.slots.services import checking
from dispatch.slots.services.opening import sync_hubs
from dispatch.slots.services.writing import assign, insert, locked, record_rule, save_changes
from lastmile.core.errors import Invalid, Problems

LONGEST_DAYS = 366


class BlackoutFields(TypedDict, total=False):
    """The fields of a blackout. ``hub`` None means all hubs, ``option`` "" all options."""

    external_id: str | None
    hub: Hub | None
    zone: Zone | None
    option: str
    first_on: dt.date
    last_on: dt.date
    reason: str


RULES: dict[str, values.Rule] = {
    "external_id": values.external_id,
    "hub": values.unchanged,
    "zone": values.unchanged,
    "option": values.one_of("", *OPTION_VALUES),
    "first_on": checking.date,
    "last_on": checking.date,
    "reason": values.text(120),
}


@transaction.atomic
def add_blackout(**fields: Unpack[BlackoutFields]) -> Blackout:
    """Add dates without slots; ``last_on`` is the same day if it is not given.

    Slots without holds on these dates are removed; slots with holds are closed and keep them.
    Locks: the hubs, their future slots. Records: blackout.added, slots.opened, slots.changed.
    Raises: Invalid, ExternalIdTaken.
    """
    row = draft_blackout(**fields)
    insert(row)
    changes = {name: (None, getattr(row, name)) for name in RULES}
    record_rule(BLACKOUT_ADDED, row, subject=row.public_id, changes=changes)
    sync_hubs(hubs_of(row))
    return row


def draft_blackout(**fields: Unpack[BlackoutFields]) -> Blackout:
    """Return a checked blackout that is not stored, for a preview. Raises Invalid.

    Locks: nothing. Records: nothing.
    """
    columns = values.clean(fields, RULES, required=("first_on",))
    columns.setdefault("last_on", columns["first_on"])
    row = Blackout(**columns)
    _check(row)
    return row


def _check(row: Blackout) -> None:
    problems = Problems()
    if row.last_on < row.first_on:
        problems.add("/last_on", _("The last date is before the first date. Change one of them."))
    elif (row.last_on - row.first_on).days >= LONGEST_DAYS:
        problems.add("/last_on", _("This is longer than a year. Pause the templates instead."))
    if row.zone is not None and row.zone.hub_id != row.hub_id:
        problems.add("/zone", _("This zone belongs to another hub. Choose a zone of the hub."))
    problems.raise_if_any(_("The dates are not valid. See the errors."))


def hubs_of(row: Blackout) -> list[Hub]:
    """Return the hubs that a blackout concerns, in the order of their locks.

    Locks: nothing. Records: nothing. Raises: nothing of its own.
    """
    if row.hub is not None:
        return [row.hub]
    return list(Hub.objects.filter(slot_templates__isnull=False).distinct().order_by("pk"))


@transaction.atomic
def change_blackout(
    *, blackout: Blackout, version: int | None = None, **fields: Unpack[BlackoutFields]
) -> Blackout:
    """Change the given fields of a blackout. Dates that become free get their slots back.

    Locks: the blackout, the hubs, their future slots. Records: blackout.changed if a value
    differs, slots.opened, slots.changed. Raises: Invalid, Stale, ExternalIdTaken.
    """
    row = locked(blackout, version)
    hubs = {hub.pk: hub for hub in hubs_of(row)}
    before = assign(row, values.clean(fields, RULES))
    _check(row)
    if not before:
        return row
    save_changes(row, before)
    changes = {name: (old, getattr(row, name)) for name, old in before.items()}
    record_rule(BLACKOUT_CHANGED, row, subject=row.public_id, changes=changes)
    sync_hubs((hubs | {hub.pk: hub for hub in hubs_of(row)}).values())
    return row


@transaction.atomic
def remove_blackout(*, blackout: Blackout, version: int | None = None) -> None:
    """Remove a blackout; its dates get their slots back.

    Locks: the blackout, the hubs, their future slots. Records: blackout.removed, slots.opened,
    slots.changed. Raises: Stale.
    """
    row = locked(blackout, version)
    hubs, subject = hubs_of(row), row.public_id
    changes: Mapping[str, tuple[Any, Any]] = {
        "first_on": (row.first_on, None),
        "last_on": (row.last_on, None),
    }
    record_rule(BLACKOUT_REMOVED, row, subject=subject, changes=changes)
    row.delete()
    sync_hubs(hubs)


@transaction.atomic
def set_calendar(
    *, hub: Hub, country: str, subdivision: str = "", version: int | None = None
) -> HubCalendar:
    """Set the country and the subdivision whose public holidays a hub has; "" for none.

    Locks: the hub, its calendar, its future slots. Records: hub_calendar.changed if a value
    differs, slots.opened, slots.changed. Raises: Invalid, Stale.
    """
    hub = Hub.objects.select_for_update(no_key=True).get(pk=hub.pk)
    check_calendar(country, subdivision)
    default = {"country": calendars.territory_of(hub.zone)}
    row, _new = HubCalendar.objects.get_or_create(hub=hub, defaults=default)
    row = locked(row, version)
    before = assign(row, {"country": country, "subdivision": subdivision})
    if not before:
        return row
    save_changes(row, before)
    changes = {name: (old, getattr(row, name)) for name, old in before.items()}
    record_rule(CALENDAR_CHANGED, row, subject=hub.public_id, changes=changes)
    sync_hubs([hub])
    return row


def check_calendar(country: str, subdivision: str) -> None:
    """Raise Invalid for a country or a subdivision whose public holidays are not known.

    Locks: nothing. Records: nothing.
    """
    problems = Problems()
    known = calendars.supported()
    if country and country not in known:
        problems.add(
            "/country",
            _("The public holidays of this country are not known. Choose none and add blackouts."),
        )
    elif subdivision and subdivision not in known.get(country, ()):
        problems.add("/subdivision", _("This region is not in the country. Choose another one."))
    if problems.entries:
        raise Invalid(_("The calendar is not valid. See the errors."), errors=problems.entries)
