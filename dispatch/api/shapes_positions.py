"""API shapes of positions. The points of a batch are checked by ``dispatch.live.points``."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from lastmile.core.http.fields import InstantField
from lastmile.core.openapi import example

MOST_POINTS = 200


@example(
    sent_at="2026-11-30T10:15:02Z",
    positions=[
        {
            "id": "5b1f3c3e-6a0c-4f2e-9d9e-2f6a6b1d7c11",
            "at": "2026-11-30T10:14:58Z",
            "lat": 38.7223,
            "lon": -9.1393,
            "accuracy_m": 6,
            "speed_mps": 8.3,
            "heading_deg": 270,
        }
    ],
)
class PositionsIn(serializers.Serializer[Any]):
    """A batch of positions of one phone, tracker server or fleet."""

    sent_at = InstantField(
        required=False,
        allow_null=True,
        help_text="Time of sending by the sender's clock. A difference of more than two minutes"
        " corrects the times of the positions.",
    )
    driver = serializers.CharField(
        required=False,
        allow_null=True,
        max_length=40,
        help_text="For the driver's app: the driver who drove. Keys ignore it.",
    )
    positions = serializers.ListField(
        child=serializers.JSONField(),
        max_length=MOST_POINTS,
        help_text="At most 200, each with `id` (a UUID that you make), `at`, `lat` and `lon`;"
        " `accuracy_m`, `speed_mps` and `heading_deg` (0 is north) if known. With an integration"
        " key each also names its `vehicle`: `id`, or `external_id:` and your own ID.",
    )


class PositionProblemOut(serializers.Serializer[Any]):
    """The reason why a position was not stored."""

    code = serializers.CharField(
        read_only=True,
        help_text="`not_at_work`, `no_fix`, `time_missing`, `id_missing`, `field_unknown`,"
        " `vehicle_unknown` or `malformed`.",
    )


class PositionResultOut(serializers.Serializer[Any]):
    """The answer to one position. After any status it need not be sent again."""

    id = serializers.CharField(read_only=True)
    status = serializers.CharField(read_only=True, help_text="`stored`, `duplicate` or `rejected`.")
    problem = PositionProblemOut(read_only=True, allow_null=True)


class PositionsOut(serializers.Serializer[Any]):
    """The answers, in the order in which the positions were sent."""

    results = PositionResultOut(many=True, read_only=True)
