"""The dimensions in which slots are counted, and what a delivery takes in each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from dispatch.slots.models import Hold
from dispatch.slots.states import HoldState

DIMENSIONS: Final = ("orders", "work_s", "weight_g", "volume_cm3")
#: States of a hold that ends by itself.
WAITING: Final = (HoldState.LIVE.value, HoldState.KEPT.value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Amounts:
    """The places and the work, weight and volume that a delivery takes in a slot."""

    orders: int = 1
    work_s: int = 0
    weight_g: int = 0
    volume_cm3: int = 0

    @classmethod
    def of_hold(cls, hold: Hold) -> Amounts:
        """Return what a hold takes."""
        return cls(**{name: getattr(hold, name) for name in DIMENSIONS})

    def beyond(self, other: Amounts) -> Amounts:
        """Return by how much this exceeds another delivery in each dimension, at least 0."""
        return Amounts(
            **{name: max(0, getattr(self, name) - getattr(other, name)) for name in DIMENSIONS}
        )


def most_by_checkouts(capacity: int | None, share_percent: int) -> int | None:
    """Return how many places of a slot checkouts may hold at once; None without a limit.

    It is at least one, so that a slot with one place can be chosen in a checkout at all.
    """
    return None if capacity is None else max(1, capacity * share_percent // 100)
