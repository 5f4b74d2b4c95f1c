"""The classic engine (``dispatch.solver.classic``) behind ``base.Engine``. PURE.

See ``dispatch/solver/README.md``.
"""

from __future__ import annotations

import numpy as np

from dispatch.solver.classic.arrays import Int64
from dispatch.solver.classic.interface import Budget, Limit, Watch
from dispatch.solver.classic.model import Model, model_of
from dispatch.solver.classic.samples import problems
from dispatch.solver.classic.search import Search
from dispatch.solver.classic.setup import Tours
from dispatch.solver.engines.base import Proposal, SearchControl
from dispatch.solver.engines.registry import CLASSIC, polisher
from dispatch.solver.model.cost import rounded
from dispatch.solver.placing.draft import Context


class Classic:
    """Ruin and recreate by strings; see ``dispatch.solver.classic``."""

    name = CLASSIC

    def __init__(self) -> None:
        """Load compiled code, once a process: it takes about a second, before any clock runs."""
        for problem in problems():
            self.search(Context(problem), seed=0, control=SearchControl(0.0, counts=(2,)))

    def search(self, context: Context, *, seed: int, control: SearchControl) -> Proposal:
        """Search until the control says to stop.

        The proposal's counts are the engine's record of its iterations, which repeats the search.
        """
        model = model_of(context)
        if model is None or model.size == 0:
            return Proposal({}, ())
        result = Search(
            model,
            seed=seed,
            threads=control.threads,
            budget=_budget(control),
            watch=Watch(
                stopped=lambda: control.must_stop(0, -1),
                tell=lambda done, cost: control.report(
                    CLASSIC, done, rounded(cost * model.divisor)
                ),
            ),
            start=_start_tours(model, control),
            polisher=_polished,
        ).run()
        return Proposal(_sequences(model, result.plan), result.record)


def _polished(
    model: Model, plan: Tours, free: Int64, *, seed: int, limit: Limit
) -> tuple[Tours, int]:
    """Polish tours by PyVRP, which is loaded only now."""
    polished: tuple[Tours, int] = polisher()(model, plan, free, seed=seed, limit=limit)
    return polished


def _budget(control: SearchControl) -> Budget:
    """Read the control: a single count is a budget of iterations, several counts are a record."""
    if control.counts is None:
        return Budget(until=control.deadline if control.deadline is not None else float("inf"))
    if len(control.counts) == 1:
        return Budget(iterations=control.counts[0])
    return Budget(record=control.counts)


def _start_tours(model: Model, control: SearchControl) -> Tours | None:
    """Translate the plan to start from, without visits and vehicles that the model leaves out."""
    if not control.present:
        return None
    name = {int(visit): at for at, visit in enumerate(np.asarray(model.visits), start=1)}
    kind = {vehicle: at for at, it in enumerate(model.kinds) for vehicle in it.vehicles}
    tours = [
        (kind[vehicle], [name[v] for v in visits if v in name])
        for vehicle, visits in sorted(control.present.items())
        if vehicle in kind
    ]
    tours = [(it, visits) for it, visits in tours if visits]
    return Tours(
        np.array([v for _, visits in tours for v in visits], np.int32),
        np.cumsum([len(visits) for _, visits in tours], dtype=np.int64),
        np.array([it for it, _ in tours], np.int32),
    )


def _sequences(model: Model, plan: Tours) -> dict[int, list[int]]:
    """Translate tours back into sequences; each tour gets the next vehicle of its kind."""
    free = [iter(kind.vehicles) for kind in model.kinds]
    visits = np.asarray(model.visits)
    sequences: dict[int, list[int]] = {}
    for start, end, kind in zip(plan.starts, plan.ends, plan.kinds, strict=True):
        names = plan.visits[start:end]
        sequences[next(free[kind])] = [int(v) for v in visits[names - 1]]
    return sequences
