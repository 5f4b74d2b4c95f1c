"""The tables of the fleet: Hub, Zone, Vehicle, Driver and Shift."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from dispatch.fleet.states import ShiftState
from lastmile.core.bases import PublicIdField, Timestamped
from lastmile.core.geo import Point


class Profile(models.TextChoices):
    """The vehicle type. It decides which streets a vehicle can use and how fast it is."""

    VAN = "van"
    E_VAN = "e_van"
    CARGO_BIKE = "cargo_bike"
    FOOT = "foot"


class Energy(models.TextChoices):
    """The energy of a vehicle; ``muscle`` means human-powered."""

    DIESEL = "diesel"
    PETROL = "petrol"
    ELECTRIC = "electric"
    MUSCLE = "muscle"


def all_week() -> list[list[list[int]]]:
    """Return the default opening hours: every day from 06:00 to 22:00."""
    return [[[360, 1320]] for _day in range(7)]


class Hub(Timestamped):
    """A depot or store where routes begin and end.

    ``hours`` has seven days, Monday first, each a list of [opens, closes) in local minutes of
    the day. ``closes`` can be over 1440, which means the next day. ``zone`` is the time zone.
    """

    public_id = PublicIdField("hub")
    external_id = models.CharField(max_length=64, null=True, unique=True)
    name = models.CharField(max_length=120)
    address = models.CharField(max_length=500, default="")
    lat = models.FloatField()
    lon = models.FloatField()
    zone = models.CharField(max_length=64)
    hours = models.JSONField(default=all_week)
    loading_s = models.PositiveIntegerField(default=1200)
    network = models.CharField(max_length=64, default="")
    active = models.BooleanField(default=True)
    version = models.PositiveIntegerField(default=1)

    class Meta:
        ordering = ("name", "id")
        constraints = (
            models.CheckConstraint(
                name="hub_on_earth",
                condition=Q(lat__gte=-90, lat__lte=90, lon__gte=-180, lon__lte=180),
            ),
            models.CheckConstraint(name="hub_named", condition=~Q(name="")),
            models.CheckConstraint(name="hub_loading", condition=Q(loading_s__lte=14_400)),
        )

    def __str__(self) -> str:
        return self.name

    @property
    def point(self) -> Point:
        return Point(lat=self.lat, lon=self.lon)

    @property
    def place_text(self) -> str:
        """The name and the street address as one line, so that a shopper finds the hub."""
        address = " ".join(self.address.split())
        return ", ".join(filter(None, ("" if self.name in address else self.name, address)))


class Zone(Timestamped):
    """An area that a hub serves. ``polygon`` is always valid GeoJSON (RFC 7946).

    The bounding box is stored too, so that a look-up reads few polygons. If zones overlap, the
    zone with the smallest ``area_m2`` wins.
    """

    public_id = PublicIdField("zon")
    external_id = models.CharField(max_length=64, null=True, unique=True)
    name = models.CharField(max_length=120)
    hub = models.ForeignKey(Hub, on_delete=models.PROTECT, related_name="zones")
    polygon = models.JSONField()
    min_lat = models.FloatField()
    min_lon = models.FloatField()
    max_lat = models.FloatField()
    max_lon = models.FloatField()
    area_m2 = models.BigIntegerField()
    active = models.BooleanField(default=True)
    version = models.PositiveIntegerField(default=1)

    class Meta:
        ordering = ("name", "id")
        constraints = (
            models.CheckConstraint(
                name="zone_box",
                condition=Q(min_lat__lt=F("max_lat"), min_lon__lt=F("max_lon"), area_m2__gt=0),
            ),
            models.CheckConstraint(name="zone_named", condition=~Q(name="")),
        )

    def __str__(self) -> str:
        return self.name


class Vehicle(Timestamped):
    """A vehicle with its capacities, costs, vehicle type and energy.

    The capacities are ``weight_g``, ``volume_cm3`` and ``parcels``. ``range_m`` None means without
    a limit. ``own_co2_mg_per_m`` (well to wheel) replaces the factor of ``emission_class``.
    """

    public_id = PublicIdField("veh")
    external_id = models.CharField(max_length=64, null=True, unique=True)
    name = models.CharField(max_length=120)
    hub = models.ForeignKey(Hub, on_delete=models.PROTECT, related_name="vehicles")
    plate = models.CharField(max_length=20, default="")
    profile = models.CharField(max_length=16, choices=Profile.choices)
    energy = models.CharField(max_length=16, choices=Energy.choices)
    weight_g = models.PositiveIntegerField()
    volume_cm3 = models.PositiveIntegerField()
    parcels = models.PositiveIntegerField()
    fixed_cost_minor = models.PositiveIntegerField(default=0)
    cost_per_km_minor = models.PositiveIntegerField(default=0)
    cost_per_hour_minor = models.PositiveIntegerField(default=0)
    skills = models.JSONField(default=list)
    range_m = models.PositiveIntegerField(null=True)
    emission_class = models.CharField(max_length=16)
    own_co2_mg_per_m = models.PositiveIntegerField(null=True)
    active = models.BooleanField(default=True)
    version = models.PositiveIntegerField(default=1)

    class Meta:
        ordering = ("name", "id")
        constraints = (
            models.CheckConstraint(
                name="vehicle_carries",
                condition=Q(weight_g__gt=0, volume_cm3__gt=0, parcels__gt=0),
            ),
            models.CheckConstraint(name="vehicle_moves", condition=Q(profile__in=Profile.values)),
            models.CheckConstraint(name="vehicle_burns", condition=Q(energy__in=Energy.values)),
            models.CheckConstraint(
                name="vehicle_range", condition=Q(range_m__isnull=True) | Q(range_m__gt=0)
            ),
            models.CheckConstraint(name="vehicle_named", condition=~Q(name="")),
        )

    def __str__(self) -> str:
        return self.name


class Driver(Timestamped):
    """A driver. ``member`` is the id of the member (mbr_…) if the driver can sign in."""

    public_id = PublicIdField("drv")
    external_id = models.CharField(max_length=64, null=True, unique=True)
    name = models.CharField(max_length=120)
    phone = models.CharField(max_length=16, default="")
    hub = models.ForeignKey(Hub, on_delete=models.PROTECT, related_name="drivers")
    skills = models.JSONField(default=list)
    member = models.CharField(max_length=28, null=True, unique=True)
    active = models.BooleanField(default=True)
    version = models.PositiveIntegerField(default=1)

    class Meta:
        ordering = ("name", "id")
        constraints = (
            models.CheckConstraint(name="driver_named", condition=~Q(name="")),
            models.CheckConstraint(
                name="driver_phone_e164",
                condition=Q(phone="") | Q(phone__regex=r"^\+[1-9][0-9]{6,14}$"),
            ),
        )

    def __str__(self) -> str:
        return self.name


class Shift(Timestamped):
    """The work of one vehicle within [starts_at, ends_at), with or without a driver.

    A plan has at most one route per shift. Two exclusion constraints (in the second migration)
    prevent overlapping shifts of a vehicle or of a driver. ``breaks`` is a list of {opens_at,
    closes_at, duration_s, paid}. A break begins within [opens_at, closes_at] and ends within the
    shift.
    """

    public_id = PublicIdField("sft")
    external_id = models.CharField(max_length=64, null=True, unique=True)
    hub = models.ForeignKey(Hub, on_delete=models.PROTECT, related_name="shifts")
    vehicle = models.ForeignKey(Vehicle, on_delete=models.PROTECT, related_name="shifts")
    driver = models.ForeignKey(Driver, null=True, on_delete=models.PROTECT, related_name="shifts")
    service_date = models.DateField()
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    breaks = models.JSONField(default=list)
    state = models.CharField(max_length=16, default=ShiftState.SCHEDULED)
    version = models.PositiveIntegerField(default=1)

    class Meta:
        ordering = ("starts_at", "id")
        indexes = (models.Index(name="shift_day", fields=["hub", "service_date"]),)
        constraints = (
            models.CheckConstraint(name="shift_forwards", condition=Q(starts_at__lt=F("ends_at"))),
            models.CheckConstraint(
                name="shift_state", condition=Q(state__in=[s.value for s in ShiftState])
            ),
        )

    def __str__(self) -> str:
        return self.public_id
