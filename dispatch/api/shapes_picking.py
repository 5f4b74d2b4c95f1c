"""What the API says of picking: waves of goods before the vans load."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from lastmile.core.http.fields import InstantField


class PickedOut(serializers.Serializer[Any]):
    """A route's goods in a wave: ``due_at`` its van begins to load."""

    route = serializers.CharField(source="route.public_id")
    number = serializers.IntegerField(source="route.number")
    vehicle = serializers.CharField(source="route.vehicle.public_id")
    parcels = serializers.IntegerField(source="route.parcels")
    due_at = InstantField()
    late_s = serializers.IntegerField()


class PickingWaveOut(serializers.Serializer[Any]):
    """Goods picked together, by all pickers."""

    number = serializers.IntegerField()
    starts_at = InstantField()
    ends_at = InstantField()
    orders = serializers.IntegerField()
    parcels = serializers.IntegerField()
    routes = PickedOut(many=True)


class PickingOut(serializers.Serializer[Any]):
    """Waves in the order of time; ``late`` routes' goods come after their van begins to load."""

    waves = PickingWaveOut(many=True)
    late = serializers.IntegerField()
    proven = serializers.BooleanField(help_text="Cheaper waves do not exist.")
