"""Solves a large plan with several workers: split it into parts, solve the parts, join them.

The plan's own job splits and joins, and also solves parts itself. So it needs no other worker,
but takes longer without them. A slow worker does not delay the plan: parts that are late in the
first round are solved by the job itself, parts that are late in a later round stay unchanged.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from django.conf import settings

from dispatch.planning.search import parts as rows
from dispatch.planning.search.parts import PartLease, PartResult
from dispatch.planning.search.searching import search
from dispatch.solver.decompose.join import join
from dispatch.solver.decompose.part import Part, extract
from dispatch.solver.decompose.rounds import Task, better, resplit
from dispatch.solver.decompose.split import split
from dispatch.solver.model.cost import cost
from dispatch.solver.model.problem import Problem
from dispatch.solver.model.solution import Solution
from dispatch.solver.placing.draft import Context
from dispatch.solver.process.child import SolveFailed
from dispatch.solver.solve import Phase, Result
from lastmile.core.jobs import Lease

log = logging.getLogger(__name__)

ENGINE: Final = "parts"
LARGEST, SMALLEST = 2_500, 250  # visits in a part
FIRST_SHARE: Final = 0.5  # share of the time for the first round
KEPT_SHARE: Final = 0.06  # share of the time for joining the parts
ROUND_S: Final = 40.0  # one more round for every ROUND_S seconds
MOST_ROUNDS: Final = 5
POLL_S: Final = 0.25  # seconds between two looks at the parts
REMIND_S: Final = 5.0  # seconds between two hints to the workers

Search = Callable[[PartLease, Callable[[], bool]], Result]


def is_large(problem: Problem) -> bool:
    """Return True if a problem is large enough to be solved in parts by several workers."""
    return settings.SOLVE_SPREAD > 1 and len(problem.visits) >= settings.SOLVE_SPREAD_FROM


def part_count(visits: int, at_once: int) -> int:
    """Return the number of parts: a multiple of the workers, limited by LARGEST and SMALLEST."""
    each = math.ceil(visits / at_once / LARGEST)
    return max(1, min(each * at_once, visits // SMALLEST))


def search_part(part: PartLease, should_stop: Callable[[], bool]) -> Result:
    """Solve a part in a child process; stop when this worker no longer holds the part."""
    return search(
        part.problem,
        seconds=part.seconds,
        seed=part.seed,
        present=part.present,
        should_stop=lambda: part.lost() or should_stop(),
    )


@dataclass(slots=True)
class Spread:
    """An attempt of a job to solve a problem in parts.

    Parameters
    ----------
    search : callable
        Solves one part in a child process, given the part and a callable that is True to stop.
    tell : callable
        Receives the progress: the share of the time that has passed, 0 to 1.
    """

    job: Lease
    problem: Problem
    seconds: float
    seed: int
    search: Search
    tell: Callable[[float], None]
    began: float = field(default_factory=time.monotonic, init=False)
    work: list[Phase] = field(default_factory=list, init=False)
    context: Context = field(init=False)

    def __post_init__(self) -> None:
        self.context = Context(self.problem)

    def solve(self) -> Result | None:
        """Return the plan of the whole problem, checked by the referee; None if cancelled.

        Raises
        ------
        SolveFailed
            Parts were late and could not be solved by this job either.
        PartRefused
            The plan of a part is not feasible in the whole problem.
        LeaseLost
            Another worker runs the job now.
        """
        with self.job.fenced():
            rows.delete_earlier_attempts(self.job)
        try:
            solution = self._rounds()
        finally:
            rows.delete_parts(self.job)
        if solution is None:
            return None
        return Result(
            solution=solution,
            cost=cost(self.problem, solution),
            engine=ENGINE,
            seed=self.seed,
            work=tuple(self.work),
            seconds=time.monotonic() - self.began,
        )

    def _rounds(self) -> Solution | None:
        count = part_count(len(self.problem.visits), settings.SOLVE_SPREAD)
        rounds = min(MOST_ROUNDS, 1 + max(1, int(self.seconds // ROUND_S)))
        end = self.began + self.seconds * (1 - KEPT_SHARE)
        parts = split(self.problem, parts=count)
        solutions = self._solve_round(0, parts, self.began + self.seconds * FIRST_SHARE)
        if solutions is None:
            return None
        late = [p for p, s in zip(parts, solutions, strict=True) if s is None]
        if late:
            return self._with_late(parts, solutions, late, end)
        best = join(self.problem, parts, [s for s in solutions if s is not None], self.context)
        for number in range(1, rounds):
            left_s = (end - time.monotonic()) / (rounds - number)
            if left_s < rows.SPARE_S + 2 * rows.LEAST_S or len(parts) < 2:
                break
            size = max(1, len(self.problem.visits) // len(parts))
            new_parts = resplit(self.problem, best, size=size, turn=number)
            solutions = self._solve_round(number, new_parts, time.monotonic() + left_s)
            if solutions is None:
                return None
            results = [self._better_plan(p, s) for p, s in zip(new_parts, solutions, strict=True)]
            best = join(self.problem, new_parts, results, self.context)
        return best

    @staticmethod
    def _better_plan(part: Part, solution: Solution | None) -> Solution:
        """Return the better of a part's two plans; a late part keeps its present plan."""
        if solution is None and part.present is not None:
            return part.present
        return better(part, solution or Solution())

    def _solve_round(
        self, round_number: int, parts: Sequence[Part], until: float
    ) -> list[Solution | None] | None:
        """Solve the parts of a round; return a solution for each part, None for a late one.

        Return None instead of the list if the job is cancelled.
        """
        waves = math.ceil(len(parts) / settings.SOLVE_SPREAD)
        seconds = max(rows.LEAST_S, (until - time.monotonic()) / waves - rows.SPARE_S)
        first = self.seed + round_number * len(self.problem.visits)
        tasks = [Task(p, seconds, first + n) for n, p in enumerate(parts)]
        rows.create_parts(self.job, round_number, tasks, until - time.monotonic())
        reminded = time.monotonic()
        time.sleep(POLL_S)  # let the other workers claim parts before the first share is computed
        while rows.unfinished(self.job, round_number) and time.monotonic() < until:
            if self.job.cancelled():
                return None
            self.tell(min(1.0, (time.monotonic() - self.began) / self.seconds))
            if time.monotonic() > reminded + REMIND_S:
                reminded = time.monotonic()
                rows.remind(self.job, round_number, until - reminded)
            if not self._help(round_number, until):
                time.sleep(POLL_S)
        results = rows.results(self.job, round_number)
        rows.delete_round(self.job, round_number)
        self._note(results)
        return [results[n].solution if n in results else None for n in range(len(parts))]

    def _help(self, round_number: int, until: float) -> bool:
        """Solve one of the waiting parts in this job; return False if none could be claimed."""
        lease = rows.claim_any(self.job, round_number, until - time.monotonic())
        if lease is None:
            return False

        def should_stop() -> bool:
            return time.monotonic() >= until or self.job.cancelled()

        try:
            rows.solve_claimed(lease, lambda part: self.search(part, should_stop))
        except SolveFailed as failed:
            log.warning("A part of %s failed: %s", self.job.id, failed.detail)
        return True

    def _with_late(
        self,
        parts: Sequence[Part],
        solutions: Sequence[Solution | None],
        late: Sequence[Part],
        end: float,
    ) -> Solution | None:
        """Solve the late parts in this job, as one problem, and join the whole plan.

        A part is late if no worker has solved it by the end of the round.
        """
        log.warning("%s: %d of %d parts were late", self.job.id, len(late), len(parts))
        visits = [self.problem.visit_index[v.id] for p in late for v in p.problem.visits]
        vehicles = [self.problem.vehicle_index[v.id] for p in late for v in p.problem.vehicles]
        rest = extract(self.problem, visits, vehicles)
        left_s = max(rows.LEAST_S, end - time.monotonic() - rows.SPARE_S)
        result = self.search(rows.unleased(rest.problem, left_s, self.seed), self.job.cancelled)
        if self.job.cancelled():
            return None
        self.work += result.work
        done = [(p, s) for p, s in zip(parts, solutions, strict=True) if s is not None]
        return join(
            self.problem,
            [*(p for p, _ in done), rest],
            [*(s for _, s in done), result.solution],
            self.context,
        )

    def _note(self, results: dict[int, PartResult]) -> None:
        """Append the work of each part. It cannot be replayed: parts are limited by time."""
        self.work.append(Phase(ENGINE, self.seed, (len(results),)))
        for number in sorted(results):
            self.work += results[number].work
