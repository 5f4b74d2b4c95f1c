"""The tables of networks: accounts, reservations at a network, and what a network reported."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from lastmile.core.bases import PublicIdField, Timestamped
from lastmile.core.clock import real_now
from lastmile.core.fields import EncryptedJSONField
from lockers.models.reservations import LockerReservation
from lockers.states import ENDED, Rejection, ReservationState


class LockerAccount(Timestamped):
    """The retailer's account at a network. One for each network.

    ``facts`` has what is no secret, such as the id of the organisation; ``secrets`` has the token
    and the secrets of calls to us. ``listed_at`` is the real time of the last complete list of
    points.
    """

    public_id = PublicIdField("lac")
    vendor = models.CharField(max_length=16, unique=True)
    facts = models.JSONField(default=dict)
    secrets = EncryptedJSONField(default=dict)
    is_on = models.BooleanField(default=False)
    listed_at = models.DateTimeField(null=True)
    version = models.PositiveIntegerField(default=1)

    class Meta:
        ordering = ("vendor",)
        constraints = (
            models.CheckConstraint(name="locker_account_named", condition=~Q(vendor="")),
        )

    def __str__(self) -> str:
        return self.public_id


class VendorReservation(models.Model):
    """A reservation at a network.

    ``reference`` is what we call it there: the same in every call. ``vendor_id`` is the network's
    id, None until it answered. ``word`` is the network's last word, and ``state`` our state for
    it; "" if the word changes no reservation. ``known`` is False for a word that we do not know.
    ``attention`` is True if staff must look. ``first_tried_at`` and ``last_tried_at`` are real
    times of calls that were sent and whose answer is not known. ``occurred_at`` is the time of the
    word there. ``followed`` is False while our reservation has not followed the last word.
    ``cancel_refused`` is True if the network refused to cancel it. ``asked_at`` is the real time at
    which we last asked for its state.
    """

    public_id = PublicIdField("vrs")
    account = models.ForeignKey(
        LockerAccount, on_delete=models.PROTECT, related_name="reservations"
    )
    reservation = models.OneToOneField(
        LockerReservation, null=True, on_delete=models.PROTECT, related_name="at_vendor"
    )
    reference = models.CharField(max_length=64)
    vendor_id = models.CharField(max_length=64, null=True)
    point = models.CharField(max_length=64)
    word = models.CharField(max_length=64, default="", blank=True)
    known = models.BooleanField(default=True)
    state = models.CharField(max_length=20, default="", blank=True)
    reason = models.CharField(max_length=20, default="", blank=True)
    attention = models.BooleanField(default=False)
    followed = models.BooleanField(default=True)
    cancel_refused = models.BooleanField(default=False)
    code = models.CharField(max_length=64, default="", blank=True)
    tracking = models.CharField(max_length=64, default="", blank=True)
    first_tried_at = models.DateTimeField(null=True)
    last_tried_at = models.DateTimeField(null=True)
    occurred_at = models.DateTimeField(null=True)
    asked_at = models.DateTimeField(null=True)
    made_at = models.DateTimeField(default=real_now)

    class Meta:
        ordering = ("made_at", "id")
        indexes = (
            models.Index(
                name="vendor_reservation_to_ask",
                fields=["asked_at", "id"],
                condition=Q(vendor_id__isnull=False) & ~Q(state__in=sorted(ENDED)),
            ),
            models.Index(
                name="vendor_reservation_to_look",
                fields=["made_at", "id"],
                condition=Q(attention=True),
            ),
        )
        constraints = (
            models.UniqueConstraint(
                name="vendor_reservation_once", fields=["account", "reference"]
            ),
            models.UniqueConstraint(
                name="vendor_reservation_id",
                fields=["account", "vendor_id"],
                condition=Q(vendor_id__isnull=False),
            ),
            models.CheckConstraint(
                name="vendor_reservation_state",
                condition=Q(state__in=["", *(s.value for s in ReservationState)]),
            ),
            models.CheckConstraint(
                name="vendor_reservation_reason",
                condition=Q(reason__in=["", *(r.value for r in Rejection)]),
            ),
            models.CheckConstraint(
                name="vendor_reservation_unknown_is_looked_at",
                condition=Q(known=True) | Q(attention=True),
            ),
        )

    def __str__(self) -> str:
        return self.public_id


class VendorReport(models.Model):
    """A report of a network, by a call to us or because we asked. Each is kept once.

    ``waiting`` is True until the reservation with this ``vendor_id`` is known: a report may come
    before the answer to the call that it is about. ``received_at`` is real time.
    """

    account = models.ForeignKey(LockerAccount, on_delete=models.CASCADE, related_name="reports")
    vendor_id = models.CharField(max_length=64)
    event = models.CharField(max_length=64)
    word = models.CharField(max_length=64)
    tracking = models.CharField(max_length=64, default="", blank=True)
    occurred_at = models.DateTimeField()
    received_at = models.DateTimeField(default=real_now)
    waiting = models.BooleanField(default=True)

    class Meta:
        ordering = ("occurred_at", "id")
        indexes = (
            models.Index(name="vendor_report_received", fields=["received_at"]),
            models.Index(
                name="vendor_report_waiting",
                fields=["account", "vendor_id", "occurred_at", "id"],
                condition=Q(waiting=True),
            ),
        )
        constraints = (
            models.UniqueConstraint(
                name="vendor_report_once",
                fields=["account", "vendor_id", "event", "word", "occurred_at"],
            ),
        )

    def __str__(self) -> str:
        return f"{self.vendor_id}: {self.word}"
