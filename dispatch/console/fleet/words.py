"""Texts of the fleet: vehicle types, energies, emission classes, opening hours and money."""

from __future__ import annotations

import re
from collections.abc import Sequence

from django.utils.dates import WEEKDAYS
from django.utils.functional import Promise as Lazy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from lastmile.core.errors import Invalid

Words = str | Lazy

PROFILES: dict[str, Words] = {
    "van": gettext_lazy("Van"),
    "e_van": gettext_lazy("Electric van"),
    "cargo_bike": gettext_lazy("Cargo bike"),
    "foot": gettext_lazy("On foot"),
}
ENERGIES: dict[str, Words] = {
    "diesel": gettext_lazy("Diesel"),
    "petrol": gettext_lazy("Petrol"),
    "electric": gettext_lazy("Electric"),
    "muscle": gettext_lazy("Human-powered"),
}
CLASSES: dict[str, Words] = {
    "van": gettext_lazy("Van, average up to 3.5 t"),
    "van_1": gettext_lazy("Small van, up to 1.3 t"),
    "van_2": gettext_lazy("Medium van, up to 1.7 t"),
    "van_3": gettext_lazy("Large van, up to 3.5 t"),
    "cargo_bike": gettext_lazy("Cargo bike"),
    "foot": gettext_lazy("On foot"),
}
_SPAN = re.compile(r"(\d{1,2}):(\d{2})\s*[-–]\s*(\d{1,2}):(\d{2})")


def day_name(day: int) -> str:
    """Return the name of a weekday; 0 is Monday."""
    return str(WEEKDAYS[day]).capitalize()


def hours_words(spans: Sequence[Sequence[int]]) -> str:
    """Return a day's opening hours as ``06:00-22:00, …``; empty if the hub is closed."""
    return ", ".join(f"{_time(opens)}-{_time(closes)}" for opens, closes in spans)


def _time(minute: int) -> str:
    past = minute if minute == 1440 else minute % 1440
    return f"{past // 60:02d}:{past % 60:02d}"


def hours_read(text: str) -> list[list[int]]:
    """Read opening hours as ``hours_words`` writes them.

    A closing time at or before the opening time is on the next day. Raises Invalid, with the
    expected format in its message.
    """
    spans = []
    for part in filter(None, (piece.strip() for piece in re.split(r"[,;]", text))):
        match = _SPAN.fullmatch(part)
        numbers = [int(n) for n in match.groups()] if match else [99, 0, 99, 0]
        opens, closes = numbers[0] * 60 + numbers[1], numbers[2] * 60 + numbers[3]
        if opens >= 1440 or closes > 1440 or numbers[1] > 59 or numbers[3] > 59:
            raise Invalid(_("Enter hours as 06:00-22:00. Separate several with commas."))
        spans.append([opens, closes if closes > opens else closes + 1440])
    return spans
