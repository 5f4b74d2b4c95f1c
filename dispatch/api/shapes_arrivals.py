"""The API shape of an expected arrival."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from lastmile.core.http.fields import InstantField


class ExpectedOut(serializers.Serializer[Any]):
    """When the vehicle is expected at an open stop, while it is on its way."""

    expected_at = InstantField(
        read_only=True, help_text="When the service can begin; not before the promised window."
    )
    low_at = InstantField(read_only=True, help_text="Probably not before this time.")
    high_at = InstantField(read_only=True, help_text="Probably not after this time.")
    stops_before = serializers.IntegerField(
        read_only=True, help_text="Number of stops that the vehicle visits first."
    )
    computed_at = InstantField(read_only=True, help_text="When this was computed.")
