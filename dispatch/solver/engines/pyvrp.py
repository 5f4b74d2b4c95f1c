"""PyVRP (MIT), an iterated local search, on the translated problem. PURE.

Where every visit is worth any trip and capacity suffices for all, the visits are required, which
searches faster. If no feasible plan is found within ``PATIENCE`` of the time, the search starts
again with prizes instead of required visits.
"""

from __future__ import annotations

import logging
import time
import warnings
from typing import Final

import pyvrp

from dispatch.solver.engines.base import Proposal, SearchControl
from dispatch.solver.engines.translate import Translation, Translator
from dispatch.solver.model.cost import rounded
from dispatch.solver.placing.draft import Context

_library = logging.getLogger("pyvrp")
_library.handlers.clear()  # its import logs to stdout, where the solver writes its answers
_library.setLevel(logging.WARNING)

PATIENCE: Final = 0.3  # share of the time to find a feasible plan with all visits required
MIN_PENALTY, MAX_PENALTY = 0.1, 100_000.0  # PyVRP's defaults, where a metre costs 1
IMPOSSIBLE: Final = 2**60  # PyVRP's cost of an infeasible solution is higher


class PyVRP:
    """The engine behind ``base.Engine``."""

    name = "pyvrp"

    def search(self, context: Context, *, seed: int, control: SearchControl) -> Proposal:
        """Search until the control says to stop.

        Phases: first with required visits, where that applies, then with prizes.
        """
        translator = Translator(context)
        if translator.empty:
            return Proposal({}, ())
        counts: list[int] = []
        if translator.certain:
            plan = translator.translate(required=True)
            best, count = _run(
                plan, seed, control, phase=0, patience=control.end_of_share(PATIENCE)
            )
            counts.append(count)
            if best.is_feasible() or control.stopped:
                return Proposal(_sequences(plan, best), tuple(counts))
        plan = translator.translate(required=False)
        best, count = _run(plan, seed, control, phase=len(counts), patience=None)
        return Proposal(_sequences(plan, best), (*counts, count))


class _Ending:
    """PyVRP's stopping criterion by our control; counts the iterations."""

    def __init__(
        self, control: SearchControl, phase: int, patience: float | None, plan: Translation
    ) -> None:
        self.control, self.phase, self.patience = control, phase, patience
        self.divisor = plan.divisor
        self.count = 0

    def __call__(self, best_cost: int) -> bool:
        feasible = best_cost < IMPOSSIBLE
        if self.control.must_stop(self.phase, self.count):
            return True
        if not feasible and self.patience is not None and time.perf_counter() > self.patience:
            return True
        if feasible:
            cost = rounded(best_cost * self.divisor)
            self.control.report("pyvrp", self.count, cost)
        self.count += 1
        return False


def _run(
    plan: Translation, seed: int, control: SearchControl, *, phase: int, patience: float | None
) -> tuple[pyvrp.Solution, int]:
    stop = _Ending(control, phase, patience, plan)
    penalty = pyvrp.PenaltyParams(
        min_penalty=MIN_PENALTY * plan.unit, max_penalty=MAX_PENALTY * plan.unit
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # "struggles to find a feasible solution": repaired later
        result = pyvrp.solve(
            plan.data,
            stop,
            seed=seed,
            collect_stats=False,
            display=False,
            params=pyvrp.SolveParams(penalty=penalty),
        )
    return result.best, stop.count


def _sequences(plan: Translation, best: pyvrp.Solution) -> dict[int, list[int]]:
    """Translate routes back into sequences; each route gets the next vehicle of its type."""
    free = [iter(twins) for twins in plan.vehicles]
    sequences: dict[int, list[int]] = {}
    for route in best.routes():
        visits = [plan.visits[a.idx] for a in route if a.is_client()]
        if visits:
            seen: set[int] = set()
            once = [v for v in visits if not (v in seen or seen.add(v))]  # type: ignore[func-returns-value]
            sequences[next(free[route.vehicle_type()])] = once
    return sequences
