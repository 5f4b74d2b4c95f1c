"""A clock that stands still during breaks, for engines that know none. PURE.

If everybody rests at the same moments, the day without those moments is a problem without
breaks. Breaks whose windows meet are put together; the moment is the middle of what they have in
common, so that a break can wait for a service in progress to end. A vehicle without the break
merely idles: what comes out is a sequence, and ``timing`` then places each break exactly.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from dispatch.solver.model.problem import Break, VehicleShift

MAX_IDLE_S: Final = 3600  # more lost time than this in one shift, and the clock is not worth it


@dataclass(frozen=True, slots=True)
class WorkClock:
    """Real seconds to working seconds; ``pauses`` are real ``[begin, end)``, in order, apart."""

    pauses: tuple[tuple[int, int], ...] = ()

    def __call__(self, moment: int) -> int:
        """Return how many working seconds have gone by at a real moment."""
        rested = sum(min(moment, end) - begin for begin, end in self.pauses if moment > begin)
        return moment - rested

    def rest_within(self, opens: int, closes: int) -> int:
        """Return the seconds that the clock stands still between two real moments."""
        return (closes - opens) - (self(closes) - self(opens))


def work_clock(vehicles: Sequence[VehicleShift]) -> WorkClock:
    """Return the clock for these vehicles; one that never stops where that would waste time."""
    pauses: list[tuple[int, int]] = []
    for nth in range(max((len(v.breaks) for v in vehicles), default=0)):
        pauses += _meeting(v.breaks[nth] for v in vehicles if len(v.breaks) > nth)
    apart: list[tuple[int, int]] = []
    for begin, end in sorted(pauses):
        later = max(0, apart[-1][1] - begin) if apart else 0
        apart.append((begin + later, end + later))
    clock = WorkClock(tuple(apart))
    for vehicle in vehicles:
        own = sum(b.duration_s for b in vehicle.breaks)
        if clock.rest_within(vehicle.opens_s, vehicle.closes_s) > own + MAX_IDLE_S:
            return WorkClock()
    return clock


def _meeting(breaks: Iterable[Break]) -> list[tuple[int, int]]:
    """Put breaks whose windows meet together; return one pause for each such group."""
    groups: list[list[int]] = []  # first, last, length
    for rest in sorted(breaks, key=lambda b: (b.opens_s, b.closes_s, b.duration_s)):
        first, last = rest.opens_s, rest.closes_s - 1
        if groups and first <= groups[-1][1]:
            group = groups[-1]
            group[:] = [first, min(last, group[1]), max(rest.duration_s, group[2])]
        else:
            groups.append([first, last, rest.duration_s])
    return [((first + last) // 2, (first + last) // 2 + length) for first, last, length in groups]
