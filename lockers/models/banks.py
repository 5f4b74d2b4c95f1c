"""The tables of banks and their compartments."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from dispatch.fleet.models import Hub
from dispatch.orders.models import Option
from lastmile.core.bases import PublicIdField, Timestamped
from lastmile.core.fields import EncryptedBytesField
from lastmile.core.geo import Point
from lockers.fitting import Size
from lockers.states import BankKind, BankState, BoxState, DoorState


class LockerBank(Timestamped):
    """A bank of lockers, or the counter of a hub.

    ``hub`` is the hub that serves it. ``hours`` is an OSM opening_hours text in the time zone
    ``zone`` and the country ``country`` (for holidays); "" means always open. ``capabilities`` are
    words of ``states.Capability``. ``code_key`` makes the PINs; None for banks whose codes the
    vendor makes. ``active`` is False when the bank has left its network, or staff closed it.
    ``closed_there`` is True only if its network closed it. ``online_since`` and
    ``heard_at`` are real times; ``heard_at`` is the last heartbeat.
    """

    public_id = PublicIdField("bnk")
    external_id = models.CharField(max_length=64, null=True, unique=True)
    kind = models.CharField(max_length=8)
    network = models.CharField(max_length=64, default="", blank=True)
    name = models.CharField(max_length=160)
    hub = models.ForeignKey(Hub, on_delete=models.PROTECT, related_name="banks")
    address = models.CharField(max_length=500, default="", blank=True)
    access = models.CharField(max_length=500, default="", blank=True)
    lat = models.FloatField()
    lon = models.FloatField()
    zone = models.CharField(max_length=64)
    country = models.CharField(max_length=2)
    hours = models.CharField(max_length=500, default="", blank=True)
    capabilities = models.JSONField(default=list)
    most_weight_g = models.PositiveIntegerField(null=True)
    code_key = EncryptedBytesField(null=True)
    state = models.CharField(max_length=8, default=BankState.ONLINE)
    heard_at = models.DateTimeField(null=True)
    active = models.BooleanField(default=True)
    closed_there = models.BooleanField(default=False)
    version = models.PositiveIntegerField(default=1)

    class Meta:
        ordering = ("name", "id")
        indexes = (
            models.Index(name="bank_of_hub", fields=["hub", "name", "id"]),
            models.Index(name="bank_by_name", fields=["name", "id"]),
            models.Index(
                name="bank_heard", fields=["heard_at"], condition=Q(heard_at__isnull=False)
            ),
        )
        constraints = (
            models.CheckConstraint(
                name="bank_on_earth",
                condition=Q(lat__gte=-90, lat__lte=90, lon__gte=-180, lon__lte=180),
            ),
            models.CheckConstraint(name="bank_named", condition=~Q(name="")),
            models.CheckConstraint(
                name="bank_kind", condition=Q(kind__in=[k.value for k in BankKind])
            ),
            models.CheckConstraint(
                name="bank_state", condition=Q(state__in=[s.value for s in BankState])
            ),
        )

    def __str__(self) -> str:
        return self.name

    @property
    def point(self) -> Point:
        return Point(lat=self.lat, lon=self.lon)

    @property
    def option(self) -> str:
        """The option that it serves: a counter hands out, a locker opens by a code."""
        return Option.HUB if self.kind == BankKind.COUNTER else Option.LOCKER

    @property
    def place_text(self) -> str:
        """The name and the street address as one line, so that a shopper finds the bank."""
        address = " ".join(self.address.split())
        return ", ".join(filter(None, ("" if self.name in address else self.name, address)))


class Compartment(Timestamped):
    """A compartment with its inner size in mm.

    ``number`` is written on the door. ``size_class`` is the network's own word, such as S or M.
    ``side`` is where it is, such as left or right; ``low`` means a door that a person in a
    wheelchair reaches. ``least_mm``, ``middle_mm`` and ``most_mm`` are the sorted sides and
    ``volume_mm3`` their product, so that SQL finds the smallest that fits. ``door`` is the last
    report of the sensor; ``door_open_at`` is since when it is open, and ``left_open_at`` when that
    was reported. ``sensor_faults`` counts openings at which the sensor disagreed.
    """

    public_id = PublicIdField("cmp")
    bank = models.ForeignKey(LockerBank, on_delete=models.PROTECT, related_name="compartments")
    number = models.CharField(max_length=16)
    size_class = models.CharField(max_length=16, default="", blank=True)
    width_mm = models.PositiveIntegerField()
    height_mm = models.PositiveIntegerField()
    depth_mm = models.PositiveIntegerField()
    least_mm = models.PositiveIntegerField(editable=False)
    middle_mm = models.PositiveIntegerField(editable=False)
    most_mm = models.PositiveIntegerField(editable=False)
    volume_mm3 = models.PositiveBigIntegerField(editable=False)
    side = models.CharField(max_length=16, default="", blank=True)
    low = models.BooleanField(default=False)
    cooled = models.BooleanField(default=False)
    state = models.CharField(max_length=8, default=BoxState.EMPTY)
    door = models.CharField(max_length=8, default=DoorState.CLOSED)
    door_open_at = models.DateTimeField(null=True)
    left_open_at = models.DateTimeField(null=True)
    sensor_faults = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering = ("bank", "number", "id")
        indexes = (
            models.Index(
                name="compartment_smallest",
                fields=["bank", "volume_mm3", "low", "id"],
                condition=Q(state=BoxState.EMPTY.value),
            ),
        )
        constraints = (
            models.UniqueConstraint(name="compartment_number", fields=["bank", "number"]),
            models.CheckConstraint(
                name="compartment_state", condition=Q(state__in=[s.value for s in BoxState])
            ),
            models.CheckConstraint(
                name="compartment_door", condition=Q(door__in=[d.value for d in DoorState])
            ),
            models.CheckConstraint(
                name="compartment_sides",
                condition=Q(
                    least_mm__gt=0, least_mm__lte=F("middle_mm"), middle_mm__lte=F("most_mm")
                ),
            ),
            models.CheckConstraint(
                name="compartment_volume",
                condition=Q(volume_mm3=F("width_mm") * F("height_mm") * F("depth_mm")),
            ),
        )

    def __str__(self) -> str:
        return self.number

    @property
    def inside(self) -> Size:
        """The inner size."""
        return Size(width_mm=self.width_mm, height_mm=self.height_mm, depth_mm=self.depth_mm)
