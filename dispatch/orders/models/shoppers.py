"""The tables of shoppers and places. A place is never edited: a corrected pin is a new place."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from lastmile.core.bases import PublicIdField, Timestamped
from lastmile.core.geo import Point, point_or_none


class Shopper(Timestamped):
    """The person who receives or returns goods.

    Orders with the same name, phone, e-mail and language share one row. Without phone and e-mail,
    each order has its own row.
    """

    public_id = PublicIdField("shp")
    name = models.CharField(max_length=200, default="")
    phone = models.CharField(max_length=16, default="")
    email = models.CharField(max_length=254, default="")
    language = models.CharField(max_length=35, default="")

    class Meta:
        indexes = (models.Index(name="shopper_contact", fields=["phone", "email"]),)
        constraints = (
            models.CheckConstraint(
                name="shopper_phone_e164",
                condition=Q(phone="") | Q(phone__regex=r"^\+[1-9][0-9]{6,14}$"),
            ),
        )

    def __str__(self) -> str:
        return self.public_id


class Precision(models.TextChoices):
    """The precision of a geocoder's answer."""

    HOUSE = "house"
    INTERPOLATED = "interpolated"
    STREET = "street"
    PLACE = "place"


class PinSource(models.TextChoices):
    """The source of a pin."""

    GIVEN = "given"  # the order came with coordinates
    GEOCODER = "geocoder"
    SHOPPER = "shopper"
    DRIVER = "driver"
    DISPATCHER = "dispatcher"


HUMAN_PINS = (PinSource.SHOPPER, PinSource.DRIVER, PinSource.DISPATCHER)


class Place(models.Model):
    """An address as received, its parts and its pin. A place is never edited.

    ``key`` is the normal form of the address. It finds a pin that a person set for the same
    address before, even if the address was spelled differently.
    """

    public_id = PublicIdField("plc")
    text = models.TextField(default="")
    street = models.CharField(max_length=200, default="")
    house_number = models.CharField(max_length=32, default="")
    unit = models.CharField(max_length=64, default="")
    postcode = models.CharField(max_length=32, default="")
    city = models.CharField(max_length=120, default="")
    region = models.CharField(max_length=120, default="")
    country = models.CharField(max_length=2, default="")
    key = models.CharField(max_length=400, default="")
    lat = models.FloatField(null=True)
    lon = models.FloatField(null=True)
    pin_source = models.CharField(max_length=16, choices=PinSource.choices, default="")
    provider = models.CharField(max_length=64, default="")
    precision = models.CharField(max_length=16, choices=Precision.choices, default="")
    confidence = models.FloatField(null=True)
    doubt = models.CharField(
        max_length=16, default="", help_text="why no pin was put though something is known"
    )
    doubted_lat = models.FloatField(null=True, help_text="the coordinates that were not believed")
    doubted_lon = models.FloatField(null=True)
    corrects = models.ForeignKey(
        "self", null=True, on_delete=models.SET_NULL, related_name="corrected_by"
    )
    created_at = models.DateTimeField(editable=False)

    class Meta:
        indexes = (models.Index(name="place_memory", fields=["key"], condition=~Q(key="")),)
        constraints = (
            models.CheckConstraint(
                name="place_on_earth",
                condition=Q(lat__isnull=True, lon__isnull=True)
                | Q(lat__gte=-90, lat__lte=90, lon__gte=-180, lon__lte=180),
            ),
            models.CheckConstraint(
                name="place_pin_has_source",
                condition=Q(lat__isnull=True, pin_source="")
                | (Q(lat__isnull=False) & ~Q(pin_source="")),
            ),
        )

    def __str__(self) -> str:
        return self.public_id

    @property
    def point(self) -> Point | None:
        """The pin of the place, or None without a pin."""
        return point_or_none(self.lat, self.lon)
