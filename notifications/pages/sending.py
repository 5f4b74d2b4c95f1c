"""The page on which a member writes to the shopper of an order, or sends a moment again."""

from __future__ import annotations

import uuid
from typing import Any, Final

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _g
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods

from dispatch.orders.models import Order
from dispatch.orders.selectors import orders_of
from lastmile.core.http import fetch
from lastmile.core.http.forms import apply_form, status_of
from notifications.models import Message
from notifications.selectors import words
from notifications.services.by_hand import (
    MOST_TEXT,
    channels_for,
    moments_by_hand,
    send_moment,
    send_own_words,
)
from tenants.permissions import Act, PageRequest, page

OWN_WORDS: Final = "own_words"


class SendForm(forms.Form):
    """A moment that is true now, or a member's own words and their channel."""

    moment = forms.ChoiceField(label=_("Message"), widget=forms.RadioSelect)
    text = forms.CharField(
        label=_("Your own words"),
        required=False,
        max_length=MOST_TEXT,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text=_("The shopper gets them unchanged. Write in the shopper's language."),
    )
    channel = forms.ChoiceField(label=_("Channel of your own words"), required=False)
    key = forms.CharField(widget=forms.HiddenInput, min_length=8, max_length=40)

    def __init__(self, order: Order, data: Any = None) -> None:
        usable = channels_for(order)
        offered = [(one.key, words.moment_name(one.key)) for one in moments_by_hand(order)]
        if usable:
            offered.append((OWN_WORDS, _g("Your own words")))
        initial = {"key": uuid.uuid4().hex, "moment": OWN_WORDS if usable else ""}
        super().__init__(data, initial=initial)
        moment, channel = self.fields["moment"], self.fields["channel"]
        assert isinstance(moment, forms.ChoiceField)
        assert isinstance(channel, forms.ChoiceField)
        moment.choices = offered
        channel.choices = [(one, words.channel_name(one)) for one in usable]

    def clean(self) -> dict[str, Any]:
        """Check that own words are not empty."""
        values: dict[str, Any] = super().clean() or {}
        if values.get("moment") == OWN_WORDS and not values.get("text", "").strip():
            self.add_error("text", _g("Write what the shopper should read."))
        return values


@page(Act.MESSAGES_SEND)
@require_http_methods(["GET", "POST"])
def send(request: PageRequest, public_id: str) -> HttpResponse:
    """Send the shopper of an order a message; a double click sends it once."""
    order = fetch(orders_of(request.principal), public_id)
    form = SendForm(order, request.POST or None)
    sent = apply_form(form, lambda: _send(order, form.cleaned_data))
    if isinstance(sent, Message):
        if sent.reason:
            messages.warning(request, words.why(sent))
        else:
            messages.success(request, _g("The message was queued."))
        return redirect("messages:message", sent.public_id)
    context = {"form": form, "order": order, "usable": channels_for(order)}
    return render(request, "messages/send.html", context, status=status_of(form))


def _send(order: Order, values: dict[str, Any]) -> Message:
    if values["moment"] != OWN_WORDS:
        return send_moment(order=order, moment=values["moment"], key=values["key"])
    return send_own_words(
        order=order, text=values["text"], key=values["key"], channel=values["channel"]
    )
