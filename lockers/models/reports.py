"""The tables of reports by the REST API: of networks, and of couriers in their sessions."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from lastmile.core.bases import PublicIdField
from lastmile.core.clock import now
from lockers.models.banks import Compartment, LockerBank
from lockers.models.reservations import LockerReservation
from lockers.states import Rejection, ReportKind


class CourierSession(models.Model):
    """The visit of a carrier's courier at a bank. ``opener`` is the public id of the caller."""

    public_id = PublicIdField("lcs")
    bank = models.ForeignKey(LockerBank, on_delete=models.PROTECT, related_name="sessions")
    opener = models.CharField(max_length=28)
    opened_at = models.DateTimeField(default=now)

    class Meta:
        ordering = ("-opened_at", "-public_id")
        indexes = (models.Index(name="courier_session_opened", fields=["opened_at", "public_id"]),)

    def __str__(self) -> str:
        return self.public_id


class LockerEvent(models.Model):
    """A report that was taken. Each is kept once: ``event_id`` is the id that its sender made.

    ``sender`` is the public id of the caller. ``occurred_at`` is the sender's time,
    ``received_at`` the server's. ``reason`` is why a reservation was rejected.
    """

    public_id = PublicIdField("lev")
    sender = models.CharField(max_length=28)
    event_id = models.UUIDField()
    kind = models.CharField(max_length=20)
    bank = models.ForeignKey(LockerBank, on_delete=models.PROTECT, related_name="reports")
    reservation = models.ForeignKey(
        LockerReservation, null=True, on_delete=models.PROTECT, related_name="reports"
    )
    compartment = models.ForeignKey(
        Compartment, null=True, on_delete=models.PROTECT, related_name="reports"
    )
    session = models.ForeignKey(
        CourierSession, null=True, on_delete=models.PROTECT, related_name="reports"
    )
    reason = models.CharField(max_length=20, default="", blank=True)
    occurred_at = models.DateTimeField()
    received_at = models.DateTimeField(default=now)

    class Meta:
        ordering = ("-received_at", "-public_id")
        indexes = (models.Index(name="locker_event_received", fields=["received_at", "public_id"]),)
        constraints = (
            models.UniqueConstraint(name="locker_event_once", fields=["sender", "event_id"]),
            models.CheckConstraint(
                name="locker_event_kind", condition=Q(kind__in=[k.value for k in ReportKind])
            ),
            models.CheckConstraint(
                name="locker_event_reason",
                condition=Q(reason__in=["", *(r.value for r in Rejection)]),
            ),
            models.CheckConstraint(
                name="locker_event_about",
                condition=Q(reservation__isnull=False) | Q(compartment__isnull=False),
            ),
        )

    def __str__(self) -> str:
        return self.public_id
