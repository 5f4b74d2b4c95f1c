"""Words that several pages of lockers show."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

#: State of a reservation -> word.
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
    "collected": _("Collected"),
    "rejected": _("Refused"),
    "hold_expired": _("Hold ended"),
    "deposit_expired": _("Not deposited in time"),
    "returned": _("Taken out by a courier"),
    "moved": _("Moved to another bank"),
    "cancelled": _("Cancelled"),
    "lost": _("Parcel not there"),
}
