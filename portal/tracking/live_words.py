"""The words about a vehicle on its way: stops before the shopper's, and how far it is."""

from __future__ import annotations

from typing import Final

from django.utils.functional import Promise as Lazy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from dispatch.live.approach import ShownPlace
from dispatch.orders.wording import clock_words
from lastmile.core import formatting
from lastmile.core.geo import Point, distance_m

Words = str | Lazy
#: The numbers of stops that are written as words. Larger ones are written in digits.
_NUMBERS: Final[tuple[Words, ...]] = (
    "",
    "",
    gettext_lazy("two"),
    gettext_lazy("three"),
    gettext_lazy("four"),
    gettext_lazy("five"),
    gettext_lazy("six"),
    gettext_lazy("seven"),
    gettext_lazy("eight"),
    gettext_lazy("nine"),
)
#: Distances below a kilometre are rounded to the grid of the shown positions.
_STEP_M: Final = 50


def stops_away(before: int) -> str:
    """Return the number of open stops before the shopper's as a part of a sentence."""
    if not before:
        return _("you are the next stop")
    words = ngettext("one stop away", "%(number)s stops away", before)
    number = _NUMBERS[before] if before < len(_NUMBERS) else formatting.number(before)
    return words % {"number": number}


def where_words(place: ShownPlace, door: Point) -> str:
    """Return the sentence that tells what the map shows: how far from the door, and when."""
    metres = distance_m(Point(lat=place.lat, lon=place.lon), door)
    rounded_m = max(_STEP_M, round(metres / _STEP_M) * _STEP_M)
    return _("About %(distance)s from your address, seen at %(time)s.") % {
        "distance": formatting.distance(rounded_m),
        "time": clock_words(place.at),
    }
