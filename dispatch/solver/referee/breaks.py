"""The referee's check of the breaks of a route: each is taken, complete, in its window. PURE."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from dispatch.solver.model.elements import VehicleShift, Visit
from dispatch.solver.model.solution import Served, TakenBreak, Tour
from dispatch.solver.referee.violations import Kind, Violation


class BreakCheck:
    """Checks the breaks of one route; ``stops`` are its visits that the problem has."""

    def __init__(
        self, vehicle: VehicleShift, route: Tour, stops: Sequence[tuple[Served, Visit]]
    ) -> None:
        self.vehicle, self.route, self.stops = vehicle, route, stops
        self.result: list[Violation] = []

    def violations(self) -> list[Violation]:
        """Return all violations of the rules for breaks."""
        self._breaks()
        return self.result

    def _add(self, detail: str, *, visit: str = "", by: int = 1) -> None:
        self.result.append(Violation(Kind.BREAK, detail, self.route.vehicle, visit, by))

    def _breaks(self) -> None:
        due = self.vehicle.breaks
        by_index = {b.index: b for b in self.route.breaks}
        if len(by_index) != len(self.route.breaks) or not set(by_index) <= set(range(len(due))):
            self._add("Takes a break twice, or a break that the vehicle does not have.")
            return
        for index, rest in by_index.items():
            self._check(index, rest)
        inside = sorted(by_index)
        if any(by_index[a].start_s > by_index[b].start_s for a, b in pairwise(inside)):
            self._add("Takes its breaks in the wrong order.")
        first = inside[0] if inside else None
        for count in range(len(due) + 1):
            # Try each split: breaks outside the route before ``count`` are taken before work,
            # the others after work.
            outside = [i for i in range(len(due)) if i not in by_index]
            before = [i for i in outside if i < count]
            after = [i for i in outside if i >= count]
            in_order = not (
                (before and first is not None and before[-1] > first)
                or (after and inside and after[0] < inside[-1])
            )
            if in_order and self._fits_before(before) and self._fits_after(after):
                return
        self._add("A break is missing: it fits neither before nor after work.")

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

    def _check(self, index: int, rest: TakenBreak) -> None:
        """Check the length, window and payment of a break, and that the driver is free in it."""
        due = self.vehicle.breaks[index]
        if rest.end_s - rest.start_s < due.duration_s:
            self._add(f"Break {index + 1} is shorter than {due.duration_s} s.")
        if not due.paid and rest.end_s - rest.start_s > due.duration_s:
            # Otherwise waiting time, which is paid, could be declared as an unpaid break.
            self._add(f"Break {index + 1} is not paid and longer than agreed.")
        if not due.opens_s <= rest.start_s < due.closes_s:
            away = max(due.opens_s - rest.start_s, rest.start_s - due.closes_s + 1)
            self._add(f"Break {index + 1} begins {away} s outside its window.", by=away)
        self._check_no_move(index, rest)
        busy = self._busy()
        busy += [(b.start_s, b.end_s) for b in self.route.breaks if b.index < index]
        if any(begin < rest.end_s and rest.start_s < end for begin, end in busy):
            self._add(f"Works or takes another break during break {index + 1}.")
        if rest.start_s < self.route.start_s or rest.end_s > self.route.end_s:
            self._add(f"Break {index + 1} is outside the route.")

    def _check_no_move(self, index: int, rest: TakenBreak) -> None:
        """Check that the vehicle neither arrives nor leaves during a break."""
        if rest.start_s < self.route.depart_s < rest.end_s:
            self._add(f"Leaves during break {index + 1}.")
        moves = [(m, v.id) for s, v in self.stops for m in (s.arrive_s, s.depart_s)]
        for reload in self.route.reloads:
            moves += [(reload.arrive_s, ""), (reload.end_s, "")]
        for charge in self.route.charges:
            moves += [(charge.arrive_s, ""), (charge.end_s, "")]
        for moment, visit in moves:
            if rest.start_s < moment < rest.end_s:
                self._add(f"Arrives or leaves during break {index + 1}.", visit=visit)

    def _busy(self) -> list[tuple[int, int]]:
        """Return the spans in which the driver loads or serves; charging is no work."""
        vehicle, route = self.vehicle, self.route
        loading = vehicle.loading_s if vehicle.loaded is None else 0
        busy = [(route.start_s, route.start_s + loading)]
        for served, visit in self.stops:
            service = visit.service_s
            seconds = service[vehicle.profile] if isinstance(service, tuple) else service
            busy.append((served.start_s, served.start_s + seconds))
        due = vehicle.loading_s if vehicle.reload_s is None else vehicle.reload_s
        busy += [(f.start_s, f.start_s + due) for f in route.reloads]
        return busy
