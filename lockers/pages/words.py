"""Texts of the locker pages."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

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
RESERVATIONS = {
    "queued": pgettext_lazy("reservation", "Waits for a compartment"),
    "soft_held": pgettext_lazy("reservation", "Held for a checkout"),
    "hard_held": pgettext_lazy("reservation", "Reserved"),
    "awaiting_deposit": pgettext_lazy("reservation", "On its way"),
    "deposited": pgettext_lazy("reservation", "Deposited"),
    "ready": pgettext_lazy("reservation", "Ready to collect"),
    "collect_expired": pgettext_lazy("reservation", "Not collected in time"),
    "courier_to_collect": pgettext_lazy("reservation", "A courier takes it out"),
    "blocked": pgettext_lazy("reservation", "Door does not open"),
    "disputed": pgettext_lazy("reservation", "Disputed"),
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
