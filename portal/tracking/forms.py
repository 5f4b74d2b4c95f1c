"""The forms of the delivery page: rating, “on my way” and “I am here”."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from portal.tracking.models import (
    LONGEST_BAY,
    LONGEST_CAR,
    LONGEST_COMMENT,
)
from portal.tracking.services.arriving import MOST_MINUTES

STARS = [
    (5, _("5 stars: very good")),
    (4, _("4 stars: good")),
    (3, _("3 stars: all right")),
    (2, _("2 stars: not good")),
    (1, _("1 star: bad")),
]


class RatingForm(forms.Form):
    """Stars and a comment."""

    stars = forms.TypedChoiceField(
        label=_("How was your delivery?"),
        choices=STARS,
        coerce=int,
        widget=forms.RadioSelect,
        error_messages={
            "required": _("Choose one to five stars."),
            "invalid_choice": _("Choose one to five stars."),
        },
    )
    comment = forms.CharField(
        label=_("Anything to add? (not required)"),
        required=False,
        max_length=LONGEST_COMMENT,
        widget=forms.Textarea({"rows": 3}),
    )


class OnTheWayForm(forms.Form):
    """The estimated minutes until the shopper arrives."""

    minutes = forms.IntegerField(
        label=_("Minutes until you arrive (not required)"),
        required=False,
        min_value=0,
        max_value=MOST_MINUTES,
        widget=forms.NumberInput({"inputmode": "numeric", "placeholder": "15"}),
    )


class HereForm(forms.Form):
    """The bay and the car, so that staff find the shopper."""

    bay = forms.CharField(label=_("Bay (if marked)"), required=False, max_length=LONGEST_BAY)
    car = forms.CharField(
        label=_("Your car"),
        required=False,
        max_length=LONGEST_CAR,
        help_text=_("Colour, make or number plate, so that we find you."),
    )


def initial_of(row: Any, *names: str) -> dict[str, Any]:
    """Return the values of a row as initial values of a form; {} without a row."""
    return {} if row is None else {name: getattr(row, name) for name in names}
