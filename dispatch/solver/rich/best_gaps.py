"""The cheapest insertion of a visit for each of several windows. PURE, compiled.

The exact scan of a route runs only in the gaps whose lower bound is below the best cost so far.
"""

from __future__ import annotations

from typing import Final

from dispatch.solver.rich.compiled import compiled
from dispatch.solver.rich.gap import alone_in, first_gap, open_to
from dispatch.solver.rich.layout import Scratch
from dispatch.solver.rich.model import Int64, Model
from dispatch.solver.rich.scan import INFINITE
from dispatch.solver.rich.state import Promises, State

# Gaps kept for each window whose costs are equal within EQUAL: 1 or more. Chosen: enough for the
# few gaps that cost the same, as on equal vehicles without a route.
CANDIDATES: Final = 16
# Costs that differ by less are compared exactly afterwards, in 1/UNIT minor units. It is above the
# rounding error of a cost in floating point, which is below 10 for a cost of a thousand million.
EQUAL: Final = 1_000.0


@compiled
def best_gaps(
    model: Model,
    promise: Promises,
    state: State,
    s: Scratch,
    visit: int,
    row: int,
    windows: Int64,
    candidates: Int64,
    counts: Int64,
) -> None:
    """Write the cheapest gaps for each window: ``candidates[window, n]`` is a vehicle and a gap.

    ``row`` is the row of the visit's only window in the model; it is overwritten. ``counts`` gets
    the number of gaps of each window. Routes must have been refreshed (``route.refresh``), and
    infeasible routes closed.
    """
    for at in range(len(windows)):
        model.windows[row, 0], model.windows[row, 1] = windows[at, 0], windows[at, 1]
        best, count = INFINITE, 0
        for vehicle in range(len(state.count)):
            if not model.may[visit, vehicle] or not open_to(model, state, vehicle, 1):
                continue
            for gap in range(first_gap(model, vehicle), state.count[vehicle] + 1):
                limit = best + EQUAL if best < INFINITE else INFINITE
                cost = alone_in(model, promise, state, s, visit, vehicle, gap, limit)
                if cost >= limit:
                    continue
                if cost < best - EQUAL or best >= INFINITE:
                    count = 0
                best = min(best, cost)
                if count < candidates.shape[1]:
                    candidates[at, count, 0], candidates[at, count, 1] = vehicle, gap
                    count += 1
        counts[at] = count
