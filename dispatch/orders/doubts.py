"""Why an order's place is not pinned though something is known of it."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class Doubt(models.TextChoices):
    """Why a place has no pin though something is known of it; the sentence says what to do."""

    FAR = "far", _("The coordinates are too far from every hub. Put the pin where the door is.")
    SWAPPED = (
        "swapped",
        _("Latitude and longitude seem to be swapped. Check the suggestion and keep it."),
    )
    OTHER_TOWN = (
        "other_town",
        _("The street was found in another town than the order names. Choose the right place."),
    )
    RIVALS = (
        "rivals",
        _("Several places that are far apart answer to this address. Choose the right one."),
    )
    OTHER_STREET = (
        "other_street",
        _("Only streets with a similar name were found. Choose the right place."),
    )
