"""API shapes of stops and of the expected arrivals at them."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from dispatch.live.selectors import arrival_of_order
from dispatch.orders.models import Order
from dispatch.planning.models import Stop
from dispatch.planning.selectors.schedule import breaks_of, wait_s
from dispatch.planning.selectors.words import say_leg_note, say_violation
from lastmile.core.http.fields import InstantField, ModelOut


class ExpectedOut(serializers.Serializer[Any]):
    """The expected arrival at an open stop, while its vehicle is on its way."""

    expected_at = InstantField(
        read_only=True, help_text="When the service can begin; not before the promised window."
    )
    low_at = InstantField(read_only=True, help_text="Probably not before this time.")
    high_at = InstantField(read_only=True, help_text="Probably not after this time.")
    stops_before = serializers.IntegerField(
        read_only=True, help_text="Number of stops that the vehicle visits first."
    )
    computed_at = InstantField(read_only=True, help_text="When this was computed.")


@extend_schema_field(ExpectedOut(allow_null=True))
class ExpectedOfOrder(serializers.Field[Any, Any, Any, Any]):
    """The expected arrival at an order as a field; null unless a vehicle is on its way to it."""

    def __init__(self) -> None:
        super().__init__(
            source="*",
            read_only=True,
            help_text="When the vehicle comes; null unless it is on its way with an open stop.",
        )

    def to_representation(self, order: Order) -> dict[str, Any] | None:
        """Return when the vehicle is expected, or None."""
        arrival = arrival_of_order(order.pk)
        return None if arrival is None else dict(ExpectedOut(arrival).data)


class ViolationOut(serializers.Serializer[Any]):
    """A rule that a manually edited plan breaks.

    ``by`` says how far: in seconds, in metres, or in the unit of ``dimension``.
    """

    code = serializers.CharField()
    by = serializers.IntegerField()
    dimension = serializers.CharField(required=False)
    detail = serializers.SerializerMethodField()

    def get_detail(self, violation: dict[str, Any]) -> str:
        """Return the violation as a sentence, in the reader's language."""
        return say_violation(violation["code"], violation)


class LegNoteOut(serializers.Serializer[Any]):
    """Something special on the way to a stop: a ferry, or the walk from the vehicle to the door.

    It is part of ``leg_travel_s``; a walk is counted on the way to the stop and on the way on.
    """

    code = serializers.ChoiceField(choices=["ferry", "walk"])
    name = serializers.CharField(required=False, help_text="The name of a ferry; may be empty.")
    distance_m = serializers.IntegerField(required=False, help_text="Metres on foot, one way.")
    duration_s = serializers.IntegerField()
    detail = serializers.SerializerMethodField()

    def get_detail(self, note: dict[str, Any]) -> str:
        """Return the note as a sentence, in the reader's language."""
        return say_leg_note(note)


class StopOut(ModelOut[Stop]):
    """A stop: an order on a route, with its planned times and the leg that leads to it."""

    id = serializers.CharField(source="public_id")
    route = serializers.CharField(source="route.public_id")
    order = serializers.CharField(source="order.public_id")
    external_id = serializers.CharField(source="order.external_id", allow_null=True)
    arrives_at = InstantField()
    starts_at = InstantField()
    departs_at = InstantField()
    violations = ViolationOut(many=True)
    leg_notes = LegNoteOut(many=True)
    wait_s = serializers.SerializerMethodField(
        help_text="Seconds between arrival and service, without breaks."
    )

    class Meta:
        model = Stop
        fields = (
            "id", "route", "position", "order", "external_id", "arrives_at", "starts_at",
            "departs_at", "leg_travel_s", "leg_distance_m", "slack_s", "violations", "wait_s",
            "leg_notes",
        )  # fmt: skip
        read_only_fields = fields

    def get_wait_s(self, stop: Stop) -> int:
        """Return the seconds between arrival and service, without breaks."""
        return wait_s(stop, breaks_of(stop.route))


class ExpectedStopOut(StopOut):
    """A stop with its expected arrival, while its vehicle is on its way."""

    expected = serializers.SerializerMethodField(
        help_text="When the vehicle is expected; null unless it is on its way and the stop is open."
    )

    class Meta(StopOut.Meta):
        fields = (*StopOut.Meta.fields, "expected")  # type: ignore[assignment]
        read_only_fields = fields  # type: ignore[assignment]

    @extend_schema_field(ExpectedOut(allow_null=True))
    def get_expected(self, stop: Stop) -> dict[str, Any] | None:
        """Return when the vehicle is expected, or None."""
        arrival = getattr(stop.order, "expected_arrival", None)
        if arrival is None or arrival.stop != stop.public_id or arrival.run.left_at is None:
            return None
        return dict(ExpectedOut(arrival).data)
