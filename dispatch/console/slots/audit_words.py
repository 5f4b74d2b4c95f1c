"""The audit log's words for slot templates, blackouts, holiday calendars and slots."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from dispatch.console.slots import words as slot_words
from dispatch.slots.models import Blackout, Slot, SlotTemplate
from lastmile.core import clock, formatting
from lastmile.core.tenancy import current_retailer
from tenants.audit_words import AuditWords, Field, Names, Sentence

SENTENCES: Mapping[str, Sentence] = {
    "slot_template.added": Sentence(
        gettext_lazy("%(who)s added the slot template %(what)s"), adds=True
    ),
    "slot_template.changed": Sentence(gettext_lazy("%(who)s changed the slot template %(what)s")),
    "slot_template.removed": Sentence(
        gettext_lazy("%(who)s removed the slot template %(what)s"), tells=("name",)
    ),
    "blackout.added": Sentence(gettext_lazy("%(who)s added the blackout %(what)s"), adds=True),
    "blackout.changed": Sentence(gettext_lazy("%(who)s changed the blackout %(what)s")),
    "blackout.removed": Sentence(gettext_lazy("%(who)s removed the blackout %(what)s")),
    "hub_calendar.changed": Sentence(gettext_lazy("%(who)s changed the holidays of %(what)s")),
    "slot.changed": Sentence(gettext_lazy("%(who)s changed the slot %(what)s")),
}


def _cost(minor: int) -> str:
    return formatting.money(minor, current_retailer().currency)


def _thousandths(value: int) -> str:
    return formatting.number(value / 1000, 3, trim=True)


def _minutes(seconds: int) -> str:
    return formatting.number(seconds // 60)


def _day(stored: str) -> str:
    return formatting.date(dt.date.fromisoformat(stored))


def _option(code: str) -> str:
    return str(slot_words.OPTIONS.get(code, code))


def _holidays(code: str) -> str:
    return str(slot_words.HOLIDAYS.get(code, code))


def _state(code: str) -> str:
    return {"open": _("open"), "closed": _("closed")}.get(code, code)


_LIMIT = gettext_lazy("No limit")
_NONE = gettext_lazy("None")
_TERMS: Mapping[str, Field] = {
    "capacity_orders": Field(gettext_lazy("Orders per slot"), empty=_LIMIT),
    "capacity_work_s": Field(gettext_lazy("Minutes of work per slot"), _minutes, _LIMIT),
    "capacity_weight_g": Field(gettext_lazy("Weight per slot, kg"), _thousandths, _LIMIT),
    "capacity_volume_cm3": Field(gettext_lazy("Volume per slot, litres"), _thousandths, _LIMIT),
    "base_minor": Field(gettext_lazy("Base price"), _cost),
    "surcharge_minor": Field(gettext_lazy("Surcharge"), _cost),
}
_PLACE: Mapping[str, Field] = {
    "external_id": Field(gettext_lazy("Your own ID")),
    "hub": Field(gettext_lazy("Hub"), empty=gettext_lazy("All hubs")),
    "zone": Field(gettext_lazy("Zone"), empty=gettext_lazy("Whole area of the hub")),
    "option": Field(gettext_lazy("Option"), _option, gettext_lazy("All options")),
}
FIELDS: Mapping[str, Mapping[str, Field]] = {
    "slot_template": {
        **_PLACE,
        **_TERMS,
        "name": Field(gettext_lazy("Name")),
        "rrule": Field(gettext_lazy("Days"), slot_words.days_of),
        "starts_on": Field(gettext_lazy("First date"), _day),
        "ends_on": Field(gettext_lazy("Last date"), _day, _NONE),
        "opens_minute": Field(gettext_lazy("From"), slot_words.time_of),
        "closes_minute": Field(gettext_lazy("To"), slot_words.time_of),
        "window_minutes": Field(
            gettext_lazy("Minutes of a window"), empty=gettext_lazy("The whole time")
        ),
        "cutoff_days": Field(gettext_lazy("Days before")),
        "cutoff_minute": Field(gettext_lazy("Cut-off"), slot_words.time_of, _NONE),
        "lead_minutes": Field(gettext_lazy("Lead time, minutes"), empty=_NONE),
        "opens_days_ahead": Field(gettext_lazy("Days ahead")),
        "on_holidays": Field(gettext_lazy("Public holidays"), _holidays),
        "active": Field(gettext_lazy("Active")),
    },
    "blackout": {
        **_PLACE,
        "first_on": Field(gettext_lazy("First date"), _day),
        "last_on": Field(gettext_lazy("Last date"), _day),
        "reason": Field(gettext_lazy("Reason")),
    },
    "hub_calendar": {
        "country": Field(gettext_lazy("Country"), empty=_NONE),
        "subdivision": Field(gettext_lazy("Region"), empty=_NONE),
    },
    "slot": {**_TERMS, "state": Field(gettext_lazy("Status"), _state)},
}


def names(ids: Iterable[str]) -> Names:
    """Return the names of templates, blackouts and slots: at most one query each."""
    by_prefix: dict[str, set[str]] = {}
    for public_id in ids:
        by_prefix.setdefault(public_id.partition("_")[0], set()).add(public_id)
    known: dict[str, str] = {}
    if "tpl" in by_prefix:
        templates = SlotTemplate.objects.filter(public_id__in=by_prefix["tpl"])
        known |= dict(templates.values_list("public_id", "name"))
    if "blk" in by_prefix:
        for row in Blackout.objects.filter(public_id__in=by_prefix["blk"]):
            known[row.public_id] = dates_of(row)
    if "slt" in by_prefix:
        slots = Slot.objects.select_related("hub").filter(public_id__in=by_prefix["slt"])
        known |= {slot.public_id: slot_name(slot) for slot in slots}
    return known


def dates_of(row: Blackout) -> str:
    """Return the dates of a blackout."""
    if row.first_on == row.last_on:
        return formatting.date(row.first_on)
    return _("%(first)s to %(last)s") % {
        "first": formatting.date(row.first_on),
        "last": formatting.date(row.last_on),
    }


def slot_name(slot: Slot) -> str:
    """Return the hub, the date and the window of a slot in the hub's own time."""
    zone = clock.zone(slot.hub.zone)
    opens, closes = slot.opens_at.astimezone(zone).time(), slot.closes_at.astimezone(zone).time()
    return _("%(hub)s, %(date)s, %(opens)s to %(closes)s") % {
        "hub": slot.hub.name,
        "date": formatting.date(slot.service_date),
        "opens": formatting.time(opens),
        "closes": formatting.time(closes),
    }


def words() -> AuditWords:
    """Return the words of the audit log for slots and their rules."""
    return AuditWords(sentences=SENTENCES, fields=FIELDS, names=names)
