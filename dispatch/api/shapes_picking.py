"""API shapes of the picking waves."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from lastmile.core.http.fields import InstantField


class PickedOut(serializers.Serializer[Any]):
    """The goods of a route in a wave; its vehicle begins to load at ``due_at``."""

    route = serializers.CharField(source="route.public_id")
    number = serializers.IntegerField(source="route.number")
    vehicle = serializers.CharField(source="route.vehicle.public_id")
    parcels = serializers.IntegerField(source="route.parcels")
    due_at = InstantField()
    late_s = serializers.IntegerField()


class PickingWaveOut(serializers.Serializer[Any]):
    """A wave: goods that all pickers pick together."""

    number = serializers.IntegerField()
    starts_at = InstantField()
    ends_at = InstantField()
    orders = serializers.IntegerField()
    parcels = serializers.IntegerField()
    routes = PickedOut(many=True)


class PickingOut(serializers.Serializer[Any]):
    """The waves by start time.

    ``late`` counts the routes whose goods are ready only after their vehicle begins to load.
    """

    waves = PickingWaveOut(many=True)
    late = serializers.IntegerField()
    proven = serializers.BooleanField(help_text="true: proven that no cheaper waves exist.")
