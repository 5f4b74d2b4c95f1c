"""API shapes of banks, compartments, reservations, codes and commands."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from lastmile.core.http.fields import (
    InstantField,
    ModelOut,
    external_id,
    optional_text,
    text,
    whole,
)
from lastmile.core.openapi import example
from lockers.models import Compartment, LockerBank, LockerCommand, LockerReservation
from lockers.states import BankKind, Capability, CodeRole, CommandKind, Mode, Purpose

_MOST_MM = 3_000
_HUB_REF = "The hub's `id`, or `external_id:` and your own ID."
_WITHIN = 14 * 24 * 3600


def _words(words: type[Any]) -> list[str]:
    return [word.value for word in words]


class _Id(serializers.CharField):
    """The public id of a related row, or null."""

    def __init__(self, source: str) -> None:
        super().__init__(source=source, read_only=True, allow_null=True, default=None)


@example(
    name="Central Station",
    hub="external_id:centre",
    lat=52.0894,
    lon=5.1101,
    zone="Europe/Amsterdam",
    country="NL",
    hours="Mo-Su 06:00-23:00",
    capabilities=["low_doors"],
)
class LockerBankIn(serializers.Serializer[Any]):
    """A bank of lockers to add."""

    external_id = external_id()
    name = text(160)
    hub = serializers.CharField(max_length=80, help_text=_HUB_REF)
    kind = serializers.ChoiceField(choices=_words(BankKind), required=False)
    network = optional_text(64)
    address = optional_text(500)
    access = optional_text(500, help_text="How a shopper finds the bank.")
    lat = serializers.FloatField(min_value=-90, max_value=90)
    lon = serializers.FloatField(min_value=-180, max_value=180)
    zone = serializers.CharField(max_length=64, help_text="IANA time zone.")
    country = serializers.CharField(max_length=2, help_text="ISO 3166-1 alpha-2.")
    hours = optional_text(500, help_text="OSM opening_hours; empty: always open.")
    capabilities = serializers.ListField(
        child=serializers.ChoiceField(choices=_words(Capability)), required=False, max_length=10
    )
    most_weight_g = whole(1_000_000, 1, required=False, allow_null=True)


class LockerBankOut(ModelOut[LockerBank]):
    """A bank of lockers."""

    id = serializers.CharField(source="public_id", read_only=True)
    hub = _Id("hub.public_id")
    distance_m = serializers.IntegerField(
        read_only=True, allow_null=True, default=None, help_text="In a search with `near` only."
    )

    class Meta:
        model = LockerBank
        fields = (
            "id", "external_id", "kind", "network", "name", "hub", "address", "access", "lat",
            "lon", "zone", "country", "hours", "capabilities", "most_weight_g", "state",
            "active", "distance_m", "created_at", "updated_at", "version",
        )  # fmt: skip
        read_only_fields = fields


@example(number="1", width_mm=380, height_mm=80, depth_mm=640, size_class="S")
class CompartmentIn(serializers.Serializer[Any]):
    """A compartment to add."""

    number = text(16, help_text="The number on the door.")
    width_mm = whole(_MOST_MM, 1)
    height_mm = whole(_MOST_MM, 1)
    depth_mm = whole(_MOST_MM, 1)
    size_class = optional_text(16, help_text="Your word for the size, such as M.")
    side = optional_text(16)
    low = serializers.BooleanField(
        required=False, help_text="A person in a wheelchair reaches the door."
    )
    cooled = serializers.BooleanField(required=False)


@example(compartments=[{"number": "1", "width_mm": 380, "height_mm": 80, "depth_mm": 640}])
class CompartmentsIn(serializers.Serializer[Any]):
    """Compartments to add to a bank."""

    compartments = CompartmentIn(many=True, max_length=500)  # type: ignore[call-arg]


class CompartmentOut(ModelOut[Compartment]):
    """A compartment."""

    id = serializers.CharField(source="public_id", read_only=True)
    bank = _Id("bank.public_id")

    class Meta:
        model = Compartment
        fields = (
            "id", "bank", "number", "size_class", "width_mm", "height_mm", "depth_mm", "side",
            "low", "cooled", "state", "door",
        )  # fmt: skip
        read_only_fields = fields


class CompartmentsOut(serializers.Serializer[Any]):
    """Compartments that were added."""

    items = CompartmentOut(many=True)


class AvailabilityOut(serializers.Serializer[Any]):
    """The number of compartments of a bank in each state; each counts once."""

    free = serializers.IntegerField()
    held = serializers.IntegerField()
    occupied = serializers.IntegerField()
    unknown = serializers.IntegerField()
    blocked = serializers.IntegerField()


@example(bank="external_id:station", width_mm=300, height_mm=70, depth_mm=200, parcel_ref="P-1001")
class LockerReservationIn(serializers.Serializer[Any]):
    """A reservation to make."""

    external_id = external_id()
    bank = serializers.CharField(
        max_length=80, help_text="The bank's `id`, or `external_id:` and your own ID."
    )
    width_mm = whole(_MOST_MM, 1)
    height_mm = whole(_MOST_MM, 1)
    depth_mm = whole(_MOST_MM, 1)
    weight_g = whole(1_000_000, required=False)
    cooled = serializers.BooleanField(required=False)
    low_door = serializers.BooleanField(required=False)
    mode = serializers.ChoiceField(choices=_words(Mode), required=False)
    purpose = serializers.ChoiceField(choices=_words(Purpose), required=False)
    order = serializers.CharField(
        max_length=80, required=False, allow_null=True,
        help_text="The order's `id`, or `external_id:` and your own ID.",
    )  # fmt: skip
    parcel_ref = optional_text(64, help_text="Your name for the parcel.")
    bundle = optional_text(64, help_text="Reservations of one bundle belong together.")
    deposit_by = InstantField(required=False)
    collect_within_s = whole(_WITHIN, 3600, required=False)
    alternates = serializers.ListField(
        child=serializers.CharField(max_length=28), required=False, max_length=10,
        help_text="Banks that you would take instead, the best first.",
    )  # fmt: skip
    queue_s = whole(_WITHIN, required=False, help_text="Seconds to wait if none is free.")


@example(action="extend", by_s=86_400)
class LockerReservationChangeIn(serializers.Serializer[Any]):
    """A change of a reservation."""

    action = serializers.ChoiceField(choices=["confirm", "extend", "move"])
    by_s = whole(_WITHIN, 60, required=False, help_text="For `extend`: seconds more to collect.")
    bank = serializers.CharField(max_length=80, required=False, help_text="For `move`.")


class LockerReservationOut(ModelOut[LockerReservation]):
    """A reservation."""

    id = serializers.CharField(source="public_id", read_only=True)
    bank = _Id("bank.public_id")
    compartment = _Id("compartment.public_id")
    number = _Id("compartment.number")
    order = _Id("order.public_id")

    class Meta:
        model = LockerReservation
        fields = (
            "id", "external_id", "bank", "compartment", "number", "purpose", "mode", "state",
            "reason", "order", "parcel_ref", "bundle", "width_mm", "height_mm", "depth_mm",
            "weight_g", "cooled", "low_door", "held_until", "queued_until", "deposit_by",
            "collect_within_s", "collect_by", "deposited_at", "ended_at", "alternates",
            "created_at", "version",
        )  # fmt: skip
        read_only_fields = fields


@example(role="courier")
class LockerCodeIn(serializers.Serializer[Any]):
    """A code to show."""

    role = serializers.ChoiceField(choices=_words(CodeRole))


class LockerCodeOut(serializers.Serializer[Any]):
    """A code. It is in the first answer only."""

    role = serializers.CharField()
    pin = serializers.CharField(allow_null=True)
    token = serializers.CharField(allow_null=True, help_text="Text for a QR code.")
    expires_at = InstantField()


class ProvisioningTokenOut(serializers.Serializer[Any]):
    """A token with which a cabinet gets its key, once. It is in the first answer only."""

    id = serializers.CharField(source="token.public_id")
    token = serializers.CharField(source="secret", allow_null=True)
    expires_at = InstantField(source="token.expires_at")


@example(kind="open", compartment="cmp_2b5d8f1h4k7m0p3r6t9w")
class LockerCommandIn(serializers.Serializer[Any]):
    """A command to a cabinet."""

    kind = serializers.ChoiceField(choices=_words(CommandKind))
    compartment = serializers.CharField(max_length=28, required=False, allow_null=True)
    why = serializers.RegexField(r"^[a-z0-9_]{0,40}$", required=False, allow_blank=True)


class LockerCommandOut(ModelOut[LockerCommand]):
    """A command to a cabinet."""

    id = serializers.CharField(source="public_id", read_only=True)
    bank = _Id("bank.public_id")
    compartment = _Id("compartment.public_id")

    class Meta:
        model = LockerCommand
        fields = (
            "id", "bank", "compartment", "kind", "why", "state", "failure", "made_at",
            "expires_at", "delivered_at", "ended_at",
        )  # fmt: skip
        read_only_fields = fields
