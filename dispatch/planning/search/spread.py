"""A large plan over several machines: cut into parts, put out, gathered, put together.

The plan's own job does the cutting and the joining, and solves parts itself while others do: with
no other worker the plan still comes, only later. A straggler never holds it: what is late in the
first round is solved here in the time kept for that, and in later rounds stays as it was.
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
from dispatch.planning.search.parts import HandedIn, PartLease
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
LARGEST, SMALLEST = 2_500, 250  # visits of a part
FIRST_SHARE: Final = 0.5  # of the time, for the first plans of the parts
KEPT_SHARE: Final = 0.06  # of the time, for putting the plan together
ROUND_S: Final = 40.0  # a further round for each so many seconds
MOST_ROUNDS: Final = 5
POLL_S: Final = 0.25
REMIND_S: Final = 5.0

Search = Callable[[PartLease, Callable[[], bool]], Result]


def is_large(problem: Problem) -> bool:
    """Tell whether a problem is to be solved in parts by several workers."""
    return settings.SOLVE_SPREAD > 1 and len(problem.visits) >= settings.SOLVE_SPREAD_FROM


def how_many(visits: int, at_once: int) -> int:
    """Return the number of parts: as many for each worker, none larger than LARGEST."""
    each = math.ceil(visits / at_once / LARGEST)
    return max(1, min(each * at_once, visits // SMALLEST))


def search_part(part: PartLease, should_stop: Callable[[], bool]) -> Result:
    """Solve a part in a child process; stops when the part is no longer this worker's."""
    return search(
        part.problem,
        seconds=part.seconds,
        seed=part.seed,
        present=part.present,
        should_stop=lambda: part.lost() or should_stop(),
    )


@dataclass(slots=True)
class Spread:
    """One attempt of a job to solve a problem in parts.

    Parameters
    ----------
    search : callable
        Solves one part in a child process, given the part and when to stop.
    tell : callable
        Is told the share of the time that has passed.
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
        """Return the whole plan, refereed; None when the job was cancelled.

        Raises
        ------
        SolveFailed
            When parts were late and could not be solved here either.
        PartRefused
            When a part's plan does not hold in the whole.
        LeaseLost
            When the job is another worker's by now.
        """
        with self.job.fenced():
            rows.take_away_older(self.job)
        try:
            solution = self._rounds()
        finally:
            rows.take_away(self.job)
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
        count = how_many(len(self.problem.visits), settings.SOLVE_SPREAD)
        rounds = min(MOST_ROUNDS, 1 + max(1, int(self.seconds // ROUND_S)))
        end = self.began + self.seconds * (1 - KEPT_SHARE)
        parts = split(self.problem, parts=count)
        found = self._turn(0, parts, self.began + self.seconds * FIRST_SHARE)
        if found is None:
            return None
        late = [p for p, s in zip(parts, found, strict=True) if s is None]
        if late:
            return self._with_late(parts, found, late, end)
        best = join(self.problem, parts, [s for s in found if s is not None], self.context)
        for turn in range(1, rounds):
            left = (end - time.monotonic()) / (rounds - turn)
            if left < rows.SPARE_S + 2 * rows.LEAST_S or len(parts) < 2:
                break
            size = max(1, len(self.problem.visits) // len(parts))
            again = resplit(self.problem, best, size=size, turn=turn)
            found = self._turn(turn, again, time.monotonic() + left)
            if found is None:
                return None
            kept = [self._kept(p, s) for p, s in zip(again, found, strict=True)]
            best = join(self.problem, again, kept, self.context)
        return best

    @staticmethod
    def _kept(part: Part, found: Solution | None) -> Solution:
        """Return what a part has come to: late parts stay as they were."""
        if found is None and part.present is not None:
            return part.present
        return better(part, found or Solution())

    def _turn(self, turn: int, parts: Sequence[Part], until: float) -> list[Solution | None] | None:
        """Have a round's parts solved; None for a late one, and for all when cancelled."""
        waves = math.ceil(len(parts) / settings.SOLVE_SPREAD)
        each = max(rows.LEAST_S, (until - time.monotonic()) / waves - rows.SPARE_S)
        first = self.seed + turn * len(self.problem.visits)
        tasks = [Task(p, each, first + n) for n, p in enumerate(parts)]
        rows.put_out(self.job, turn, tasks, until - time.monotonic())
        reminded = time.monotonic()
        time.sleep(POLL_S)  # so that the other workers are seen before the first share is reckoned
        while rows.unfinished(self.job, turn) and time.monotonic() < until:
            if self.job.cancelled():
                return None
            self.tell(min(1.0, (time.monotonic() - self.began) / self.seconds))
            if time.monotonic() > reminded + REMIND_S:
                reminded = time.monotonic()
                rows.remind(self.job, turn, until - reminded)
            if not self._help(turn, until):
                time.sleep(POLL_S)
        handed_in = rows.results(self.job, turn)
        rows.call_off(self.job, turn)
        self._note(handed_in)
        return [handed_in[n].solution if n in handed_in else None for n in range(len(parts))]

    def _help(self, turn: int, until: float) -> bool:
        """Solve one of the parts here; tell whether there was one."""
        lease = rows.claim_any(self.job, turn, until - time.monotonic())
        if lease is None:
            return False

        def enough() -> bool:
            return time.monotonic() >= until or self.job.cancelled()

        try:
            rows.solve_claimed(lease, lambda part: self.search(part, enough))
        except SolveFailed as failed:
            log.warning("A part of %s failed: %s", self.job.id, failed.detail)
        return True

    def _with_late(
        self,
        parts: Sequence[Part],
        found: Sequence[Solution | None],
        late: Sequence[Part],
        end: float,
    ) -> Solution | None:
        """Solve what nobody handed in as one problem, here, and put the plan together."""
        log.warning("%s: %d of %d parts were late", self.job.id, len(late), len(parts))
        visits = [self.problem.visit_index[v.id] for p in late for v in p.problem.visits]
        vehicles = [self.problem.vehicle_index[v.id] for p in late for v in p.problem.vehicles]
        rest = extract(self.problem, visits, vehicles)
        left = max(rows.LEAST_S, end - time.monotonic() - rows.SPARE_S)
        result = self.search(rows.unleased(rest.problem, left, self.seed), self.job.cancelled)
        if self.job.cancelled():
            return None
        self.work += result.work
        done = [(p, s) for p, s in zip(parts, found, strict=True) if s is not None]
        return join(
            self.problem,
            [*(p for p, _ in done), rest],
            [*(s for _, s in done), result.solution],
            self.context,
        )

    def _note(self, handed_in: dict[int, HandedIn]) -> None:
        """Keep who solved what: a record, not a replay, for parts are solved by the clock."""
        self.work.append(Phase(ENGINE, self.seed, (len(handed_in),)))
        for number in sorted(handed_in):
            self.work += handed_in[number].work
