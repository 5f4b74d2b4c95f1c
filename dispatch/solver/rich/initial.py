"""The first plan of a search: committed stops and the feasible part of a given plan. PURE."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from dispatch.solver.model.problem import Problem
from dispatch.solver.rich.layout import Scratch
from dispatch.solver.rich.model import JOB, PARTNER, ROLE, Model
from dispatch.solver.rich.route import priced, refresh
from dispatch.solver.rich.scan import INFINITE
from dispatch.solver.rich.state import Promises, State


def load_plan(
    problem: Problem,
    model: Model,
    promise: Promises,
    state: State,
    scratch: Scratch,
    start: Mapping[int, Sequence[int]],
) -> None:
    """Give each vehicle the feasible part of its given sequence, at least its committed stops.

    A vehicle that cannot even drive its committed stops keeps them and is closed: the search does
    not change its route.
    """
    loader = _Loader(problem, model, promise, state, scratch)
    for vehicle in range(len(problem.vehicles)):
        loader.load(vehicle, list(start.get(vehicle, ())))


class _Loader:
    """Loads the sequences of a plan into a state, one vehicle after the other."""

    def __init__(
        self, problem: Problem, model: Model, promise: Promises, state: State, scratch: Scratch
    ) -> None:
        self.problem, self.model, self.promise = problem, model, promise
        self.state, self.scratch = state, scratch
        self.done: set[int] = set()  # jobs

    def load(self, vehicle: int, codes: list[int]) -> None:
        """Load the feasible part of one sequence."""
        prefix = [self.problem.visit_index[v] for v in self.problem.vehicles[vehicle].prefix]
        self.state.locked[prefix] = True
        sequence = self._consistent(prefix, codes)
        if not self._feasible(vehicle, sequence):
            sequence = self._feasible_part(vehicle, prefix, sequence)
        self.state.codes[vehicle, : len(sequence)] = sequence
        self.state.count[vehicle] = len(sequence)
        self.done |= {int(self.model.visit[v, JOB]) for v in sequence if v >= 0}
        if not refresh(self.model, self.promise, self.state, self.scratch, vehicle):
            self.state.closed[vehicle] = True
            for at, code in enumerate(sequence):
                if code >= 0:
                    self.state.where[code], self.state.position[code] = vehicle, at
                    self.state.locked[code] = True
        for code in prefix:
            partner = int(self.model.visit[code, PARTNER])
            if partner >= 0:
                self.state.locked[partner] = True

    def _consistent(self, prefix: list[int], codes: list[int]) -> list[int]:
        """Return the committed stops, then the other codes; each job once, each pair complete."""
        sequence = list(prefix)
        seen = set(prefix)
        jobs = {int(self.model.visit[v, JOB]) for v in prefix}
        for code in codes:
            if code < 0:
                sequence.append(code)
                continue
            job, role = int(self.model.visit[code, JOB]), int(self.model.visit[code, ROLE])
            fresh = job not in jobs or (role == 2 and int(self.model.visit[code, PARTNER]) in seen)
            if code not in seen and job not in self.done and fresh:
                sequence.append(code)
                seen.add(code)
                jobs.add(job)
        for code in list(sequence):
            partner = int(self.model.visit[code, PARTNER]) if code >= 0 else -1
            if partner >= 0 and partner not in seen:
                if code in prefix:
                    sequence.append(partner)
                    seen.add(partner)
                else:
                    sequence.remove(code)
        return sequence

    def _feasible(self, vehicle: int, codes: list[int]) -> bool:
        """Return True if the vehicle can drive a sequence."""
        row = np.array(codes, dtype=np.int64)
        if len(row) + 4 > self.state.codes.shape[1]:
            return False
        cost = priced(self.model, self.promise, self.state, self.scratch, vehicle, row, len(row))
        return bool(cost < INFINITE)

    def _feasible_part(self, vehicle: int, prefix: list[int], sequence: list[int]) -> list[int]:
        """Return as much of a sequence as is feasible, in its order.

        A reload or a charge is added where the committed stops need it.
        """
        required = [
            code
            for at, code in enumerate(sequence)
            if at < len(prefix) or (code >= 0 and self.model.visit[code, PARTNER] in prefix)
        ]
        accepted = (
            required
            if self._feasible(vehicle, required)
            else self._with_stops(vehicle, required, len(prefix))
        )
        if not self._feasible(vehicle, accepted):
            return required
        for code in sequence[len(prefix) :]:
            if code >= 0 and (code in required or code in accepted):
                continue
            accepted = self._appended(vehicle, accepted, code)
        return accepted

    def _appended(self, vehicle: int, accepted: list[int], code: int) -> list[int]:
        """Append one more code, and the delivery of a pickup, if the result is feasible."""
        role = int(self.model.visit[code, ROLE]) if code >= 0 else 0
        if role == 2:
            return accepted  # it is added together with its pickup
        more = [code]
        if role == 1:
            more.append(int(self.model.visit[code, PARTNER]))
        longer = [*accepted, *more]
        return longer if self._feasible(vehicle, longer) else accepted

    def _with_stops(self, vehicle: int, required: list[int], first: int) -> list[int]:
        """Return the required stops with one or two facilities added that make them feasible.

        Returns them unchanged if no such facilities are found.
        """
        it = self.problem.vehicles[vehicle]
        stops = range(-len(it.reloads) - len(it.chargers), 0)
        tried = [required]
        for _ in range(2):
            candidates = [
                [*codes[:at], stop, *codes[at:]]
                for codes in tried
                for stop in stops
                for at in range(first, len(codes) + 1)
            ]
            for codes in candidates:
                if self._feasible(vehicle, codes):
                    return codes
            tried = candidates[:100]
        return required
