"""How a search begins: what is committed, then what of a given plan holds. PURE."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from dispatch.solver.model.problem import Problem
from dispatch.solver.rich.layout import Scratch
from dispatch.solver.rich.model import JOB, PARTNER, ROLE, Model
from dispatch.solver.rich.route import priced, refresh
from dispatch.solver.rich.scan import INFINITE
from dispatch.solver.rich.state import Announcements, State


def load_plan(
    problem: Problem,
    model: Model,
    promise: Announcements,
    state: State,
    scratch: Scratch,
    start: Mapping[int, Sequence[int]],
) -> None:
    """Give each vehicle what holds of its given sequence, at least what it is committed to.

    A vehicle that cannot even drive what it is committed to keeps that, and is closed.
    """
    start_of = _Start(problem, model, promise, state, scratch)
    for vehicle in range(len(problem.vehicles)):
        start_of.lay(vehicle, list(start.get(vehicle, ())))


class _Start:
    def __init__(
        self, problem: Problem, model: Model, promise: Announcements, state: State, scratch: Scratch
    ) -> None:
        self.problem, self.model, self.promise = problem, model, promise
        self.state, self.scratch = state, scratch
        self.done: set[int] = set()  # jobs

    def lay(self, vehicle: int, codes: list[int]) -> None:
        """Give one vehicle what holds."""
        prefix = [self.problem.visit_index[v] for v in self.problem.vehicles[vehicle].prefix]
        self.state.locked[prefix] = True
        given = self._sound(prefix, codes)
        if not self._holds(vehicle, given):
            given = self._holding(vehicle, prefix, given)
        self.state.codes[vehicle, : len(given)] = given
        self.state.count[vehicle] = len(given)
        self.done |= {int(self.model.visit[v, JOB]) for v in given if v >= 0}
        if not refresh(self.model, self.promise, self.state, self.scratch, vehicle):
            self.state.closed[vehicle] = True
            for at, code in enumerate(given):
                if code >= 0:
                    self.state.where[code], self.state.position[code] = vehicle, at
                    self.state.locked[code] = True
        for code in prefix:
            partner = int(self.model.visit[code, PARTNER])
            if partner >= 0:
                self.state.locked[partner] = True

    def _sound(self, prefix: list[int], codes: list[int]) -> list[int]:
        """Return what is committed and behind it the rest, each job once and each pair whole."""
        given = list(prefix)
        seen = set(prefix)
        jobs = {int(self.model.visit[v, JOB]) for v in prefix}
        for code in codes:
            if code < 0:
                given.append(code)
                continue
            job, role = int(self.model.visit[code, JOB]), int(self.model.visit[code, ROLE])
            fresh = job not in jobs or (role == 2 and int(self.model.visit[code, PARTNER]) in seen)
            if code not in seen and job not in self.done and fresh:
                given.append(code)
                seen.add(code)
                jobs.add(job)
        for code in list(given):
            partner = int(self.model.visit[code, PARTNER]) if code >= 0 else -1
            if partner >= 0 and partner not in seen:
                if code in prefix:
                    given.append(partner)
                    seen.add(partner)
                else:
                    given.remove(code)
        return given

    def _holds(self, vehicle: int, codes: list[int]) -> bool:
        row = np.array(codes, dtype=np.int64)
        if len(row) + 4 > self.state.codes.shape[1]:
            return False
        cost = priced(self.model, self.promise, self.state, self.scratch, vehicle, row, len(row))
        return bool(cost < INFINITE)

    def _holding(self, vehicle: int, prefix: list[int], given: list[int]) -> list[int]:
        """Return as much of a sequence as holds, in its order; with a stop added where it must."""
        must = [
            code
            for at, code in enumerate(given)
            if at < len(prefix) or (code >= 0 and self.model.visit[code, PARTNER] in prefix)
        ]
        kept = must if self._holds(vehicle, must) else self._helped(vehicle, must, len(prefix))
        if not self._holds(vehicle, kept):
            return must
        for code in given[len(prefix) :]:
            if code >= 0 and (code in must or code in kept):
                continue
            kept = self._with(vehicle, kept, code)
        return kept

    def _with(self, vehicle: int, kept: list[int], code: int) -> list[int]:
        """Add one more code, and the delivery of a pickup, behind what is kept, if that holds."""
        role = int(self.model.visit[code, ROLE]) if code >= 0 else 0
        if role == 2:
            return kept  # comes with its pickup
        more = [code]
        if role == 1:
            more.append(int(self.model.visit[code, PARTNER]))
        longer = [*kept, *more]
        return longer if self._holds(vehicle, longer) else kept

    def _helped(self, vehicle: int, must: list[int], first: int) -> list[int]:
        """Return what a vehicle must drive with one or two stops that make it possible."""
        it = self.problem.vehicles[vehicle]
        stops = range(-len(it.reloads) - len(it.chargers), 0)
        tried = [must]
        for _ in range(2):
            longer = [
                [*codes[:at], stop, *codes[at:]]
                for codes in tried
                for stop in stops
                for at in range(first, len(codes) + 1)
            ]
            for codes in longer:
                if self._holds(vehicle, codes):
                    return codes
            tried = longer[:100]
        return must
