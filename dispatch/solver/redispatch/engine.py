"""The rich engine, used to improve a repaired plan around the touched visits. PURE.

Only this module of the package loads the engine: numba is loaded at first use, or by a worker when
it begins.
"""

from __future__ import annotations

import importlib
import time
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, cast

from dispatch.solver.classic.samples import problems
from dispatch.solver.engines.base import Proposal, SearchControl
from dispatch.solver.placing.draft import Context
from dispatch.solver.redispatch.disturbance import DisturbancePricer

ENGINE = "dispatch.solver.engines.rich"


@cache
def load() -> Any:
    """Return the engine with all compiled code linked: half a second, once in a process.

    A long-running worker calls it when it begins. ``redispatch`` calls it before its clock starts.
    """
    engine = importlib.import_module(ENGINE)
    for problem in problems():
        context = Context(problem)
        context.scanner.gaps({0: [0]}, 1)
        context.scanner.route(0, [0, 1])
        engine.improve(
            context,
            seed=0,
            control=SearchControl(0.0, counts=(2,)),
            start={0: [0]},
            visits=range(len(problem.visits)),
            promises={0: engine.VisitPromise(vehicle=0, move_cost=1)},
        )
    return engine


def improve_compiled(
    pricer: DisturbancePricer,
    start: Mapping[int, Sequence[int]],
    free: Sequence[int],
    *,
    seed: int,
    until: float | None,
    iterations: int | None,
    threads: int = 1,
) -> Proposal:
    """Improve a plan by moving only the ``free`` visits; breaking promises costs penalties.

    Returns
    -------
    Proposal
        The best sequences, and the number of iterations.
    """
    engine = load()
    rules = pricer.rules
    promises = {
        visit: engine.VisitPromise(
            vehicle=pricer.drivers.get(visit),
            move_cost=rules.per_move,
            opens_s=max(0, start_s - rules.free_s),
            closes_s=start_s + rules.free_s + 1,
            slip_cost_per_minute=rules.per_minute,
        )
        for visit, start_s in pricer.starts.items()
    }
    priced = bool(rules.per_move or rules.per_minute)
    control = SearchControl(
        time.perf_counter(),
        deadline=until,
        counts=None if iterations is None else (iterations,),
        threads=threads,
    )
    proposal = engine.improve(
        pricer.context,
        seed=seed,
        control=control,
        start=start,
        visits=free,
        promises=promises if priced else None,
    )
    return cast("Proposal", proposal)


def iterations_of(proposal: Proposal) -> int:
    """Return how many iterations a search made."""
    return cast("int", load().iterations_of(proposal.counts))
