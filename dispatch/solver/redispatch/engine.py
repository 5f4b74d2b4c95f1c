"""The compiled search, asked to improve a repaired plan around what was touched. PURE.

The one door to it: numba is loaded when it is first asked for.
"""

from __future__ import annotations

import importlib
import time
from collections.abc import Mapping, Sequence
from typing import Any, cast

from dispatch.solver.engines.base import Leash, Proposal
from dispatch.solver.redispatch.unrest import Unrest

ENGINE = "dispatch.solver.engines.rich"


def load() -> Any:
    """Return the engine, loaded: done before any clock runs."""
    return importlib.import_module(ENGINE)


def improved(
    unrest: Unrest,
    start: Mapping[int, Sequence[int]],
    free: Sequence[int],
    *,
    seed: int,
    until: float | None,
    iterations: int | None,
) -> Proposal:
    """Search from a plan, moving none but the free visits; promises have their price.

    Returns
    -------
    Proposal
        The best sequences found, with the iterations made.
    """
    engine = load()
    rules = unrest.rules
    promises = {
        visit: engine.Promised(
            vehicle=unrest.drivers.get(visit),
            move_cost=rules.per_move,
            opens_s=max(0, start_s - rules.free_s),
            closes_s=start_s + rules.free_s + 1,
            slip_cost_per_minute=rules.per_minute,
        )
        for visit, start_s in unrest.starts.items()
    }
    priced = bool(rules.per_move or rules.per_minute)
    leash = Leash(
        time.perf_counter(),
        deadline=until,
        counts=None if iterations is None else (iterations,),
    )
    found = engine.improve(
        unrest.ground,
        seed=seed,
        leash=leash,
        start=start,
        visits=free,
        promises=promises if priced else None,
    )
    return cast("Proposal", found)
