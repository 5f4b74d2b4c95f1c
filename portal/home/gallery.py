"""The invented examples of the page ``/design/``, which shows every component."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, time
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from lastmile.core.statuses import statuses

SETS = (("light", _("Light")), ("dark", _("Dark")), ("contrast", _("High contrast")))
FRAMES = ("shopper", "driver")  # base templates besides the one for staff
EXAMPLE_PERSON = {"name": "Rosa Díaz", "street": "Calle Mayor 3"}
BARS = (("Van 1", 42.0), ("Van 2", 38.5), ("E-van 1", 51.2), ("Bike 3", 12.4))
WEEK = (("Mon", 4.1), ("Tue", 3.9), ("Wed", 4.4), ("Thu", 3.6), ("Fri", 3.4), ("Sat", 3.5))
INTERVAL = ((3.8, 4.4), (3.6, 4.2), (4.1, 4.7), (3.3, 3.9), (3.1, 3.7), (3.2, 3.8))
SHIFTS = (
    ("Ana", ((480, 500, "drive"), (500, 720, ""), (720, 750, "pause"), (750, 960, ""))),
    ("Luis", ((540, 800, ""), (800, 830, "pause"), (830, 1010, ""), (1010, 1050, "warn"))),
    ("Eva", ((600, 780, ""), (780, 840, "pause"), (840, 1080, ""))),
)
HOURS = (
    ("08", 3.0),
    ("10", 14.0),
    ("12", 30.0),
    ("14", 9.0),
    ("16", 20.0),
    ("18", 16.0),
    ("20", 4.0),
)


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the example table."""

    number: int
    name: str
    state: str
    stops: int
    distance_m: int
    load: int


ROWS = (
    Row(1, "Ana · Van 1", "on_time", 42, 61_400, 86),
    Row(2, "Luis · E-van 1", "at_risk", 38, 48_900, 97),
    Row(3, "Eva · Bike 3", "late", 19, 12_300, 104),
    Row(12, "Iris · Van 4", "planned", 24, 33_800, 61),
)


class ExampleForm(forms.Form):
    """A form with every kind of field; one value is not valid."""

    name = forms.CharField(label=_("Name"), help_text=_("As written at the door."))
    weight = forms.IntegerField(label=_("Weight"), min_value=1)
    kind = forms.ChoiceField(
        label=_("Vehicle type"), choices=[("van", _("Van")), ("bike", _("Cargo bike"))]
    )
    day = forms.DateField(
        label=_("Day"), initial=date(2026, 11, 23), widget=forms.DateInput({"type": "date"})
    )
    opens = forms.TimeField(
        label=_("From"), initial=time(14), widget=forms.TimeInput({"type": "time"})
    )
    cold = forms.BooleanField(label=_("Keep cold"), required=False)
    note = forms.CharField(label=_("Note"), widget=forms.Textarea({"rows": 2}), required=False)


def panels() -> list[dict[str, Any]]:
    """Return one panel for each theme, each with its own form, so that HTML ids are unique."""
    result: list[dict[str, Any]] = []
    for code, name in SETS:
        values = {"name": "Rosa Díaz", "weight": "0", "kind": "van", "day": "2026-11-23"}
        data = {f"{code}-{name}": value for name, value in [*values.items(), ("opens", "14:00")]}
        form = ExampleForm(data, prefix=code)
        form.is_valid()
        result.append({"code": code, "name": name, "form": form})
    return result


def examples() -> dict[str, Any]:
    """Return the template context of the page ``/design/``."""
    return {
        "panels": panels(), "statuses": list(statuses()), "rows": ROWS, "bars": BARS, "week": WEEK,
        "interval": INTERVAL, "shifts": SHIFTS, "hours": HOURS, "routes": range(1, 17),
    }  # fmt: skip
