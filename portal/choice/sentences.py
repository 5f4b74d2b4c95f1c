"""The sentences for shoppers: why an offer has its rank, an option is missing, a price changed."""

from __future__ import annotations

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from lastmile.core import formatting

_RANK = {
    "greenest_and_cheapest": gettext_lazy("This option causes the least CO2e and costs the least."),
    "greenest": gettext_lazy("This option causes the least CO2e."),
    "cheapest": gettext_lazy("This option has the lowest price."),
    "soonest": gettext_lazy("This is the earliest option."),
    "costs_more": gettext_lazy("An option above costs less."),
    "more_co2": gettext_lazy("An option above costs the same and causes less CO2e."),
    "co2_unknown": gettext_lazy("The CO2e of this option depends on your own way."),
    "later": gettext_lazy("An option above costs the same and is earlier."),
}
_MISSING = {
    "closed": gettext_lazy("The shop has closed this time."),
    "passed": gettext_lazy("This time can no longer be booked."),
    "orders": gettext_lazy("This time is full."),
    "work_s": gettext_lazy("This time is full."),
    "weight_g": gettext_lazy("There is no room for this weight at this time."),
    "volume_cm3": gettext_lazy("There is no room for so large a load at this time."),
    "checkouts": gettext_lazy("This time is in great demand. Try again in a few minutes."),
    "too_large": gettext_lazy("No vehicle can carry these parcels. Ask the shop."),
    "return": gettext_lazy("Returns are not picked up at this time."),
    "no_shift": gettext_lazy("No vehicle drives at this time."),
    "not_ready": gettext_lazy("This day is being prepared. Try again in a minute."),
}


def why_ranked(code: str) -> str:
    """Return the sentence that says why an offer has its rank, in the reader's language."""
    return str(_RANK.get(code, ""))


def why_missing(code: str) -> str:
    """Return the sentence that says why an option is not offered, in the reader's language."""
    return str(_MISSING.get(code) or _("The vehicles cannot reach you at this time."))


def why_price_changed(code: str, old_minor: int | None, new_minor: int, currency: str) -> str:
    """Return the sentence that says how and why a price changed, in the reader's language."""
    reasons = {
        "now_free": _("The basket now reaches the value for free delivery."),
        "no_longer_free": _("The basket no longer reaches the value for free delivery."),
    }
    return _("The price changed from %(old)s to %(new)s. %(why)s") % {
        "old": formatting.money(old_minor, currency),
        "new": formatting.money(new_minor, currency),
        "why": reasons.get(code) or _("The cost of this delivery changed."),
    }
