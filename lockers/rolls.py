"""The ledger and the invariants of lockers, which the switchboard lists."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet

from lockers.models import (
    CodeGrant,
    Compartment,
    JournalEntry,
    LockerBank,
    LockerCommand,
    LockerDevice,
    LockerEvent,
    LockerReservation,
)
from lockers.states import (
    ENDED,
    INSIDE,
    TAKING,
    BoxState,
    CommandState,
    EntryResult,
    GrantState,
    ReservationState,
)

_INSIDE = sorted(state.value for state in INSIDE)
_TAKING = sorted(state.value for state in TAKING)
_ENDED = sorted(state.value for state in ENDED)


def ledger() -> Mapping[str, object]:
    """Return the banks, the states of reservations and commands, and each cabinet's journal."""
    return {
        "locker_banks": list(LockerBank.objects.order_by("pk").values_list("public_id", flat=True)),
        "locker_reservations": dict(
            LockerReservation.objects.order_by("pk").values_list("public_id", "state")
        ),
        "locker_commands": dict(
            LockerCommand.objects.order_by("pk").values_list("public_id", "state")
        ),
        "locker_events": LockerEvent.objects.count(),
        "locker_journals": dict(
            JournalEntry.objects.values_list("device__public_id")
            .annotate(n=Count("pk"))
            .order_by("device__public_id")
        ),
    }


def invariants() -> Mapping[str, list[str]]:
    """Return, by invariant, the ids of the rows that break it."""
    inside = LockerReservation.objects.filter(compartment=OuterRef("pk"), state__in=_INSIDE)
    taking = LockerReservation.objects.filter(state__in=_TAKING)
    return {
        "a compartment has one reservation with a parcel at most": _numbers(
            Compartment.objects.annotate(
                parcels=Count("reservations", filter=Q(reservations__state__in=_INSIDE))
            ).filter(parcels__gt=1)
        ),
        "a compartment known to be empty has no parcel": _numbers(
            Compartment.objects.filter(Exists(inside), state=BoxState.EMPTY)
        ),
        "a reservation has a compartment of its own bank": _ids(
            LockerReservation.objects.filter(compartment__isnull=False).exclude(
                compartment__bank=F("bank")
            )
        ),
        "a hold or a parcel has no end": _ids(
            taking.exclude(state=ReservationState.SOFT_HELD).filter(ends_at__isnull=False)
        ),
        "an ended reservation has its end": _ids(
            LockerReservation.objects.filter(state__in=_ENDED, ended_at__isnull=True)
        ),
        "a bank has one live device at most, and a replaced one never comes back": _ids(
            LockerDevice.objects.filter(
                Exists(
                    LockerDevice.objects.filter(
                        bank=OuterRef("bank"), made_at__gt=OuterRef("made_at")
                    )
                ),
                state="live",
            )
        ),
        "no journal has a gap below its answered number": _ids(_with_gap()),
        "an entry above a gap waits, and no other": sorted(
            str(pk)
            for pk in JournalEntry.objects.exclude(
                Q(result=EntryResult.WAITING, seq__gt=F("device__acked_seq"))
                | (~Q(result=EntryResult.WAITING) & Q(seq__lte=F("device__acked_seq")))
            ).values_list("public_id", flat=True)
        ),
        "an ended command has its time": _ids(
            LockerCommand.objects.exclude(
                state__in=[CommandState.QUEUED, CommandState.DELIVERED]
            ).filter(ended_at__isnull=True)
        ),
        "no code of an ended reservation is live": _ids(
            CodeGrant.objects.filter(state=GrantState.LIVE, reservation__state__in=_ENDED)
        ),
    }


def _with_gap() -> QuerySet[LockerDevice, Any]:
    """Return the devices with another number of entries than their answered number."""
    counted = LockerDevice.objects.annotate(
        known=Count("entries", filter=Q(entries__seq__lte=F("acked_seq")))
    )
    return counted.exclude(known=F("acked_seq"))


def _ids(rows: object) -> list[str]:
    return sorted(rows.values_list("public_id", flat=True))  # type: ignore[attr-defined]


def _numbers(rows: QuerySet[Any, Any]) -> list[str]:
    return sorted(
        f"{bank} {number}" for bank, number in rows.values_list("bank__public_id", "number")
    )
