"""API shapes of locker events and courier sessions. Each event of a batch is checked alone."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from lastmile.core.http.fields import InstantField, ModelOut
from lastmile.core.openapi import example
from lockers.api.shapes import LockerReservationOut
from lockers.models import CourierSession, LockerEvent
from lockers.states import OF_COURIER, OF_NETWORK, Rejection

MOST_EVENTS = 500
_KINDS = sorted(kind.value for kind in OF_NETWORK | OF_COURIER)


@example(
    id="5b1f3c3e-6a0c-4f2e-9d9e-2f6a6b1d7c11",
    kind="deposited",
    at="2026-11-30T10:14:58Z",
    reservation="rsv_2b5d8f1h4k7m0p3r6t9w",
)
class LockerEventIn(serializers.Serializer[Any]):
    """An event of a batch."""

    id = serializers.UUIDField(help_text="A UUID that you make. Sent again, nothing changes.")
    kind = serializers.ChoiceField(choices=_KINDS)
    at = InstantField(help_text="When it happened, by your clock.")
    bank = serializers.CharField(
        max_length=80, required=False,
        help_text="For `blocked` and `unblocked`: the bank's `id`, or `external_id:` and your ID.",
    )  # fmt: skip
    reservation = serializers.CharField(
        max_length=80, required=False,
        help_text="For all other kinds: its `id`, or `external_id:` and your ID.",
    )  # fmt: skip
    compartment = serializers.CharField(
        max_length=16, required=False, help_text="The number on the door."
    )
    reason = serializers.ChoiceField(
        choices=[reason.value for reason in Rejection], required=False,
        help_text="For `rejected`.",
    )  # fmt: skip


@example(
    events=[
        {
            "id": "5b1f3c3e-6a0c-4f2e-9d9e-2f6a6b1d7c11",
            "kind": "deposited",
            "at": "2026-11-30T10:14:58Z",
            "reservation": "rsv_2b5d8f1h4k7m0p3r6t9w",
        }
    ]
)
class LockerEventsIn(serializers.Serializer[Any]):
    """A batch of events, in the order in which they happened."""

    events = serializers.ListField(
        child=serializers.JSONField(),
        min_length=1,
        max_length=MOST_EVENTS,
        help_text="At most 500, each with `id`, `kind`, `at` and what it is about:"
        " `reservation`, or `bank` and `compartment`. `rejected` also has a `reason`.",
    )


class ReportProblemOut(serializers.Serializer[Any]):
    """The reason why an event was not stored."""

    code = serializers.CharField(read_only=True)
    detail = serializers.CharField(read_only=True)


class ReportResultOut(serializers.Serializer[Any]):
    """The answer to one event. A rejected one may be sent again when its cause is corrected."""

    id = serializers.CharField(read_only=True)
    status = serializers.CharField(read_only=True, help_text="`stored`, `duplicate` or `rejected`.")
    reservation = LockerReservationOut(
        read_only=True, allow_null=True, help_text="The reservation after the event."
    )
    problem = ReportProblemOut(read_only=True, allow_null=True)


class ReportsOut(serializers.Serializer[Any]):
    """The answers, in the order in which the events were sent."""

    results = ReportResultOut(many=True, read_only=True)


class LockerEventOut(ModelOut[LockerEvent]):
    """An event that was stored."""

    id = serializers.CharField(source="public_id", read_only=True)
    bank = serializers.CharField(source="bank.public_id", read_only=True)
    reservation = serializers.CharField(
        source="reservation.public_id", read_only=True, allow_null=True, default=None
    )
    compartment = serializers.CharField(
        source="compartment.number", read_only=True, allow_null=True, default=None
    )
    session = serializers.CharField(
        source="session.public_id", read_only=True, allow_null=True, default=None
    )

    class Meta:
        model = LockerEvent
        fields = (
            "id", "event_id", "kind", "bank", "reservation", "compartment", "session", "reason",
            "occurred_at", "received_at",
        )  # fmt: skip
        read_only_fields = fields


@example(bank="external_id:station")
class CourierSessionIn(serializers.Serializer[Any]):
    """A session to open."""

    bank = serializers.CharField(
        max_length=80, help_text="The bank's `id`, or `external_id:` and your own ID."
    )


class CourierSessionOut(ModelOut[CourierSession]):
    """The session of a courier at a bank."""

    id = serializers.CharField(source="public_id", read_only=True)
    bank = serializers.CharField(source="bank.public_id", read_only=True)

    class Meta:
        model = CourierSession
        fields = ("id", "bank", "opened_at")
        read_only_fields = fields


class SessionWorkOut(serializers.Serializer[Any]):
    """A session with the courier's work at the bank now."""

    id = serializers.CharField(source="session.public_id", read_only=True)
    bank = serializers.CharField(source="session.bank.public_id", read_only=True)
    opened_at = InstantField(source="session.opened_at", read_only=True)
    puts_in = LockerReservationOut(many=True, read_only=True)
    takes_out = LockerReservationOut(many=True, read_only=True)
