"""Lists of banks, compartments, reservations and commands, as far as a caller may see them."""

from __future__ import annotations

from collections import Counter

from django.db.models import Exists, OuterRef, QuerySet

from lastmile.core.clock import now
from lockers.models import Compartment, LockerBank, LockerCommand, LockerReservation
from lockers.states import TAKING, BoxState, ReservationState
from tenants.permissions import Principal, visible


def banks() -> QuerySet[LockerBank]:
    """Return all banks with their hubs."""
    return LockerBank.objects.select_related("hub")


def banks_of(principal: Principal) -> QuerySet[LockerBank]:
    """Return the banks of the hubs that a principal may see."""
    rows: QuerySet[LockerBank] = visible(principal, banks())
    return rows


def compartments_of(principal: Principal) -> QuerySet[Compartment]:
    """Return the compartments of banks that a principal may see."""
    rows: QuerySet[Compartment] = visible(
        principal, Compartment.objects.select_related("bank"), "bank__hub__public_id"
    )
    return rows


def reservations_of(principal: Principal) -> QuerySet[LockerReservation]:
    """Return the reservations at banks that a principal may see."""
    rows: QuerySet[LockerReservation] = visible(
        principal,
        LockerReservation.objects.select_related("bank__hub", "compartment", "order", "parcel"),
        "bank__hub__public_id",
    )
    return rows


def commands_of(principal: Principal) -> QuerySet[LockerCommand]:
    """Return the commands to banks that a principal may see."""
    rows: QuerySet[LockerCommand] = visible(
        principal, LockerCommand.objects.select_related("bank", "compartment"),
        "bank__hub__public_id",
    )  # fmt: skip
    return rows


def boxes_by_state(bank: LockerBank) -> dict[str, int]:
    """Return how many compartments of a bank are free, held, occupied, unknown and blocked.

    Each compartment counts once, so the sum is the number of compartments.
    """
    at = now()
    taking = LockerReservation.objects.filter(
        compartment=OuterRef("pk"), state__in=[s.value for s in TAKING]
    )
    live = taking.exclude(state=ReservationState.SOFT_HELD, held_until__lte=at)
    rows = Compartment.objects.filter(bank=bank).annotate(is_held=Exists(live))
    counts = Counter({"free": 0, "held": 0, "occupied": 0, "unknown": 0, "blocked": 0})
    for state, is_held in rows.values_list("state", "is_held"):
        if state != BoxState.EMPTY:
            counts[state] += 1
        else:
            counts["held" if is_held else "free"] += 1
    return dict(counts)
