"""Large plans in parts: one valid plan, even if workers die, are late or get a part twice."""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, connections
from django.db.migrations.executor import MigrationExecutor

from dispatch.fleet.models import Hub
from dispatch.planning import tasks
from dispatch.planning.handlers import on_solve_ended
from dispatch.planning.models import Plan, SolvePart
from dispatch.planning.problem.keep import unpack
from dispatch.planning.search import parts, spread
from dispatch.planning.search.parts import PartLease
from dispatch.planning.search.spread import Spread, is_large, part_count
from dispatch.planning.selectors.jobs import SOLVE
from dispatch.planning.selectors.spots import arrangement_of
from dispatch.planning.services import request_plan
from dispatch.solver.decompose.rounds import Task
from dispatch.solver.decompose.split import split
from dispatch.solver.model.cost import cost
from dispatch.solver.model.problem import Problem
from dispatch.solver.model.solution import Solution
from dispatch.solver.placing.draft import Context
from dispatch.solver.placing.explain import reasons
from dispatch.solver.placing.insertion import evaluate
from dispatch.solver.placing.repair import settle
from dispatch.solver.process.child import SolveFailed
from dispatch.solver.referee.check import check
from dispatch.solver.solve import Phase, Result
from lastmile.core import jobs
from lastmile.core.events import DomainEvent, Lane
from lastmile.core.jobs import Lease, LeaseLost
from lastmile.core.models import Job, JobState
from lastmile.core.runner import run_job
from lastmile.core.tenancy import RetailerRef, retailer_context
from tests.dispatch.solver.towns import towns
from tests.factories.fleet import LAT, LON, make_driver, make_hub, make_shift, make_vehicle
from tests.factories.orders import DAY, PlaceDraft, make_order

ROOT = Path(__file__).resolve().parents[3]
Search = Callable[[PartLease, Callable[[], bool]], Result]


@pytest.fixture(autouse=True)
def small_is_large(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Set two workers and parts of ten visits, so that a small problem is solved in parts."""
    settings.SOLVE_SPREAD = 2
    settings.SOLVE_SPREAD_FROM = 20
    monkeypatch.setattr(spread, "SMALLEST", 10)
    monkeypatch.setattr(spread, "LARGEST", 12)
    monkeypatch.setattr(spread, "POLL_S", 0.05)
    monkeypatch.setattr(parts, "LEASE_S", 1.0)
    monkeypatch.setattr(parts, "BEAT_S", 0.2)
    monkeypatch.setattr(parts, "SPARE_S", 0.1)


@pytest.fixture
def shop(fresh_db: str, retailer: RetailerRef) -> RetailerRef:
    """Return retailer t1 as the current one, in a database where commits are real."""
    return retailer


@pytest.fixture
def hints(monkeypatch: pytest.MonkeyPatch) -> queue.Queue[dict[str, Any]]:
    """Collect the hints about parts that are sent to the broker."""
    messages: queue.Queue[dict[str, Any]] = queue.Queue()

    def publish(task: str, *, queue: str, kwargs: dict[str, Any], **_options: Any) -> bool:
        if task == parts.TASK:
            messages.put(kwargs)
        return True

    monkeypatch.setattr("lastmile.core.hints.publish", publish)
    return messages


def day_of(orders: int = 40, shifts: int = 5) -> Hub:
    hub = make_hub(loading_s=600)
    for _n in range(shifts):
        make_shift(vehicle=make_vehicle(hub=hub, parcels=16), driver=make_driver(hub=hub))
    for n in range(orders):
        lat, lon = LAT + 0.01 * (n % 7 - 3), LON + 0.01 * (n // 7 - 3)
        make_order(hub=hub.public_id, place=PlaceDraft(text=f"Rua {n} 1", lat=lat, lon=lon))
    return hub


def quick(problem: Problem) -> Solution:
    draft = settle(Context(problem), {})
    return draft.solution(reasons(draft, draft.missing()))


def result_of(problem: Problem, solution: Solution) -> Result:
    return Result(solution, cost(problem, solution), "quick", 1, (Phase("quick", 1, (1,)),), 0.1)


def quickly(part: PartLease, _should_stop: Callable[[], bool]) -> Result:
    """Search that ends at once."""
    return result_of(part.problem, quick(part.problem))


def never(part: PartLease, should_stop: Callable[[], bool]) -> Result:
    """Search that ends only when it must stop, without a result."""
    while not (should_stop() or part.lost()):
        time.sleep(0.02)
    raise SolveFailed("It took too long.")


def a_job() -> Lease:
    job = jobs.enqueue(SOLVE)
    lease = jobs.claim(job.public_id)
    assert lease is not None
    return lease


def spread_of(job: Lease, problem: Problem, search: Search, *, seconds: float = 20) -> Spread:
    return Spread(job, problem, seconds, 1, search, lambda _share: None)


def in_thread(ref: RetailerRef, act: Callable[[], Any]) -> threading.Thread:
    def run() -> None:
        try:
            with retailer_context(ref):
                act()
        finally:
            connections.close_all()

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def town(seed: int = 1) -> Problem:
    return towns(seed, hubs=2, visits=20, vehicles=4)


# --- from request to draft ---------------------------------------------------------------------
def test_a_large_day_becomes_one_draft_that_passes_the_referee(
    shop: RetailerRef, hints: queue.Queue[dict[str, Any]]
) -> None:
    hub = day_of()
    job = request_plan(hub=hub, service_date=DAY, seconds=8)
    assert run_job(job.public_id) == JobState.SUCCEEDED, Job.objects.get(pk=job.pk).detail
    (draft,) = Plan.objects.all()
    assert (draft.engine, draft.unserved_count, draft.violations_count) == ("parts", 0, 0)
    assert draft.orders_count == 40
    problem = unpack(bytes(draft.input.problem))
    plan = evaluate(problem, arrangement_of(draft, problem))
    assert check(problem, plan) == []
    assert draft.work[0]["engine"] == "parts"
    assert len(draft.work) > 1, "the work of every part is stored"
    assert SolvePart.objects.count() == 0
    assert hints.qsize() >= 4


def test_a_small_day_is_not_split_into_parts(
    shop: RetailerRef, hints: queue.Queue[dict[str, Any]]
) -> None:
    hub = day_of(orders=12, shifts=2)
    job = request_plan(hub=hub, service_date=DAY, seconds=1)
    assert run_job(job.public_id) == JobState.SUCCEEDED
    assert Plan.objects.get().engine != "parts"
    assert hints.empty()


def test_other_workers_solve_parts_of_the_plan(
    shop: RetailerRef, hints: queue.Queue[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    by: dict[int, set[int]] = {}

    def noted(part: PartLease, should_stop: Callable[[], bool]) -> Result:
        by.setdefault(threading.get_ident(), set()).add(part.pk)
        time.sleep(0.3)
        return quickly(part, should_stop)

    monkeypatch.setattr(tasks, "search_part", noted)
    done = threading.Event()

    def worker() -> None:
        while not done.is_set():
            try:
                message = hints.get(timeout=0.05)
            except queue.Empty:
                continue
            tasks.solve_part(**message)

    thread = in_thread(shop, worker)
    try:
        problem = town()
        solution = spread_of(a_job(), problem, noted).solve()
    finally:
        done.set()
        thread.join()
    assert solution is not None
    assert check(problem, solution.solution) == []
    assert len(by) == 2, "both took some"
    assert not set.intersection(*by.values()), "and none took another's"


def test_the_number_of_parts_suits_the_workers() -> None:
    assert [part_count(visits, 2) for visits in (15, 30, 48, 480)] == [1, 3, 4, 40]


def test_a_problem_is_not_split_for_one_worker_or_few_visits(settings: Any) -> None:
    assert is_large(town())
    settings.SOLVE_SPREAD_FROM = 41
    assert not is_large(town())
    settings.SOLVE_SPREAD_FROM, settings.SOLVE_SPREAD = 20, 1
    assert not is_large(town())


# --- claims and fences -------------------------------------------------------------------------
def create_parts(job: Lease, problem: Problem, wait_s: float = 30) -> list[int]:
    cut = split(problem, parts=4)
    parts.create_parts(job, 0, [Task(p, 5.0, n) for n, p in enumerate(cut)], wait_s)
    return list(SolvePart.objects.order_by("number").values_list("pk", flat=True))


def test_a_part_announced_twice_is_solved_once(
    shop: RetailerRef, hints: queue.Queue[dict[str, Any]]
) -> None:
    job = a_job()
    first, *_rest = create_parts(job, town())
    lease = parts.claim(first)
    assert lease is not None
    assert parts.claim(first) is None
    result = quickly(lease, lambda: False)
    assert lease.submit(result)
    assert not lease.submit(result), "a second answer does not count"
    assert parts.claim(first) is None
    tasks.solve_part(schema=shop.schema, part=first)
    assert set(parts.results(job, 0)) == {0}


def test_ten_workers_at_once_share_the_parts(
    shop: RetailerRef, hints: queue.Queue[dict[str, Any]]
) -> None:
    pks = create_parts(a_job(), town())
    got: list[int] = []
    gate = threading.Barrier(10)

    def worker() -> None:
        gate.wait()
        got.extend(lease.pk for pk in pks if (lease := parts.claim(pk)) is not None)

    threads = [in_thread(shop, worker) for _ in range(10)]
    for thread in threads:
        thread.join()
    assert sorted(got) == pks


def test_a_worker_with_an_expired_lease_loses_its_part_and_cannot_write(
    shop: RetailerRef, hints: queue.Queue[dict[str, Any]]
) -> None:
    job = a_job()
    first, *_rest = create_parts(job, town())
    silent = parts.claim(first)
    assert silent is not None
    time.sleep(1.1)
    second = parts.claim(first)
    assert second is not None
    assert silent.lost()
    assert not silent.submit(quickly(silent, lambda: False))
    silent.give_up()
    assert SolvePart.objects.get(pk=first).state == "running", "it is the second one's"
    assert second.submit(quickly(second, lambda: False))


def test_a_worker_that_renews_its_lease_keeps_its_part(
    shop: RetailerRef, hints: queue.Queue[dict[str, Any]]
) -> None:
    first, *_rest = create_parts(a_job(), town())
    lease = parts.claim(first)
    assert lease is not None
    until = time.monotonic() + 1.5
    while time.monotonic() < until:
        assert not lease.lost()
        time.sleep(0.05)
    assert parts.claim(first) is None


def test_a_part_that_always_fails_is_marked_as_failed(
    shop: RetailerRef, hints: queue.Queue[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    job = a_job()
    first, *_rest = create_parts(job, town())

    def broken(_part: PartLease, _should_stop: Callable[[], bool]) -> Result:
        raise SolveFailed("No memory.")

    monkeypatch.setattr(tasks, "search_part", broken)
    for _ in range(5):
        tasks.solve_part(schema=shop.schema, part=first)
    row = SolvePart.objects.get(pk=first)
    assert (row.state, row.attempt) == ("failed", parts.MOST_ATTEMPTS)
    assert parts.unfinished(job, 0) == 3


def test_a_part_past_its_deadline_is_not_started(
    shop: RetailerRef, hints: queue.Queue[dict[str, Any]]
) -> None:
    first, *_rest = create_parts(a_job(), town(), wait_s=0.3)
    assert parts.claim(first) is None


def test_the_remaining_time_limits_the_search(
    shop: RetailerRef, hints: queue.Queue[dict[str, Any]]
) -> None:
    first, *_rest = create_parts(a_job(), town(), wait_s=2.0)
    lease = parts.claim(first)
    assert lease is not None
    assert 1.0 < lease.seconds < 2.0, "5 s were asked for"


# --- failures ----------------------------------------------------------------------------------
HUNG = """
import os, sys, time
import django
django.setup()
from django.db import connections
connections.settings["default"]["NAME"] = sys.argv[1]
from dispatch.planning.search import parts
from lastmile.core.tenancy import retailer_context
parts.LEASE_S = 1.0
with retailer_context(sys.argv[2]):
    lease = parts.claim(int(sys.argv[3]))
    print(lease.pk, flush=True)
    while not lease.lost():
        time.sleep(0.05)
"""


def test_a_killed_worker_delays_the_plan_only_briefly(
    shop: RetailerRef, hints: queue.Queue[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    problem = town()
    solved: list[int] = []

    def noted(part: PartLease, should_stop: Callable[[], bool]) -> Result:
        solved.append(part.pk)
        return quickly(part, should_stop)

    killed: list[int] = []

    def killer() -> None:
        message = hints.get(timeout=20)
        worker = subprocess.Popen(
            [sys.executable, "-c", HUNG, connection.settings_dict["NAME"], shop.schema,
             str(message["part"])],
            cwd=ROOT, env=os.environ, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert worker.stdout is not None
        worker.stdout.readline()
        time.sleep(0.5)
        worker.send_signal(signal.SIGKILL)
        worker.wait()
        worker.stdout.close()
        killed.append(message["part"])

    thread = threading.Thread(target=killer)
    job = a_job()
    whole = spread_of(job, problem, noted)
    real = parts.claim_any

    def after_the_kill(job: Lease, turn: int, left_s: float) -> PartLease | None:
        if not killed and turn == 0 and thread.is_alive():
            time.sleep(0.05)
            return None
        return real(job, turn, left_s)

    monkeypatch.setattr(parts, "claim_any", after_the_kill)
    thread.start()
    try:
        solution = whole.solve()
    finally:
        thread.join()
    assert solution is not None
    assert killed
    assert killed[0] in solved, "it was solved again"
    assert check(problem, solution.solution) == []


def test_a_cancelled_plan_leaves_no_part_and_its_workers_stop(
    shop: RetailerRef, hints: queue.Queue[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "POLL_S", 0.0)
    job = a_job()
    stopped = threading.Event()

    def worker() -> None:
        lease = parts.claim(hints.get(timeout=20)["part"])
        assert lease is not None
        with pytest.raises(SolveFailed):
            never(lease, lambda: False)
        stopped.set()

    def canceller() -> None:
        time.sleep(1)
        jobs.cancel(job.id)

    threads = [in_thread(shop, worker), in_thread(shop, canceller)]
    try:
        assert spread_of(job, town(), never, seconds=60).solve() is None
    finally:
        for thread in threads:
            thread.join()
    assert stopped.is_set()
    assert SolvePart.objects.count() == 0


def test_all_parts_late_are_solved_by_the_job_itself(
    shop: RetailerRef, hints: queue.Queue[dict[str, Any]]
) -> None:
    problem = town()
    searched: list[int] = []

    def late(part: PartLease, should_stop: Callable[[], bool]) -> Result:
        if part.pk:
            return never(part, should_stop)
        searched.append(len(part.problem.visits))
        return quickly(part, should_stop)

    began = time.monotonic()
    solution = spread_of(a_job(), problem, late, seconds=4).solve()
    assert solution is not None
    assert searched == [40], "the whole, in one piece"
    assert check(problem, solution.solution) == []
    assert solution.solution.unserved == quick(problem).unserved
    assert time.monotonic() - began < 8
    assert SolvePart.objects.count() == 0


def test_one_part_that_fails_is_solved_by_the_job_itself(
    shop: RetailerRef, hints: queue.Queue[dict[str, Any]]
) -> None:
    problem = town()
    searched: list[set[str]] = []

    def broken(part: PartLease, should_stop: Callable[[], bool]) -> Result:
        if part.pk and part.seed == 1:
            raise SolveFailed("No memory.")
        if not part.pk:
            searched.append({v.id for v in part.problem.visits})
        return quickly(part, should_stop)

    solution = spread_of(a_job(), problem, broken, seconds=10).solve()
    assert solution is not None
    (rest,) = searched
    assert 0 < len(rest) < 40
    assert check(problem, solution.solution) == []


def test_a_part_that_is_late_in_a_later_round_stays_unchanged(
    shop: RetailerRef, hints: queue.Queue[dict[str, Any]]
) -> None:
    problem = town()

    def late(part: PartLease, should_stop: Callable[[], bool]) -> Result:
        return never(part, should_stop) if part.present else quickly(part, should_stop)

    solution = spread_of(a_job(), problem, late, seconds=5).solve()
    assert solution is not None
    assert check(problem, solution.solution) == []
    assert [p.counts for p in solution.work if p.engine == "parts"] == [(4,), (0,)]


def test_a_more_expensive_result_is_not_used(
    shop: RetailerRef, hints: queue.Queue[dict[str, Any]]
) -> None:
    problem, costs = town(), []

    def worse(part: PartLease, should_stop: Callable[[], bool]) -> Result:
        if part.present:
            return result_of(part.problem, evaluate(part.problem, {}))
        solution = quickly(part, should_stop)
        costs.append(solution.cost.exact)
        return solution

    result = spread_of(a_job(), problem, worse).solve()
    assert result is not None
    assert result.cost.exact <= sum(costs)


def test_a_worker_of_an_earlier_attempt_cannot_write(
    shop: RetailerRef, hints: queue.Queue[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    problem = town()
    old = a_job()
    first, *_rest = create_parts(old, problem)
    zombie = parts.claim(first)
    assert zombie is not None
    Job.objects.filter(public_id=old.id).update(
        state="queued", lease_token=None, lease_until=None, deadline_at=None
    )
    new = jobs.claim(old.id)
    assert new is not None
    assert spread_of(new, problem, quickly).solve() is not None
    assert zombie.lost()
    assert not zombie.submit(quickly(zombie, lambda: False))
    with pytest.raises(LeaseLost):
        spread_of(old, problem, quickly).solve()


def test_the_parts_of_a_dead_job_are_deleted_when_it_has_ended(
    shop: RetailerRef, hints: queue.Queue[dict[str, Any]]
) -> None:
    job = a_job()
    create_parts(job, town())
    ended = Job.objects.get(public_id=job.id)
    on_solve_ended(
        DomainEvent(
            public_id="evt_1", kind="job.finished", subject=job.id, actor="system",
            occurred_at=ended.created_at, data={"kind": SOLVE}, position=1, lane=Lane.PERSON,
        )
    )  # fmt: skip
    assert SolvePart.objects.count() == 0


def test_lost_hints_are_sent_again(shop: RetailerRef, hints: queue.Queue[dict[str, Any]]) -> None:
    job = a_job()
    pks = create_parts(job, town())
    while not hints.empty():
        hints.get()
    lease = parts.claim(pks[0])
    assert lease is not None
    parts.remind(job, 0, 10)
    assert sorted(hints.get()["part"] for _ in range(hints.qsize())) == pks[1:]


def test_the_migration_is_reversible(shop: RetailerRef) -> None:
    executor = MigrationExecutor(connection)
    before = connection.introspection.table_names()
    assert "planning_solvepart" in before
    executor.migrate([("planning", "0001_plans")])
    assert "planning_solvepart" not in connection.introspection.table_names()
    executor.loader.build_graph()
    executor.migrate([("planning", "0002_solve_parts")])
    assert "planning_solvepart" in connection.introspection.table_names()
