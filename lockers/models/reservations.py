"""The tables of reservations, their codes, and the history of all changes."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from dispatch.orders.models import Order, Parcel
from lastmile.core.bases import PublicIdField, Timestamped
from lastmile.core.clock import now
from lockers.models.banks import Compartment, LockerBank
from lockers.states import (
    INSIDE,
    TAKING,
    CodeRole,
    GrantState,
    Mode,
    Purpose,
    Rejection,
    ReservationState,
)

_TAKING = sorted(state.value for state in TAKING)
_IN_BOX = sorted(state.value for state in INSIDE)


class LockerReservation(Timestamped):
    """A compartment of a bank, kept for one parcel from the hold until the parcel is out again.

    ``order`` and ``parcel`` are our own; ``parcel_ref`` is the caller's name for the parcel. The
    reservation takes its compartment in the half-open period [starts_at, ends_at): a soft hold ends
    at ``held_until``, all else has no end (None) until the compartment is given back. An exclusion
    constraint keeps the periods of one compartment apart (migration 0002). ``bundle`` names
    reservations that belong together, "" without one. ``generation`` is part of every code.
    ``alternates`` are public ids of banks to offer instead, the best first. ``moved_from`` is the
    reservation that this one replaced. ``courier_act`` is what a courier told of the
    parcel while nobody else has: deposited or taken_out, with the time and the number on the door.
    """

    public_id = PublicIdField("rsv")
    external_id = models.CharField(max_length=64, null=True, unique=True)
    bank = models.ForeignKey(LockerBank, on_delete=models.PROTECT, related_name="reservations")
    compartment = models.ForeignKey(
        Compartment, null=True, on_delete=models.PROTECT, related_name="reservations"
    )
    purpose = models.CharField(max_length=8, default=Purpose.DELIVERY)
    mode = models.CharField(max_length=4, default=Mode.HARD)
    state = models.CharField(max_length=20)
    reason = models.CharField(max_length=20, default="", blank=True)
    order = models.ForeignKey(
        Order, null=True, on_delete=models.PROTECT, related_name="locker_reservations"
    )
    parcel = models.ForeignKey(
        Parcel, null=True, on_delete=models.PROTECT, related_name="locker_reservations"
    )
    parcel_ref = models.CharField(max_length=64, default="", blank=True)
    bundle = models.CharField(max_length=64, default="", blank=True)
    width_mm = models.PositiveIntegerField()
    height_mm = models.PositiveIntegerField()
    depth_mm = models.PositiveIntegerField()
    weight_g = models.PositiveIntegerField(default=0)
    cooled = models.BooleanField(default=False)
    low_door = models.BooleanField(default=False)
    starts_at = models.DateTimeField(default=now)
    ends_at = models.DateTimeField(null=True)
    held_until = models.DateTimeField(null=True)
    queued_until = models.DateTimeField(null=True)
    deposit_by = models.DateTimeField()
    collect_within_s = models.PositiveIntegerField()
    collect_by = models.DateTimeField(null=True)
    extensions = models.PositiveSmallIntegerField(default=0)
    reminders = models.PositiveSmallIntegerField(default=0)
    deposited_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    courier_act = models.CharField(max_length=12, default="", blank=True)
    courier_at = models.DateTimeField(null=True)
    courier_door = models.CharField(max_length=16, default="", blank=True)
    generation = models.PositiveIntegerField(default=0)
    alternates = models.JSONField(default=list)
    moved_from = models.ForeignKey(
        "self", null=True, on_delete=models.PROTECT, related_name="moved_to"
    )
    version = models.PositiveIntegerField(default=1)

    class Meta:
        ordering = ("created_at", "id")
        indexes = (
            models.Index(name="reservation_of_bank", fields=["bank", "state", "id"]),
            models.Index(
                name="reservation_in_box", fields=["compartment"], condition=Q(state__in=_TAKING)
            ),
            models.Index(
                name="reservation_held", fields=["held_until"], condition=Q(state="soft_held")
            ),
            models.Index(
                name="reservation_to_deposit",
                fields=["deposit_by"],
                condition=Q(state__in=["hard_held", "awaiting_deposit", "queued"]),
            ),
            models.Index(
                name="reservation_to_collect",
                fields=["collect_by"],
                condition=Q(state__in=["deposited", "ready"]),
            ),
            models.Index(
                name="reservation_courier_act", fields=["courier_at"], condition=~Q(courier_act="")
            ),
            models.Index(name="reservation_bundle", fields=["bundle"], condition=~Q(bundle="")),
        )
        constraints = (
            models.CheckConstraint(
                name="reservation_state",
                condition=Q(state__in=[s.value for s in ReservationState]),
            ),
            models.CheckConstraint(
                name="reservation_mode", condition=Q(mode__in=[m.value for m in Mode])
            ),
            models.CheckConstraint(
                name="reservation_purpose", condition=Q(purpose__in=[p.value for p in Purpose])
            ),
            models.CheckConstraint(
                name="reservation_reason",
                condition=Q(reason__in=["", *(r.value for r in Rejection)]),
            ),
            models.CheckConstraint(
                name="reservation_rejected_says_why", condition=~Q(state="rejected", reason="")
            ),
            models.CheckConstraint(
                name="reservation_hold_has_box",
                condition=~Q(state__in=["soft_held", "hard_held", "awaiting_deposit"])
                | Q(compartment__isnull=False),
            ),
            models.CheckConstraint(
                name="reservation_queue_has_no_box",
                condition=~Q(state="queued") | Q(compartment__isnull=True),
            ),
            models.CheckConstraint(
                name="reservation_soft_ends",
                condition=~Q(state="soft_held") | Q(held_until__isnull=False),
            ),
            models.CheckConstraint(
                name="reservation_inside_has_deposit",
                condition=~Q(state__in=_IN_BOX) | Q(deposited_at__isnull=False),
            ),
            models.CheckConstraint(
                name="reservation_courier_act",
                condition=Q(courier_act="", courier_at__isnull=True)
                | Q(courier_act__in=["deposited", "taken_out"], courier_at__isnull=False),
            ),
            models.CheckConstraint(
                name="reservation_sides",
                condition=Q(width_mm__gt=0, height_mm__gt=0, depth_mm__gt=0),
            ),
        )

    def __str__(self) -> str:
        return self.public_id


class CodeGrant(models.Model):
    """A code that a person was given: for one role of a reservation, of one generation.

    The PIN is not stored. A revoked code is ``ending`` until the cabinet confirms that it knows;
    until then it may still open the door, at most until ``expires_at``. ``confirmed_seq`` is the
    entry of the cabinet's journal that confirmed it.
    """

    public_id = PublicIdField("cod")
    reservation = models.ForeignKey(
        LockerReservation, on_delete=models.CASCADE, related_name="grants"
    )
    role = models.CharField(max_length=8)
    generation = models.PositiveIntegerField()
    state = models.CharField(max_length=8, default=GrantState.LIVE)
    made_by = models.CharField(max_length=64)
    made_at = models.DateTimeField(default=now)
    not_before = models.DateTimeField(default=now)
    expires_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)
    revoked_why = models.CharField(max_length=20, default="", blank=True)
    confirmed_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("made_at", "id")
        indexes = (models.Index(name="grant_state", fields=["state", "reservation"]),)
        constraints = (
            models.UniqueConstraint(
                name="grant_once", fields=["reservation", "role", "generation"]
            ),
            models.CheckConstraint(
                name="grant_role", condition=Q(role__in=[r.value for r in CodeRole])
            ),
            models.CheckConstraint(
                name="grant_state_known", condition=Q(state__in=[s.value for s in GrantState])
            ),
            models.CheckConstraint(
                name="grant_revoked", condition=Q(state="live") | Q(revoked_at__isnull=False)
            ),
        )

    def __str__(self) -> str:
        return self.public_id


class LockerChange(models.Model):
    """A change of a bank, a compartment or a reservation. Rows are only added.

    ``what`` is the field that changed: ``state``, ``door``, ``compartment`` or others.
    ``occurred_at`` is the source's clock, ``recorded_at`` our own; ``clock_skew`` is True if the
    source's clock was wrong or not known. ``seq`` is the entry of the cabinet's journal, if any.
    """

    bank = models.ForeignKey(LockerBank, on_delete=models.PROTECT, related_name="changes")
    compartment = models.ForeignKey(
        Compartment, null=True, on_delete=models.PROTECT, related_name="changes"
    )
    reservation = models.ForeignKey(
        LockerReservation, null=True, on_delete=models.PROTECT, related_name="changes"
    )
    what = models.CharField(max_length=16)
    before = models.CharField(max_length=200, default="", blank=True)
    after = models.CharField(max_length=200, default="", blank=True)
    cause = models.CharField(max_length=40)
    actor = models.CharField(max_length=64)
    seq = models.BigIntegerField(null=True)
    clock_skew = models.BooleanField(default=False)
    occurred_at = models.DateTimeField(default=now)
    recorded_at = models.DateTimeField(default=now)

    class Meta:
        ordering = ("recorded_at", "id")
        indexes = (
            models.Index(name="change_of_reservation", fields=["reservation", "id"]),
            models.Index(name="change_of_compartment", fields=["compartment", "id"]),
            models.Index(name="change_of_bank", fields=["bank", "id"]),
        )

    def __str__(self) -> str:
        return f"{self.what}: {self.before} -> {self.after}"
