"""A visit, or a pair, inserted together with reloads and charges that it needs. PURE, compiled."""

from __future__ import annotations

from typing import Final

from dispatch.solver.rich.compiled import compiled
from dispatch.solver.rich.gap import first_gap, put
from dispatch.solver.rich.layout import Scratch, place_of
from dispatch.solver.rich.model import (
    CHARGERS,
    CHARGERS_END,
    END,
    PER_M,
    PER_S,
    PLACE,
    PROFILE,
    RATE,
    RELOADS,
    RELOADS_END,
    START,
    Int64,
    Model,
)
from dispatch.solver.rich.route import priced
from dispatch.solver.rich.scan import INFINITE, SMALL
from dispatch.solver.rich.state import HALT, Promises, State

# Most stops of a route for which two facilities are tried everywhere: 0 or more. The number of
# trials grows with the cube of the stops. Chosen.
FEW: Final = 6


@compiled
def with_stop(
    model: Model,
    promise: Promises,
    state: State,
    s: Scratch,
    visit: int,
    partner: int,
    vehicle: int,
    best: float,
) -> tuple[float, int]:
    """Try a visit, or a pair, together with one more reload or charge.

    The codes of the best trial are left in ``state.other``. Returns its added cost and its number
    of codes, INFINITE and 0 if none is below ``best``.
    """
    count, begin, base = state.count[vehicle], first_gap(model, vehicle), state.base
    size_of_best = 0
    for stop in range(facilities(model, vehicle)):
        for where in range(begin, count + 1):
            put(state.codes[vehicle], count, base, where, -1 - stop)
            size = count + 1
            for side in range(2):
                low, high = (begin, where + 1) if side == 0 else (where + 1, size + 1)
                if partner < 0 and count > SMALL:
                    low = _nearest_gap(model, vehicle, base, size, visit, low, high)
                    high = low + 1
                elif partner >= 0 and count > SMALL // 2:
                    low = min(high, size) - 1 if side == 0 else where + 1
                    high = low + 1
                best, size_of_best = _among(
                    model,
                    promise,
                    state,
                    s,
                    visit,
                    partner,
                    vehicle,
                    size,
                    low,
                    high,
                    best,
                    size_of_best,
                )
    return (best, size_of_best) if size_of_best else (INFINITE, 0)


@compiled
def with_two(
    model: Model,
    promise: Promises,
    state: State,
    s: Scratch,
    visit: int,
    partner: int,
    vehicle: int,
    best: float,
) -> tuple[float, int]:
    """Try a visit, or a pair, together with two more reloads or charges; as ``with_stop``.

    On longer routes only the gaps around the visit's nearest gap are tried: to a distant visit, a
    vehicle charges on the way there and on the way back.
    """
    count, begin, base = state.count[vehicle], first_gap(model, vehicle), state.base
    stops, size_of_best = facilities(model, vehicle), 0
    size, near, last = count + 2, begin, count
    if count > FEW:
        codes = state.codes[vehicle]
        gap = _nearest_gap(model, vehicle, codes, count, visit, begin, count + 1)
        near, last = max(begin, gap - 1), min(count, gap + 1)
    for pair in range(stops * stops):
        for where in range(near, last + 1):
            for behind in range(where, last + 1):
                put(state.codes[vehicle], count, base, behind, -1 - pair % stops)
                put(base, count + 1, base, where, -1 - pair // stops)
                low, high = near, last + 3
                best, size_of_best = _among(
                    model,
                    promise,
                    state,
                    s,
                    visit,
                    partner,
                    vehicle,
                    size,
                    low,
                    high,
                    best,
                    size_of_best,
                )
    return (best, size_of_best) if size_of_best else (INFINITE, 0)


@compiled
def facilities(model: Model, vehicle: int) -> int:
    """Return at how many places a vehicle may reload or charge."""
    row = model.vehicle[vehicle]
    return int(row[RELOADS_END] - row[RELOADS] + row[CHARGERS_END] - row[CHARGERS])


@compiled
def _among(
    model: Model,
    promise: Promises,
    state: State,
    s: Scratch,
    visit: int,
    partner: int,
    vehicle: int,
    size: int,
    low: int,
    high: int,
    best: float,
    size_of_best: int,
) -> tuple[float, int]:
    """Insert a visit, or a pair, into some gaps of ``state.base``; keep the best in ``other``."""
    every = state.count[vehicle] <= SMALL // 2
    for gap in range(low, high):
        if state.num[HALT]:
            break
        last = gap + 1
        if partner >= 0 and every:
            last = size + 1
        for delivery_gap in range(gap + 1, last + 1):
            put(state.base, size, state.trial, gap, visit)
            total = size + 1
            if partner >= 0:
                put(state.trial, total, state.trial, delivery_gap, partner)
                total += 1
            cost = priced(model, promise, state, s, vehicle, state.trial, total)
            if cost - state.cost[vehicle] < best:
                best, size_of_best = cost - state.cost[vehicle], total
                for at in range(total):
                    state.other[at] = state.trial[at]
    return best, size_of_best


@compiled
def _nearest_gap(
    model: Model, vehicle: int, codes: Int64, count: int, visit: int, low: int, high: int
) -> int:
    """Return the gap, from ``low`` to below ``high``, where the detour to a visit costs least.

    The detour is the price of its metres and seconds; where they are free, they still count a
    little.
    """
    row = model.vehicle[vehicle]
    profile, rate = row[PROFILE], row[RATE]
    here = model.visit[visit, PLACE]
    least, nearest = INFINITE, low
    for gap in range(low, high):
        origin = row[START] if gap == 0 else place_of(model, vehicle, codes[gap - 1])
        target = row[END] if gap == count else place_of(model, vehicle, codes[gap])
        metres = model.metres[profile, origin, here] + model.metres[profile, here, target]
        metres -= model.metres[profile, origin, target]
        seconds = model.fast[rate, origin, here] + model.fast[rate, here, target]
        seconds -= model.fast[rate, origin, target]
        detour = metres * (model.price[vehicle, PER_M] + 1.0)
        detour += seconds * (model.price[vehicle, PER_S] + 1.0)
        if detour < least:
            least, nearest = detour, gap
    return nearest
