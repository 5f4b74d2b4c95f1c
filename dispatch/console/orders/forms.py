"""The forms of an order: create it, change it, promise a time window, cancel it, try it again."""

from __future__ import annotations

import datetime as dt
import secrets
from typing import Any

from django import forms
from django.utils.translation import gettext as _g
from django.utils.translation import gettext_lazy as _

from dispatch.console.fields import HubField, PhoneInput, open_hubs, split_skills
from dispatch.console.orders.words import CANCEL_CAUSES, DIRECTIONS, HANDOVERS
from dispatch.console.words import ACCESS
from dispatch.orders.drafts import (
    LocalWindowDraft,
    OrderDraft,
    ParcelDraft,
    PlaceDraft,
    ShopperDraft,
)
from dispatch.orders.models import OLDEST, YOUNGEST, Order
from dispatch.orders.selectors import Access
from lastmile.core import clock
from lastmile.core.http.forms import DateField, TimeInput, minute_of
from tenants.permissions import Principal
from tenants.selectors import today

LETTERS = "23456789ABCDEFGHJKLMNPQRSTVWXYZ"


class Lines(forms.Textarea):
    """A text area of three rows."""

    def __init__(self) -> None:
        super().__init__(attrs={"rows": 3})


class NotesField(forms.CharField):
    """A field for free text; a different kind of line break does not count as a change."""

    def __init__(self) -> None:
        super().__init__(
            label=_("Notes"), max_length=4000, required=False, strip=False, widget=Lines()
        )

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Return True if the text changed; the kind of line breaks does not count."""
        return super().has_changed(*(str(t or "").replace("\r\n", "\n") for t in (initial, data)))


class LeastAgeField(forms.IntegerField):
    """A field for the least age of the person who takes the goods; empty means no age check."""

    def __init__(self) -> None:
        super().__init__(
            label=_("Minimum age of the receiver"),
            min_value=YOUNGEST,
            max_value=OLDEST,
            required=False,
            help_text=_("The driver checks it. Leave empty for no age check."),
        )


class SignatureField(forms.BooleanField):
    """A field that demands a signature from the person who takes the goods."""

    def __init__(self) -> None:
        super().__init__(label=_("The receiver signs"), required=False)


def new_order_number() -> str:
    """Return a random order number with 40 bits, for orders created by a dispatcher."""
    return "M-" + "".join(secrets.choice(LETTERS) for _n in range(8))


class WindowFields(forms.Form):
    """The start and end of a time window, in the hub's local time."""

    opens = forms.TimeField(label=_("From"), required=False, widget=TimeInput())
    closes = forms.TimeField(label=_("To"), required=False, widget=TimeInput())

    def clean(self) -> dict[str, Any]:
        """Require both the start and the end of the time window, or neither."""
        data: dict[str, Any] = super().clean() or {}
        for one, other in (("opens", "closes"), ("closes", "opens")):
            if data.get(one) is None and data.get(other) is not None and one not in self.errors:
                self.add_error(one, _g("Enter both the start and the end of the time window."))
        return data


class NewOrderForm(WindowFields):
    """The form that creates an order."""

    external_id = forms.CharField(label=_("Order number"), max_length=64)
    name = forms.CharField(label=_("Name"), max_length=200, required=False, strip=False)
    phone = forms.CharField(label=_("Phone"), max_length=40, required=False, widget=PhoneInput())
    email = forms.CharField(label=_("E-mail"), max_length=254, required=False)
    text = forms.CharField(
        label=_("Address"),
        max_length=2000,
        required=False,
        help_text=_("Street, number, city. If the address is not found, you set the pin yourself."),
    )
    lat = forms.FloatField(label=_("Latitude"), required=False)
    lon = forms.FloatField(label=_("Longitude"), required=False)
    hub = HubField(label=_("Hub"), required=False)
    service_date = DateField(label=_("Date"), required=False)
    parcels = forms.IntegerField(label=_("Parcels"), min_value=1, max_value=99, initial=1)
    weight_kg = forms.DecimalField(
        label=_("Total weight, kg"), min_value=0, max_digits=9, decimal_places=3, required=False
    )
    volume_l = forms.DecimalField(
        label=_("Total volume, litres"),
        min_value=0,
        max_digits=9,
        decimal_places=3,
        required=False,
    )
    service_minutes = forms.IntegerField(
        label=_("Minutes at the door"), min_value=0, max_value=480, required=False
    )
    skills = forms.CharField(
        label=_("Skills needed"),
        required=False,
        help_text=_("Separate with commas, for example: cold, lift."),
    )
    direction = forms.ChoiceField(label=_("Type"), choices=lambda: list(DIRECTIONS.items()))
    handover = forms.ChoiceField(
        label=_("Handover"), required=False, choices=lambda: list(HANDOVERS.items())
    )
    least_age = LeastAgeField()
    signature = SignatureField()
    notes = NotesField()

    def __init__(self, principal: Principal, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        hub = self.fields["hub"]
        assert isinstance(hub, HubField)
        limited = principal.hubs is not None
        hub.required = limited
        hub.offer(open_hubs(principal), "" if limited else _g("By zone, or the nearest hub"))
        self.fields["external_id"].initial = new_order_number()
        self.fields["service_date"].initial = today() + dt.timedelta(days=1)

    def draft(self) -> OrderDraft:
        """Return the order as a draft, the form in which every intake passes orders on."""
        data = self.cleaned_data
        opens, closes = minute_of(data["opens"]), minute_of(data["closes"])
        window = None
        if opens is not None and closes is not None:
            window = LocalWindowDraft(opens_minute=opens, closes_minute=closes)
        hub, minutes = data["hub"], data["service_minutes"]
        return OrderDraft(
            external_id=data["external_id"],
            direction=data["direction"],
            shopper=ShopperDraft(name=data["name"], phone=data["phone"], email=data["email"]),
            place=PlaceDraft(text=data["text"], lat=data["lat"], lon=data["lon"]),
            hub=hub.public_id if hub else "",
            service_date=data["service_date"],
            window=window,
            service_s=None if minutes is None else minutes * 60,
            parcels=(ParcelDraft(),) * data["parcels"],
            weight_g=_times_1000(data["weight_kg"]),
            volume_cm3=_times_1000(data["volume_l"]),
            skills=tuple(split_skills(data["skills"])),
            handover=data["handover"],
            least_age=data["least_age"] or 0,
            signature=data["signature"],
            notes=data["notes"],
        )


def _times_1000(value: Any) -> int | None:
    return None if value is None else round(value * 1000)


class ChangeOrderForm(forms.Form):
    """The form with the fields of an order that can be changed."""

    hub = HubField(label=_("Hub"), required=False)
    service_date = DateField(label=_("Date"), required=False)
    name = forms.CharField(label=_("Name"), max_length=200, required=False, strip=False)
    phone = forms.CharField(label=_("Phone"), max_length=40, required=False, widget=PhoneInput())
    email = forms.CharField(label=_("E-mail"), max_length=254, required=False)
    service_minutes = forms.IntegerField(label=_("Minutes at the door"), min_value=0, max_value=480)
    skills = forms.CharField(
        label=_("Skills needed"),
        required=False,
        help_text=_("Separate with commas, for example: cold, lift."),
    )
    handover = forms.ChoiceField(
        label=_("Handover"), required=False, choices=lambda: list(HANDOVERS.items())
    )
    least_age = LeastAgeField()
    signature = SignatureField()
    notes = NotesField()

    def __init__(self, principal: Principal, order: Order, data: Any = None) -> None:
        self.order = order
        shopper = order.shopper
        super().__init__(
            data,
            initial={
                "hub": order.hub.public_id if order.hub else "",
                "service_date": order.service_date,
                "name": shopper.name,
                "phone": shopper.phone,
                "email": shopper.email,
                "service_minutes": round(order.service_s / 60),
                "skills": ", ".join(order.skills),
                "handover": order.handover,
                "least_age": order.least_age or None,
                "signature": order.signature,
                "notes": order.notes,
            },
        )
        hub = self.fields["hub"]
        assert isinstance(hub, HubField)
        hub.required = order.hub is not None
        hub.offer(_with(order, open_hubs(principal)), "" if order.hub else _g("None yet"))

    def changes(self) -> dict[str, Any]:
        """Return only the fields that differ from the initial values of the form."""
        data, fields = self.cleaned_data, self.changed_data
        changes: dict[str, Any] = {
            name: data[name]
            for name in ("service_date", "handover", "signature", "notes")
            if name in fields
        }
        if "least_age" in fields:
            changes["least_age"] = data["least_age"] or 0
        if data["hub"] is not None and "hub" in fields:
            changes["hub"] = data["hub"]
        if "service_minutes" in fields:
            changes["service_s"] = data["service_minutes"] * 60
        if "skills" in fields:
            changes["skills"] = split_skills(data["skills"])
        shopper = {name: data[name] for name in ("name", "phone", "email") if name in fields}
        return changes | ({"shopper": shopper} if shopper else {})


def _with(order: Order, hubs: list[Any]) -> list[Any]:
    return hubs if order.hub is None or order.hub in hubs else [order.hub, *hubs]


class PromiseForm(WindowFields):
    """The form that promises a time window."""

    service_date = DateField(label=_("Date"))
    field_order = ("service_date", "opens", "closes")

    def __init__(self, order: Order, zone: str, data: Any = None) -> None:
        initial: dict[str, Any] = {"service_date": order.service_date}
        if order.promise is not None:
            opens = order.promise.opens_at.astimezone(clock.zone(zone))
            closes = order.promise.closes_at.astimezone(clock.zone(zone))
            initial = {"service_date": opens.date(), "opens": opens.time(), "closes": closes.time()}
        super().__init__(data, initial=initial, prefix="promise")
        self.fields["opens"].required = self.fields["closes"].required = True

    def window(self, zone: str) -> tuple[dt.datetime, dt.datetime]:
        """Return the start and end as instants; an end before the start is on the next day."""
        data = self.cleaned_data
        opens, closes = minute_of(data["opens"]) or 0, minute_of(data["closes"]) or 0
        closes += 1440 if closes <= opens else 0
        date = data["service_date"]
        return clock.local_instant(date, opens, zone), clock.local_instant(date, closes, zone)


class CancelForm(forms.Form):
    """The form with the reason for cancelling an order."""

    cause = forms.ChoiceField(label=_("Reason"), choices=lambda: list(CANCEL_CAUSES.items()))


class AgainForm(forms.Form):
    """The form with the day of the next attempt."""

    service_date = DateField(label=_("Date"))


class AccessForm(forms.Form):
    """The form of the access note: how to get in, or where to leave the goods."""

    kind = forms.ChoiceField(
        label=_("Access"), required=False, choices=lambda: list(ACCESS.items())
    )
    text = forms.CharField(
        label=_("Note for the driver"),
        max_length=1000,
        required=False,
        strip=False,
        widget=Lines(),
        help_text=_("It is printed on the manifest. Never write a code here."),
    )
    code = forms.CharField(
        label=_("Code"),
        max_length=64,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
        help_text=_("Encrypted, and deleted when the order ends. Leave empty to keep the code."),
    )
    no_code = forms.BooleanField(label=_("Delete the code"), required=False)

    def __init__(self, access: Access | None, data: Any = None) -> None:
        initial = {"kind": access.kind, "text": access.text} if access else {}
        super().__init__(data, initial=initial, prefix="access")
        if access is None or not access.has_code:
            del self.fields["no_code"]

    def note(self) -> dict[str, Any]:
        """Return the arguments of ``set_access``."""
        data = self.cleaned_data
        code = data["code"].strip() or ("" if data.get("no_code") else None)
        return {"kind": data["kind"], "text": data["text"], "code": code}
