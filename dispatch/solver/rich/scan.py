"""The cheapest schedule of one sequence and its cost: ``timing.passes``, compiled. PURE.

Exact for windows, breaks (also while charging), releases, facilities and shifts: the paid time is
the least possible, as ``timing`` finds it. Three choices follow a rule instead of trying all:

- A late visit is served as soon as the vehicle is there. The whole route is either in time or uses
  the lateness allowed: the cheaper of the two.
- Unpaid breaks are taken where the route then costs least at its earliest end.
- Where travel differs by the hour, work begins as early as possible and is then delayed as long as
  the end stays the same. The next begin tried is a second later. In routes longer than ``SMALL`` it
  is a quarter of an hour later, and only a few are tried.
"""

from __future__ import annotations

from typing import Final

from dispatch.solver.rich.charging import charging_s, next_change_s
from dispatch.solver.rich.compiled import compiled
from dispatch.solver.rich.drive import backward, break_count, by_hour, delayed_begin, forward
from dispatch.solver.rich.layout import (
    BEGIN,
    FAULT,
    FINE,
    FINISH,
    FIRST,
    HAD,
    LATE_ALLOWED,
    LATE_USED,
    LATENESS,
    PAID,
    SERVED,
    TAKEN,
    TIME,
    WAY,
    Scratch,
    lay_out_route,
)
from dispatch.solver.rich.model import (
    BREAKS,
    BREAKS_END,
    FIXED,
    LATE,
    LATE_PRICE,
    LATEST,
    LOADING,
    LONGEST,
    OPENS,
    OVER_AFTER,
    OVER_PER_S,
    PAUSES,
    PER_M,
    PER_S,
    RATE,
    RESTED,
    SOFT,
    SOFT_END,
    Int64,
    Model,
)
from dispatch.solver.timing.passes import NEVER

INFINITE: Final = 1e30
# Most stops of a route for which nothing is skipped for speed: 0 or more. Chosen: routes in the
# oracle's tests have fewer, so those tests check the exact path.
SMALL: Final = 12
# Most begins of work tried while the schedule still waits somewhere: 1 or more. Chosen.
PLATEAUS: Final = 64
# The same for longer routes where travel differs by the hour, and the seconds between two begins.
# Measured: 64 begins, a second apart, took five to eight times as long and covered only a minute of
# begins.
LEAPS: Final = 4
LEAP_S: Final = 900
# Most begins of work tried to move a break into a charge where nothing waits: 0 or more. Chosen.
JUMPS: Final = 12
PER_SECOND: Final = 2500.0  # cost.PER_SECOND
MINOR: Final = 9e6  # cost.UNIT


@compiled
def scan(model: Model, vehicle: int, codes: Int64, count: int, s: Scratch) -> float:
    """Return the cost of a sequence at its best schedule, INFINITE if it is infeasible.

    ``s.out`` has the details. An unused vehicle costs nothing.
    """
    if count == 0:
        for at in range(len(s.out)):
            s.out[at] = 0
        return 0.0
    fault = lay_out_route(model, vehicle, codes, count, s)
    s.out[FAULT] = fault
    if fault != FINE:
        return INFINITE
    worked = _best(model, vehicle, codes, count, s)
    if worked >= INFINITE:
        s.out[FAULT] = TIME
        return INFINITE
    price = model.price[vehicle]
    return price[FIXED] + s.out[WAY] * price[PER_M] + s.out[SERVED] * MINOR + worked


@compiled
def worked_cost(model: Model, vehicle: int, paid: int) -> float:
    """Return the price of paid seconds: hourly price, overtime and fairness."""
    price = model.price[vehicle]
    over = max(0, paid - model.vehicle[vehicle, OVER_AFTER])
    return paid * price[PER_S] + over * price[OVER_PER_S] + model.fairness[0] * paid * paid


@compiled
def _best(model: Model, vehicle: int, codes: Int64, count: int, s: Scratch) -> float:
    """Find the cheapest schedule; of equal ones the shortest, then the one that ends first."""
    breaks = model.vehicle[vehicle, BREAKS_END] - model.vehicle[vehicle, BREAKS]
    best, length, busy = INFINITE, NEVER, _busy(model, vehicle, count, s)
    for hard in range(2):
        if hard and (not s.out[LATE_ALLOWED] or (length == busy and not breaks)):
            break  # no visit may be late, or nothing waits: lateness saves nothing
        for had in range(breaks + 1):
            way = model.vehicle[vehicle, PAUSES] + had
            if model.pauses[way, 0] == -NEVER:
                break  # these breaks cannot all be taken before work
            floor = model.pauses[way, 2]
            best, length = _begins(
                model, vehicle, codes, count, s, hard, had, floor, busy, best, length
            )
    return best


@compiled
def _busy(model: Model, vehicle: int, count: int, s: Scratch) -> int:
    """Return the seconds of loading, driving and service at the fastest hours."""
    busy = int(model.vehicle[vehicle, LOADING])
    for at in range(count + 1):
        busy += s.drive[at]
    for at in range(count):
        busy += s.serve[at]
    return busy


@compiled
def _begins(
    model: Model,
    vehicle: int,
    codes: Int64,
    count: int,
    s: Scratch,
    hard: int,
    had: int,
    floor: int,
    busy: int,
    best: float,
    length: int,
) -> tuple[float, int]:
    """Try begins of work, one for each plateau of equal ends; see ``timing.passes``."""
    row = model.vehicle[vehicle]
    start = max(row[OPENS], max(floor, s.out[FIRST]))
    hourly, rests, jumps = by_hour(model, row[RATE]), break_count(model, vehicle), 0
    leaps = hourly and count > SMALL
    for _ in range(LEAPS if leaps else PLATEAUS):
        if start > row[LATEST]:
            break
        breaks_taken = forward(model, vehicle, count, s, hard, start, had)
        if breaks_taken < 0:
            break
        end = s.time[count + 1, breaks_taken]
        best, length = _keep(
            model, vehicle, codes, count, s, hard, start, had, breaks_taken, best, length
        )
        if hourly:
            begin = delayed_begin(model, vehicle, count, s, hard, start, had, end)
        else:
            begin = min(row[LATEST], backward(model, vehicle, count, s, hard, end, had))
        if begin > start:
            breaks_taken = forward(model, vehicle, count, s, hard, begin, had)
            if breaks_taken >= 0:
                best, length = _keep(
                    model, vehicle, codes, count, s, hard, begin, had, breaks_taken, best, length
                )
        rested = (
            model.rested[row[RESTED] + max(breaks_taken, had), 1]
            - model.rested[row[RESTED] + had, 1]
        )
        step = 1
        if end - begin - busy - rested <= 0:
            # Nothing waits. Only a break that moves into a charge can make it cheaper: a break that
            # takes time of its own now, or one that is unpaid.
            on_charge, overlap = charging_s(s, count), busy + rested - (end - begin)
            unpaid = model.rested[row[RESTED] + rests, 2] > 0
            if (
                jumps == JUMPS
                or not on_charge
                or (overlap >= min(rested, on_charge) and not unpaid)
            ):
                break
            jumps += 1
            step = next_change_s(model, vehicle, count, s, hard, had, rests)
        start = max(begin, start) + max(step, LEAP_S if leaps else 1)
    return best, length


@compiled
def _keep(
    model: Model,
    vehicle: int,
    codes: Int64,
    count: int,
    s: Scratch,
    hard: int,
    start: int,
    had: int,
    breaks_taken: int,
    best: float,
    length: int,
) -> tuple[float, int]:
    """Keep the present schedule if it is allowed and better."""
    row = model.vehicle[vehicle]
    end = s.time[count + 1, breaks_taken]
    lasts = end - start
    if lasts > row[LONGEST]:
        return best, length
    rested = row[RESTED]
    paid = lasts - (model.rested[rested + breaks_taken, 2] - model.rested[rested + had, 2])
    late = _lateness(model, vehicle, codes, count, s, breaks_taken) if hard else 0
    cost = worked_cost(model, vehicle, paid) + late * PER_SECOND
    if cost > best or (
        cost == best and (lasts > length or (lasts == length and end >= s.out[FINISH]))
    ):
        return best, length
    s.out[BEGIN], s.out[HAD], s.out[FINISH], s.out[TAKEN] = start, had, end, breaks_taken
    s.out[PAID], s.out[LATENESS], s.out[LATE_USED] = paid, late, hard
    return cost, lasts


@compiled
def _lateness(
    model: Model, vehicle: int, codes: Int64, count: int, s: Scratch, breaks_taken: int
) -> int:
    """Return the late seconds times price an hour along the present schedule."""
    late, j = 0, s.origin[count + 1, breaks_taken]
    for at in range(count - 1, -1, -1):
        code = codes[at]
        if code >= 0 and model.visit[code, LATE] > 0:
            late += late_by(model, code, s.begin[at, j]) * model.visit[code, LATE_PRICE]
        if s.charging[at] and break_count(model, vehicle):
            j = s.plug[at, j]
        j = s.origin[at + 1, j]
    return late


@compiled
def late_by(model: Model, visit: int, begin: int) -> int:
    """Return how many seconds after its best window service begins; 0 within a window."""
    least = NEVER
    for window in range(model.visit[visit, SOFT], model.visit[visit, SOFT_END]):
        if model.windows[window, 0] <= begin:
            least = min(least, max(0, begin - model.windows[window, 1]))
    return 0 if least == NEVER else least


@compiled
def retrace(model: Model, vehicle: int, count: int, s: Scratch, rests: Int64) -> None:
    """Repeat the schedule that ``scan`` chose; ``rests`` gets the breaks taken on each leg.

    ``s.plugged`` gets the breaks taken while charging at each stop.
    """
    breaks_taken = forward(model, vehicle, count, s, s.out[LATE_USED], s.out[BEGIN], s.out[HAD])
    for leg in range(count, -1, -1):
        before = s.origin[leg + 1, breaks_taken]
        rests[leg] = breaks_taken - before
        breaks_taken = before
        if leg > 0:
            s.plugged[leg - 1] = 0
            if s.charging[leg - 1] and break_count(model, vehicle):
                before = s.plug[leg - 1, breaks_taken]
                s.plugged[leg - 1] = breaks_taken - before
                breaks_taken = before
