"""The questions to boards and their answers."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from dispatch.fleet.models import Hub
from dispatch.planning.problem.day import OrderInput
from dispatch.roads.added import AddedPlace, KnownPlaces
from lastmile.core.geo import Point

Window = tuple[dt.datetime, dt.datetime]

# Why a day is left out
NOT_READY: Final = "not_ready"
NO_SHIFT: Final = "no_shift"
OUTSIDE_NETWORK: Final = "outside_network"
TOO_LARGE: Final = "too_large"
UNPREPARED: Final = "unprepared"  # a board must be built first, which no transaction may wait for

# Why a window does not fit, besides TOO_LARGE
SKILLS: Final = "skills"  # no vehicle has the skills
RANGE: Final = "range"  # too far for the range of every vehicle
SHIFT: Final = "shift"  # no shift can reach the address in this window, even without other visits
CAPACITY: Final = "capacity"  # the vehicles with time for the visit are full
WINDOW: Final = "window"  # the routes have no time in this window, but at another time of the day
TIME: Final = "time"  # the routes have no time left on this day


@dataclass(frozen=True, slots=True, kw_only=True)
class NewVisit:
    """A visit that is not in the plan yet. ``key`` is the public id of its hold or order."""

    key: str
    point: Point
    service_s: int
    weight_g: int
    volume_cm3: int
    parcels: int
    skills: frozenset[str] = frozenset()
    collects: bool = False

    def as_input(self, window: Window | None = None) -> OrderInput:
        """Return the visit as planning input, with a time window if there is one."""
        opens_at, closes_at = window or (None, None)
        return OrderInput(
            order=self.key,
            order_pk=0,
            opens_at=opens_at,
            closes_at=closes_at,
            service_s=self.service_s,
            weight_g=self.weight_g,
            volume_cm3=self.volume_cm3,
            parcels=self.parcels,
            skills=self.skills,
            collects=self.collects,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowCost:
    """The cost that a visit in a time window adds to the plan of a day, at its best place."""

    opens_at: dt.datetime
    closes_at: dt.datetime
    added_s: int
    added_m: int
    cost_minor: int
    co2_g: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DayCosts:
    """The costs of a visit on one day, for each window that was asked for.

    ``reason`` is empty for a day that can take visits; else ``best`` has no cost, and ``reason``
    is ``not_ready``, ``failed``, ``no_shift``, ``outside_network`` or ``too_large``. ``best`` is
    None for a window that does not fit. ``why`` is then the rule that excludes it, if the caller
    asked for it: ``too_large``, ``skills``, ``range``, ``shift``, ``capacity``, ``window`` or
    ``time``. ``travel_source`` is ``roads`` or ``straight_line``.
    """

    service_date: dt.date
    reason: str
    best: tuple[WindowCost | None, ...]
    why: tuple[str, ...]
    travel_source: str

    @classmethod
    def left_out(cls, service_date: dt.date, reason: str, windows: int) -> DayCosts:
        """Return the answer for a day that cannot take the visit at all."""
        none: tuple[WindowCost | None, ...] = (None,) * windows
        return cls(
            service_date=service_date,
            reason=reason,
            best=none,
            why=(reason,) * windows,
            travel_source="",
        )


@dataclass(slots=True)
class Travel:
    """The travel of one address to and from the known places of a board, for each profile.

    It is valid for a board that still has exactly these known places.
    """

    known: Sequence[KnownPlaces]
    added: Sequence[AddedPlace]

    @property
    def source(self) -> str:
        """``roads`` if all profiles use the streets, else ``straight_line``."""
        roads = all(travel.source == "roads" for travel in self.added)
        return "roads" if roads else "straight_line"

    @property
    def outside(self) -> bool:
        """Return True if there is a network, but no vehicle can be sent to the address."""
        return not any(self.reached)

    @property
    def reached(self) -> list[bool]:
        """True for each profile whose vehicles can be sent to the address.

        They cannot if the profile has streets and they do not lead to the address.
        """
        return [
            known.graph is None or (added.source == "roads" and not added.fault)
            for known, added in zip(self.known, self.added, strict=True)
        ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A visit that is ready to be inserted into a day: its board is built, its travel computed.

    ``without`` are keys of visits that count as gone, such as the order's present visit.
    """

    hub: Hub
    service_date: dt.date
    visit: NewVisit
    without: frozenset[str] = frozenset()
    travel: Travel | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """The best place for a visit: pk of the shift, position from 0, and what the visit adds."""

    shift: int
    rank: int
    cost: WindowCost
