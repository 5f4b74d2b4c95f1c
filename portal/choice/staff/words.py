"""Texts for staff: options, and the rule or constraint that excludes a slot, by name."""

from __future__ import annotations

from django.utils.functional import Promise as Lazy
from django.utils.translation import gettext_lazy as _

OPTIONS: dict[str, str | Lazy] = {
    "window": _("Home delivery"),
    "curbside": _("Curbside pickup"),
    "locker": _("Locker"),
    "hub": _("Pickup at the hub"),
}
#: Code of ``NotOffered.reason`` -> the rule or the binding constraint.
WHY: dict[str, str | Lazy] = {
    "closed": _("Closed: a person, a blackout, a holiday or a changed template closed the slot."),
    "passed": _("Cut-off or lead time: the slot can no longer be booked."),
    "orders": _("Capacity of the slot: all places for orders are taken."),
    "work_s": _("Capacity of the slot: its minutes of work are used up."),
    "weight_g": _("Capacity of the slot: its weight is used up."),
    "volume_cm3": _("Capacity of the slot: its volume is used up."),
    "checkouts": _("Policy: checkouts already hold their share of the slot."),
    "too_large": _("Vehicles: the parcels are larger than every vehicle that may serve them."),
    "return": _("Option: this slot takes no returns."),
    "not_ready": _("Planning: the day is being prepared. Try again in a minute."),
    "no_shift": _("Shifts: no vehicle works on this day."),
    "shift": _("Shifts: no shift can reach the address in this window, even without other orders."),
    "capacity": _("Vehicles: those with time for the order are full."),
    "window": _("Routes: no time in this window, but at another time of the day."),
    "time": _("Routes: no time left on this day."),
    "skills": _("Skills: no vehicle on shift has the skills that the order needs."),
    "outside_network": _("Streets: the address is outside the street network of the hub."),
    "unreachable": _("Streets: no vehicle on shift can reach the address."),
    "no_room": _("Routes: no vehicle has room in this window."),
}
#: Code of ``why_no_slots`` -> the cause that no slot exists on the days at all.
NO_SLOTS: dict[str, str | Lazy] = {
    "past": _("These days are over."),
    "too_far": _("These days are further ahead than shoppers can book. The policy sets how far."),
    "no_template": _("Templates: no active template opens slots for this zone."),
    "no_date": _("Templates: those of this zone open no slots on these days."),
    "blackout": _("Closed days: a blackout covers these days."),
    "holiday": _("Public holidays: the templates open no slots on them."),
    "hub_closed": _("Opening hours: the hub is closed in the windows of the templates."),
    "no_such_time": _("Change of the clocks: the windows of the templates do not exist."),
    "not_open": _("Templates: they open the slots of these days later."),
    "passed": _("All windows of these days have begun."),
}
