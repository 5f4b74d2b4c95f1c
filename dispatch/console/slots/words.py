"""Texts of slots: options, days, times, cut-offs, capacities and reasons."""

from __future__ import annotations

from django.utils.dates import WEEKDAYS, WEEKDAYS_ABBR
from django.utils.functional import Promise as Lazy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, pgettext_lazy

from dispatch.slots.models import SlotTemplate
from dispatch.slots.rules import recurrence
from dispatch.slots.rules.recurrence import RuleError
from lastmile.core import formatting

Words = str | Lazy
OPTIONS: dict[str, Words] = {
    "window": gettext_lazy("Home delivery"),
    "curbside": gettext_lazy("Curbside pickup"),
}
LEFT_OUT: dict[str, Words] = {
    "blackout": gettext_lazy("Blackout"),
    "holiday": gettext_lazy("Public holiday"),
    "no_such_time": gettext_lazy("This time does not exist: the clocks change."),
    "hub_closed": gettext_lazy("The hub is closed at this time."),
}
CLOSED: dict[str, Words] = {
    "staff": gettext_lazy("Closed by a person"),
    "blackout": gettext_lazy("Closed by a blackout"),
    "holiday": gettext_lazy("Closed for a public holiday"),
    "template": gettext_lazy("No rule opens it any more"),
}
HOLIDAYS: dict[str, Words] = {
    "open": pgettext_lazy("holidays", "Open"),
    "closed": pgettext_lazy("holidays", "Closed"),
}
_WORKDAYS, _WEEKEND, _ALL = (0, 1, 2, 3, 4), (5, 6), tuple(range(7))


def time_of(minute: int) -> str:
    """Return a local minute of the day as a time in the reader's language."""
    return formatting.time_of_minute(minute)


def span_of(opens: int, closes: int) -> str:
    """Return a window as two times."""
    return f"{time_of(opens)}–{time_of(closes)}"


def days_of(rrule: str) -> str:
    """Return the days of a recurrence rule in words; another rule than weekdays unchanged."""
    try:
        days = recurrence.weekdays_of(rrule)
    except RuleError:
        return rrule
    if days is None:
        return rrule
    named = {
        _ALL: _("Every day"),
        _WORKDAYS: _("Monday to Friday"),
        _WEEKEND: _("Saturday and Sunday"),
    }
    if days in named:
        return named[days]
    if len(days) == 1:
        return str(WEEKDAYS[days[0]]).capitalize()
    return ", ".join(str(WEEKDAYS_ABBR[day]) for day in days)


def times_of(template: SlotTemplate) -> str:
    """Return the times of a template: the whole span and the length of a window."""
    span = span_of(template.opens_minute, template.closes_minute)
    if template.window_minutes is None:
        return span
    return _("%(span)s in windows of %(length)s") % {
        "span": span,
        "length": formatting.duration(template.window_minutes * 60),
    }


def cutoff_of(template: SlotTemplate) -> str:
    """Return the cut-off and the lead time of a template in words, "" without both."""
    parts = []
    if template.cutoff_minute is not None:
        time = time_of(template.cutoff_minute)
        if template.cutoff_days == 0:
            parts.append(_("Order by %(time)s on the same day") % {"time": time})
        elif template.cutoff_days == 1:
            parts.append(_("Order by %(time)s the day before") % {"time": time})
        else:
            text = ngettext(
                "Order by %(time)s, %(days)d day before",
                "Order by %(time)s, %(days)d days before",
                template.cutoff_days,
            )
            parts.append(text % {"time": time, "days": template.cutoff_days})
    if template.lead_minutes:
        length = formatting.duration(template.lead_minutes * 60)
        parts.append(_("At least %(length)s before the slot opens") % {"length": length})
    return ". ".join(parts)


def country_name(code: str) -> str:
    """Return the name of a country in the reader's language, or its code."""
    return formatting.current_locale().territories.get(code, code)


def terms_words(template: SlotTemplate, currency: str) -> list[str]:
    """Return the capacity and the prices of a template, one text each."""
    parts = []
    if template.capacity_orders is None:
        parts.append(_("No limit of orders"))
    else:
        text = ngettext("%(n)d order a slot", "%(n)d orders a slot", template.capacity_orders)
        parts.append(text % {"n": template.capacity_orders})
    parts.append(formatting.money(template.base_minor, currency))
    if template.surcharge_minor:
        amount = formatting.money(template.surcharge_minor, currency)
        parts.append(_("surcharge %(amount)s") % {"amount": amount})
    return parts
