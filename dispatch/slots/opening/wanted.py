"""Reads the rules of slots from their rows: patterns, closures, and the slots that they want."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.db.models import Q

from dispatch.fleet import hours
from dispatch.fleet.models import Hub, Zone
from dispatch.orders.models import Option
from dispatch.slots.models import Blackout, HolidayRule, HubCalendar, Slot, SlotTemplate
from dispatch.slots.rules import calendars
from dispatch.slots.rules.occurrences import (
    FURTHEST_DAYS,
    Closures,
    LeftOut,
    LeftOutReason,
    Occurrence,
    Pattern,
    Unfolded,
    next_occurrences,
    unfold,
)
from lastmile.core import clock

#: zone, option and both instants: two templates that want the same slot open it once.
Key = tuple[int | None, str, dt.datetime, dt.datetime]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A slot that a template wants, not yet stored."""

    template: SlotTemplate
    occurrence: Occurrence

    @property
    def key(self) -> Key:
        occurrence = self.occurrence
        template = self.template
        return template.zone_id, template.option, occurrence.opens_at, occurrence.closes_at

    def slot(self) -> Slot:
        """Return the new slot with all values of its template."""
        template, occurrence = self.template, self.occurrence
        return Slot(
            hub=template.hub,
            zone_id=template.zone_id,
            option=template.option,
            template=template,
            service_date=occurrence.service_date,
            opens_at=occurrence.opens_at,
            closes_at=occurrence.closes_at,
            book_until_at=occurrence.book_until_at,
            **{name: getattr(template, name) for name in COPIED},
        )


#: Columns that a slot takes over from its template unchanged.
COPIED = (
    "capacity_orders",
    "capacity_work_s",
    "capacity_weight_g",
    "capacity_volume_cm3",
    "base_minor",
    "surcharge_minor",
)


def key_of(slot: Slot) -> Key:
    """Return the key of a stored slot."""
    return slot.zone_id, slot.option, slot.opens_at, slot.closes_at


def pattern_of(template: SlotTemplate) -> Pattern:
    """Return the dates and times of a template."""
    return Pattern(
        rrule=template.rrule,
        starts_on=template.starts_on,
        ends_on=template.ends_on,
        opens_minute=template.opens_minute,
        closes_minute=template.closes_minute,
        window_minutes=template.window_minutes,
        cutoff_days=template.cutoff_days,
        cutoff_minute=template.cutoff_minute,
        lead_minutes=template.lead_minutes,
        closed_on_holidays=template.on_holidays == HolidayRule.CLOSED,
    )


def calendar_of(hub: Hub) -> tuple[str, str]:
    """Return the country and the subdivision whose public holidays a hub has."""
    row = HubCalendar.objects.filter(hub=hub).first()
    return (row.country, row.subdivision) if row else (calendars.territory_of(hub.zone), "")


@dataclass(frozen=True, slots=True)
class HubRules:
    """The calendar and the blackouts of a hub, read once for all its templates."""

    hub: Hub
    country: str
    subdivision: str
    blackouts: Sequence[Blackout]
    language: str = "en"

    @classmethod
    def read(cls, hub: Hub, *, without: Blackout | None = None, language: str = "en") -> HubRules:
        """Read the rules of a hub, as if the blackout ``without`` did not exist."""
        rows = Blackout.objects.filter(
            Q(hub=hub) | Q(hub__isnull=True), last_on__gte=clock.local_date(clock.now(), hub.zone)
        )
        rows = rows.exclude(pk=without.pk) if without is not None and without.pk else rows
        return cls(hub, *calendar_of(hub), list(rows), language)

    def closures(self, template: SlotTemplate, first: dt.date, last: dt.date) -> Closures:
        """Return the dates in [first, last] on which a template opens nothing."""
        dates: set[dt.date] = set()
        for row in self.blackouts:
            if row.zone_id not in (None, template.zone_id) or row.option not in (
                "",
                template.option,
            ):
                continue
            start, end = max(first, row.first_on), min(last, row.last_on)
            dates |= {start + dt.timedelta(days=n) for n in range((end - start).days + 1)}
        public = calendars.holidays_between(
            self.country, self.subdivision, first, last, self.language
        )
        return Closures(blackouts=dates, holidays=public)

    def unfold(self, template: SlotTemplate, first: dt.date, last: dt.date) -> Unfolded:
        """Return the windows of a template in [first, last], curbside only while the hub is open.

        Raises RuleError.
        """
        unfolded = unfold(
            pattern_of(template),
            first=first,
            last=last,
            zone=clock.zone(self.hub.zone),
            closures=self.closures(template, first, last),
        )
        return _within_hours(template, self.hub, unfolded)

    def next_windows(self, template: SlotTemplate, count: int = 5) -> Unfolded:
        """Return the next windows of a template that can be booked. Raises RuleError."""
        today = clock.local_date(clock.now(), self.hub.zone)
        last = max(today, template.starts_on) + dt.timedelta(days=FURTHEST_DAYS)
        many = count if template.option != Option.CURBSIDE else 40 * count
        unfolded = next_occurrences(
            pattern_of(template),
            now=clock.now(),
            zone=clock.zone(self.hub.zone),
            closures=self.closures(template, today, last),
            count=many,
        )
        within = _within_hours(template, self.hub, unfolded)
        shown = within.occurrences[:count]
        end = shown[-1].service_date if len(shown) == count else dt.date.max
        return Unfolded(
            occurrences=shown,
            left_out=tuple(absent for absent in within.left_out if absent.service_date <= end),
        )


def _within_hours(template: SlotTemplate, hub: Hub, unfolded: Unfolded) -> Unfolded:
    """Leave out the curbside windows that are not within the opening hours of the hub."""
    if template.option != Option.CURBSIDE:
        return unfolded
    inside: list[Occurrence] = []
    left_out = list(unfolded.left_out)
    for occurrence in unfolded.occurrences:
        if _is_open(hub, occurrence):
            inside.append(occurrence)
        else:
            left_out.append(_hub_closed(hub, occurrence))
    left_out.sort(key=lambda absent: (absent.service_date, absent.opens_minute))
    return Unfolded(occurrences=tuple(inside), left_out=tuple(left_out))


def _is_open(hub: Hub, occurrence: Occurrence) -> bool:
    """Return True if the whole window is within opening hours, also those of the night before."""
    date = occurrence.service_date
    spans = [
        span
        for day in (date - dt.timedelta(days=1), date)
        for span in hours.open_spans(hub.hours, day, hub.zone)
    ]
    return any(
        opens_at <= occurrence.opens_at and occurrence.closes_at <= closes_at
        for opens_at, closes_at in spans
    )


def _hub_closed(hub: Hub, occurrence: Occurrence) -> LeftOut:
    zone = clock.zone(hub.zone)
    opens, closes = occurrence.opens_at.astimezone(zone), occurrence.closes_at.astimezone(zone)
    days = (closes.date() - opens.date()).days
    reason: LeftOutReason = "hub_closed"
    return LeftOut(
        service_date=occurrence.service_date,
        opens_minute=opens.hour * 60 + opens.minute,
        closes_minute=days * 1440 + closes.hour * 60 + closes.minute,
        reason=reason,
    )


def active_templates(hub: Hub) -> list[SlotTemplate]:
    """Return the templates of a hub that open slots, the oldest first."""
    rows = SlotTemplate.objects.select_related("hub", "zone").filter(hub=hub, active=True)
    return [row for row in rows.order_by("pk") if is_served(row.hub, row.zone)]


def is_served(hub: Hub, zone: Zone | None) -> bool:
    """Return True if the hub and its zone are active. A zone can move to another hub."""
    return hub.active and (zone is None or (zone.active and zone.hub_id == hub.pk))


def wanted_slots(
    rules: HubRules, templates: Iterable[SlotTemplate], first: dt.date, last: dt.date
) -> tuple[dict[Key, Wanted], dict[Key, LeftOutReason]]:
    """Return the slots that templates want in [first, last], and why others are left out.

    Of two templates that want the same slot the first one gets it.
    """
    wanted: dict[Key, Wanted] = {}
    absent: dict[Key, LeftOutReason] = {}
    for template in templates:
        unfolded = rules.unfold(template, first, last)
        for occurrence in unfolded.occurrences:
            one = Wanted(template=template, occurrence=occurrence)
            wanted.setdefault(one.key, one)
        for left_out in unfolded.left_out:
            key = _key_of_absent(template, left_out)
            absent.setdefault(key, left_out.reason)
    return wanted, absent


def _key_of_absent(template: SlotTemplate, left_out: LeftOut) -> Key:
    """Return the key that a window would have if it were not left out."""
    zone_name, date = template.hub.zone, left_out.service_date
    return (
        template.zone_id,
        template.option,
        clock.local_instant(date, left_out.opens_minute, zone_name),
        clock.local_instant(date, left_out.closes_minute, zone_name),
    )
