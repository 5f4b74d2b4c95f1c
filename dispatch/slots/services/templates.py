"""Services of slot templates: add, change, copy, remove."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from typing import Any, Final, Unpack

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from dispatch.fleet.models import Hub
from dispatch.slots.events import TEMPLATE_ADDED, TEMPLATE_CHANGED, TEMPLATE_REMOVED
from dispatch.slots.models import SlotTemplate
from dispatch.slots.opening import COPIED, pattern_of
from dispatch.slots.rules import recurrence
from dispatch.slots.rules.occurrences import windows
from dispatch.slots.services.checking import TemplateFields, check_template, clean_template
from dispatch.slots.services.opening import rewrite_columns, sync_hubs
from dispatch.slots.services.writing import assign, insert, locked, record_rule, save_changes
from lastmile.core import clock, formatting
from lastmile.core.errors import Invalid, Problems

#: Windows that the templates of one area, a zone or the whole hub, may give on one date. A search
#: looks at both areas and at MOST_SLOTS slots, so it always has room for a whole day. Chosen.
MOST_OF_AREA: Final = 400
#: Days for which this is checked: a rule of the month comes round once. Chosen.
_CHECKED_DAYS: Final = 35


@transaction.atomic
def add_template(**fields: Unpack[TemplateFields]) -> SlotTemplate:
    """Add a slot template and open its slots; name, hub, option, rrule and times are required.

    Locks: the hub, its future slots. Records: slot_template.added, slots.opened, slots.changed.
    Raises: Invalid, ExternalIdTaken.
    """
    template = draft_template(**fields)
    insert(template)
    _refuse_too_many_windows(template)
    written = {name: (None, getattr(template, name)) for name in clean_template(fields, new=True)}
    record_rule(TEMPLATE_ADDED, template, subject=template.public_id, changes=written)
    sync_hubs([template.hub])
    return template


def draft_template(**fields: Unpack[TemplateFields]) -> SlotTemplate:
    """Return a checked template that is not stored, for a preview. Raises Invalid.

    Locks: nothing. Records: nothing.
    """
    template = SlotTemplate(**clean_template(fields, new=True))
    check_template(template)
    _refuse_inactive(template)
    return template


def _refuse_inactive(template: SlotTemplate) -> None:
    problems = Problems()
    if not template.hub.active:
        problems.add("/hub", _("This hub is inactive. Choose another hub."))
    if template.zone is not None and not template.zone.active:
        problems.add("/zone", _("This zone is inactive. Choose another zone."))
    problems.raise_if_any()


def _refuse_too_many_windows(template: SlotTemplate) -> None:
    """Raise Invalid if the active templates of an area give too many windows on one date.

    The hub is locked, so that two templates at once are both counted.
    """
    if not template.active:
        return
    hub = Hub.objects.select_for_update(no_key=True).get(pk=template.hub_id)
    first = max(template.starts_on, clock.local_date(clock.now(), hub.zone))
    last = first + dt.timedelta(days=_CHECKED_DAYS)
    counts: Counter[dt.date] = Counter()
    lasting = Q(ends_on__isnull=True) | Q(ends_on__gte=first)
    for row in SlotTemplate.objects.filter(lasting, hub=hub, zone=template.zone, active=True):
        pattern = pattern_of(row)
        until = last if row.ends_on is None else min(last, row.ends_on)
        for date in recurrence.dates(
            pattern.rrule, starts_on=row.starts_on, first=first, last=until
        ):
            counts[date] += len(windows(pattern))
    for date, count in counts.most_common(1):
        if count > MOST_OF_AREA:
            problems = Problems()
            problems.add(
                "/window_minutes",
                _(
                    "The templates of this area would give %(count)s windows on %(date)s, more "
                    "than %(most)s. Use longer windows or fewer templates."
                )
                % {
                    "count": formatting.number(count),
                    "date": formatting.date(date),
                    "most": formatting.number(MOST_OF_AREA),
                },
            )
            problems.raise_if_any(_("The template is not valid. See the errors."))


@transaction.atomic
def change_template(
    *,
    template: SlotTemplate,
    version: int | None = None,
    with_orders: bool = False,
    **fields: Unpack[TemplateFields],
) -> SlotTemplate:
    """Change the given fields of a template, and its future slots without holds.

    Slots with holds keep their promises, prices and capacity; they are closed if the template no
    longer opens them. ``with_orders`` gives them new prices and capacity too; each promise keeps
    its price. Locks: the template, its hubs, their future slots. Records: slot_template.changed if
    a value differs, slots.opened, slots.changed. Raises: Invalid, Stale, ExternalIdTaken.
    """
    row = locked(template, version)
    hubs = [row.hub]
    before = edit_template(row, **fields)
    if not before:
        return row
    save_changes(row, before)
    _refuse_too_many_windows(row)
    changes = {name: (old, getattr(row, name)) for name, old in before.items()}
    record_rule(TEMPLATE_CHANGED, row, subject=row.public_id, changes=changes)
    terms = {name: before[name] for name in COPIED if name in before}
    rewrite_columns(template=row, before=terms, with_orders=with_orders)
    if "hub" in before:
        hubs.append(row.hub)
    sync_hubs(hubs)
    return row


def edit_template(row: SlotTemplate, **fields: Unpack[TemplateFields]) -> dict[str, Any]:
    """Set checked fields on a template, unsaved; return the old values of changed fields.

    Locks: nothing. Records: nothing. Raises: Invalid.
    """
    before = assign(row, clean_template(fields, new=False))
    check_template(row)
    if {"hub", "zone"} & before.keys() or before.get("active") is False:
        _refuse_inactive(row)
    return before


@transaction.atomic
def copy_template(
    *, template: SlotTemplate, version: int | None = None, **fields: Unpack[TemplateFields]
) -> SlotTemplate:
    """Add a template with the values of another one, except the given fields.

    Locks: the template, the hub, its future slots. Records: as ``add_template``. Raises: Invalid,
    Stale, ExternalIdTaken.
    """
    row = locked(template, version)
    names = TemplateFields.__annotations__.keys() - {"external_id"}
    terms = {name: getattr(row, name) for name in names}
    copied: dict[str, Any] = terms | dict(fields)
    if all(copied[name] == value for name, value in terms.items()):
        raise Invalid(_("The copy is equal to the template. Choose other days, times or a zone."))
    return add_template(**copied)  # type: ignore[typeddict-item]


@transaction.atomic
def remove_template(*, template: SlotTemplate, version: int | None = None) -> None:
    """Remove a template and its future slots without holds. Promises are kept.

    Slots with holds are closed. Locks: the template, the hub, its future slots. Records:
    slot_template.removed, slots.changed. Raises: Stale.
    """
    row = locked(template, version)
    hub = row.hub
    record_rule(TEMPLATE_REMOVED, row, subject=row.public_id, changes={"name": (row.name, None)})
    row.active = False
    row.save(update_fields=["active"])
    sync_hubs([hub])
    row.delete()
