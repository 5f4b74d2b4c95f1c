"""Why an order is unserved and what a plan breaks, in the reader's language."""

from __future__ import annotations

import math
from collections.abc import Mapping

from django.utils.translation import gettext_lazy as _

from lastmile.core import formatting

UNSERVED: dict[str, tuple[object, object]] = {
    # code: (why, what to do)
    "no_shift": (
        _("No shift of the day may carry it."),
        _("Add a shift, or allow one of the vehicles for it."),
    ),
    "no_skill": (
        _("No vehicle or driver of the day has: %(skills)s."),
        _(
            "Give a shift to a vehicle or driver that has it, or take the requirement off the order."
        ),
    ),
    "too_heavy": (
        _("It is more than the largest vehicle of the day can carry (%(dimension)s)."),
        _("Add a larger vehicle, or split the order."),
    ),
    "window_impossible": (
        _("No vehicle can be there in its window, even with nothing else to do."),
        _("Agree another window, or begin a shift earlier."),
    ),
    "out_of_range": (
        _("It lies beyond the range or the hours of every vehicle of the day."),
        _("Use another hub or a vehicle with more range or a longer shift."),
    ),
    "far_from_hub": (
        _("Its place on the map is %(km)s km from the hub: no vehicle can go there and back."),
        _(
            "Check the place. If it is wrong, move it on the map; latitude and longitude may be "
            "in each other's place. If it is right, use another hub."
        ),
    ),
    "no_capacity_left": (
        _("It fits a vehicle alone, but not beside the orders that are already on the routes."),
        _("Add a shift, widen its window, or take another order off."),
    ),
    "not_worth": (
        _("Carrying it would cost more than leaving it is worth."),
        _("Raise the price of leaving it, or put it on a route by hand."),
    ),
    "time_up": (
        _("The time for planning was up before a place for it was found, or why there is none."),
        _("Plan again with more time, or put it on a route by hand."),
    ),
    "left_out": (
        _("It fits on a route, and nobody has put it there."),
        _("Put it on a route; the cheapest places are offered."),
    ),
    "by_hand": (
        _("A person took it off its route."),
        _("Put it back on a route, or plan the day again."),
    ),
}

OUT_OF_REACH: object = _(
    "It is %(km)s km from the hub: beyond the range or the hours of every vehicle of the day."
)

DIMENSIONS: dict[str, object] = {
    "weight_g": _("weight"),
    "volume_cm3": _("volume"),
    "parcels": _("number of parcels"),
}

VIOLATIONS: dict[str, object] = {
    "window": _("Begins %(minutes)s min outside its window."),
    "capacity": _("Carries too much for the vehicle (%(dimension)s, by %(amount)s)."),
    "skill": _("The vehicle and its driver lack what the order asks for."),
    "vehicle": _("This vehicle may not carry it."),
    "shift": _("Works %(minutes)s min outside the shift."),
    "duration": _("Works %(minutes)s min longer than it may."),
    "range": _("Drives %(km)s km more than the vehicle's range."),
    "break": _("The break cannot be held in its time."),
    "travel": _("Cannot be there in time."),
}
NEEDS: dict[str, object] = {
    "window_later": _("A window that ends %(minutes)s min later."),
    "window_earlier": _("A window that begins %(minutes)s min earlier."),
    "release": _("Goods that are ready %(minutes)s min earlier."),
    "break_later": _("On %(vehicle)s: a break that begins %(minutes)s min later."),
    "break_earlier": _("On %(vehicle)s: a break that begins %(minutes)s min earlier."),
    "shift_later": _("On %(vehicle)s: %(minutes)s min of overtime."),
    "shift_earlier": _("On %(vehicle)s: a shift that begins %(minutes)s min earlier."),
    "start_later": _("On %(vehicle)s: a latest start that is %(minutes)s min later."),
    "duration": _("On %(vehicle)s: %(minutes)s min more of working time."),
    "distance": _("On %(vehicle)s: %(km)s km more of range."),
    "battery": _("On %(vehicle)s: %(km)s km more in the battery."),
    "capacity": _("On %(vehicle)s: room for %(amount)s more (%(dimension)s)."),
    "stops": _("On %(vehicle)s: %(by)s more stops than it may make."),
    "trips": _("On %(vehicle)s: %(by)s more trips than it may make."),
    "skill": _("On %(vehicle)s: the skill %(what)s."),
    "vehicle": _("Leave for %(vehicle)s to carry it."),
    "apart": _("Leave to share a trip with order %(order)s."),
    "together": _("Leave to travel without order %(order)s."),
    "loaded": _("On %(vehicle)s: its goods on board."),
    "prefix": _("On %(vehicle)s: %(by)s committed stops that may move."),
    "committed": _("On %(vehicle)s: that it is no committed stop there."),
    "another_vehicle": _("One more vehicle like %(vehicle)s."),
    "price": _("A price for leaving it out that is %(money)s higher."),
}
NEEDS_OF_ANOTHER: dict[str, object] = {
    "window_later": _("A window that ends %(minutes)s min later for order %(order)s."),
    "window_earlier": _("A window that begins %(minutes)s min earlier for order %(order)s."),
}
# A dimension of loads -> how many of its unit make one of the unit that is said.
SCALES = {"weight_g": (1000, "kg"), "volume_cm3": (1000, "l"), "parcels": (1, "")}


def say_unserved(reason: str, params: Mapping[str, object]) -> tuple[str, str]:
    """Return (why, what to do) for an unserved order."""
    why, remedy = UNSERVED[reason]
    if reason == "out_of_range" and "distance_m" in params:
        why = OUT_OF_REACH
    spoken = {
        **_spoken(params),
        "km": formatting.number(int(str(params.get("distance_m", 0))) / 1000),
    }
    return str(why) % spoken, str(remedy) % spoken


def say_violation(code: str, params: Mapping[str, object]) -> str:
    """Return the sentence for one violation; ``by`` is in its own unit (s, m, of a dimension)."""
    by = int(str(params.get("by", 0)))
    scale, unit = SCALES.get(str(params.get("dimension", "")), (1, ""))
    amount = f"{formatting.number(by / scale, 3, trim=True)} {unit}".strip()
    said = {
        **params,
        "minutes": -(-by // 60),
        "km": formatting.number(by / 1000, 1),
        "amount": amount,
    }
    return str(VIOLATIONS[code]) % _spoken(said)


def say_need(kind: str, params: Mapping[str, object]) -> str:
    """Return what would have to give way; ``by`` is in its own unit (s, m, minor units, …)."""
    by = int(str(params.get("by", 0)))
    scale, unit = SCALES.get(str(params.get("dimension", "")), (1, ""))
    amount = f"{formatting.number(math.ceil(by * 10 / scale) / 10, 1, trim=True)} {unit}".strip()
    said = {**params, "minutes": -(-by // 60), "km": formatting.number(math.ceil(by / 100) / 10, 1)}
    said |= {"amount": amount, "money": formatting.money(by, str(params.get("currency", "EUR")))}
    words = NEEDS_OF_ANOTHER if params.get("of_another") and kind in NEEDS_OF_ANOTHER else NEEDS
    return str(words[kind]) % _spoken(said)


def _spoken(params: Mapping[str, object]) -> dict[str, object]:
    said = dict(params)
    if "dimension" in said:
        said["dimension"] = DIMENSIONS.get(str(said["dimension"]), said["dimension"])
    skills = said.get("skills")
    if isinstance(skills, list | tuple):
        said["skills"] = ", ".join(str(skill) for skill in skills)
    return said
