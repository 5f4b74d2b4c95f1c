"""API shapes of orders and parcels; only listed fields go in and out."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from dispatch.api.shapes_fleet import words
from dispatch.api.shapes_stops import ExpectedOfOrder
from dispatch.live.models import CustodyStep
from dispatch.live.states import CustodyKind, CustodyProof
from dispatch.orders.drafts import PromisedPlace
from dispatch.orders.models import (
    OLDEST,
    YOUNGEST,
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
from dispatch.planning.selectors.late import waits_for_dispatcher
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
    """The shopper. A phone number without a country code is read as one of the hub's country.

    Without a hub it is read as one of the country of all hubs, if they share one.
    """

    name = optional_text(200)
    phone = optional_text(64)
    email = optional_text(254)
    language = optional_text(35, help_text="BCP 47 tag, for example es-CL.")


class PlaceIn(serializers.Serializer[Any]):
    """The place of an order. Given coordinates are used as they are.

    Without coordinates the address is looked up; if it is not found, the order needs a pin.
    """

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


class ParcelIn(serializers.Serializer[Any]):
    """A parcel."""

    external_id = external_id()
    barcode = optional_text(64)
    weight_g = whole(40_000_000, required=False, default=0)
    volume_cm3 = whole(120_000_000, required=False, default=0)
    length_mm = whole(20_000, 1, required=False, allow_null=True)
    width_mm = whole(20_000, 1, required=False, allow_null=True)
    height_mm = whole(20_000, 1, required=False, allow_null=True)


def _least_age() -> serializers.IntegerField:
    return whole(
        OLDEST,
        required=False,
        help_text=f"Least age of the receiver, {YOUNGEST} to {OLDEST}; 0: no age check.",
    )


class WindowIn(serializers.Serializer[Any]):
    """A time window: service may begin within [opens_at, closes_at)."""

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
    """An order. Sending the same external_id again never creates a second order."""

    external_id = external_id()
    direction = serializers.ChoiceField(choices=Direction.values, required=False)
    shopper = ShopperIn(required=False)
    place = PlaceIn()
    hub = optional_text(
        120, help_text="The hub's id, external_id or name. Empty: by zone, or the nearest hub."
    )
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
    currency = optional_text(3, help_text="ISO 4217 code. Empty: the retailer's currency.")
    handover = serializers.ChoiceField(choices=Handover.values, required=False, allow_blank=True)
    least_age = _least_age()
    signature = serializers.BooleanField(required=False, help_text="The receiver signs.")
    choice = optional_text(
        28, help_text="Id of the choice (`chc_…`) that the shopper made in your checkout."
    )
    notes = optional_text(4_000)


@example(notes="Leave it with the neighbour", service_s=240)
class ChangeOrderIn(serializers.Serializer[Any]):
    """The fields to change; other fields stay as they are."""

    notes = optional_text(4_000)
    handover = serializers.ChoiceField(choices=Handover.values, required=False, allow_blank=True)
    least_age = _least_age()
    signature = serializers.BooleanField(required=False, help_text="The receiver signs.")
    skills = words(required=False)
    service_s = whole(28_800, required=False)
    service_date = DateField(required=False, allow_null=True)
    hub = text(80, required=False, help_text="The hub's `id`, or `external_id:` and your own ID.")
    shopper = ShopperIn(required=False)


@example(lat=-29.9165, lon=-71.2730)
class PinIn(serializers.Serializer[Any]):
    """The pin: the exact coordinates of the address."""

    lat = DegreesField(90)
    lon = DegreesField(180)


@example(cause="shopper")
class CancelIn(serializers.Serializer[Any]):
    """The cause of a cancellation."""

    cause = serializers.ChoiceField(
        choices=[Cause.SHOPPER.value, Cause.DISPATCHER.value, Cause.API.value], required=False
    )


@example(reference="store-12", text="Tienda Centro, La Serena", lat=-29.9027, lon=-71.2519)
class PromisedPlaceIn(serializers.Serializer[Any]):
    """A place other than the order's own, such as a hub's counter or a bank of lockers."""

    reference = serializers.RegexField(
        r"[A-Za-z0-9_.-]{1,64}\Z", help_text="Id of the counter or bank: your own ID or its `id`."
    )
    text = optional_text(2_000)
    lat = DegreesField(90)
    lon = DegreesField(180)

    def validate(self, attrs: Any) -> Any:
        """Return the place as a ``PromisedPlace``."""
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
    """A time window to promise. It supersedes the current promise."""

    opens_at = InstantField()
    closes_at = InstantField()
    option = serializers.ChoiceField(choices=Option.values, required=False)
    handover = serializers.ChoiceField(choices=Handover.values, required=False, allow_blank=True)
    cause = serializers.ChoiceField(choices=Cause.values, required=False, default=Cause.API.value)
    place = PromisedPlaceIn(required=False)
    slot = optional_text(28, help_text="Id of the chosen slot.")
    price_minor = whole(10**13, required=False, allow_null=True)
    currency = optional_text(3, help_text="ISO 4217 code. Required with a price.")
    co2_g = whole(10**9, required=False, allow_null=True)


@example(service_date="2027-01-16")
class TryAgainIn(serializers.Serializer[Any]):
    """The day of the next attempt. Empty: the service date does not change."""

    service_date = DateField(required=False, allow_null=True)


class ShopperOut(ModelOut[Shopper]):
    """The shopper of an order."""

    id = serializers.CharField(source="public_id", read_only=True)

    class Meta:
        model = Shopper
        fields = ("id", "name", "phone", "email", "language")
        read_only_fields = fields


class PlaceOut(ModelOut[Place]):
    """The place of an order, with the source of its pin and its precision."""

    id = serializers.CharField(source="public_id", read_only=True)

    class Meta:
        model = Place
        fields = (
            "id", "text", "street", "house_number", "unit", "postcode", "city", "region",
            "country", "lat", "lon", "pin_source", "provider", "precision", "confidence", "doubt",
        )  # fmt: skip
        read_only_fields = fields


class PromiseOut(ModelOut[Promise]):
    """A promise. Service or collection may begin within [opens_at, closes_at)."""

    id = serializers.CharField(source="public_id", read_only=True)
    place = serializers.CharField(source="place.public_id", read_only=True)

    class Meta:
        model = Promise
        fields = (
            "id", "number", "option", "handover", "place", "opens_at", "closes_at", "slot",
            "price_minor", "currency", "co2_g", "cause", "made_at",
        )  # fmt: skip
        read_only_fields = fields


class CustodyStepOut(ModelOut[CustodyStep]):
    """A step of a parcel on its way, as an act of a driver says it."""

    kind = serializers.ChoiceField(choices=[k.value for k in CustodyKind])
    at = InstantField()
    place = serializers.CharField(help_text="The hub, or the order whose door it was.")
    by = serializers.ChoiceField(
        choices=[b.value for b in CustodyProof],
        help_text="`scan`: the parcel itself was scanned. `list`: the driver told of it.",
    )

    class Meta:
        model = CustodyStep
        fields = ("kind", "at", "place", "by")
        read_only_fields = fields


class ParcelOut(ModelOut[Parcel]):
    """A parcel."""

    id = serializers.CharField(source="public_id", read_only=True)
    order = serializers.CharField(source="order.public_id", read_only=True)
    custody = CustodyStepOut(many=True, help_text="Its steps from hub to door, oldest first.")

    class Meta:
        model = Parcel
        fields = (
            "id", "order", "external_id", "barcode", "weight_g", "volume_cm3", "length_mm",
            "width_mm", "height_mm", "custody",
        )  # fmt: skip
        read_only_fields = fields


class AttemptOut(ModelOut[Attempt]):
    """An attempt to serve an order."""

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
            "arrived_from", "departed_at", "recorded_at",
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
    to_choose = serializers.BooleanField(help_text="True until the shopper of an open order chose.")

    class Meta:
        model = Order
        fields = (
            "id", "external_id", "direction", "state", "hub", "hub_choice", "service_date",
            "service_s", "weight_g", "volume_cm3", "parcel_count", "skills", "value_minor",
            "price_minor", "currency", "handover", "least_age", "signature", "notes",
            "shopper", "place", "promise", "to_choose", "source", "created_at", "updated_at",
            "version",
        )  # fmt: skip
        read_only_fields = fields


class OrderDetailOut(OrderOut):
    """An order with its parcels, all its promises and all its attempts."""

    requested = serializers.SerializerMethodField(
        help_text="True while a dispatcher must still confirm the promise: say “requested”."
    )
    expected = ExpectedOfOrder()
    parcels = ParcelOut(many=True)
    promises = PromiseOut(many=True)
    attempts = AttemptOut(many=True)

    class Meta(OrderOut.Meta):
        fields = (  # type: ignore[assignment]
            *OrderOut.Meta.fields, "requested", "expected", "parcels", "promises", "attempts",
        )  # fmt: skip

    def get_requested(self, order: Order) -> bool:
        """Return True if a dispatcher must still confirm the promise."""
        return waits_for_dispatcher(order)


class ShopperLinkOut(serializers.Serializer[Any]):
    """The secret address of the shopper's page, and the instant at which it ends."""

    url = serializers.CharField()
    expires_at = InstantField(allow_null=True, help_text="Null while the order has not ended.")


class WarningOut(serializers.Serializer[Any]):
    """A warning about an order that was accepted."""

    pointer = serializers.CharField(
        help_text="JSON pointer to the field. Empty: the warning is about the whole order."
    )
    code = serializers.CharField()
    detail = serializers.CharField()


class OrderPlacedOut(OrderOut):
    """A placed order with its warnings."""

    warnings = WarningOut(many=True)

    class Meta(OrderOut.Meta):
        fields = (*OrderOut.Meta.fields, "warnings")  # type: ignore[assignment]


class TimelineEntryOut(serializers.Serializer[Any]):
    """An event of the order's timeline, with ids and facts."""

    id = serializers.CharField()
    kind = serializers.CharField()
    occurred_at = InstantField()
    actor = serializers.CharField()
    data = serializers.DictField()  # type: ignore[assignment]


class TimelineOut(serializers.Serializer[Any]):
    """The timeline of an order, oldest event first."""

    items = TimelineEntryOut(many=True)
