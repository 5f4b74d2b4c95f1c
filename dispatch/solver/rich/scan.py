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

from dispatch.solver.rich.cable import plugged, plugs, steady, unplugged
from dispatch.solver.rich.compiled import compiled
from dispatch.solver.rich.hours import driven, halting, leaving
from dispatch.solver.rich.lay import (
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
    lay,
)
from dispatch.solver.rich.model import (
    BREAKS,
    BREAKS_END,
    CLOSES,
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
SMALL: Final = 12  # stops up to which nothing is left out for speed
PLATEAUS: Final = 64  # how many begins of work are tried where waiting is left
LEAPS: Final = 4  # the same where travel differs by the hour and the tour is not small
LEAP_S: Final = 900  # between two of these
HALVINGS: Final = 6
JUMPS: Final = 12  # begins of work tried for the sake of rest on the cable, where nothing waits
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
    fault = lay(model, vehicle, codes, count, s)
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
    hourly, rests, jumps = _hourly(model, row[RATE]), _rests(model, vehicle), 0
    leaps = hourly and count > SMALL
    for _ in range(LEAPS if leaps else PLATEAUS):
        if start > row[LATEST]:
            break
        taken = _forward(model, vehicle, count, s, hard, start, had)
        if taken < 0:
            break
        end = s.time[count + 1, taken]
        best, length = _keep(model, vehicle, codes, count, s, hard, start, had, taken, best, length)
        if hourly:
            begin = _put_off(model, vehicle, count, s, hard, start, had, end)
        else:
            begin = min(row[LATEST], _backward(model, vehicle, count, s, hard, end, had))
        if begin > start:
            taken = _forward(model, vehicle, count, s, hard, begin, had)
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
def _rests(model: Model, vehicle: int) -> int:
    return int(model.vehicle[vehicle, BREAKS_END] - model.vehicle[vehicle, BREAKS])


@compiled
def _hourly(model: Model, rate: int) -> bool:
    return model.slices[rate + 1] - model.slices[rate] > 1


@compiled
def opening(model: Model, low: int, high: int, floor: int, arrive: int) -> int:
    """First second at or after the arrival at which service may begin, else NEVER."""
    if low == high:
        return max(arrive, floor)
    for window in range(low, high):
        if arrive <= model.windows[window, 1]:
            return max(arrive, model.windows[window, 0])
    return NEVER


@compiled
def _forward(
    model: Model, vehicle: int, count: int, s: Scratch, hard: int, start: int, had: int
) -> int:
    """Work from a begin as early as can be; return the breaks had at the end, -1 if it fails."""
    row = model.vehicle[vehicle]
    rate, breaks = row[RATE], row[BREAKS_END] - row[BREAKS]
    hourly = _hourly(model, rate)
    for j in range(breaks + 1):
        s.time[0, j] = NEVER
    s.time[0, had] = start + row[LOADING]
    for leg in range(count + 1):
        if breaks:
            _rest_on(model, vehicle, s, leg, had, breaks, hourly)
        elif hourly:
            place, target = s.place[leg], s.place[leg + 1]
            s.time[leg + 1, 0] = driven(model, rate, place, target, s.time[leg, 0], s.halt, 0)
            s.origin[leg + 1, 0] = 0
        else:
            s.time[leg + 1, 0] = s.time[leg, 0] + s.drive[leg]
            s.origin[leg + 1, 0] = 0
        if leg == count:
            break
        if not _stop(model, vehicle, s, hard, leg, had, breaks):
            return -1
    taken, least = -1, NEVER
    for j in range(had, breaks + 1):
        end = s.time[count + 1, j]
        ends = model.rested[row[RESTED] + j, 0]
        if end <= row[CLOSES] and end <= ends:
            paid = end - model.rested[row[RESTED] + j, 2]
            if taken < 0 or paid < least:
                taken, least = j, paid
    return taken


@compiled
def _rest_on(
    model: Model, vehicle: int, s: Scratch, leg: int, had: int, breaks: int, hourly: bool
) -> None:
    """Drive one leg with each possible number of breaks on it."""
    row = model.vehicle[vehicle]
    for j in range(breaks + 1):
        s.time[leg + 1, j] = NEVER
    for j in range(had, breaks + 1):
        leave = s.time[leg, j]
        if leave >= NEVER:
            continue
        for rests in range(breaks + 1 - j):
            way = row[PAUSES] + j * (breaks + 1) + rests
            if leave > model.pauses[way, 0]:
                break
            if hourly:
                ready = halting(model, vehicle, s, leg, leave, j, rests)
            else:
                ready = max(leave + s.drive[leg] + model.pauses[way, 1], model.pauses[way, 2])
            if ready < s.time[leg + 1, j + rests]:
                s.time[leg + 1, j + rests] = ready
                s.origin[leg + 1, j + rests] = j


@compiled
def _stop(
    model: Model, vehicle: int, s: Scratch, hard: int, at: int, had: int, breaks: int
) -> bool:
    """Serve, load or charge at a stop; False where it is too late for that, whoever rested."""
    alive = False
    low, high, floor = s.lows[hard, at], s.highs[hard, at], s.floor[at]
    for j in range(had, breaks + 1):
        if s.time[at + 1, j] < NEVER:
            begin = opening(model, low, high, floor, s.time[at + 1, j])
            s.begin[at, j] = begin
            s.time[at + 1, j] = NEVER if begin == NEVER else begin + s.serve[at]
            alive = alive or begin < NEVER
    if alive and breaks and s.cable[at]:
        plugged(model, vehicle, s, at, had, breaks)
    return alive


@compiled
def _backward(
    model: Model, vehicle: int, count: int, s: Scratch, hard: int, end: int, had: int
) -> int:
    """Return the latest begin of work that can still end then."""
    row = model.vehicle[vehicle]
    breaks = row[BREAKS_END] - row[BREAKS]
    rate = row[RATE]
    hourly = _hourly(model, rate)
    now, before = 0, 1
    for j in range(breaks + 1):
        s.bound[now, j] = min(end, min(row[CLOSES], model.rested[row[RESTED] + j, 0]))
    for leg in range(count, -1, -1):
        drive = s.drive[leg]
        for j in range(breaks + 1):
            latest = -NEVER
            for rests in range(breaks + 1 - j):
                way = row[PAUSES] + j * (breaks + 1) + rests
                bound = s.bound[now, j + rests]
                if model.pauses[way, 2] <= bound:
                    leave = bound - drive
                    if hourly and bound > 0:
                        place, target = s.place[leg], s.place[leg + 1]
                        leave = leaving(model, rate, place, target, bound)
                    leave = min(model.pauses[way, 0], leave - model.pauses[way, 1])
                    latest = max(latest, leave)
            if leg > 0 and not (breaks and s.cable[leg - 1]):
                latest = _closing(
                    model,
                    s.lows[hard, leg - 1],
                    s.highs[hard, leg - 1],
                    s.floor[leg - 1],
                    latest - s.serve[leg - 1],
                )
            s.bound[before, j] = latest
        now, before = before, now
        if leg > 0 and breaks and s.cable[leg - 1]:
            unplugged(model, vehicle, s, leg - 1, now, breaks)
    return s.bound[now, had] - row[LOADING]


@compiled
def _closing(model: Model, low: int, high: int, floor: int, latest: int) -> int:
    """Last second at or before ``latest`` at which service may begin, else -NEVER."""
    if low == high:
        return latest if latest >= floor else -NEVER
    for window in range(high - 1, low - 1, -1):
        if model.windows[window, 0] <= latest:
            return min(latest, model.windows[window, 1])
    return -NEVER


@compiled
def _put_off(
    model: Model,
    vehicle: int,
    count: int,
    s: Scratch,
    hard: int,
    start: int,
    had: int,
    end: int,
) -> int:
    """Return a late begin of work that ends no later, by looking back through the hours.

    Breaks on a leg are looked at by their length alone; where that says too much, the begin is
    found by halving.
    """
    sure = start
    never = min(model.vehicle[vehicle, LATEST], end) + 1
    middle = min(never - 1, _backward(model, vehicle, count, s, hard, end, had))
    for _ in range(HALVINGS):
        if middle <= sure:
            break
        taken = _forward(model, vehicle, count, s, hard, middle, had)
        if taken >= 0 and s.time[count + 1, taken] <= end:
            sure = middle
            break
        never = middle
        middle = (sure + never) // 2
    return sure


@compiled
def _lateness(model: Model, vehicle: int, codes: Int64, count: int, s: Scratch, taken: int) -> int:
    """Sum the late seconds times their price an hour along the schedule just made."""
    late, j = 0, s.origin[count + 1, taken]
    for at in range(count - 1, -1, -1):
        code = codes[at]
        if code >= 0 and model.visit[code, LATE] > 0:
            late += late_by(model, code, s.begin[at, j]) * model.visit[code, LATE_PRICE]
        if s.cable[at] and _rests(model, vehicle):
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
    taken = _forward(model, vehicle, count, s, s.out[HARDLY], s.out[BEGIN], s.out[HAD])
    for leg in range(count, -1, -1):
        before = s.origin[leg + 1, taken]
        rests[leg] = taken - before
        taken = before
        if leg > 0:
            s.plugged[leg - 1] = 0
            if s.cable[leg - 1] and _rests(model, vehicle):
                before = s.plug[leg - 1, taken]
                s.plugged[leg - 1] = taken - before
                taken = before
