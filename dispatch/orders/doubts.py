"""The reasons why a place has no pin although a location was given or found."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class Doubt(models.TextChoices):
    """A reason why a place has no pin. The label tells a dispatcher what to do."""

    FAR = (
        "far",
        _("The coordinates are too far from every hub. Set the pin at the correct address."),
    )
    SWAPPED = (
        "swapped",
        _("Latitude and longitude seem to be swapped. Check the suggested pin and save it."),
    )
    OTHER_TOWN = (
        "other_town",
        _("The street was found only in another town. Choose a suggestion or set the pin."),
    )
    OTHER_POSTCODE = (
        "other_postcode",
        _("The place has another postcode. Check the suggested pin, or correct the postcode."),
    )
    RIVALS = (
        "rivals",
        _("This address matches several places that are far apart. Choose the correct one."),
    )
    OTHER_STREET = (
        "other_street",
        _("Only streets with a similar name were found. Choose a suggestion or set the pin."),
    )
