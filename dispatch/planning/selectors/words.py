"""Texts in the reader's language: reasons of unserved orders, violations, and needs."""

from __future__ import annotations

import math
from collections.abc import Mapping

from django.utils.translation import gettext_lazy as _

from dispatch.roads.network import SNAP_LIMIT_M
from lastmile.core import formatting

UNSERVED: dict[str, tuple[object, object]] = {
    # code: (why, what to do)
    "no_shift": (
        _("No vehicle with a shift on this day is allowed to deliver it."),
        _("Add a shift, or allow one of the vehicles to deliver it."),
    ),
    "no_skill": (
        _("No vehicle or driver of this day has these skills: %(skills)s."),
        _("Add a shift with these skills, or remove the requirement from the order."),
    ),
    "too_heavy": (
        _("It exceeds the capacity of the largest vehicle of this day (%(dimension)s)."),
        _("Add a larger vehicle, or split the order."),
    ),
    "no_way": (
        _("No vehicle of this day has a way to its place and back."),
        _("Move the pin if it is wrong. If it is right, deliver the order in another way."),
    ),
    "window_impossible": (
        _("No vehicle can arrive in its time window, even without other stops."),
        _("Agree on another time window, or start a shift earlier."),
    ),
    "out_of_range": (
        _("It is too far away for the range or the shift of every vehicle of this day."),
        _("Use another hub, or a vehicle with more range or a longer shift."),
    ),
    "far_from_hub": (
        _("Its pin is %(km)s km from the hub. No vehicle can drive there and back."),
        _(
            "Check the pin: latitude and longitude may be swapped. If it is wrong, move it. If it "
            "is right, use another hub."
        ),
    ),
    "no_street": (
        _("Its pin is %(away)s from the nearest street that a vehicle of this day can reach."),
        _(
            "Move the pin to the entrance. If the pin is right, check the street map, or send "
            "another kind of vehicle."
        ),
    ),
    "across_water": (
        _("There is water between its pin and every near street that a vehicle can reach."),
        _("Move the pin if it is wrong. If it is right, deliver the order in another way."),
    ),
    "cut_off": (
        _("No street connects its place with the hub: the street at its pin is cut off."),
        _(
            "Move the pin if it is wrong. If the street is new, ask the operator to build the "
            "street network from a newer map."
        ),
    ),
    "no_capacity_left": (
        _("A vehicle could deliver it alone, but it does not fit with the orders on the routes."),
        _("Add a shift, agree on a wider time window, or remove another order from its route."),
    ),
    "not_worth": (
        _("Delivering it would cost more than the penalty for leaving it out."),
        _("Raise the penalty, or put the order on a route by hand."),
    ),
    "time_up": (
        _("The planning time ended before a place for it was found."),
        _("Plan again with more time, or put the order on a route by hand."),
    ),
    "left_out": (
        _("It fits on a route, but nobody has put it there yet."),
        _("Put it on a route. The cheapest places are suggested."),
    ),
    "route_left": (
        _("Its vehicle left before the order was on the published route."),
        _("Agree on another time with the shopper, or add a shift."),
    ),
    "by_hand": (
        _("Someone removed it from its route."),
        _("Put it back on a route, or plan the day again."),
    ),
}

OUT_OF_REACH: object = _(
    "It is %(km)s km from the hub. That is too far for the range or the shift of every vehicle."
)

DIMENSIONS: dict[str, object] = {
    "weight_g": _("weight"),
    "volume_cm3": _("volume"),
    "parcels": _("number of parcels"),
}

VIOLATIONS: dict[str, object] = {
    "window": _("Service begins %(minutes)s min outside the time window."),
    "capacity": _("Exceeds the capacity of the vehicle by %(amount)s (%(dimension)s)."),
    "skill": _("The vehicle and its driver lack a skill that the order requires."),
    "vehicle": _("This vehicle is not allowed to deliver it."),
    "shift": _("The route runs %(minutes)s min outside the shift."),
    "duration": _("The route takes %(minutes)s min longer than allowed."),
    "range": _("The route exceeds the range of the vehicle by %(km)s km."),
    "break": _("The break cannot be taken at its set time."),
    "travel": _("The vehicle cannot arrive at the planned time."),
}
LEG_NOTES: dict[str, object] = {
    "walk": _("The last %(metres)s m are on foot: %(minutes)s min each way."),
    "ferry": _("Ferry %(name)s: %(minutes)s min. Its departure times are not known."),
    "ferry_without_name": _("Ferry: %(minutes)s min. Its departure times are not known."),
}
NEEDS: dict[str, object] = {
    "window_later": _("End its time window %(minutes)s min later."),
    "window_earlier": _("Begin its time window %(minutes)s min earlier."),
    "release": _("Have its goods ready %(minutes)s min earlier."),
    "break_later": _("Begin the break of %(vehicle)s %(minutes)s min later."),
    "break_earlier": _("Begin the break of %(vehicle)s %(minutes)s min earlier."),
    "shift_later": _("End the shift of %(vehicle)s %(minutes)s min later."),
    "shift_earlier": _("Begin the shift of %(vehicle)s %(minutes)s min earlier."),
    "start_later": _("Allow %(vehicle)s to start %(minutes)s min later."),
    "duration": _("Allow %(vehicle)s %(minutes)s min more of working time."),
    "distance": _("Allow %(vehicle)s %(km)s km more of driving."),
    "battery": _("Give %(vehicle)s a battery that lasts %(km)s km longer."),
    "capacity": _("Increase the capacity of %(vehicle)s by %(amount)s (%(dimension)s)."),
    "stops": _("Allow %(vehicle)s more stops: %(by)s."),
    "trips": _("Allow %(vehicle)s more trips: %(by)s."),
    "skill": _("Give %(vehicle)s or its driver the skill %(what)s."),
    "vehicle": _("Allow %(vehicle)s to deliver it."),
    "apart": _("Allow it on the same trip as order %(order)s."),
    "together": _("Allow it on another vehicle than order %(order)s."),
    "loaded": _("Load its goods onto %(vehicle)s."),
    "prefix": _("Allow changes to committed stops of %(vehicle)s: %(by)s."),
    "committed": _("Remove it from the committed stops of %(vehicle)s."),
    "another_vehicle": _("Add one more vehicle like %(vehicle)s."),
    "price": _("Raise the penalty for leaving it out by %(money)s."),
}
NEEDS_OF_ANOTHER: dict[str, object] = {
    "window_later": _("End the time window of order %(order)s %(minutes)s min later."),
    "window_earlier": _("Begin the time window of order %(order)s %(minutes)s min earlier."),
}
# Load dimension -> (units per displayed unit, displayed unit).
SCALES = {"weight_g": (1000, "kg"), "volume_cm3": (1000, "l"), "parcels": (1, "")}


def say_unserved(reason: str, params: Mapping[str, object]) -> tuple[str, str]:
    """Return the reason and the remedy for an unserved order, as two texts."""
    why, remedy = UNSERVED[reason]
    if reason == "out_of_range" and "distance_m" in params:
        why = OUT_OF_REACH
    values = {
        **_readable(params),
        "km": formatting.number(int(str(params.get("distance_m", 0))) / 1000),
        "away": _away(int(str(params.get("away_m", 0)))),
    }
    return str(why) % values, str(remedy) % values


def _away(metres: int) -> str:
    """Return a distance from a street; beyond the limit of the search it is not known."""
    if metres >= SNAP_LIMIT_M:
        limit = formatting.number(SNAP_LIMIT_M / 1000, 0)
        return str(_("more than %(km)s km") % {"km": limit})
    return f"{formatting.number(metres)} m"


def say_leg_note(note: Mapping[str, object]) -> str:
    """Return the sentence of something special on the way to a stop."""
    code = str(note["code"])
    if code == "ferry" and not note["name"]:
        code = "ferry_without_name"
    return str(LEG_NOTES[code]) % {
        "name": note.get("name", ""),
        "metres": formatting.number(int(str(note.get("distance_m", 0)))),
        "minutes": -(-int(str(note["duration_s"])) // 60),
    }


def say_violation(code: str, params: Mapping[str, object]) -> str:
    """Return the sentence of a violation. ``by`` is in s, m or the unit of the load dimension."""
    by = int(str(params.get("by", 0)))
    scale, unit = SCALES.get(str(params.get("dimension", "")), (1, ""))
    amount = f"{formatting.number(by / scale, 3, trim=True)} {unit}".strip()
    values = {
        **params,
        "minutes": -(-by // 60),
        "km": formatting.number(by / 1000, 1),
        "amount": amount,
    }
    return str(VIOLATIONS[code]) % _readable(values)


def say_need(kind: str, params: Mapping[str, object]) -> str:
    """Return the sentence of a need, which is a rule that would have to change.

    ``by`` is in s, m, minor units or a load's unit.
    """
    by = int(str(params.get("by", 0)))
    scale, unit = SCALES.get(str(params.get("dimension", "")), (1, ""))
    amount = f"{formatting.number(math.ceil(by * 10 / scale) / 10, 1, trim=True)} {unit}".strip()
    values = {
        **params,
        "minutes": -(-by // 60),
        "km": formatting.number(math.ceil(by / 100) / 10, 1),
    }
    values |= {"amount": amount, "money": formatting.money(by, str(params.get("currency", "EUR")))}
    words = NEEDS_OF_ANOTHER if params.get("of_another") and kind in NEEDS_OF_ANOTHER else NEEDS
    return str(words[kind]) % _readable(values)


def _readable(params: Mapping[str, object]) -> dict[str, object]:
    values = dict(params)
    if "dimension" in values:
        values["dimension"] = DIMENSIONS.get(str(values["dimension"]), values["dimension"])
    skills = values.get("skills")
    if isinstance(skills, list | tuple):
        values["skills"] = ", ".join(str(skill) for skill in skills)
    return values
