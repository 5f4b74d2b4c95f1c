"""A clock that stops during breaks, for engines that do not support breaks. PURE.

If all drivers take their breaks at the same times, the day without these times is a problem
without breaks. Breaks with overlapping windows get one common pause. It begins in the middle of
the common part of their windows, so that a break can wait until a service has ended. A vehicle
without such a break just waits. The engine returns only a sequence; ``timing`` then finds the
exact time of each break.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from dispatch.solver.model.problem import Break, VehicleShift

# Seconds that the pauses may take from one shift beyond its own breaks: 0 or more. Chosen. With
# more lost time, ``work_clock`` returns a clock without pauses.
MAX_IDLE_S: Final = 3600


@dataclass(frozen=True, slots=True)
class WorkClock:
    """Converts real seconds to working seconds.

    ``pauses`` are spans ``[begin, end)`` in real seconds, in order and without overlap.
    """

    pauses: tuple[tuple[int, int], ...] = ()

    def __call__(self, moment: int) -> int:
        """Return the working seconds that have passed at a real second."""
        rested = sum(min(moment, end) - begin for begin, end in self.pauses if moment > begin)
        return moment - rested

    def rest_within(self, opens: int, closes: int) -> int:
        """Return the seconds for which the clock is stopped between two real seconds."""
        return (closes - opens) - (self(closes) - self(opens))


def work_clock(vehicles: Sequence[VehicleShift]) -> WorkClock:
    """Return the clock for these vehicles, without pauses where they would waste too much time."""
    pauses: list[tuple[int, int]] = []
    for nth in range(max((len(v.breaks) for v in vehicles), default=0)):
        pauses += _common_pauses(v.breaks[nth] for v in vehicles if len(v.breaks) > nth)
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


def _common_pauses(breaks: Iterable[Break]) -> list[tuple[int, int]]:
    """Group breaks with overlapping windows; return one pause for each group."""
    groups: list[list[int]] = []  # first, last, length
    for rest in sorted(breaks, key=lambda b: (b.opens_s, b.closes_s, b.duration_s)):
        first, last = rest.opens_s, rest.closes_s - 1
        if groups and first <= groups[-1][1]:
            group = groups[-1]
            group[:] = [first, min(last, group[1]), max(rest.duration_s, group[2])]
        else:
            groups.append([first, last, rest.duration_s])
    return [((first + last) // 2, (first + last) // 2 + length) for first, last, length in groups]
