"""The check of a slot template, field by field and as a whole."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any, TypedDict

from django.utils.translation import gettext as _

from dispatch.fleet import values
from dispatch.fleet.models import Hub, Zone
from dispatch.slots.models import HolidayRule, SlotTemplate
from dispatch.slots.models.templates import OPTION_VALUES
from dispatch.slots.opening import pattern_of
from dispatch.slots.rules import recurrence
from dispatch.slots.rules.occurrences import FURTHEST_DAYS
from dispatch.slots.rules.recurrence import RuleError
from lastmile.core import clock
from lastmile.core.errors import Invalid, Problems
from tenants.sections import LARGEST

#: The most windows that a template may give on one date.
MOST_WINDOWS = 96
SHORTEST_WINDOW = 5  # minutes


class TemplateFields(TypedDict, total=False):
    """The fields of a slot template; see ``SlotTemplate`` for their meaning and units."""

    external_id: str | None
    name: str
    hub: Hub
    zone: Zone | None
    option: str
    rrule: str
    starts_on: dt.date
    ends_on: dt.date | None
    opens_minute: int
    closes_minute: int
    window_minutes: int | None
    capacity_orders: int | None
    capacity_work_s: int | None
    capacity_weight_g: int | None
    capacity_volume_cm3: int | None
    cutoff_days: int
    cutoff_minute: int | None
    lead_minutes: int | None
    opens_days_ahead: int
    base_minor: int
    surcharge_minor: int
    on_holidays: str
    active: bool


def date(raw: Any) -> dt.date:
    if not isinstance(raw, dt.date) or isinstance(raw, dt.datetime):
        raise Invalid(_("This must be a date, such as 2026-12-24."))
    if not clock.is_supported_date(raw):
        raise Invalid(_("The year must be between 2000 and 2100. Check the date."))
    return raw


def date_or_none(raw: Any) -> dt.date | None:
    """Return a checked date, or None."""
    return None if raw is None else date(raw)


def rrule(raw: Any) -> str:
    """Return a checked recurrence rule in capitals."""
    text = values.storable(raw, most=recurrence.LONGEST).strip().upper()
    try:
        recurrence.check(text)
    except RuleError as wrong:
        raise Invalid(
            _(
                "This is no recurrence rule of whole days (%(part)s). Write it as in RFC 5545, "
                "such as FREQ=WEEKLY;BYDAY=MO,TU."
            )
            % {"part": wrong.part or text[:40]}
        ) from None
    return text


CAPACITY_RULES: dict[str, values.Rule] = {
    "capacity_orders": values.whole(0, 100_000, null=True),
    "capacity_work_s": values.whole(0, LARGEST, null=True),
    "capacity_weight_g": values.whole(0, 10**12, null=True),
    "capacity_volume_cm3": values.whole(0, 10**12, null=True),
}
PRICE_RULES: dict[str, values.Rule] = {
    "base_minor": values.whole(0, LARGEST),
    "surcharge_minor": values.whole(0, LARGEST),
}
TEMPLATE_RULES: dict[str, values.Rule] = {
    "external_id": values.external_id,
    "name": values.name,
    "hub": values.unchanged,
    "zone": values.unchanged,
    "option": values.one_of(*OPTION_VALUES),
    "rrule": rrule,
    "starts_on": date,
    "ends_on": date_or_none,
    "opens_minute": values.whole(0, 1439),
    "closes_minute": values.whole(1, 2879),
    "window_minutes": values.whole(SHORTEST_WINDOW, 1440, null=True),
    **CAPACITY_RULES,
    "cutoff_days": values.whole(0, 60),
    "cutoff_minute": values.whole(0, 1439, null=True),
    "lead_minutes": values.whole(0, 60 * 24 * 60, null=True),
    "opens_days_ahead": values.whole(1, 90),
    **PRICE_RULES,
    "on_holidays": values.one_of(*HolidayRule.values),
    "active": values.boolean,
}
REQUIRED = ("name", "hub", "option", "rrule", "starts_on", "opens_minute", "closes_minute")


def clean_template(fields: Mapping[str, Any], *, new: bool) -> dict[str, Any]:
    """Return the checked fields of a template. Raises Invalid with one entry per fault."""
    columns = values.clean(fields, TEMPLATE_RULES, required=REQUIRED if new else ())
    if columns.get("cutoff_minute", 0) is None and "cutoff_days" not in columns:
        columns["cutoff_days"] = 0  # without a cut-off there is no day of it
    return columns


def check_template(template: SlotTemplate) -> None:
    """Check a template as a whole. Raises Invalid with one entry per fault."""
    problems = Problems()
    if template.zone is not None and template.zone.hub_id != template.hub_id:
        problems.add("/zone", _("This zone belongs to another hub. Choose a zone of the hub."))
    if template.ends_on is not None and template.ends_on < template.starts_on:
        problems.add("/ends_on", _("The last date is before the first date. Change one of them."))
    if template.cutoff_minute is None and template.cutoff_days:
        problems.add("/cutoff_minute", _("Enter the time of the cut-off, or 0 days before."))
    _check_windows(template, problems)
    problems.raise_if_any(_("The template is not valid. See the errors."))
    if not _has_dates(template):
        problems.add("/rrule", _("This rule has no date within a year. Choose other days."))
    problems.raise_if_any(_("The template opens no slot. See the errors."))


def _check_windows(template: SlotTemplate, problems: Problems) -> None:
    length = template.closes_minute - template.opens_minute
    if not 0 < length <= 1440:
        problems.add(
            "/closes_minute", _("The last window must end after the first begins, within 24 hours.")
        )
        return
    if length < SHORTEST_WINDOW:
        problems.add("/closes_minute", _("A window lasts at least 5 minutes. Change its end."))
    window = template.window_minutes
    if window is None:
        return
    if length % window:
        problems.add(
            "/window_minutes",
            _(
                "Windows of %(window)d minutes do not fill %(length)d minutes exactly. Change the "
                "length of a window, or the end."
            )
            % {"window": window, "length": length},
        )
    elif length // window > MOST_WINDOWS:
        problems.add("/window_minutes", _("These are too many windows a day. Use longer ones."))


def _has_dates(template: SlotTemplate) -> bool:
    """Return True if the rule has a date within the furthest look-ahead from its start."""
    pattern = pattern_of(template)
    last = template.starts_on + dt.timedelta(days=FURTHEST_DAYS)
    if pattern.ends_on is not None:
        last = min(last, pattern.ends_on)
    return bool(
        recurrence.dates(
            pattern.rrule, starts_on=template.starts_on, first=template.starts_on, last=last
        )
    )
