"""Texts of the locker pages."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from lockers.words import RESERVATIONS

KINDS = {
    "own": _("Own lockers"),
    "vendor": _("Lockers of a network"),
    "counter": _("Counter"),
}
CAPABILITIES = {
    "cooled": _("Cooled compartments"),
    "low_doors": _("Low doors"),
    "printer": _("Label printer"),
    "screen": _("Screen"),
    "scanner": _("Scanner"),
}
#: State of a compartment -> icon, word.
BOXES = {
    "free": ("circle", pgettext_lazy("compartment", "Free")),
    "held": ("clock", pgettext_lazy("compartment", "Held")),
    "occupied": ("package", pgettext_lazy("compartment", "Occupied")),
    "unknown": ("circle-alert", pgettext_lazy("compartment", "Unknown")),
    "blocked": ("ban", pgettext_lazy("compartment", "Blocked")),
}
DOORS = {
    "closed": _("door closed"),
    "open": _("door open"),
    "unknown": _("door not known"),
}
#: State of a reservation -> what a person at the door is told.
HINTS = {
    "queued": _("No compartment is free yet. The shopper can wait or choose another bank."),
    "soft_held": _("The compartment is kept for some minutes while the shopper chooses."),
    "hard_held": _("The compartment is kept. The parcel has not arrived yet."),
    "awaiting_deposit": _("The parcel is on its way. There is nothing to collect yet."),
    "deposited": _("The parcel is inside, but other parcels of the order are missing."),
    "ready": _("The parcel is inside, and the shopper's code opens the door."),
    "collect_expired": _("The time to collect is over. Give more time, or a courier takes it out."),
    "courier_to_collect": _("A courier takes the parcel out. The shopper's code does not work."),
    "blocked": _("The parcel is inside, but the door does not open. Send somebody."),
    "disputed": _("The reports do not match. Find out where the parcel is, and settle it."),
}
#: Cause of a dispute -> what happened.
DISPUTES = {
    "parcel_gone": _("The cabinet saw the compartment empty, but no code was used to take it out."),
    "deposit_after_end": _("A parcel was put in after the reservation had ended."),
    "order_ended": _("A parcel was put in for an order that had ended."),
    "order_delivered": _("The order was recorded as delivered, but its parcel is still inside."),
    "two_boxes": _("The cabinet reported this parcel in two compartments."),
    "two_parcels": _("The cabinet reported this parcel in a compartment with another parcel."),
    "only_courier_told": _("The courier told of this parcel, but the cabinet did not report it."),
    "door_unknown": _("The courier put the parcel in, but it is not clear into which compartment."),
}
ROLES = {
    "courier": _("Code of the courier"),
    "shopper": _("Code of the shopper"),
    "returner": _("Code to take the parcel out"),
    "operator": _("Code for a check"),
}
#: End of a command -> tone, icon, text.
COMMANDS = {
    "sent": ("active", "send", _("Sent. The cabinet has 60 seconds.")),
    "got": ("active", "loader", _("The cabinet has it. Waiting for the door.")),
    "done": ("ok", "circle-check", _("The door is open.")),
    "failed": ("failed", "circle-x", _("The door did not open.")),
    "expired": ("failed", "clock-alert", _("No answer in 60 seconds. It is not executed later.")),
    "silent": ("risk", "circle-alert", _("The cabinet got it, but has not said if it opened.")),
}
FAILURES = {
    "open_not_detected": _("The lock moved, but the sensor saw no open door."),
    "too_late": _("It came too late."),
    "box_unknown": _("The cabinet does not know this compartment."),
}
SETTLED = {
    "inside": _("In its compartment. The shopper can collect it."),
    "take_out": _("In its compartment. A courier must take it out."),
    "collected": _("The shopper has it."),
    "lost": _("Nobody knows. It is lost."),
    "not_ours": _("The parcel in the compartment is another one."),
}
REFUNDS = {
    "door_closed": _("The door did not open"),
    "parcel_lost": _("The parcel is lost"),
    "parcel_damaged": _("The parcel is damaged"),
    "too_late": _("It came too late"),
    "goodwill": _("Goodwill"),
}
FIELDS = {
    "name": _("name"),
    "lat": _("latitude"),
    "lon": _("longitude"),
    "network": _("network"),
    "address": _("address"),
    "hours": _("opening hours"),
    "access": _("how to find it"),
    "most_weight_g": _("greatest weight"),
    "kind": _("kind"),
    "zone": _("time zone"),
    "country": _("country"),
    "hub": _("hub"),
    "active": _("active"),
}


def state_word(state: str) -> str:
    """Return the state of a reservation in words."""
    return str(RESERVATIONS.get(state, state))


def state_hint(state: str) -> str:
    """Return what a state means for the person at the door; "" for an ended reservation."""
    return str(HINTS.get(state, ""))


def dispute_text(cause: str) -> str:
    """Return what happened, for the cause of a dispute."""
    return str(DISPUTES.get(cause) or _("The reports of the cabinet do not match."))
