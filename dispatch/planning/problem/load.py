"""What is on board along a route: orders leave the hub, returns come on board on the way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from dispatch.planning.problem.day import OrderAsked

LOADS: Final = ("weight_g", "volume_cm3", "parcels")  # of an order, a vehicle and a route


@dataclass(frozen=True, slots=True)
class Load:
    """One dimension of a route's load.

    ``leaves_with`` is on board when the vehicle leaves the hub, ``collected`` when it is back,
    ``most`` the most that is on board at any time.
    """

    leaves_with: int
    collected: int
    most: int


def load_of(orders: Sequence[OrderAsked]) -> list[Load]:
    """Return the load of a route for each of ``LOADS``; ``orders`` in the sequence of its stops."""
    return [_load([(getattr(o, name), o.collects) for o in orders]) for name in LOADS]


def _load(amounts: Sequence[tuple[int, bool]]) -> Load:
    leaves_with = sum(amount for amount, collects in amounts if not collects)
    aboard = most = leaves_with
    for amount, collects in amounts:
        aboard += amount if collects else -amount
        most = max(most, aboard)
    return Load(leaves_with, aboard, most)
