"""What goes in and out of orders and parcels; every field is named."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from dispatch.api.shapes_fleet import words
from dispatch.orders.drafts import PromisedPlace
from dispatch.orders.models import (
    Attempt,
    Cause,
    Direction,
    Handover,
    HubChoice,
    Option,
    Order,
    Parcel,
    Place,
    Promise,
    Shopper,
)
from dispatch.orders.states import OrderState
from lastmile.core.geo import Point
from lastmile.core.http.fields import (
    DateField,
    DegreesField,
    InstantField,
    ModelOut,
    external_id,
    optional_text,
    text,
    whole,
)
from lastmile.core.openapi import example


class ShopperIn(serializers.Serializer[Any]):
    """Who; a national phone number is read in the country of the hub, or of all hubs."""

    name = optional_text(200)
    phone = optional_text(64)
    email = optional_text(254)
    language = optional_text(35, help_text="BCP 47, es-CL.")


class PlaceIn(serializers.Serializer[Any]):
    """Where: coordinates are taken as they are, else the address is looked up or asks for a pin."""

    text = optional_text(2_000, help_text="The address as it was written.")
    street = optional_text(200)
    house_number = optional_text(32)
    unit = optional_text(64)
    postcode = optional_text(32)
    city = optional_text(120)
    region = optional_text(120)
    country = optional_text(2, help_text="ISO 3166-1, two letters.")
    lat = DegreesField(90, required=False, allow_null=True, default=None)
    lon = DegreesField(180, required=False, allow_null=True, default=None)


class ParcelIn(serializers.Serializer[Any]):
    """One parcel."""

    external_id = external_id()
    barcode = optional_text(64)
    weight_g = whole(40_000_000, required=False, default=0)
    volume_cm3 = whole(120_000_000, required=False, default=0)
    length_mm = whole(20_000, 1, required=False, allow_null=True)
    width_mm = whole(20_000, 1, required=False, allow_null=True)
    height_mm = whole(20_000, 1, required=False, allow_null=True)


class WindowIn(serializers.Serializer[Any]):
    """Service may begin within [opens_at, closes_at)."""

    opens_at = InstantField()
    closes_at = InstantField()


@example(
    external_id="A-1001",
    shopper={"name": "Ana Rojas", "phone": "+56961234567", "language": "es-CL"},
    place={"text": "Avenida del Mar 1200, La Serena", "lat": -29.9165, "lon": -71.2730},
    service_date="2027-01-15",
    window={"opens_at": "2027-01-15T09:00:00-03:00", "closes_at": "2027-01-15T12:00:00-03:00"},
    parcels=[{"external_id": "A-1001-1", "weight_g": 4_200}],
    notes="Ring twice",
)
class OrderIn(serializers.Serializer[Any]):
    """An order; the same external_id and content again is the same order."""

    external_id = external_id()
    direction = serializers.ChoiceField(choices=Direction.values, required=False)
    shopper = ShopperIn(required=False)
    place = PlaceIn()
    hub = optional_text(120, help_text="Id, external_id or name; empty: zone or distance choose.")
    service_date = DateField(required=False, allow_null=True)
    window = WindowIn(required=False, allow_null=True)
    service_s = whole(28_800, required=False, allow_null=True)
    parcels = ParcelIn(many=True, required=False, max_length=999)  # type: ignore[call-arg]
    parcel_count = whole(999, 1, required=False, allow_null=True)
    weight_g = whole(40_000_000, required=False, allow_null=True)
    volume_cm3 = whole(120_000_000, required=False, allow_null=True)
    skills = words(required=False)
    value_minor = whole(10**13, required=False, allow_null=True)
    price_minor = whole(10**13, required=False, allow_null=True)
    currency = optional_text(3, help_text="ISO 4217; empty: the retailer's.")
    handover = serializers.ChoiceField(choices=Handover.values, required=False, allow_blank=True)
    notes = optional_text(4_000)


@example(notes="Leave it with the neighbour", service_s=240)
class ChangeOrderIn(serializers.Serializer[Any]):
    """What to change; the rest stays."""

    notes = optional_text(4_000)
    handover = serializers.ChoiceField(choices=Handover.values, required=False, allow_blank=True)
    skills = words(required=False)
    service_s = whole(28_800, required=False)
    service_date = DateField(required=False, allow_null=True)
    hub = text(80, required=False, help_text="Public id, or `external_id:…`.")
    shopper = ShopperIn(required=False)


@example(lat=-29.9165, lon=-71.2730)
class PinIn(serializers.Serializer[Any]):
    """Where the address really is."""

    lat = DegreesField(90)
    lon = DegreesField(180)


@example(cause="shopper")
class CancelIn(serializers.Serializer[Any]):
    """Who wants it called off."""

    cause = serializers.ChoiceField(
        choices=[Cause.SHOPPER.value, Cause.DISPATCHER.value, Cause.API.value], required=False
    )


@example(reference="store-12", text="Tienda Centro, La Serena", lat=-29.9027, lon=-71.2519)
class PromisedPlaceIn(serializers.Serializer[Any]):
    """Another place than the order's own: a hub's counter, a bank of lockers."""

    reference = serializers.RegexField(
        r"[A-Za-z0-9_.-]{1,64}\Z", help_text="Your id, or ours, of what is there."
    )
    text = optional_text(2_000)
    lat = DegreesField(90)
    lon = DegreesField(180)

    def validate(self, attrs: Any) -> Any:
        """Return the place as the service takes it."""
        return PromisedPlace(
            reference=attrs["reference"],
            text=attrs.get("text", ""),
            point=Point(lat=attrs["lat"], lon=attrs["lon"]),
        )


@example(
    opens_at="2027-01-15T15:00:00-03:00",
    closes_at="2027-01-15T17:00:00-03:00",
    cause="shopper",
)
class PromiseIn(serializers.Serializer[Any]):
    """A window to promise; it supersedes the one that stands."""

    opens_at = InstantField()
    closes_at = InstantField()
    option = serializers.ChoiceField(choices=Option.values, required=False)
    handover = serializers.ChoiceField(choices=Handover.values, required=False, allow_blank=True)
    cause = serializers.ChoiceField(choices=Cause.values, required=False, default=Cause.API.value)
    place = PromisedPlaceIn(required=False)
    slot = optional_text(28, help_text="Id of the slot that was chosen.")
    price_minor = whole(10**13, required=False, allow_null=True)
    currency = optional_text(3, help_text="ISO 4217; a price needs it.")
    co2_g = whole(10**9, required=False, allow_null=True)


@example(service_date="2027-01-16")
class TryAgainIn(serializers.Serializer[Any]):
    """The day on which a failed order is tried again; none: the same."""

    service_date = DateField(required=False, allow_null=True)


class ShopperOut(ModelOut[Shopper]):
    """Who."""

    id = serializers.CharField(source="public_id", read_only=True)

    class Meta:
        model = Shopper
        fields = ("id", "name", "phone", "email", "language")
        read_only_fields = fields


class PlaceOut(ModelOut[Place]):
    """Where, who put the pin there, and how exactly it is known."""

    id = serializers.CharField(source="public_id", read_only=True)

    class Meta:
        model = Place
        fields = (
            "id", "text", "street", "house_number", "unit", "postcode", "city", "region",
            "country", "lat", "lon", "pin_source", "provider", "precision", "confidence", "doubt",
        )  # fmt: skip
        read_only_fields = fields


class PromiseOut(ModelOut[Promise]):
    """What was promised; service or collection may begin within [opens_at, closes_at)."""

    id = serializers.CharField(source="public_id", read_only=True)
    place = serializers.CharField(source="place.public_id", read_only=True)

    class Meta:
        model = Promise
        fields = (
            "id", "number", "option", "handover", "place", "opens_at", "closes_at", "slot",
            "price_minor", "currency", "co2_g", "cause", "made_at",
        )  # fmt: skip
        read_only_fields = fields


class ParcelOut(ModelOut[Parcel]):
    """A parcel."""

    id = serializers.CharField(source="public_id", read_only=True)
    order = serializers.CharField(source="order.public_id", read_only=True)

    class Meta:
        model = Parcel
        fields = (
            "id", "order", "external_id", "barcode", "weight_g", "volume_cm3", "length_mm",
            "width_mm", "height_mm",
        )  # fmt: skip
        read_only_fields = fields


class AttemptOut(ModelOut[Attempt]):
    """One try at the door."""

    id = serializers.CharField(source="public_id", read_only=True)
    shift = serializers.CharField(
        source="shift.public_id", read_only=True, default=None, allow_null=True
    )
    promise = serializers.CharField(
        source="promise.public_id", read_only=True, default=None, allow_null=True
    )

    class Meta:
        model = Attempt
        fields = (
            "id", "number", "outcome", "reason", "promise", "shift", "stop", "arrived_at",
            "departed_at", "recorded_at",
        )  # fmt: skip
        read_only_fields = fields


class OrderOut(ModelOut[Order]):
    """An order."""

    id = serializers.CharField(source="public_id", read_only=True)
    state = serializers.ChoiceField(choices=[s.value for s in OrderState])
    hub = serializers.CharField(
        source="hub.public_id", read_only=True, default=None, allow_null=True
    )
    hub_choice = serializers.ChoiceField(choices=HubChoice.values, allow_blank=True)
    skills = words()
    shopper = ShopperOut()
    place = PlaceOut()
    promise = PromiseOut(allow_null=True)

    class Meta:
        model = Order
        fields = (
            "id", "external_id", "direction", "state", "hub", "hub_choice", "service_date",
            "service_s", "weight_g", "volume_cm3", "parcel_count", "skills", "value_minor",
            "price_minor", "currency", "handover", "notes", "shopper", "place", "promise",
            "source", "created_at", "updated_at", "version",
        )  # fmt: skip
        read_only_fields = fields


class OrderDetailOut(OrderOut):
    """An order with its parcels, every promise ever given and every attempt."""

    parcels = ParcelOut(many=True)
    promises = PromiseOut(many=True)
    attempts = AttemptOut(many=True)

    class Meta(OrderOut.Meta):
        fields = (*OrderOut.Meta.fields, "parcels", "promises", "attempts")  # type: ignore[assignment]


class WarningOut(serializers.Serializer[Any]):
    """What to check though the order is taken."""

    pointer = serializers.CharField(help_text="JSON pointer to the field; empty: the order.")
    code = serializers.CharField()
    detail = serializers.CharField()


class OrderPlacedOut(OrderOut):
    """An order as it was placed, with what to check."""

    warnings = WarningOut(many=True)

    class Meta(OrderOut.Meta):
        fields = (*OrderOut.Meta.fields, "warnings")  # type: ignore[assignment]


class TimelineEntryOut(serializers.Serializer[Any]):
    """One line of what happened: ids and facts."""

    id = serializers.CharField()
    kind = serializers.CharField()
    occurred_at = InstantField()
    actor = serializers.CharField()
    data = serializers.DictField()  # type: ignore[assignment]


class TimelineOut(serializers.Serializer[Any]):
    """What happened to an order, oldest first."""

    items = TimelineEntryOut(many=True)
