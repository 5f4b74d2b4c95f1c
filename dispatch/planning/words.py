"""Why an order is unserved and what a plan breaks, in the reader's language."""

from __future__ import annotations

from collections.abc import Mapping

from django.utils.translation import gettext_lazy as _

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
    "no_capacity_left": (
        _("It fits a vehicle alone, but not beside the orders that are already on the routes."),
        _("Add a shift, widen its window, or take another order off."),
    ),
    "by_hand": (
        _("A person took it off its route."),
        _("Put it back on a route, or plan the day again."),
    ),
}

DIMENSIONS: dict[str, object] = {
    "weight_g": _("weight"),
    "volume_cm3": _("volume"),
    "parcels": _("number of parcels"),
}

VIOLATIONS: dict[str, object] = {
    "late": _("Begins %(minutes)s min after its window closes."),
    "capacity": _("Carries more than the vehicle can (%(dimension)s: %(load)s of %(capacity)s)."),
    "skill": _("The vehicle and driver lack: %(skills)s."),
    "not_allowed": _("This vehicle may not carry it."),
    "shift": _("Ends %(minutes)s min after the shift."),
    "shift_start": _("Leaves %(minutes)s min before the shift begins."),
    "break": _("The break cannot be held in its time."),
    "range": _("Drives %(km)s km; the vehicle's range is %(most_km)s km."),
    "duration": _("Takes longer than the route may."),
}


def say_unserved(reason: str, params: Mapping[str, object]) -> tuple[str, str]:
    """Return (why, what to do) for an unserved order."""
    why, remedy = UNSERVED[reason]
    return str(why) % _spoken(params), str(remedy) % _spoken(params)


def say_violation(code: str, params: Mapping[str, object]) -> str:
    """Return the sentence for one violation."""
    return str(VIOLATIONS[code]) % _spoken(params)


def _spoken(params: Mapping[str, object]) -> dict[str, object]:
    said = dict(params)
    if "dimension" in said:
        said["dimension"] = DIMENSIONS.get(str(said["dimension"]), said["dimension"])
    if isinstance(said.get("skills"), list | tuple):
        said["skills"] = ", ".join(str(s) for s in said["skills"])  # type: ignore[union-attr]
    return said
