"""Queries of the rules of slots, and the next slots that a rule gives."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.db.models import QuerySet

from dispatch.fleet.models import Hub
from dispatch.slots.models import Blackout, HubCalendar, Slot, SlotTemplate
from dispatch.slots.opening import HubRules, calendar_of
from dispatch.slots.rules import calendars
from dispatch.slots.rules.occurrences import Unfolded
from lastmile.core import clock


def templates() -> QuerySet[SlotTemplate]:
    """Return all templates with hub and zone, by name."""
    return SlotTemplate.objects.select_related("hub", "zone")


def blackouts() -> QuerySet[Blackout]:
    """Return all blackouts with hub and zone, the earliest first."""
    return Blackout.objects.select_related("hub", "zone")


def slots() -> QuerySet[Slot]:
    """Return all slots with hub, zone and template, by opening."""
    return Slot.objects.select_related("hub", "zone", "template")


def next_windows(template: SlotTemplate, *, count: int = 5, language: str = "en") -> Unfolded:
    """Return the next windows that a template gives, stored or not, and what it leaves out.

    Raises RuleError.
    """
    return HubRules.read(template.hub, language=language).next_windows(template, count)


@dataclass(frozen=True, slots=True, kw_only=True)
class Calendar:
    """The public holidays of a hub: its country, its subdivision, and the next holidays."""

    country: str
    subdivision: str
    holidays: tuple[tuple[dt.date, str], ...]


def calendar_row(hub: Hub) -> HubCalendar:
    """Return the calendar of a hub; if none is stored, the one that it starts with, unsaved."""
    row = HubCalendar.objects.filter(hub=hub).first()
    return row or HubCalendar(hub=hub, country=calendars.territory_of(hub.zone))


def calendar(hub: Hub, *, language: str = "en", count: int = 5) -> Calendar:
    """Return the calendar of a hub with its next holidays, within a year."""
    country, subdivision = calendar_of(hub)
    return calendar_like(hub, country, subdivision, language=language, count=count)


def calendar_like(
    hub: Hub, country: str, subdivision: str, *, language: str = "en", count: int = 5
) -> Calendar:
    """Return the calendar that a hub would have with a country and a subdivision."""
    today = clock.local_date(clock.now(), hub.zone)
    public = calendars.holidays_between(
        country, subdivision, today, today + dt.timedelta(days=366), language
    )
    return Calendar(
        country=country,
        subdivision=subdivision,
        holidays=tuple(sorted(public.items())[:count]),
    )
