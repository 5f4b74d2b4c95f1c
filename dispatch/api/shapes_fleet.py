"""API shapes of hubs, zones, vehicles, drivers and shifts; only listed fields go in and out."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from dispatch import emissions
from dispatch.fleet.models import Driver, Energy, Hub, Profile, Shift, Vehicle, Zone
from dispatch.fleet.states import ShiftState
from lastmile.core.http.fields import (
    DegreesField,
    InstantField,
    ModelOut,
    external_id,
    optional_text,
    text,
    whole,
)
from lastmile.core.openapi import example

HUB_REF = "The hub's `id`, or `external_id:` and your own ID."
_HOURS = (
    "Seven days, Monday first. Each day is a list of [opens, closes) in local minutes of the day. "
    "Above 1440, `closes` is on the next day."
)


def words(**kwargs: Any) -> serializers.ListField:
    """Return a field for a list of skills."""
    return serializers.ListField(
        child=serializers.CharField(max_length=120, allow_blank=True), max_length=40, **kwargs
    )


def hub_id(**kwargs: Any) -> serializers.CharField:
    """Return a field that shows the public id of a row's hub."""
    return serializers.CharField(source="hub.public_id", read_only=True, **kwargs)


class HoursField(serializers.ListField):
    """Opening hours: seven lists of [opens, closes) pairs."""

    child = serializers.ListField(
        child=serializers.ListField(child=serializers.IntegerField(), max_length=2), max_length=6
    )


@example(
    external_id="centre",
    name="Centre",
    address="Balmaceda 400, La Serena",
    lat=-29.9045,
    lon=-71.2489,
    zone="America/Santiago",
    loading_s=1_200,
)
class HubIn(serializers.Serializer[Any]):
    """A hub: where routes begin and end."""

    external_id = external_id()
    name = text(120)
    address = optional_text(500)
    lat = DegreesField(90)
    lon = DegreesField(180)
    zone = serializers.CharField(
        max_length=64, help_text="IANA time zone, for example Europe/Lisbon."
    )
    hours = HoursField(required=False, min_length=7, max_length=7, help_text=_HOURS)
    loading_s = whole(
        14_400, required=False, help_text="Seconds to load a vehicle before it leaves."
    )
    network = optional_text(
        64, help_text="Name of a loaded road network. Empty: distances are straight lines."
    )
    active = serializers.BooleanField(required=False)


class HubOut(ModelOut[Hub]):
    """A hub."""

    id = serializers.CharField(source="public_id", read_only=True)
    hours = HoursField(help_text=_HOURS)

    class Meta:
        model = Hub
        fields = (
            "id", "external_id", "name", "address", "lat", "lon", "zone", "hours", "loading_s",
            "network", "active", "created_at", "updated_at", "version",
        )  # fmt: skip
        read_only_fields = fields


@example(
    name="Beach",
    hub="external_id:centre",
    polygon={
        "type": "Polygon",
        "coordinates": [
            [
                [-71.30, -29.93],
                [-71.26, -29.93],
                [-71.26, -29.89],
                [-71.30, -29.89],
                [-71.30, -29.93],
            ]
        ],
    },
)
class ZoneIn(serializers.Serializer[Any]):
    """A zone: an area that a hub serves."""

    external_id = external_id()
    name = text(120)
    hub = serializers.CharField(max_length=80, help_text=HUB_REF)
    polygon = serializers.JSONField(
        help_text="GeoJSON Polygon or MultiPolygon (RFC 7946), [longitude, latitude]."
    )
    active = serializers.BooleanField(required=False)


class ZoneOut(ModelOut[Zone]):
    """A zone."""

    id = serializers.CharField(source="public_id", read_only=True)
    hub = hub_id()
    polygon = serializers.JSONField()

    class Meta:
        model = Zone
        fields = (
            "id", "external_id", "name", "hub", "polygon", "area_m2", "active", "created_at",
            "updated_at", "version",
        )  # fmt: skip
        read_only_fields = fields


@example(
    external_id="van-1",
    name="Van 1",
    hub="external_id:centre",
    profile="van",
    energy="electric",
    weight_g=800_000,
    volume_cm3=6_000_000,
    parcels=120,
    cost_per_km_minor=250,
    cost_per_hour_minor=9_000,
    range_m=180_000,
)
class VehicleIn(serializers.Serializer[Any]):
    """A vehicle: its capacities are weight_g, volume_cm3 and parcels."""

    external_id = external_id()
    name = text(120)
    hub = serializers.CharField(max_length=80, help_text=HUB_REF)
    plate = optional_text(20)
    profile = serializers.ChoiceField(choices=Profile.values)
    energy = serializers.ChoiceField(choices=Energy.values)
    weight_g = whole(40_000_000, 1)
    volume_cm3 = whole(120_000_000, 1)
    parcels = whole(10_000, 1)
    fixed_cost_minor = whole(100_000_000, required=False)
    cost_per_km_minor = whole(100_000_000, required=False)
    cost_per_hour_minor = whole(100_000_000, required=False)
    skills = words(required=False)
    range_m = whole(5_000_000, 1, required=False, allow_null=True)
    emission_class = serializers.ChoiceField(choices=emissions.VEHICLE_CLASSES, required=False)
    own_co2_mg_per_m = whole(
        5_000,
        required=False,
        allow_null=True,
        help_text="Your own measurement, well to wheel. Replaces the factor of the class.",
    )
    active = serializers.BooleanField(required=False)


class VehicleOut(ModelOut[Vehicle]):
    """A vehicle."""

    id = serializers.CharField(source="public_id", read_only=True)
    hub = hub_id()
    skills = words()

    class Meta:
        model = Vehicle
        fields = (
            "id", "external_id", "name", "hub", "plate", "profile", "energy", "weight_g",
            "volume_cm3", "parcels", "fixed_cost_minor", "cost_per_km_minor",
            "cost_per_hour_minor", "skills", "range_m", "emission_class", "own_co2_mg_per_m",
            "active", "created_at", "updated_at", "version",
        )  # fmt: skip
        read_only_fields = fields


@example(external_id="driver-7", name="Luis Vega", phone="+56971234567", hub="external_id:centre")
class DriverIn(serializers.Serializer[Any]):
    """A driver. A phone number without a country code is read as one of the hub's country."""

    external_id = external_id()
    name = text(120)
    phone = optional_text(40)
    hub = serializers.CharField(max_length=80, help_text=HUB_REF)
    skills = words(required=False)
    member = serializers.CharField(
        max_length=40,
        required=False,
        allow_null=True,
        allow_blank=True,
        help_text="The member (`mbr_…`) as whom the driver signs in.",
    )
    active = serializers.BooleanField(required=False)


class DriverOut(ModelOut[Driver]):
    """A driver."""

    id = serializers.CharField(source="public_id", read_only=True)
    hub = hub_id()
    skills = words()

    class Meta:
        model = Driver
        fields = (
            "id", "external_id", "name", "phone", "hub", "skills", "member", "active",
            "created_at", "updated_at", "version",
        )  # fmt: skip
        read_only_fields = fields


class BreakShape(serializers.Serializer[Any]):
    """A break of `duration_s` seconds that begins within [opens_at, closes_at]."""

    opens_at = InstantField()
    closes_at = InstantField()
    duration_s = whole(14_400, 60)
    paid = serializers.BooleanField(required=False, default=False)


@example(
    vehicle="external_id:van-1",
    driver="external_id:driver-7",
    starts_at="2027-01-15T09:00:00-03:00",
    ends_at="2027-01-15T18:00:00-03:00",
    breaks=[
        {
            "opens_at": "2027-01-15T13:00:00-03:00",
            "closes_at": "2027-01-15T14:00:00-03:00",
            "duration_s": 1_800,
        }
    ],
)
class ShiftIn(serializers.Serializer[Any]):
    """A shift: a vehicle, with or without a driver, available for a time.

    The hub follows from the vehicle, the service date from the start.
    """

    external_id = external_id()
    vehicle = serializers.CharField(
        max_length=80, help_text="The vehicle's `id`, or `external_id:` and your own ID."
    )
    driver = serializers.CharField(
        max_length=80,
        required=False,
        allow_null=True,
        help_text="The driver's `id`, or `external_id:` and your own ID.",
    )
    starts_at = InstantField()
    ends_at = InstantField()
    breaks = BreakShape(many=True, required=False)


class ShiftOut(ModelOut[Shift]):
    """A shift."""

    id = serializers.CharField(source="public_id", read_only=True)
    hub = hub_id()
    vehicle = serializers.CharField(source="vehicle.public_id", read_only=True)
    driver = serializers.CharField(
        source="driver.public_id", read_only=True, default=None, allow_null=True
    )
    breaks = BreakShape(many=True)
    state = serializers.ChoiceField(choices=[s.value for s in ShiftState])

    class Meta:
        model = Shift
        fields = (
            "id", "external_id", "hub", "vehicle", "driver", "service_date", "starts_at",
            "ends_at", "breaks", "state", "created_at", "updated_at", "version",
        )  # fmt: skip
        read_only_fields = fields


class FactorOut(serializers.Serializer[emissions.Factor]):
    """An emission factor with its source. Milligrams per metre equal grams per kilometre."""

    vehicle_class = serializers.CharField()
    energy = serializers.CharField()
    ttw_mg_per_m = serializers.IntegerField(help_text="Tank to wheel.")
    wtt_mg_per_m = serializers.IntegerField(help_text="Well to tank.")
    wtw_mg_per_m = serializers.IntegerField(help_text="Well to wheel: the sum of both.")
    region = serializers.CharField()
    year = serializers.IntegerField()
    source = serializers.CharField()  # type: ignore[assignment]
    quality = serializers.ChoiceField(choices=["published", "derived", "own"])


class FactorsOut(serializers.Serializer[Any]):
    """The emission factors of this installation."""

    items = FactorOut(many=True)
