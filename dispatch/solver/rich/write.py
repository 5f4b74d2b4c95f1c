"""Converts a sequence of codes into a ``Tour`` with all its times. PURE."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from dispatch.solver.model.problem import Problem
from dispatch.solver.model.solution import Charge, Reload, Served, TakenBreak, Tour
from dispatch.solver.rich.hours import drive_by_hour, drive_by_hour_with_breaks
from dispatch.solver.rich.layout import BEGIN, HAD, WAY, Scratch
from dispatch.solver.rich.model import RATE, Model
from dispatch.solver.rich.scan import INFINITE, retrace, scan
from dispatch.solver.timing.lenient import trip_loads
from dispatch.solver.timing.timer import place_breaks


class Writer:
    """Writes the tours of one problem."""

    def __init__(self, problem: Problem, model: Model, scratch: Scratch) -> None:
        self.problem, self.model, self.scratch = problem, model, scratch

    def route(self, vehicle: int, codes: Sequence[int]) -> Tour | None:
        """Return the tour with its best schedule, None if the sequence is infeasible."""
        row = np.array(codes, dtype=np.int64)
        if scan(self.model, vehicle, row, len(row), self.scratch) >= INFINITE or not len(row):
            return None
        rests = np.zeros(len(row) + 1, dtype=np.int64)
        retrace(self.model, vehicle, len(row), self.scratch, rests)
        return self._written(vehicle, list(codes), rests.tolist())

    def _written(self, vehicle: int, codes: list[int], rests: list[int]) -> Tour:
        scratch, it = self.scratch, self.problem.vehicles[vehicle]
        start, had = int(scratch.out[BEGIN]), int(scratch.out[HAD])
        now = depart = start + it.first_loading_s
        served: list[Served] = []
        breaks: list[TakenBreak] = []
        reloads: list[Reload] = []
        charges: list[Charge] = []
        breaks_taken = had
        loads = trip_loads(self.problem, vehicle, codes)
        for leg, count in enumerate(rests):
            arrive, placed = self._leg(vehicle, leg, now, breaks_taken, count)
            breaks += [
                TakenBreak(breaks_taken + i, b, e, len(served)) for i, (b, e) in enumerate(placed)
            ]
            breaks_taken += count
            now = max(arrive, placed[-1][1]) if placed else arrive
            if leg == len(codes):
                break
            plugged = int(scratch.plugged[leg])
            begin = now if scratch.charging[leg] else int(scratch.begin[leg, breaks_taken])
            end = begin + int(scratch.serve[leg])
            if plugged:
                _, placed = place_breaks(
                    it.breaks[breaks_taken : breaks_taken + plugged], begin, begin
                )
                breaks += [
                    TakenBreak(breaks_taken + i, b, e, len(served))
                    for i, (b, e) in enumerate(placed)
                ]
                breaks_taken, end = breaks_taken + plugged, max(end, placed[-1][1])
            code, now = codes[leg], end
            if code >= 0:
                served.append(Served(self.problem.visits[code].id, arrive, begin, end))
            elif -1 - code < len(it.reloads):
                place = it.reloads[-1 - code]
                load = loads[len(reloads) + 1]
                reloads.append(Reload(place, arrive, begin, end, len(served), load))
            else:
                charger = -1 - code - len(it.reloads)
                charges.append(Charge(charger, arrive, begin, end, len(served)))
        return Tour(
            vehicle=it.id,
            start_s=start,
            depart_s=depart,
            visits=tuple(served),
            end_s=now,
            distance_m=int(scratch.out[WAY]),
            load=loads[0],
            breaks=tuple(breaks),
            reloads=tuple(reloads),
            charges=tuple(charges),
        )

    def _leg(
        self, vehicle: int, leg: int, leave: int, had: int, count: int
    ) -> tuple[int, list[tuple[int, int]]]:
        """Return the arrival of a leg and the breaks on it, as ``scan`` scheduled them."""
        model, scratch = self.model, self.scratch
        rate = int(model.vehicle[vehicle, RATE])
        if model.slices[rate + 1] - model.slices[rate] == 1:
            rests = self.problem.vehicles[vehicle].breaks[had : had + count]
            return place_breaks(rests, leave, leave + int(scratch.drive[leg]))
        drive_by_hour_with_breaks(model, vehicle, scratch, leg, leave, had, count)
        placed = [(int(b), int(e)) for b, e in scratch.halt[:count]]
        halts = scratch.halt.copy()
        place, target = int(scratch.place[leg]), int(scratch.place[leg + 1])
        arrive, on_way = int(drive_by_hour(model, rate, place, target, leave, halts, 0)), 0
        for begin, _ in placed:
            if begin < arrive:
                on_way += 1
                arrive = int(drive_by_hour(model, rate, place, target, leave, halts, on_way))
        return arrive, placed
