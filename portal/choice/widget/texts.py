"""The texts of the picker, in every language of shoppers."""

from __future__ import annotations

from typing import Final

from django.conf import settings
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy, ngettext, override

#: A number of each plural category of CLDR, for the languages of shoppers.
_EXAMPLES: Final = {"zero": 0, "one": 1, "two": 2, "few": 3, "many": 11, "other": 100}

TEXTS: Final[dict[str, str | Promise]] = {
    "title": gettext_lazy("Delivery time"),
    "days": gettext_lazy("Days"),
    "free": gettext_lazy("Free"),
    "from_to": gettext_lazy("from %(opens)s to %(closes)s"),
    "from_price": gettext_lazy("from %(price)s"),
    "not_available": gettext_lazy("Not available"),
    "green": gettext_lazy("Least CO2e"),
    "curbside": gettext_lazy("Collect at the curb"),
    "locker": gettext_lazy("Locker"),
    "hub": gettext_lazy("Collect at the counter"),
    "there_by": gettext_lazy("there by %(time)s"),
    "window": gettext_lazy("Delivery"),
    "handover": gettext_lazy("How do you want to receive it?"),
    "attended": gettext_lazy("In person"),
    "contactless": gettext_lazy("Without contact"),
    "held": gettext_lazy("Kept for you"),
    "chosen": gettext_lazy("Your delivery time"),
    "state_held": gettext_lazy("kept for you"),
    "state_chosen": gettext_lazy("chosen"),
    "confirm": gettext_lazy("Confirm this time"),
    "requested": gettext_lazy("Your requested time"),
    "request": gettext_lazy("Request this time"),
    "why_requested": gettext_lazy(
        "The driver's plan is already made, so the shop still has to confirm this time."
    ),
    "zone": gettext_lazy("All times here are local times of %(zone)s."),
    "release": gettext_lazy("Do not keep it"),
    "other_time": gettext_lazy("Choose another time"),
    "fold": gettext_lazy("Keep this time"),
    "released": gettext_lazy("The time is no longer kept."),
    "ended": gettext_lazy("The time is no longer kept for you. Choose a time again."),
    "no_longer_fits": gettext_lazy("The time no longer fits your basket. Choose another time."),
    "pick_first": gettext_lazy("Choose a delivery time."),
    "confirm_first": gettext_lazy("Confirm the delivery time."),
    "no_address": gettext_lazy("Enter your address to see the delivery times."),
    "none": gettext_lazy("There is no delivery time for this address. Ask the shop."),
    "none_yet": gettext_lazy("The delivery times are being prepared. Please wait a moment."),
    "not_ready": gettext_lazy("More days will follow in a moment."),
    "no_connection": gettext_lazy("There is no connection. Check it and try again."),
    "failed": gettext_lazy("The delivery times cannot be shown. Try again, or ask the shop."),
    "again": gettext_lazy("Try again"),
}


def all_texts() -> dict[str, dict[str, object]]:
    """Return the texts by language. A text that counts something has one form per category."""
    texts = {}
    for code, _name in settings.SHOPPER_LANGUAGES:
        with override(code):
            plain: dict[str, object] = {key: str(text) for key, text in TEXTS.items()}
            by_category = {name: _counts(n) for name, n in _EXAMPLES.items()}
            for key in by_category["other"]:
                plain[key] = {name: forms[key] for name, forms in by_category.items()}
            texts[code] = plain
    return texts


def _counts(n: int) -> dict[str, str]:
    """Return the texts that count something, in the form for ``n`` of it."""
    return {
        "count": ngettext("%(n)s delivery time", "%(n)s delivery times", n),
        "left": ngettext("%(n)s minute left to confirm", "%(n)s minutes left to confirm", n),
        "kept_for": ngettext(
            "kept for your order for %(n)s minute", "kept for your order for %(n)s minutes", n
        ),
    }
