"""The words of choosing: options, marks, and why an offer is where it is in a list by time."""

from __future__ import annotations

from typing import Final

from django.utils.functional import Promise as Lazy
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from portal.choice.sentences import why_ranked

Words = str | Lazy

OPTIONS: Final[dict[str, Words]] = {
    "window": _("Delivery to your door"),
    "curbside": _("Pickup at the curbside"),
    "locker": _("Pickup at a locker"),
    "hub": _("Pickup at the counter"),
}
RETURN_OPTION: Final[Words] = _("Pickup at your door")
#: Why an offer has its rank, for a list in which the offers are sorted by time.
_REASONS: Final[dict[str, Words]] = {
    "greenest_and_cheapest": _("No other time causes less CO2e or costs less."),
    "greenest": _("No other time causes less CO2e."),
    "cheapest": _("No other time costs less."),
    "soonest": _("No other time is earlier."),
    "costs_more": _("Another time costs less."),
    "more_co2": _("Another time costs the same and causes less CO2e."),
    "co2_unknown": _("The CO2e depends on how you come."),
    "later": _("Another time costs the same and is earlier."),
}
#: Rank code -> marks of an offer: (tone, icon, word).
MARKS: Final[dict[str, tuple[tuple[str, str, Words], ...]]] = {
    "greenest_and_cheapest": (("", "banknote", pgettext_lazy("offer", "Lowest price")),),
    "cheapest": (("", "banknote", pgettext_lazy("offer", "Lowest price")),),
    "soonest": (("", "clock", pgettext_lazy("offer", "Earliest")),),
}
GREEN_MARK: Final = ("ok", "leaf", pgettext_lazy("offer", "Lowest CO2e"))
#: Value of the form -> (handover, kind of access note, text).
WAYS: Final[dict[str, tuple[str, str, Words]]] = {
    "attended": ("attended", "", _("Hand it to me in person")),
    "gate_code": ("attended", "gate_code", _("In person; the door needs a code")),
    "pin": ("attended", "pin", _("In person, only against a PIN that I choose")),
    "door": ("contactless", "", _("Leave it at my door")),
    "safe_place": ("contactless", "safe_place", _("Leave it in a safe place")),
    "neighbour": ("contactless", "neighbour", _("Give it to a neighbour")),
    "lockbox": ("contactless", "lockbox", _("Put it into my lockbox")),
}
CANCEL_REASONS: Final[dict[str, Words]] = {
    "not_needed": _("I no longer need it"),
    "by_mistake": _("I ordered by mistake"),
    "too_late": _("It comes too late"),
    "other": _("Another reason"),
}


def why_here(code: str) -> str:
    """Return the sentence that says why an offer has its rank, in a list sorted by time."""
    return str(_REASONS.get(code) or why_ranked(code))
