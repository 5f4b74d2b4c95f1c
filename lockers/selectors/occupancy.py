"""Counts the compartments of banks by class and by what is in them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from django.db.models import Avg, Count, Exists, F, OuterRef, Q

from lastmile.core import clock
from lockers.models import Compartment, LockerBank, LockerReservation
from lockers.selectors.nearest import free_boxes
from lockers.states import BoxState


@dataclass(slots=True, kw_only=True)
class Occupancy:
    """The compartments of a bank, or of one size class. Each compartment counts once."""

    size_class: str = ""
    total: int = 0
    free: int = 0
    held: int = 0
    occupied: int = 0
    unknown: int = 0
    blocked: int = 0

    @property
    def taken_percent(self) -> int:
        """The share of compartments that take no new parcel."""
        return round(100 * (self.total - self.free) / self.total) if self.total else 0

    @property
    def out_of_use(self) -> int:
        """The compartments whose content is not known, or that are blocked."""
        return self.unknown + self.blocked

    def add(self, kind: str, count: int) -> None:
        """Count compartments of one kind."""
        setattr(self, kind, getattr(self, kind) + count)
        self.total += count


def occupancy_of(banks: Iterable[LockerBank]) -> Mapping[int, list[Occupancy]]:
    """Return the counts of banks by pk, one item a class, the smallest class first.

    Takes one statement for all banks.
    """
    free = free_boxes(clock.now()).filter(pk=OuterRef("pk"))
    rows = (
        Compartment.objects.filter(bank__in=[bank.pk for bank in banks])
        .annotate(is_free=Exists(free))
        .values("bank", "size_class", "state", "is_free")
        .annotate(n=Count("pk"), volume=Avg("volume_mm3"))
        .order_by("bank", "size_class", "state", "is_free")
    )
    counts: dict[int, dict[str, Occupancy]] = defaultdict(dict)
    volumes: dict[tuple[int, str], float] = {}
    for row in rows:
        key = row["size_class"]
        item = counts[row["bank"]].setdefault(key, Occupancy(size_class=key))
        item.add(_kind(row["state"], row["is_free"]), row["n"])
        volumes.setdefault((row["bank"], key), row["volume"])
    return {
        bank: sorted(classes.values(), key=lambda c, b=bank: volumes[b, c.size_class])  # type: ignore[misc]
        for bank, classes in counts.items()
    }


def _kind(state: str, is_free: bool) -> str:
    if state != BoxState.EMPTY:
        return state
    return "free" if is_free else "held"


def in_all(classes: Iterable[Occupancy]) -> Occupancy:
    """Return the sum of the classes of a bank."""
    total = Occupancy()
    for item in classes:
        for kind in ("free", "held", "occupied", "unknown", "blocked"):
            total.add(kind, getattr(item, kind))
    return total


def mean_dwell_s(bank: LockerBank) -> int | None:
    """Return the mean seconds from deposit to collection of the last 200 parcels; None if none."""
    rows = LockerReservation.objects.filter(
        Q(bank=bank), deposited_at__isnull=False, ended_at__isnull=False
    )
    last = rows.order_by("-pk").values("pk")[:200]
    times = LockerReservation.objects.filter(pk__in=last).aggregate(
        mean=Avg(F("ended_at") - F("deposited_at"))
    )
    return round(times["mean"].total_seconds()) if times["mean"] is not None else None
