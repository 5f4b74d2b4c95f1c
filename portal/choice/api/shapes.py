"""API shapes of delivery sessions, holds and choices; only listed fields go in and out."""

from __future__ import annotations

import re
from typing import Any, Final

from django.conf import settings
from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from dispatch.orders.models import Direction, Handover, Option
from lastmile.core.http.fields import (
    DateField,
    DegreesField,
    InstantField,
    optional_text,
    text,
    whole,
)
from lastmile.core.openapi import example
from tenants.languages import code_for_shoppers

_SES = "The session's `id`."
_DATE = "Date of the window in the time zone of the hub, also for a window after midnight."


class ShopperLanguageField(serializers.CharField):
    """A language that shoppers can read, such as es or es-CL; it may be missing or empty."""

    default_error_messages = {
        "unknown": _("Shoppers cannot read this language here. Send one of these: {known}.")
    }
    _TAG: Final = re.compile(r"[A-Za-z]{2,8}([-_][A-Za-z0-9]{1,8})*")

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=35, required=False, allow_blank=True, **kwargs)

    def to_internal_value(self, data: Any) -> str:
        """Return the language as sent; refuse one that shoppers do not have."""
        tag: str = super().to_internal_value(data)
        if tag and not (self._TAG.fullmatch(tag) and code_for_shoppers(tag)):
            self.fail("unknown", known=", ".join(dict(settings.SHOPPER_LANGUAGES)))
        return tag


@example(text="Avenida del Mar 1200, La Serena", lat=-29.9165, lon=-71.2730)
class DeliveryPlaceIn(serializers.Serializer[Any]):
    """The place of the delivery: an address as one text, or its parts, or coordinates."""

    text = optional_text(2_000, help_text="The address as the shopper wrote it.")
    street = optional_text(200)
    house_number = optional_text(32)
    unit = optional_text(64)
    postcode = optional_text(32)
    city = optional_text(120)
    region = optional_text(120)
    country = optional_text(2, help_text="ISO 3166-1 code of two letters.")
    lat = DegreesField(90, required=False, allow_null=True, default=None)
    lon = DegreesField(180, required=False, allow_null=True, default=None)


@example(weight_g=4_200, volume_cm3=12_000)
class BasketParcelIn(serializers.Serializer[Any]):
    """A parcel of the basket."""

    weight_g = whole(40_000_000, required=False, default=0)
    volume_cm3 = whole(120_000_000, required=False, default=0)
    length_mm = whole(20_000, 1, required=False, allow_null=True)
    width_mm = whole(20_000, 1, required=False, allow_null=True)
    height_mm = whole(20_000, 1, required=False, allow_null=True)


def _skills(**kwargs: Any) -> serializers.ListField:
    child = serializers.CharField(max_length=120)
    return serializers.ListField(child=child, max_length=40, required=False, **kwargs)


@example(parcels=[{"weight_g": 4_200, "volume_cm3": 12_000}], value_minor=24_990)
class BasketIn(serializers.Serializer[Any]):
    """The basket and the days. On PATCH, a field that is missing stays as it is."""

    parcels = BasketParcelIn(many=True, required=False, max_length=999)  # type: ignore[call-arg]
    parcel_count = whole(999, 1, required=False, help_text="Without `parcels`.")
    weight_g = whole(40_000_000, required=False, help_text="Of all parcels.")
    volume_cm3 = whole(120_000_000, required=False, help_text="Of all parcels.")
    value_minor = whole(
        10**13, required=False, allow_null=True, help_text="Value of the basket, in minor units."
    )
    currency = optional_text(3, help_text="ISO 4217 code; the retailer's currency or empty.")
    skills = _skills(help_text="Skills that the goods need, such as `fridge`.")
    least_age = whole(150, required=False, help_text="Age that is checked at the door.")
    signature = serializers.BooleanField(required=False)
    since = DateField(required=False, help_text="First day at the hub. Empty: today.")
    until = DateField(required=False, help_text="Last day at the hub.")
    language = ShopperLanguageField(help_text="Language of the sentences (BCP 47): en, es or ar.")


@example(
    place={"text": "Avenida del Mar 1200, La Serena"},
    parcels=[{"weight_g": 4_200, "volume_cm3": 12_000}],
    value_minor=24_990,
    currency="CLP",
    language="es",
)
class DeliveryOptionsIn(BasketIn):
    """The question of a checkout: where, what, and on which days."""

    place = DeliveryPlaceIn()
    hub = optional_text(80, help_text="The hub's id, external_id or name. Empty: by zone.")
    direction = serializers.ChoiceField(choices=Direction.values, required=False)


@example(value_minor=19_990)
class DeliveryOptionsChangeIn(BasketIn):
    """A change of the basket, the days or the language."""


@example(session="ses_2v6x0z4c8f1h5k9n3q7s", offer="slt_5d9h3j7b1n4p8s2v6x0z")
class HoldIn(serializers.Serializer[Any]):
    """The offer to hold."""

    session = text(40, help_text=_SES)
    offer = text(64, help_text="The offer's `id`.")
    handover = serializers.ChoiceField(
        choices=Handover.values, required=False, help_text="Default: the offer's first handover."
    )


@example(hold="hld_5d9h3j7b1n4p8s2v6x0z", price_minor=2_990)
class ChoiceIn(serializers.Serializer[Any]):
    """The hold to confirm."""

    hold = text(40, help_text="The hold's `id`.")
    price_minor = whole(
        10**13, required=False, help_text="The price that the shopper saw; another is refused."
    )


class PricePartOut(serializers.Serializer[Any]):
    """A part of a price: base, free, surcharge or share. The parts add up to the price."""

    code = serializers.CharField()
    amount_minor = serializers.IntegerField()


class OfferBankOut(serializers.Serializer[Any]):
    """The bank of lockers, or the counter, of an offer. The walk and the chance are modelled."""

    id = serializers.CharField()
    name = serializers.CharField()
    address = serializers.CharField()
    access = serializers.CharField(help_text="How to find it, in the words of its operator.")
    lat = serializers.FloatField()
    lon = serializers.FloatField()
    hours = serializers.CharField(help_text="OSM `opening_hours`; empty: always open.")
    open_now = serializers.BooleanField()
    distance_m = serializers.IntegerField(help_text="In a straight line from the place.")
    walk_s = serializers.IntegerField(help_text="Estimated seconds on foot.")
    chance_percent = serializers.IntegerField(
        help_text="How likely a compartment is still free at the deposit, without a hold."
    )
    ready_by = InstantField(help_text="When the parcels are there at the latest.")
    collect_until = InstantField(help_text="Until when the parcels wait, at the earliest.")


class ShownOfferOut(serializers.Serializer[Any]):
    """An offer, in the order of its rank. ``why`` says in one sentence why it has this rank."""

    id = serializers.CharField(source="offer")
    rank = serializers.IntegerField()
    option = serializers.ChoiceField(choices=Option.values)
    handovers = serializers.ListField(child=serializers.CharField())
    service_date = DateField(help_text=_DATE)
    opens_at = InstantField()
    closes_at = InstantField()
    book_until_at = InstantField(help_text="From then on it can no longer be booked.")
    price_minor = serializers.IntegerField()
    currency = serializers.CharField()
    price_parts = PricePartOut(many=True)
    co2_g = serializers.IntegerField(
        allow_null=True, help_text="CO2e that this delivery adds; null if the shopper drives."
    )
    green = serializers.BooleanField(help_text="True for the offer that adds the least CO2e.")
    reason = serializers.CharField(help_text="Code of `why`.")
    why = serializers.CharField()
    held = serializers.BooleanField(help_text="True if this session holds it.")
    bank = OfferBankOut(allow_null=True, help_text="Null for other options.")


class OfferCostOut(serializers.Serializer[Any]):
    """The cost that an offer adds to the day's plan. Checkout keys do not see it."""

    added_s = serializers.IntegerField()
    added_m = serializers.IntegerField()
    cost_minor = serializers.IntegerField(allow_null=True)
    travel_source = serializers.CharField()


class PricedOfferOut(ShownOfferOut):
    """An offer with its cost, which only the retailer sees: null for checkout keys."""

    cost = OfferCostOut(allow_null=True)


class NotOfferedOut(serializers.Serializer[Any]):
    """A time that is not offered, and why."""

    option = serializers.CharField()
    service_date = DateField(help_text=_DATE)
    opens_at = InstantField()
    closes_at = InstantField()
    reason = serializers.CharField()
    why = serializers.CharField()


class HoldOut(serializers.Serializer[Any]):
    """A held place. ``expires_in_s`` is counted by the server, so no clock has to be right."""

    id = serializers.CharField(source="hold")
    session = serializers.CharField()
    offer = serializers.CharField()
    state = serializers.ChoiceField(choices=["live", "kept", "promised", "released", "expired"])
    option = serializers.ChoiceField(choices=Option.values)
    handover = serializers.CharField()
    service_date = DateField(help_text=_DATE)
    opens_at = InstantField()
    closes_at = InstantField()
    time_zone = serializers.CharField()
    price_minor = serializers.IntegerField(allow_null=True)
    currency = serializers.CharField()
    price_parts = PricePartOut(many=True)
    co2_g = serializers.IntegerField(allow_null=True)
    place_text = serializers.CharField()
    requested = serializers.BooleanField(
        help_text="True if a dispatcher will have to confirm the time: say “requested”."
    )
    expires_at = InstantField(allow_null=True)
    expires_in_s = serializers.IntegerField(allow_null=True)
    choice = serializers.CharField(allow_null=True, help_text="Id of its choice, once confirmed.")


class ChoiceOut(serializers.Serializer[Any]):
    """A choice that waits for the retailer's order: send its id as ``choice`` of the order."""

    id = serializers.CharField()
    session = serializers.CharField()
    hold = serializers.CharField(allow_null=True)
    state = serializers.ChoiceField(choices=["waiting", "used", "expired", "cancelled"])
    option = serializers.ChoiceField(choices=Option.values)
    handover = serializers.CharField()
    opens_at = InstantField()
    closes_at = InstantField()
    price_minor = serializers.IntegerField(allow_null=True)
    currency = serializers.CharField()
    co2_g = serializers.IntegerField(allow_null=True)
    value_minor = serializers.IntegerField(allow_null=True)
    place_text = serializers.CharField()
    requested = serializers.BooleanField(
        help_text="True if a dispatcher must still confirm the time: say “requested”."
    )
    expires_at = InstantField()
    expires_in_s = serializers.IntegerField()
    order = serializers.CharField(allow_null=True, help_text="Null for checkout keys.")


class PriceChangeOut(serializers.Serializer[Any]):
    """A price that changed with the basket."""

    offer = serializers.CharField()
    old_price_minor = serializers.IntegerField(source="change.old_minor")
    new_price_minor = serializers.IntegerField(source="change.new_minor")
    currency = serializers.CharField(source="change.currency")
    reason = serializers.CharField(source="change.code")
    why = serializers.CharField(source="change.why")


class DeliveryBasketOut(serializers.Serializer[Any]):
    """The basket of a session."""

    value_minor = serializers.IntegerField(allow_null=True)
    currency = serializers.CharField()
    parcel_count = serializers.IntegerField()
    weight_g = serializers.IntegerField()
    volume_cm3 = serializers.IntegerField()


class DeliveryOptionsOut(serializers.Serializer[Any]):
    """A session: the question, the offers, and what the session holds or has chosen."""

    id = serializers.CharField()
    place = serializers.DictField(help_text="The parts of the address, as given.")
    place_text = serializers.CharField()
    lat = serializers.FloatField()
    lon = serializers.FloatField()
    time_zone = serializers.CharField(help_text="IANA time zone of the hub, to show times in.")
    time_zone_name = serializers.CharField(
        help_text="Its town and offset, for a reader in another time zone."
    )
    language = serializers.CharField()
    since = DateField()
    until = DateField()
    basket = DeliveryBasketOut()
    offers = PricedOfferOut(many=True)
    not_ready = serializers.ListField(
        child=serializers.CharField(), help_text="Days that are being prepared; ask again."
    )
    more_from = DateField(
        allow_null=True,
        help_text="First day that is left out, because there are too many options: send it as "
        "`since`. Null: all days are here.",
    )
    not_offered = NotOfferedOut(many=True)
    hold = HoldOut(allow_null=True)
    choice = ChoiceOut(allow_null=True)
    price_changes = PriceChangeOut(many=True)
    created_at = InstantField()
    expires_at = InstantField()
