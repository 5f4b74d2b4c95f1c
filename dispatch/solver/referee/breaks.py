"""The referee's look at the breaks of one route: each had, whole, in its window, at rest. PURE."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from dispatch.solver.model.elements import VehicleShift, Visit
from dispatch.solver.model.solution import Served, TakenBreak, Tour
from dispatch.solver.referee.violations import Kind, Violation


class BreakCheck:
    """Looks at the breaks of one route of a known vehicle; ``stops`` are its known visits."""

    def __init__(
        self, vehicle: VehicleShift, route: Tour, stops: Sequence[tuple[Served, Visit]]
    ) -> None:
        self.vehicle, self.route, self.stops = vehicle, route, stops
        self.found: list[Violation] = []

    def verdict(self) -> list[Violation]:
        """Return what is wrong with the breaks."""
        self._breaks()
        return self.found

    def _say(self, detail: str, *, visit: str = "", by: int = 1) -> None:
        self.found.append(Violation(Kind.BREAK, detail, self.route.vehicle, visit, by))

    def _breaks(self) -> None:
        due = self.vehicle.breaks
        taken = {b.index: b for b in self.route.breaks}
        if len(taken) != len(self.route.breaks) or not set(taken) <= set(range(len(due))):
            self._say("Takes a break twice, or one that it does not have.")
            return
        for index, rest in taken.items():
            self._rest(index, rest)
        inside = sorted(taken)
        if any(taken[a].start_s > taken[b].start_s for a, b in pairwise(inside)):
            self._say("Takes its breaks in another order than they stand in.")
        first = inside[0] if inside else None
        for count in range(len(due) + 1):
            # breaks before `count` lie before work, those from `count` on and not taken, after it
            outside = [i for i in range(len(due)) if i not in taken]
            before = [i for i in outside if i < count]
            after = [i for i in outside if i >= count]
            in_order = not (
                (before and first is not None and before[-1] > first)
                or (after and inside and after[0] < inside[-1])
            )
            if in_order and self._fits_before(before) and self._fits_after(after):
                return
        self._say("A break is missing: it fits neither before work nor after it.")

    def _fits_before(self, indices: list[int]) -> bool:
        free = 0
        for rest in (self.vehicle.breaks[i] for i in indices):
            begin = max(free, rest.opens_s)
            if begin >= rest.closes_s:
                return False
            free = begin + rest.duration_s
        return not indices or free <= self.route.start_s

    def _fits_after(self, indices: list[int]) -> bool:
        free = self.route.end_s
        for rest in (self.vehicle.breaks[i] for i in indices):
            begin = max(free, rest.opens_s)
            if begin >= rest.closes_s:
                return False
            free = begin + rest.duration_s
        return True

    def _rest(self, index: int, taken: TakenBreak) -> None:
        """A break has its length and window, and neither loading nor service nor rest in it."""
        due = self.vehicle.breaks[index]
        if taken.end_s - taken.start_s < due.duration_s:
            self._say(f"Break {index + 1} is shorter than {due.duration_s} s.")
        if not due.paid and taken.end_s - taken.start_s > due.duration_s:
            # Else waiting could be called a rest, which nobody is paid for.
            self._say(f"Break {index + 1} is not paid and longer than agreed.")
        if not due.opens_s <= taken.start_s < due.closes_s:
            away = max(due.opens_s - taken.start_s, taken.start_s - due.closes_s + 1)
            self._say(f"Break {index + 1} begins {away} s off its window.", by=away)
        self._still(index, taken)
        busy = self._busy()
        busy += [(b.start_s, b.end_s) for b in self.route.breaks if b.index < index]
        if any(begin < taken.end_s and taken.start_s < end for begin, end in busy):
            self._say(f"Works or rests already during break {index + 1}.")
        if taken.start_s < self.route.start_s or taken.end_s > self.route.end_s:
            self._say(f"Break {index + 1} lies outside the route.")

    def _still(self, index: int, taken: TakenBreak) -> None:
        """During a break nobody comes or goes."""
        if taken.start_s < self.route.depart_s < taken.end_s:
            self._say(f"Leaves during break {index + 1}.")
        moves = [(m, v.id) for s, v in self.stops for m in (s.arrive_s, s.depart_s)]
        for reload in self.route.reloads:
            moves += [(reload.arrive_s, ""), (reload.end_s, "")]
        for charge in self.route.charges:
            moves += [(charge.arrive_s, ""), (charge.end_s, "")]
        for moment, visit in moves:
            if taken.start_s < moment < taken.end_s:
                self._say(f"Moves during break {index + 1}.", visit=visit)

    def _busy(self) -> list[tuple[int, int]]:
        """When the driver loads or serves; on the cable they may rest."""
        vehicle, route = self.vehicle, self.route
        loading = vehicle.loading_s if vehicle.loaded is None else 0
        busy = [(route.start_s, route.start_s + loading)]
        for served, visit in self.stops:
            given = visit.service_s
            seconds = given[vehicle.profile] if isinstance(given, tuple) else given
            busy.append((served.start_s, served.start_s + seconds))
        due = vehicle.loading_s if vehicle.reload_s is None else vehicle.reload_s
        busy += [(f.start_s, f.start_s + due) for f in route.reloads]
        return busy
