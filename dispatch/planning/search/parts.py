"""The parts of a large plan as leased rows: created, claimed, solved, submitted, deleted.

Parts work like the jobs of ``core.jobs``, with a shorter lease because a plan takes minutes. A
worker claims a part with a token; only the holder of the token may write the result. When a
worker stops renewing its lease, another worker may claim the part.

The rows belong to one attempt of the plan's job (``holder``). A new attempt deletes the rows of
earlier attempts. A worker stops as soon as its row is deleted or claimed by another worker.
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
LEASE_S: Final = 12.0  # a worker that does not renew its lease for this long loses its part
BEAT_S: Final = 2.0  # seconds between two renewals of a lease
MOST_ATTEMPTS: Final = 3
SPARE_S: Final = 3.0  # seconds of a part's time for starting the child process and submitting
LEAST_S: Final = 0.5  # shortest search, in seconds

WAITING, RUNNING, DONE, FAILED = SolvePart.State.values


@dataclass(slots=True)
class PartLease:
    """A part that a worker has claimed, and the token that proves the claim.

    ``seconds`` is the time limit of the search. ``present`` is the plan to start from, as visits
    by vehicle.
    """

    pk: int
    token: uuid.UUID
    problem: Problem
    present: Mapping[str, Sequence[str]]
    seconds: float
    seed: int
    _renewed_at: float = 0.0
    _lost: bool = False

    def lost(self) -> bool:
        """Renew the lease if it is time; return True if this worker no longer holds the part."""
        if not self._lost and time.monotonic() >= self._renewed_at + BEAT_S:
            self._renewed_at = time.monotonic()
            self._lost = not self._own_row().update(lease_until=in_seconds(LEASE_S))
        return self._lost

    def submit(self, result: Result) -> bool:
        """Write the result if this worker still holds the part; return True if it was written."""
        payload = {
            "solution": solution_to_json(result.solution),
            "work": work_json(result.work),
        }
        return bool(self._leave(DONE, result=payload))

    def give_up(self) -> None:
        """Release the part to other workers; after MOST_ATTEMPTS attempts mark it as failed."""
        row = self._own_row().values_list("attempt", flat=True).first()
        if row is not None:
            self._leave(WAITING if row < MOST_ATTEMPTS else FAILED)

    def _leave(self, state: str, **changes: Any) -> int:
        return int(
            self._own_row().update(state=state, lease_token=None, lease_until=None, **changes)
        )

    def _own_row(self) -> Any:
        return SolvePart.objects.filter(pk=self.pk, lease_token=self.token, state=RUNNING)


def create_parts(job: Lease, round_number: int, tasks: Sequence[Task], wait_s: float) -> None:
    """Create the parts of a round and notify the workers; results count for ``wait_s`` seconds.

    Locks: the job, by its fence. Records: nothing. Raises: LeaseLost.
    """
    rows = [
        SolvePart(
            job=job.id,
            holder=job.token,
            turn=round_number,
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


def remind(job: Lease, round_number: int, wait_s: float) -> None:
    """Notify the workers again of parts that still wait: the broker may have lost a hint."""
    for pk in _open(job, round_number).values_list("pk", flat=True):
        _hint(pk, wait_s)()


def _hint(pk: int, wait_s: float) -> Hint:
    limit = round(wait_s) + 30
    limits = (("soft_time_limit", limit), ("time_limit", limit + 30))
    return Hint(TASK, QUEUE, (("part", pk), ("schema", current_schema())), limits)


def claim(pk: int) -> PartLease | None:
    """Claim a part that waits or whose lease has expired; None if it cannot be claimed.

    A part is not claimed either when too little time is left to solve it.
    """
    left_s = ExpressionWrapper(Extract(F("until") - Now(), "epoch"), output_field=FloatField())
    with transaction.atomic():
        row = (
            SolvePart.objects.select_for_update(skip_locked=True)
            .filter(_claimable(), pk=pk, attempt__lt=MOST_ATTEMPTS)
            .annotate(left_s=left_s)
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
    """Return a part without a row: the job solves it itself and no other worker can claim it."""
    return PartLease(0, uuid.uuid4(), problem, {}, seconds, seed, _renewed_at=float("inf"))


def claim_any(job: Lease, round_number: int, left_s: float) -> PartLease | None:
    """Claim one of the job's waiting parts for the job's own worker; None if none can be claimed.

    The search time is limited so that the remaining parts can still be solved by the workers that
    are active now.
    """
    waiting = list(_open(job, round_number).order_by("number").values_list("pk", flat=True))
    alive = SolvePart.objects.filter(
        holder=job.token, turn=round_number, lease_until__gt=Now()
    ).count()
    for pk in waiting:
        lease = claim(pk)
        if lease is not None:
            share = left_s * (alive + 1) / (alive + len(waiting))
            lease.seconds = max(LEAST_S, min(lease.seconds, share - SPARE_S))
            return lease
    return None


def _claimable() -> Q:
    return Q(state=WAITING) | Q(state=RUNNING, lease_until__lte=Now())


def _open(job: Lease, round_number: int) -> Any:
    return SolvePart.objects.filter(_claimable(), holder=job.token, turn=round_number)


def unfinished(job: Lease, round_number: int) -> int:
    """Return the number of parts of a round that are waiting or running."""
    rows = SolvePart.objects.filter(holder=job.token, turn=round_number)
    return int(rows.filter(state__in=[WAITING, RUNNING]).count())


@dataclass(frozen=True, slots=True)
class PartResult:
    """The result of a part: its solution and the iterations of each phase."""

    solution: Solution
    work: tuple[Phase, ...]


def results(job: Lease, round_number: int) -> dict[int, PartResult]:
    """Return the results of a round's finished parts, by part number."""
    rows = SolvePart.objects.filter(holder=job.token, turn=round_number, state=DONE)
    return {
        number: PartResult(
            solution_from_json(result["solution"]),
            tuple(Phase(p["engine"], p["seed"], tuple(p["counts"])) for p in result["work"]),
        )
        for number, result in rows.values_list("number", "result")
        if result is not None
    }


def delete_round(job: Lease, round_number: int) -> None:
    """Delete the rows of a round; workers that still hold one notice it and stop."""
    SolvePart.objects.filter(holder=job.token, turn=round_number).delete()


def delete_parts(job: Lease) -> None:
    """Delete the parts of this attempt of the job."""
    SolvePart.objects.filter(holder=job.token).delete()


def delete_earlier_attempts(job: Lease) -> None:
    """Delete the parts of earlier attempts of the job. Call it inside the job's fence."""
    SolvePart.objects.filter(job=job.id).exclude(holder=job.token).delete()


def delete_all_parts(job_id: str) -> int:
    """Delete all parts of a job that has ended; return their number."""
    return SolvePart.objects.filter(job=job_id).delete()[0]


SolveOne = Callable[[PartLease], Result]


def solve_claimed(lease: PartLease, solve_one: SolveOne) -> bool:
    """Solve a claimed part and submit its result; return True if the result was written.

    If ``solve_one`` raises, the part is released to other workers and the exception propagates.
    """
    try:
        result = solve_one(lease)
    except Exception:
        lease.give_up()
        raise
    return not lease.lost() and lease.submit(result)
