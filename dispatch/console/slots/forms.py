"""The forms of templates, blackouts, holidays and slots.

``values()`` returns the keyword arguments of the service.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, ClassVar

from django import forms
from django.utils.dates import WEEKDAYS
from django.utils.translation import gettext as _g
from django.utils.translation import gettext_lazy as _

from dispatch.console.fields import HubField, from_minor, open_hubs, to_minor
from dispatch.console.slots import words
from dispatch.fleet.models import Hub, Zone
from dispatch.fleet.selectors import zones
from dispatch.slots.models import HolidayRule, Slot, SlotTemplate
from dispatch.slots.rules import calendars, recurrence
from dispatch.slots.rules.recurrence import RuleError
from lastmile.core import clock
from lastmile.core.http.forms import DateField, TimeInput, minute_of
from lastmile.core.tenancy import current_retailer
from tenants.permissions import Principal, visible

MIDNIGHT = 1440
#: A first template that most shops can use: two-hour windows, order by 18:00 the day before.
FIRST: Mapping[str, Any] = {
    "option": "window",
    "days": ["0", "1", "2", "3", "4"],
    "opens": dt.time(10),
    "closes": dt.time(20),
    "window_minutes": 120,
    "capacity_orders": 10,
    "cutoff_days": "1",
    "cutoff": dt.time(18),
    "opens_days_ahead": 14,
    "on_holidays": HolidayRule.CLOSED.value,
    "base": Decimal(0),
    "surcharge": Decimal(0),
}
_OPTIONAL_WHOLE: dict[str, Any] = {"required": False, "min_value": 0}


class _Money(forms.DecimalField):
    """An amount in the retailer's currency."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            min_value=0, max_digits=12, required=False,
            widget=forms.NumberInput(attrs={"step": "any"}), **kwargs,
        )  # fmt: skip


class _ZoneField(forms.ChoiceField):
    """A choice among zones; its value is the zone's row, or None for the whole hub."""

    def offer(self, rows: list[Zone]) -> None:
        """Set the zones that can be chosen, named with their hubs."""
        self._rows = {row.public_id: row for row in rows}
        named = [(row.public_id, f"{row.hub.name}: {row.name}") for row in rows]
        self.choices = [("", _g("Whole area of the hub")), *named]

    def clean(self, value: Any) -> Zone | None:
        """Return the chosen zone."""
        return self._rows.get(super().clean(value))


class _Terms(forms.Form):
    """The capacities and prices that templates and slots have."""

    capacity_orders = forms.IntegerField(
        label=_("Orders per slot"), help_text=_("Empty: no limit."), **_OPTIONAL_WHOLE
    )
    capacity_minutes = forms.IntegerField(
        label=_("Minutes of work per slot"),
        help_text=_("The time at the doors. Empty: no limit."),
        **_OPTIONAL_WHOLE,
    )
    capacity_kg = forms.DecimalField(
        label=_("Weight per slot, kg"), help_text=_("Empty: no limit."), **_OPTIONAL_WHOLE
    )
    capacity_litres = forms.DecimalField(
        label=_("Volume per slot, litres"), help_text=_("Empty: no limit."), **_OPTIONAL_WHOLE
    )
    base = _Money(label=_("Base price"))
    surcharge = _Money(
        label=_("Surcharge"), help_text=_("For a popular time. It stays when delivery is free.")
    )
    terms: ClassVar[dict[str, str]] = {
        "capacity_orders": "capacity_orders",
        "capacity_work_s": "capacity_minutes",
        "capacity_weight_g": "capacity_kg",
        "capacity_volume_cm3": "capacity_litres",
        "base_minor": "base",
        "surcharge_minor": "surcharge",
    }

    def terms_of(self, row: SlotTemplate | Slot) -> dict[str, Any]:
        """Return the initial values of an existing row's capacities and prices."""
        currency = current_retailer().currency
        return {
            "capacity_orders": row.capacity_orders,
            "capacity_minutes": None if row.capacity_work_s is None else row.capacity_work_s // 60,
            "capacity_kg": _thousandth(row.capacity_weight_g),
            "capacity_litres": _thousandth(row.capacity_volume_cm3),
            "base": from_minor(row.base_minor, currency),
            "surcharge": from_minor(row.surcharge_minor, currency),
        }

    def term_values(self) -> dict[str, Any]:
        """Return the columns of the capacities and prices."""
        cleaned, currency = self.cleaned_data, current_retailer().currency
        minutes = cleaned["capacity_minutes"]
        return {
            "capacity_orders": cleaned["capacity_orders"],
            "capacity_work_s": None if minutes is None else minutes * 60,
            "capacity_weight_g": _thousand(cleaned["capacity_kg"]),
            "capacity_volume_cm3": _thousand(cleaned["capacity_litres"]),
            "base_minor": to_minor(cleaned["base"], currency),
            "surcharge_minor": to_minor(cleaned["surcharge"], currency),
        }


def _thousandth(value: int | None) -> Decimal | None:
    return None if value is None else (Decimal(value) / 1000).normalize() + 0


def _thousand(value: Decimal | None) -> int | None:
    return None if value is None else round(value * 1000)


class TemplateForm(_Terms):
    """The form of a slot template: weekdays, or a recurrence rule for anything else."""

    name = forms.CharField(label=_("Name"), max_length=120)
    hub = HubField(label=_("Hub"))
    zone = _ZoneField(label=_("Zone"), required=False)
    option = forms.ChoiceField(label=_("Option"), choices=lambda: list(words.OPTIONS.items()))
    days = forms.MultipleChoiceField(
        label=_("Days"), required=False, widget=forms.CheckboxSelectMultiple,
        choices=lambda: [(str(n), str(WEEKDAYS[n]).capitalize()) for n in range(7)],
    )  # fmt: skip
    rrule = forms.CharField(
        label=_("Other days"),
        required=False,
        max_length=recurrence.LONGEST,
        help_text=_("Instead of weekdays: a recurrence rule (RFC 5545), FREQ=MONTHLY;BYDAY=1SA."),
    )
    starts_on = DateField(label=_("First date"))
    ends_on = DateField(label=_("Last date"), required=False, help_text=_("Empty: no end."))
    opens = forms.TimeField(label=_("First window starts"), widget=TimeInput())
    closes = forms.TimeField(
        label=_("Last window ends"), widget=TimeInput(), help_text=_("An earlier time: next day.")
    )
    window_minutes = forms.IntegerField(
        label=_("Minutes of a window"), required=False, min_value=5, max_value=MIDNIGHT,
        help_text=_("Empty: one window over the whole time."),
    )  # fmt: skip
    cutoff_days = forms.ChoiceField(
        label=_("Order at the latest"),
        choices=lambda: [
            ("", _g("No cut-off")),
            ("0", _g("On the same day")),
            ("1", _g("The day before")),
            *((str(n), _g("%(days)d days before") % {"days": n}) for n in range(2, 15)),
        ],
        required=False,
    )
    cutoff = forms.TimeField(
        label=_("at"), required=False, widget=TimeInput(), help_text=_("In the hub's time zone.")
    )
    lead_hours = forms.DecimalField(
        label=_("Lead time, hours"),
        required=False,
        min_value=0,
        max_value=1440,
        help_text=_("Shortest time before a slot starts. Empty: none."),
    )
    opens_days_ahead = forms.IntegerField(
        label=_("Days ahead"), min_value=1, max_value=90,
        help_text=_("Slots are opened this many days ahead."),
    )  # fmt: skip
    on_holidays = forms.ChoiceField(
        label=_("On public holidays"), choices=lambda: list(words.HOLIDAYS.items())
    )
    fields_by_pointer: ClassVar[dict[str, str]] = _Terms.terms | {
        "opens_minute": "opens",
        "closes_minute": "closes",
        "cutoff_minute": "cutoff",
        "lead_minutes": "lead_hours",
    }

    def __init__(
        self,
        principal: Principal,
        row: SlotTemplate | None = None,
        data: Any = None,
        *,
        copy: bool = False,
    ) -> None:
        self.row = row
        today = clock.local_date(clock.now(), current_retailer().zone)
        initial = dict(FIRST) | {"starts_on": today, "name": _g("Weekdays")}
        super().__init__(data, initial=self.initial_values(row) if row else initial)
        hub, zone = self.fields["hub"], self.fields["zone"]
        assert isinstance(hub, HubField)
        assert isinstance(zone, _ZoneField)
        offered = open_hubs(principal)
        hub.offer(offered if row is None or row.hub in offered else [row.hub, *offered])
        seen = visible(principal, zones().filter(active=True, hub__active=True))
        own = [row.zone] if row is not None and row.zone is not None else []
        zone.offer(list(dict.fromkeys([*own, *seen.order_by("hub__name", "name")])))
        if row is not None and not copy:
            self.fields["active"] = forms.BooleanField(label=_("Active"), required=False)
            self.initial["active"] = row.active
        if copy and row is not None:
            self.initial["name"] = _g("Copy of %(name)s") % {"name": row.name}

    def initial_values(self, row: SlotTemplate) -> dict[str, Any]:
        """Return the form's initial values for an existing template."""
        days = recurrence.weekdays_of(row.rrule)
        plain = ("name", "option", "starts_on", "ends_on", "window_minutes", "opens_days_ahead",
                 "on_holidays")  # fmt: skip
        cutoff = row.cutoff_minute
        return {name: getattr(row, name) for name in plain} | self.terms_of(row) | {
            "hub": row.hub.public_id,
            "zone": row.zone.public_id if row.zone else "",
            "days": [str(day) for day in days or ()],
            "rrule": row.rrule if days is None else "",
            "opens": _time(row.opens_minute),
            "closes": _time(row.closes_minute),
            "cutoff_days": "" if cutoff is None else str(row.cutoff_days),
            "cutoff": None if cutoff is None else _time(cutoff),
            "lead_hours": None if row.lead_minutes is None
            else (Decimal(row.lead_minutes) / 60).normalize() + 0,
        }  # fmt: skip

    def clean(self) -> dict[str, Any]:
        """Check that days are chosen, and that a cut-off has its day and its time."""
        values: dict[str, Any] = super().clean() or {}
        rule = str(values.get("rrule") or "").strip()
        if not rule and not values.get("days") and "days" not in self.errors:
            self.add_error("days", _g("Choose at least one day."))
        if rule:
            try:
                recurrence.check(rule)
            except RuleError:
                self.add_error("rrule", _g("This is no recurrence rule of whole days. Correct it."))
        has_time = values.get("cutoff") is not None
        if values.get("cutoff_days") and not has_time and "cutoff" not in self.errors:
            self.add_error("cutoff", _g("Enter the time of the cut-off."))
        if has_time and not values.get("cutoff_days"):
            self.add_error("cutoff_days", _g("Choose the day of the cut-off."))
        return values

    def values(self) -> dict[str, Any]:
        """Return the keyword arguments of the services of templates."""
        cleaned = self.cleaned_data
        opens, closes = minute_of(cleaned["opens"]) or 0, minute_of(cleaned["closes"]) or 0
        rule = str(cleaned["rrule"]).strip()
        same = ("name", "hub", "zone", "option", "starts_on", "ends_on", "window_minutes",
                "opens_days_ahead", "on_holidays")  # fmt: skip
        lead = cleaned["lead_hours"]
        values = {name: cleaned[name] for name in same} | self.term_values()
        values |= {
            "rrule": rule or recurrence.rule_of([int(day) for day in cleaned["days"]]),
            "opens_minute": opens,
            "closes_minute": closes if closes > opens else closes + MIDNIGHT,
            "cutoff_minute": minute_of(cleaned["cutoff"]),
            "cutoff_days": int(cleaned["cutoff_days"] or 0),
            "lead_minutes": None if lead is None else round(lead * 60),
        }
        if "active" in cleaned:
            values["active"] = cleaned["active"]
        return values


def _time(minute: int) -> dt.time:
    return dt.time(minute % MIDNIGHT // 60, minute % 60)


class SlotForm(_Terms):
    """The form of the capacity and the prices of one slot."""

    fields_by_pointer: ClassVar[dict[str, str]] = _Terms.terms

    def __init__(self, slot: Slot, data: Any = None) -> None:
        super().__init__(data, initial=self.terms_of(slot))

    def values(self) -> dict[str, Any]:
        """Return the keyword arguments of the service."""
        return self.term_values()


class BlackoutForm(forms.Form):
    """The form of a blackout: dates, never instants."""

    first_on = DateField(label=_("First date"))
    last_on = DateField(
        label=_("Last date"), required=False, help_text=_("Empty: the first date only.")
    )
    hub = HubField(label=_("Hub"), required=False)
    option = forms.ChoiceField(
        label=_("Option"), required=False,
        choices=lambda: [("", _g("All options")), *words.OPTIONS.items()],
    )  # fmt: skip
    reason = forms.CharField(label=_("Reason"), max_length=120, required=False)

    def __init__(self, principal: Principal, data: Any = None) -> None:
        super().__init__(data)
        hub = self.fields["hub"]
        assert isinstance(hub, HubField)
        hub.offer(open_hubs(principal), empty=_g("All hubs") if principal.hubs is None else "")
        hub.required = principal.hubs is not None

    def values(self) -> dict[str, Any]:
        """Return the keyword arguments of the service."""
        cleaned = dict(self.cleaned_data)
        return cleaned | {"last_on": cleaned["last_on"] or cleaned["first_on"]}


class CalendarForm(forms.Form):
    """The form of the public holidays of a hub."""

    country = forms.ChoiceField(label=_("Country"), required=False)
    subdivision = forms.ChoiceField(label=_("Region"), required=False)

    def __init__(self, hub: Hub, country: str, subdivision: str, data: Any = None) -> None:
        super().__init__(data, initial={"country": country, "subdivision": subdivision})
        known = calendars.supported()
        chosen = str((data or {}).get("country", country))
        listed = sorted((words.country_name(code), code) for code in known)
        self._offer("country", [("", _g("No public holidays")),
                                *((code, name) for name, code in listed)])  # fmt: skip
        self._offer("subdivision", [("", _g("Whole country")),
                                    *((part, part) for part in known.get(chosen, ()))])  # fmt: skip

    def _offer(self, name: str, choices: list[tuple[str, str]]) -> None:
        field = self.fields[name]
        assert isinstance(field, forms.ChoiceField)
        field.choices = choices
