"""Parts of a plan as leased rows: put out, claimed, solved, handed in, taken away.

The manner is that of ``core.jobs``, with a shorter lease, for a plan has minutes: a part is
claimed with a token, whoever holds the token may write the result, and a worker that falls silent
loses it to the next one that asks. The rows belong to one attempt of the plan's job (``holder``):
what an earlier attempt put out is no more once the present one has begun.

A part whose row is gone, or another's, is of no use to anybody; its worker stops.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.db import transaction
from django.db.models import ExpressionWrapper, F, FloatField, Q
from django.db.models.functions import Extract, Now

from dispatch.planning.models import SolvePart
from dispatch.planning.problem.keep import pack, unpack
from dispatch.solver.decompose.rounds import Task
from dispatch.solver.formats.json import solution_from_json, solution_to_json
from dispatch.solver.model.problem import Problem
from dispatch.solver.model.solution import Solution
from dispatch.solver.solve import Phase, Result, work_json
from lastmile.core.hints import Hint, after_commit
from lastmile.core.jobs import Lease
from lastmile.core.tenancy import current_schema
from lastmile.core.timing import in_seconds

TASK: Final = "planning.solve_part"
QUEUE: Final = "solve"
LEASE_S: Final = 12.0  # a worker silent for so long has lost its part
BEAT_S: Final = 2.0
MOST_ATTEMPTS: Final = 3
SPARE_S: Final = 3.0  # of a part's time, for starting the child and handing in
LEAST_S: Final = 0.5  # a search shorter than this is not begun

WAITING, RUNNING, DONE, FAILED = SolvePart.State.values


@dataclass(slots=True)
class PartLease:
    """What a worker is given: a part, and the proof that it is still its own.

    ``seconds`` is what the search may take, ``present`` where it may start from.
    """

    pk: int
    token: uuid.UUID
    problem: Problem
    present: Mapping[str, Sequence[str]]
    seconds: float
    seed: int
    _beaten: float = 0.0
    _lost: bool = False

    def lost(self) -> bool:
        """Beat when it is time; tell whether the part is another's, or nobody's, by now."""
        if not self._lost and time.monotonic() >= self._beaten + BEAT_S:
            self._beaten = time.monotonic()
            self._lost = not self._mine().update(lease_until=in_seconds(LEASE_S))
        return self._lost

    def hand_in(self, result: Result) -> bool:
        """Write the result; False when the part is no longer this worker's, and nothing is."""
        said = {
            "solution": solution_to_json(result.solution),
            "work": work_json(result.work),
        }
        return bool(self._leave(DONE, result=said))

    def give_up(self) -> None:
        """Leave the part to others, as often as it may be tried."""
        row = self._mine().values_list("attempt", flat=True).first()
        if row is not None:
            self._leave(WAITING if row < MOST_ATTEMPTS else FAILED)

    def _leave(self, state: str, **changes: Any) -> int:
        return int(self._mine().update(state=state, lease_token=None, lease_until=None, **changes))

    def _mine(self) -> Any:
        return SolvePart.objects.filter(pk=self.pk, lease_token=self.token, state=RUNNING)


def put_out(job: Lease, turn: int, tasks: Sequence[Task], wait_s: float) -> None:
    """Write a round's parts and tell the workers; they are wanted within ``wait_s`` seconds.

    Locks: the job, by its fence. Records: nothing. Raises: LeaseLost.
    """
    rows = [
        SolvePart(
            job=job.id,
            holder=job.token,
            turn=turn,
            number=number,
            problem=pack(task.part.problem)[0],
            present={vehicle: list(visits) for vehicle, visits in task.sequences.items()},
            seconds=task.seconds,
            seed=task.seed,
            until=in_seconds(wait_s),
        )
        for number, task in enumerate(tasks)
    ]
    with job.fenced():
        for row in SolvePart.objects.bulk_create(rows, batch_size=8):
            after_commit(_hint(row.pk, wait_s))


def remind(job: Lease, turn: int, wait_s: float) -> None:
    """Tell the workers again of the parts that still wait: the broker may have lost a hint."""
    for pk in _open(job, turn).values_list("pk", flat=True):
        _hint(pk, wait_s)()


def _hint(pk: int, wait_s: float) -> Hint:
    limit = round(wait_s) + 30
    limits = (("soft_time_limit", limit), ("time_limit", limit + 30))
    return Hint(TASK, QUEUE, (("part", pk), ("schema", current_schema())), limits)


def claim(pk: int) -> PartLease | None:
    """Take a part that waits, or whose worker fell silent; None when there is nothing to do."""
    left = ExpressionWrapper(Extract(F("until") - Now(), "epoch"), output_field=FloatField())
    with transaction.atomic():
        row = (
            SolvePart.objects.select_for_update(skip_locked=True)
            .filter(_claimable(), pk=pk, attempt__lt=MOST_ATTEMPTS)
            .annotate(left_s=left)
            .first()
        )
        if row is None or row.left_s < LEAST_S + SPARE_S:
            return None
        token = uuid.uuid4()
        SolvePart.objects.filter(pk=pk).update(
            state=RUNNING,
            attempt=row.attempt + 1,
            lease_token=token,
            lease_until=in_seconds(LEASE_S),
        )
    seconds = min(row.seconds, row.left_s - SPARE_S)
    return PartLease(pk, token, unpack(bytes(row.problem)), row.present, seconds, row.seed)


def unleased(problem: Problem, seconds: float, seed: int) -> PartLease:
    """Return a part that stands in no row: the job's own, which nobody else can take up."""
    return PartLease(0, uuid.uuid4(), problem, {}, seconds, seed, _beaten=float("inf"))


def claim_any(job: Lease, turn: int, left_s: float) -> PartLease | None:
    """Take one of the job's parts for the job's own worker.

    It searches no longer than leaves time for the other parts that nobody has taken up, should
    no more workers come than are at work now.
    """
    waiting = list(_open(job, turn).order_by("number").values_list("pk", flat=True))
    alive = SolvePart.objects.filter(holder=job.token, turn=turn, lease_until__gt=Now()).count()
    for pk in waiting:
        lease = claim(pk)
        if lease is not None:
            share = left_s * (alive + 1) / (alive + len(waiting))
            lease.seconds = max(LEAST_S, min(lease.seconds, share - SPARE_S))
            return lease
    return None


def _claimable() -> Q:
    return Q(state=WAITING) | Q(state=RUNNING, lease_until__lte=Now())


def _open(job: Lease, turn: int) -> Any:
    return SolvePart.objects.filter(_claimable(), holder=job.token, turn=turn)


def unfinished(job: Lease, turn: int) -> int:
    """Return how many parts of a round somebody may still hand in."""
    rows = SolvePart.objects.filter(holder=job.token, turn=turn)
    return int(rows.filter(state__in=[WAITING, RUNNING]).count())


@dataclass(frozen=True, slots=True)
class HandedIn:
    """A part's result: its plan and the work that repeats it."""

    solution: Solution
    work: tuple[Phase, ...]


def results(job: Lease, turn: int) -> dict[int, HandedIn]:
    """Return what was handed in of a round, by the part's number."""
    rows = SolvePart.objects.filter(holder=job.token, turn=turn, state=DONE)
    return {
        number: HandedIn(
            solution_from_json(said["solution"]),
            tuple(Phase(p["engine"], p["seed"], tuple(p["counts"])) for p in said["work"]),
        )
        for number, said in rows.values_list("number", "result")
        if said is not None
    }


def call_off(job: Lease, turn: int) -> None:
    """Delete a round's rows: workers that still have one notice and stop."""
    SolvePart.objects.filter(holder=job.token, turn=turn).delete()


def take_away(job: Lease) -> None:
    """Delete what this attempt of the job put out."""
    SolvePart.objects.filter(holder=job.token).delete()


def take_away_older(job: Lease) -> None:
    """Delete what earlier attempts put out. Call it behind the job's fence."""
    SolvePart.objects.filter(job=job.id).exclude(holder=job.token).delete()


def take_away_all(job_id: str) -> int:
    """Delete every part of a job that has ended; return how many there were."""
    return SolvePart.objects.filter(job=job_id).delete()[0]


SolveOne = Callable[[PartLease], Result]


def solve_claimed(lease: PartLease, solve_one: SolveOne) -> bool:
    """Solve a claimed part and hand it in; True when the result counts.

    Raises what ``solve_one`` raises, after leaving the part to others.
    """
    try:
        result = solve_one(lease)
    except Exception:
        lease.give_up()
        raise
    return not lease.lost() and lease.hand_in(result)
