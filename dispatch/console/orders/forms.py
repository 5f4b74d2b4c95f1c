"""The forms of an order: a new one, its changes, its promise, its end."""

from __future__ import annotations

import datetime as dt
import secrets
from typing import Any

from django import forms
from django.utils.translation import gettext as _g
from django.utils.translation import gettext_lazy as _

from dispatch.console.fields import HubField, open_hubs, words_of
from dispatch.console.orders.words import CANCEL_CAUSES, DIRECTIONS, HANDOVERS
from dispatch.orders.drafts import (
    LocalWindowDraft,
    OrderDraft,
    ParcelDraft,
    PlaceDraft,
    ShopperDraft,
)
from dispatch.orders.models import Order
from lastmile.core import clock
from lastmile.core.http.forms import DateField, TimeInput, minute_of
from tenants.permissions import Principal
from tenants.selectors import today

LETTERS = "23456789ABCDEFGHJKLMNPQRSTVWXYZ"


class Lines(forms.Textarea):
    """A few lines of text."""

    def __init__(self) -> None:
        super().__init__(attrs={"rows": 3})


class NotesField(forms.CharField):
    """Free text that survives: only a browser's line ends are not taken for a change."""

    def __init__(self) -> None:
        super().__init__(
            label=_("Notes"), max_length=4000, required=False, strip=False, widget=Lines()
        )

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Compare with one kind of line end."""
        return super().has_changed(*(str(t or "").replace("\r\n", "\n") for t in (initial, data)))


def fresh_number() -> str:
    """An order number that nobody has: the office's own, 40 random bits."""
    return "M-" + "".join(secrets.choice(LETTERS) for _n in range(8))


class WindowFields(forms.Form):
    """A window on a date, in the hub's wall-clock time."""

    opens = forms.TimeField(label=_("From"), required=False, widget=TimeInput())
    closes = forms.TimeField(label=_("To"), required=False, widget=TimeInput())

    def clean(self) -> dict[str, Any]:
        """Both ends of a window or none."""
        said: dict[str, Any] = super().clean() or {}
        for one, other in (("opens", "closes"), ("closes", "opens")):
            if said.get(one) is None and said.get(other) is not None and one not in self.errors:
                self.add_error(one, _g("Enter both the start and the end of the time window."))
        return said


class NewOrderForm(WindowFields):
    """An order typed in at the office."""

    external_id = forms.CharField(label=_("Order number"), max_length=64)
    name = forms.CharField(label=_("Name"), max_length=200, required=False, strip=False)
    phone = forms.CharField(label=_("Phone"), max_length=40, required=False)
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
    notes = NotesField()

    def __init__(self, principal: Principal, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        hub = self.fields["hub"]
        assert isinstance(hub, HubField)
        limited = principal.hubs is not None
        hub.required = limited
        hub.offer(open_hubs(principal), "" if limited else _g("By zone, or the nearest hub"))
        self.fields["external_id"].initial = fresh_number()
        self.fields["service_date"].initial = today() + dt.timedelta(days=1)

    def draft(self) -> OrderDraft:
        """The order as any intake hands it on."""
        said = self.cleaned_data
        opens, closes = minute_of(said["opens"]), minute_of(said["closes"])
        window = None
        if opens is not None and closes is not None:
            window = LocalWindowDraft(opens_minute=opens, closes_minute=closes)
        hub, minutes = said["hub"], said["service_minutes"]
        return OrderDraft(
            external_id=said["external_id"],
            direction=said["direction"],
            shopper=ShopperDraft(name=said["name"], phone=said["phone"], email=said["email"]),
            place=PlaceDraft(text=said["text"], lat=said["lat"], lon=said["lon"]),
            hub=hub.public_id if hub else "",
            service_date=said["service_date"],
            window=window,
            service_s=None if minutes is None else minutes * 60,
            parcels=(ParcelDraft(),) * said["parcels"],
            weight_g=_thousandfold(said["weight_kg"]),
            volume_cm3=_thousandfold(said["volume_l"]),
            skills=tuple(words_of(said["skills"])),
            handover=said["handover"],
            notes=said["notes"],
        )


def _thousandfold(value: Any) -> int | None:
    return None if value is None else round(value * 1000)


class ChangeOrderForm(forms.Form):
    """What of an order may change."""

    hub = HubField(label=_("Hub"), required=False)
    service_date = DateField(label=_("Date"), required=False)
    name = forms.CharField(label=_("Name"), max_length=200, required=False, strip=False)
    phone = forms.CharField(label=_("Phone"), max_length=40, required=False)
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
                "notes": order.notes,
            },
        )
        hub = self.fields["hub"]
        assert isinstance(hub, HubField)
        hub.required = order.hub is not None
        hub.offer(_with(order, open_hubs(principal)), "" if order.hub else _g("None yet"))

    def changes(self) -> dict[str, Any]:
        """Only what differs from what the form was shown with: the rest stays byte for byte."""
        said, fields = self.cleaned_data, self.changed_data
        found: dict[str, Any] = {
            name: said[name] for name in ("service_date", "handover", "notes") if name in fields
        }
        if said["hub"] is not None and "hub" in fields:
            found["hub"] = said["hub"]
        if "service_minutes" in fields:
            found["service_s"] = said["service_minutes"] * 60
        if "skills" in fields:
            found["skills"] = words_of(said["skills"])
        shopper = {name: said[name] for name in ("name", "phone", "email") if name in fields}
        return found | ({"shopper": shopper} if shopper else {})


def _with(order: Order, hubs: list[Any]) -> list[Any]:
    return hubs if order.hub is None or order.hub in hubs else [order.hub, *hubs]


class PromiseForm(WindowFields):
    """A window to promise."""

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
        """The window as instants; an end before the start is the next day's."""
        said = self.cleaned_data
        opens, closes = minute_of(said["opens"]) or 0, minute_of(said["closes"]) or 0
        closes += 1440 if closes <= opens else 0
        date = said["service_date"]
        return clock.local_instant(date, opens, zone), clock.local_instant(date, closes, zone)


class CancelForm(forms.Form):
    """Why an order is called off."""

    cause = forms.ChoiceField(label=_("Reason"), choices=lambda: list(CANCEL_CAUSES.items()))


class AgainForm(forms.Form):
    """On which day to try again."""

    service_date = DateField(label=_("Date"))
