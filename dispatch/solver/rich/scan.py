"""When one sequence can be driven, and what that costs: the passes of ``passes``, compiled. PURE.

Exact for windows, breaks (on the cable, too), releases, facilities and shifts: the paid time
found is the least there is, as ``timing`` would find it. Three choices are made by rule and not
by trying all: a late visit is served as soon as the vehicle is there, and of being in time and
being late where allowed the cheaper is taken for the whole route; unpaid breaks are taken where
the route then costs least at its earliest end; with travel that differs by the hour, work begins
as early as may be and is then put off as long as the end stays the same, and again a second later;
in tours that are not ``SMALL`` a quarter of an hour later instead, a few times.
"""

from __future__ import annotations

from typing import Final

from dispatch.solver.rich.cable import plugs, steady
from dispatch.solver.rich.compiled import compiled
from dispatch.solver.rich.drive import backward, by_hour, forward, put_off, rests_of
from dispatch.solver.rich.layout import (
    BEGIN,
    FAULT,
    FINE,
    FINISH,
    FIRST,
    HAD,
    HARDLY,
    LATENESS,
    PAID,
    SERVED,
    SOFTLY,
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
# Stops up to which nothing is left out for speed: 0 or more. Chosen: tours of the oracle's tests
# lie below, so what they prove is the exact path.
SMALL: Final = 12
# Begins of work that are tried where waiting is left: 1 or more. Chosen.
PLATEAUS: Final = 64
# The same where travel differs by the hour and the tour is not small, and the seconds between two
# of them. Measured: 64 begins, a second apart, took five to eight times as long for a minute of
# begins.
LEAPS: Final = 4
LEAP_S: Final = 900
# Begins of work that are tried for the sake of rest on the cable, where nothing waits: 0 or more.
# Chosen.
JUMPS: Final = 12
PER_SECOND: Final = 2500.0  # cost.PER_SECOND
MINOR: Final = 9e6  # cost.UNIT


@compiled
def scan(model: Model, vehicle: int, codes: Int64, count: int, s: Scratch) -> float:
    """Return what a sequence costs at its best schedule, INFINITE where there is none.

    ``s.out`` has the details; a vehicle without a sequence costs nothing.
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
    """Return the price of paid seconds: plain, overtime, fairness."""
    price = model.price[vehicle]
    over = max(0, paid - model.vehicle[vehicle, OVER_AFTER])
    return paid * price[PER_S] + over * price[OVER_PER_S] + model.fairness[0] * paid * paid


@compiled
def _best(model: Model, vehicle: int, codes: Int64, count: int, s: Scratch) -> float:
    """Find the cheapest schedule, then the shortest, then the one that ends first."""
    breaks = model.vehicle[vehicle, BREAKS_END] - model.vehicle[vehicle, BREAKS]
    best, length, busy = INFINITE, NEVER, _busy(model, vehicle, count, s)
    for hard in range(2):
        if hard and (not s.out[SOFTLY] or (length == busy and not breaks)):
            break  # nobody waits, nobody is late: being late cannot make it cheaper
        for had in range(breaks + 1):
            way = model.vehicle[vehicle, PAUSES] + had
            if model.pauses[way, 0] == -NEVER:
                break  # these breaks cannot all be had one after the other
            floor = model.pauses[way, 2]
            best, length = _begins(
                model, vehicle, codes, count, s, hard, had, floor, busy, best, length
            )
    return best


@compiled
def _busy(model: Model, vehicle: int, count: int, s: Scratch) -> int:
    """Return the seconds of loading, driving and service at the best hours."""
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
    """Try the begins of work, plateau by plateau; see ``passes``."""
    row = model.vehicle[vehicle]
    start = max(row[OPENS], max(floor, s.out[FIRST]))
    hourly, rests, jumps = by_hour(model, row[RATE]), rests_of(model, vehicle), 0
    leaps = hourly and count > SMALL
    for _ in range(LEAPS if leaps else PLATEAUS):
        if start > row[LATEST]:
            break
        taken = forward(model, vehicle, count, s, hard, start, had)
        if taken < 0:
            break
        end = s.time[count + 1, taken]
        best, length = _keep(model, vehicle, codes, count, s, hard, start, had, taken, best, length)
        if hourly:
            begin = put_off(model, vehicle, count, s, hard, start, had, end)
        else:
            begin = min(row[LATEST], backward(model, vehicle, count, s, hard, end, had))
        if begin > start:
            taken = forward(model, vehicle, count, s, hard, begin, had)
            if taken >= 0:
                best, length = _keep(
                    model, vehicle, codes, count, s, hard, begin, had, taken, best, length
                )
        rested = model.rested[row[RESTED] + max(taken, had), 1] - model.rested[row[RESTED] + had, 1]
        step = 1
        if end - begin - busy - rested <= 0:
            # Nothing waits. Only a break that fell onto a charge could make it cheaper: one that
            # now takes time of its own, or one that is not paid.
            cable, overlap = plugs(s, count), busy + rested - (end - begin)
            unpaid = model.rested[row[RESTED] + rests, 2] > 0
            if jumps == JUMPS or not cable or (overlap >= min(rested, cable) and not unpaid):
                break
            jumps += 1
            step = steady(model, vehicle, count, s, hard, had, rests)
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
    taken: int,
    best: float,
    length: int,
) -> tuple[float, int]:
    """Keep the schedule just made if it is allowed and better."""
    row = model.vehicle[vehicle]
    end = s.time[count + 1, taken]
    lasts = end - start
    if lasts > row[LONGEST]:
        return best, length
    rested = row[RESTED]
    paid = lasts - (model.rested[rested + taken, 2] - model.rested[rested + had, 2])
    late = _lateness(model, vehicle, codes, count, s, taken) if hard else 0
    cost = worked_cost(model, vehicle, paid) + late * PER_SECOND
    if cost > best or (
        cost == best and (lasts > length or (lasts == length and end >= s.out[FINISH]))
    ):
        return best, length
    s.out[BEGIN], s.out[HAD], s.out[FINISH], s.out[TAKEN] = start, had, end, taken
    s.out[PAID], s.out[LATENESS], s.out[HARDLY] = paid, late, hard
    return cost, lasts


@compiled
def _lateness(model: Model, vehicle: int, codes: Int64, count: int, s: Scratch, taken: int) -> int:
    """Sum the late seconds times their price an hour along the schedule just made."""
    late, j = 0, s.origin[count + 1, taken]
    for at in range(count - 1, -1, -1):
        code = codes[at]
        if code >= 0 and model.visit[code, LATE] > 0:
            late += late_by(model, code, s.begin[at, j]) * model.visit[code, LATE_PRICE]
        if s.cable[at] and rests_of(model, vehicle):
            j = s.plug[at, j]
        j = s.origin[at + 1, j]
    return late


@compiled
def late_by(model: Model, visit: int, begin: int) -> int:
    """Return by how many seconds service begins after its best window."""
    least = NEVER
    for window in range(model.visit[visit, SOFT], model.visit[visit, SOFT_END]):
        if model.windows[window, 0] <= begin:
            least = min(least, max(0, begin - model.windows[window, 1]))
    return 0 if least == NEVER else least


@compiled
def retrace(model: Model, vehicle: int, count: int, s: Scratch, rests: Int64) -> None:
    """Repeat the schedule that ``scan`` chose; ``rests`` gets the breaks taken on each leg.

    ``s.plugged`` gets those on the cable of each stop.
    """
    taken = forward(model, vehicle, count, s, s.out[HARDLY], s.out[BEGIN], s.out[HAD])
    for leg in range(count, -1, -1):
        before = s.origin[leg + 1, taken]
        rests[leg] = taken - before
        taken = before
        if leg > 0:
            s.plugged[leg - 1] = 0
            if s.cable[leg - 1] and rests_of(model, vehicle):
                before = s.plug[leg - 1, taken]
                s.plugged[leg - 1] = taken - before
                taken = before
