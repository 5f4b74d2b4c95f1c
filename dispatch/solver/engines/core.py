"""The solver's own core behind the engines' one door. PURE. See ``dispatch/solver/README.md``."""

from __future__ import annotations

import numpy as np

from dispatch.solver.core.model import Model, model_of
from dispatch.solver.core.parts import Plan
from dispatch.solver.core.samples import problems
from dispatch.solver.core.search import Budget, Search
from dispatch.solver.cost import rounded
from dispatch.solver.draft import Ground
from dispatch.solver.engines.base import Leash, Proposal
from dispatch.solver.engines.shelf import CORE


class Core:
    """Ruin and recreate by strings; see ``dispatch.solver.core``."""

    name = CORE

    def __init__(self) -> None:
        """Load what is compiled: once a process, about a second, before any clock runs."""
        for problem in problems():
            self.search(Ground(problem), seed=0, leash=Leash(0.0, counts=(2,)))

    def search(self, ground: Ground, *, seed: int, leash: Leash) -> Proposal:
        """Search until the leash is taut; counts are the core's record of its iterations."""
        model = model_of(ground)
        if model is None or model.size == 0:
            return Proposal({}, ())
        found = Search(
            model,
            seed=seed,
            threads=leash.threads,
            budget=_budget(leash),
            stopped=lambda: leash.taut(0, -1),
            tell=lambda done, cost: leash.tell(CORE, done, rounded(cost * model.divisor)),
        ).run()
        return Proposal(_sequences(model, found.plan), found.record)


def _budget(leash: Leash) -> Budget:
    """Read the leash: one count is a budget, more are a record."""
    if leash.counts is None:
        return Budget(until=leash.deadline if leash.deadline is not None else float("inf"))
    if len(leash.counts) == 1:
        return Budget(iterations=leash.counts[0])
    return Budget(record=leash.counts)


def _sequences(model: Model, plan: Plan) -> dict[int, list[int]]:
    """Translate back, giving each tour the next vehicle of its kind."""
    free = [iter(kind.vehicles) for kind in model.kinds]
    visits = np.asarray(model.visits)
    sequences: dict[int, list[int]] = {}
    for start, end, kind in zip(plan.starts, plan.ends, plan.kinds, strict=True):
        names = plan.visits[start:end]
        sequences[next(free[kind])] = [int(v) for v in visits[names - 1]]
    return sequences
