"""The forms of choosing: handover, another address, cancelling, return."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from dispatch.orders.drafts import PlaceDraft
from dispatch.orders.handovers import needs_person
from dispatch.orders.models import AccessNote, Handover, Order, Parcel
from dispatch.orders.selectors import orders
from lastmile.core import formatting
from portal.choice.pages.words import CANCEL_REASONS, WAYS
from portal.choice.services.instructing import handover_of, instructions_version

LONGEST_TEXT, LONGEST_CODE = 1_000, 64


class HandoverForm(forms.Form):
    """The way of handing over: in person, at the door, a safe place, a neighbour or a lockbox.

    The code is never shown again: the field is always empty, and empty keeps the stored code.
    """

    way = forms.ChoiceField(
        label=_("How should we hand it over?"),
        widget=forms.RadioSelect,
        error_messages={"required": _("Choose how we should hand it over.")},
    )
    text = forms.CharField(
        label=_("Note for the driver"),
        required=False,
        max_length=LONGEST_TEXT,
        widget=forms.Textarea({"rows": 2}),
    )
    code = forms.CharField(
        label=_("Code of the gate, the lockbox or your PIN"),
        required=False,
        max_length=LONGEST_CODE,
        # The style sheet sees by the empty placeholder that nothing is typed.
        widget=forms.TextInput({"autocomplete": "off", "dir": "ltr", "placeholder": " "}),
    )

    def __init__(self, order: Order, *args: Any, has_code: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        person = needs_person(order)
        self.may_leave = not person
        self.fields["way"].choices = [  # type: ignore[attr-defined]
            (code, words)
            for code, (handover, _kind, words) in WAYS.items()
            if handover == Handover.ATTENDED or not person
        ]
        self.fields["text"].help_text = (
            _("How to find the door.")
            if person
            else _("Where the safe place is, which neighbour, how to find the door.")
        )
        self.fields["code"].help_text = (
            _("A code is stored and is not shown here. Leave this empty to keep it.")
            if has_code
            else _("Stored encrypted. Only the driver and the shop can look it up.")
        )

    def clean(self) -> dict[str, Any]:
        """Refuse a code without a place for it, and a safe place or neighbour without a note."""
        data = super().clean() or {}
        way = data.get("way")
        if data.get("code") and way not in {"gate_code", "pin", "lockbox"}:
            self.add_error("code", _("Only a gate, a lockbox or a PIN has a code. Choose one."))
        if way in {"safe_place", "neighbour"} and not (data.get("text") or "").strip():
            self.add_error("text", _("Write where the safe place is, or which neighbour."))
        return data


def way_of(order: Order, note: AccessNote | None) -> str:
    """Return the present way of handing over, as a value of the form."""
    kind = note.kind if note else ""
    if kind in WAYS:
        return kind
    return "door" if handover_of(order) == Handover.CONTACTLESS else "attended"


def present_instructions(order: Order, seen: str) -> dict[str, Any]:
    """Return the present version of the instructions, and their words if the reader saw others.

    ``seen`` is the version that the form of the reader has, "" for a form that is new.
    """
    row = orders().get(pk=order.pk)
    version = instructions_version(row)
    if seen in ("", version):
        return {"version": version}
    note = AccessNote.objects.filter(order=row).first()
    words = WAYS[way_of(row, note)][2]
    return {"version": version, "present": {"way": words, "text": note.text if note else ""}}


class AddressForm(forms.Form):
    """Another address for an order."""

    street = forms.CharField(
        label=_("Street"),
        max_length=200,
        widget=forms.TextInput({"autocomplete": "address-line1"}),
    )
    house_number = forms.CharField(label=_("House number"), max_length=32)
    unit = forms.CharField(
        label=_("Flat or floor (not required)"),
        required=False,
        max_length=64,
        widget=forms.TextInput({"autocomplete": "address-line2"}),
    )
    postcode = forms.CharField(
        label=_("Postcode (not required)"),
        required=False,
        max_length=32,
        widget=forms.TextInput({"autocomplete": "postal-code"}),
    )
    city = forms.CharField(
        label=_("Town"),
        max_length=120,
        widget=forms.TextInput({"autocomplete": "address-level2"}),
    )

    def draft(self) -> PlaceDraft:
        """Return the address as received."""
        return PlaceDraft(**self.cleaned_data)


class CancelForm(forms.Form):
    """The reason of a cancellation."""

    reason = forms.ChoiceField(
        label=_("Why?"),
        choices=list(CANCEL_REASONS.items()),
        widget=forms.RadioSelect,
        error_messages={"required": _("Choose a reason. It helps the shop.")},
    )


class ReturnForm(forms.Form):
    """The parcels that go back: those of an order that are left, with their numbers in it."""

    parcels = forms.MultipleChoiceField(
        label=_("What goes back?"),
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": _("Choose at least one parcel.")},
    )
    note = forms.CharField(
        label=_("Note for the driver (not required)"),
        required=False,
        max_length=LONGEST_TEXT,
        widget=forms.Textarea({"rows": 2}),
    )

    def __init__(self, order: Order, left: list[Parcel], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["parcels"].choices = [  # type: ignore[attr-defined]
            (parcel.public_id, _("Parcel %(number)s") % {"number": formatting.number(number)})
            for number, parcel in enumerate(order.parcels.all(), 1)
            if parcel in left
        ]
        self.fields["parcels"].initial = [parcel.public_id for parcel in left]
