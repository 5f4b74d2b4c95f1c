"""A thousand random problems with every constraint: `make proof solver_fuzz`.

Half of them are tiny and compared with the oracle, engine by engine, by iterations. The other half
have 10 to 120 visits and are solved by the clock. Every answer is refereed again here. ``FUZZ=100``
makes it a hundred. The promise: no infeasible plan is returned, nothing crashes, no cost is below
the optimum, no time limit is exceeded by more than 10 %, and hostile JSON is refused as invalid.

If others measure on the same machine, ``LOCK=file`` names a file that all of them lock. The half by
the clock holds it for two minutes at a time. Time that a search waited for a core at its end (as
Linux counts it for the calling thread) is not counted as overrun, but reported.
"""

from __future__ import annotations

import fcntl
import os
import random
import sys
import time
from collections import Counter, deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from dispatch.solver.classic.covers import covers
from dispatch.solver.formats.json import dumps, loads, problem_from_json, problem_to_json
from dispatch.solver.model.cost import cost
from dispatch.solver.model.problem import Problem
from dispatch.solver.referee.check import check
from dispatch.solver.solve import ENGINES, Effort, NotRefereed, Result, replay, solve
from lastmile.core.errors import Invalid
from tests.dispatch.solver.degenerate import DEGENERATE
from tests.dispatch.solver.features import grown, seeded
from tests.dispatch.solver.hostile import spoiled
from tests.dispatch.solver.oracle import optimum

COUNT: Final = int(os.environ.get("FUZZ", "1000"))
ITERATIONS: Final = {"rich": 400, "core": 400, "pyvrp": 60, "ortools": 5, "": 400}
LIMITS_S: Final = (0.3, 0.5, 1.0, 2.0)
OVERRUN: Final = 1.10
LOCK: Final = os.environ.get("LOCK")
SLICE_S: Final = 110  # seconds that the lock is held at a time
QUEUED: Final = Path("/proc/self/schedstat")  # ns on a core, ns waiting for one; Linux alone
FAULTS: Final = Path("var/proof/solver_fuzz.txt")


@dataclass
class Tally:
    """The results; ``faults`` break a promise, ``refused`` answers were never returned."""

    solved: Counter[str] = field(default_factory=Counter)
    equal: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    overrun: float = 0.0
    slowest: str = ""

    def fault(self, *what: object) -> None:
        self.faults.append(" ".join(str(w) for w in what))
        print(self.faults[-1], file=sys.stderr, flush=True)


def run() -> str:
    """Try all problems; raise when a promise is broken."""
    tally = Tally()
    _warm()
    for name, problem in _small():
        _held_against_the_truth(tally, name, problem)
    _timed(tally)
    hostile = _hostile(tally)
    FAULTS.parent.mkdir(parents=True, exist_ok=True)
    FAULTS.write_text("\n".join(tally.faults), encoding="utf-8")
    broken = [f for f in tally.faults if not f.startswith("dearer")]
    if broken:
        raise AssertionError(f"{len(broken)} promises broken, see {FAULTS}: {broken[:3]}")
    shares = ", ".join(
        f"{name or 'solve()'} {tally.equal[name]} of {tally.solved[name]} equal to the oracle"
        + (f" ({tally.refused[name]} refused)" if tally.refused[name] else "")
        for name in ITERATIONS
        if tally.solved[name]
    )
    return (
        f"{COUNT} random problems, {len(DEGENERATE)} degenerate: 0 infeasible returned, 0 crashes, "
        f"0 below the truth; {shares}; {tally.solved['clock']} by the clock, longest overrun "
        f"{100 * tally.overrun:.1f} % ({tally.slowest}), {tally.refused['clock']} refused, "
        f"{tally.refused['queued']} over 10 % only because others had the cores; "
        f"{hostile} hostile texts refused or read"
    )


def _warm() -> None:
    """Load and compile everything that is measured by the clock."""
    for seed in range(3):
        for name in ENGINES:
            _solved(grown(seed, visits=12), name, Effort(iterations=5))


def _small() -> Iterator[tuple[str, Problem]]:
    for name, make in DEGENERATE.items():
        yield name, make()
    for seed in range(COUNT // 2):
        yield f"seeded({seed})", seeded(seed)


def _solved(problem: Problem, engine: str, effort: Effort) -> Result | NotRefereed | Exception:
    try:
        return solve(
            problem,
            seconds=effort.seconds,
            iterations=effort.iterations,
            seed=1,
            engine=engine or None,
        )
    except NotRefereed as refusal:
        return refusal
    except Exception as crash:  # noqa: BLE001 - a crash is what is looked for
        return crash


def _held_against_the_truth(tally: Tally, name: str, problem: Problem) -> None:
    best = optimum(problem)
    for engine, iterations in ITERATIONS.items():
        if (engine == "core" and not covers(problem)) or (engine and engine not in ENGINES):
            continue
        result = _solved(problem, engine, Effort(iterations=iterations))
        where = f"{name} {engine or 'solve()'}"
        if isinstance(result, NotRefereed):
            tally.refused[engine] += 1
            if best is not None and engine in {"", "rich", "core"}:
                tally.fault("refused", where, result)
            continue
        if isinstance(result, Exception):
            tally.fault("crash", where, repr(result))
            continue
        tally.solved[engine] += 1
        _sound(tally, where, problem, result)
        if best is None or result.cost.exact < best.exact:
            tally.fault("below the truth", where, result.cost.exact, best and best.exact)
        elif result.cost.exact == best.exact:
            tally.equal[engine] += 1
        else:
            tally.fault("dearer", where, (result.cost.exact - best.exact) / 9e6)
        if engine == "" and replay(problem, result.work).solution != result.solution:
            tally.fault("another plan on replay", where)


def _sound(tally: Tally, where: str, problem: Problem, result: Result) -> None:
    faults = check(problem, result.solution)
    if faults:
        tally.fault("infeasible", where, faults[:2])
    if cost(problem, result.solution) != result.cost:
        tally.fault("wrong price", where)


def _timed(tally: Tally) -> None:
    """Solve half of them by the clock, some two minutes at a time."""
    waiting = deque(range(COUNT // 2))
    while waiting:
        with _alone():
            until = time.perf_counter() + SLICE_S
            while waiting and time.perf_counter() < until:
                _by_the_clock(tally, waiting.popleft())
        print(f"{len(waiting)} still to solve by the clock", file=sys.stderr, flush=True)


@contextmanager
def _alone() -> Iterator[None]:
    """Hold the lock shared by all who measure, if there is one."""
    if LOCK is None:
        yield
        return
    with open(LOCK, "w") as file:  # noqa: PTH123 - closing it unlocks
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
    time.sleep(1)  # let another process take the lock


def _queued_s() -> float:
    """Return the seconds that this thread has waited for a core so far."""
    return int(QUEUED.read_text().split()[1]) / 1e9 if QUEUED.exists() else 0.0


def _by_the_clock(tally: Tally, seed: int) -> None:
    rng = random.Random(f"clock {seed}")
    visits, limit = rng.randint(10, 120), rng.choice(LIMITS_S)
    problem = grown(seed, visits=visits)
    queued, began = _queued_s(), time.perf_counter()
    result = _solved(problem, "", Effort(seconds=limit))
    whole, queued = time.perf_counter() - began, _queued_s() - queued
    where = f"grown({seed}, visits={visits}) in {limit} s"
    if whole - queued > limit * OVERRUN:
        tally.fault("over time", where, f"{whole:.2f} s, {queued:.2f} s of it queued")
    elif whole > limit * OVERRUN:
        tally.refused["queued"] += 1
    elif whole / limit - 1 > tally.overrun:
        tally.overrun, tally.slowest = whole / limit - 1, where
    if isinstance(result, NotRefereed):
        tally.refused["clock"] += 1
        if not any(v.prefix for v in problem.vehicles):
            tally.fault("refused", where, result)
    elif isinstance(result, Exception):
        tally.fault("crash", where, repr(result))
    else:
        tally.solved["clock"] += 1
        _sound(tally, where, problem, result)


def _hostile(tally: Tally) -> int:
    rng = random.Random(1)
    texts = 10 * COUNT
    for number in range(texts):
        text = spoiled(rng, problem_to_json(seeded(number % 200)))
        try:
            dumps(problem_to_json(problem_from_json(loads(text))))
        except Invalid:
            continue
        except Exception as crash:  # noqa: BLE001 - a crash is what is looked for
            tally.fault("crash at the door", number, repr(crash))
    return texts
