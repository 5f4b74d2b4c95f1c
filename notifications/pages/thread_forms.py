"""The forms of threads: an answer, a move to an order, a saved reply."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.db.models import QuerySet
from django.utils.translation import gettext as _g
from django.utils.translation import gettext_lazy as _

from dispatch.orders.models import Order
from lastmile.core.errors import FieldProblem, Invalid
from notifications.models.threads import LONGEST_TEXT

_KEY = r"^[0-9a-f]{32}$"


class AnswerForm(forms.Form):
    """An answer, with a key that makes a double click one answer."""

    text = forms.CharField(
        label=_("Answer"),
        max_length=LONGEST_TEXT,
        strip=True,
        widget=forms.Textarea({"rows": 3, "dir": "auto"}),
    )
    key = forms.RegexField(_KEY, widget=forms.HiddenInput)


class MoveForm(forms.Form):
    """The number of the order that a thread is about."""

    order = forms.CharField(
        label=_("Order number"),
        max_length=64,
        help_text=_("Your own number, or the one that begins with ord_."),
    )

    def find(self, visible: QuerySet[Order]) -> Order:
        """Return the order with the typed number. Raises Invalid if a member may not see it."""
        number = self.cleaned_data["order"].strip()
        order: Order | None = (
            visible.filter(external_id=number).first() or visible.filter(public_id=number).first()
        )
        if order is None:
            detail = _g("There is no order with this number. Check it for typing errors.")
            raise Invalid(detail, errors=[FieldProblem("/order", detail)])
        return order


class SavedReplyForm(forms.Form):
    """A text that staff use again and again."""

    language = forms.ChoiceField(label=_("Language"))
    title = forms.CharField(label=_("Title"), max_length=80)
    text = forms.CharField(
        label=_("Text"),
        max_length=LONGEST_TEXT,
        widget=forms.Textarea({"rows": 4, "dir": "auto"}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        language = self.fields["language"]
        assert isinstance(language, forms.ChoiceField)
        language.choices = settings.SHOPPER_LANGUAGES
