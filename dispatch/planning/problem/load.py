"""The load on board along a route: orders are loaded at the hub, returns are collected on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from dispatch.planning.problem.day import OrderInput

LOADS: Final = ("weight_g", "volume_cm3", "parcels")  # of an order, a vehicle and a route


@dataclass(frozen=True, slots=True)
class Load:
    """The load of a route in one dimension (weight, volume or parcels).

    ``leaves_with`` is the load on leaving the hub, ``collected`` the load on return, ``most`` the
    highest load at any time.
    """

    leaves_with: int
    collected: int
    most: int


def load_of(orders: Sequence[OrderInput]) -> list[Load]:
    """Return the load of a route for each of ``LOADS``. ``orders`` are in the sequence of stops."""
    return [_load([(getattr(o, name), o.collects) for o in orders]) for name in LOADS]


def _load(amounts: Sequence[tuple[int, bool]]) -> Load:
    leaves_with = sum(amount for amount, collects in amounts if not collects)
    aboard = most = leaves_with
    for amount, collects in amounts:
        aboard += amount if collects else -amount
        most = max(most, aboard)
    return Load(leaves_with, aboard, most)
