"""Schedules and plans by trying every second and every order: slow, but certainly right."""

from __future__ import annotations

from itertools import combinations, pairwise, permutations

from dispatch.solver.model.problem import Problem, service_s


def shortest(problem: Problem, vehicle: int, visits: tuple[int, ...]) -> int | None:
    """Return the least working time over every second of starting, by simulating each second.

    The state is (stop, seconds left of the present activity, breaks done). Each second the vehicle
    drives, serves, takes a break or waits. Only for tiny numbers.
    """
    it = problem.vehicles[vehicle]
    latest = it.closes_s if it.latest_start_s is None else min(it.latest_start_s, it.closes_s)
    best: int | None = None
    for start in range(it.opens_s, latest + 1):
        end = _earliest_end(problem, vehicle, visits, start)
        if end is None or (it.max_duration_s is not None and end - start > it.max_duration_s):
            continue
        if best is None or end - start < best:
            best = end - start
    return best


def _drive(problem: Problem, vehicle: int, origin: int, target: int) -> int:
    it = problem.vehicles[vehicle]
    seconds = int(problem.profiles[it.profile].duration_s[origin, target])
    return -(-seconds * 100 // it.speed_percent)


def _earliest_end(
    problem: Problem, vehicle: int, visits: tuple[int, ...], start: int
) -> int | None:
    it = problem.vehicles[vehicle]
    places = [it.start, *(problem.visits[v].place for v in visits), it.end]
    drives = [_drive(problem, vehicle, a, b) for a, b in pairwise(places)]
    free = start + it.loading_s
    # breaks that end before work begins
    reachable = {(0, drives[0], b) for b in _had_before(problem, vehicle, start)}
    seen: dict[int, set[tuple[int, int, int]]] = {free: reachable}
    for now in range(free, it.closes_s + 1):
        todo = list(seen.pop(now, ()))
        done: set[tuple[int, int, int]] = set()
        while todo:
            state = todo.pop()
            if state in done:
                continue
            done.add(state)
            leg, left, had = state
            if had < len(it.breaks):
                rest = it.breaks[had]
                if rest.opens_s <= now < rest.closes_s:
                    seen.setdefault(now + rest.duration_s, set()).add((leg, left, had + 1))
            if left > 0:
                seen.setdefault(now + 1, set()).add((leg, left - 1, had))
            elif leg == len(visits):
                if _rest_after(problem, vehicle, now, had):
                    return now
                seen.setdefault(now + 1, set()).add(state)
            else:
                visit = problem.visits[visits[leg]]
                open_now = not visit.windows or any(
                    w.opens_s <= now < w.closes_s for w in visit.windows
                )
                if open_now:
                    ahead = (leg + 1, drives[leg + 1], had)
                    seconds = service_s(visit, it)
                    if seconds:
                        seen.setdefault(now + seconds, set()).add(ahead)
                    else:
                        todo.append(ahead)
                seen.setdefault(now + 1, set()).add(state)
    return None


def _had_before(problem: Problem, vehicle: int, start: int) -> list[int]:
    counts, free = [0], 0
    for nth, rest in enumerate(problem.vehicles[vehicle].breaks, start=1):
        begin = max(free, rest.opens_s)
        if begin >= rest.closes_s or begin + rest.duration_s > start:
            break
        free = begin + rest.duration_s
        counts.append(nth)
    return counts


def _rest_after(problem: Problem, vehicle: int, now: int, had: int) -> bool:
    for rest in problem.vehicles[vehicle].breaks[had:]:
        begin = max(now, rest.opens_s)
        if begin >= rest.closes_s:
            return False
        now = begin + rest.duration_s
    return True


def cheapest(problem: Problem) -> int:
    """Return the least exact cost of all plans, trying every split and every order of visits."""
    singles = [_routes(problem, at) for at in range(len(problem.vehicles))]
    everybody = (1 << len(problem.visits)) - 1
    best = {0: 0}
    for routes in singles:
        for done, before in list(best.items()):
            for mask, exact in routes.items():
                if not done & mask:
                    total = before + exact
                    if total < best.get(done | mask, 1 << 60):
                        best[done | mask] = total
    prices = [v.unserved_cost * 9_000_000 for v in problem.visits]
    return min(
        exact + sum(p for at, p in enumerate(prices) if (everybody & ~done) >> at & 1)
        for done, exact in best.items()
    )


def _routes(problem: Problem, vehicle: int) -> dict[int, int]:
    """Return a vehicle's cheapest feasible route for each set of visits; a set is a bit mask."""
    it = problem.vehicles[vehicle]
    costs: dict[int, int] = {}
    for size in range(1, len(problem.visits) + 1):
        for chosen in combinations(range(len(problem.visits)), size):
            if not _may(problem, vehicle, chosen):
                continue
            for order in permutations(chosen):
                places = [it.start, *(problem.visits[v].place for v in order), it.end]
                metres = sum(
                    int(problem.profiles[it.profile].distance_m[a, b]) for a, b in pairwise(places)
                )
                if it.max_distance_m is not None and metres > it.max_distance_m:
                    continue
                seconds = shortest(problem, vehicle, order)
                if seconds is None:
                    continue
                exact = it.fixed_cost * 9_000_000 + metres * it.cost_per_km * 9_000
                exact += seconds * it.cost_per_hour * 2_500
                mask = sum(1 << v for v in order)
                costs[mask] = min(exact, costs.get(mask, 1 << 60))
    return costs


def _may(problem: Problem, vehicle: int, chosen: tuple[int, ...]) -> bool:
    it, visits = problem.vehicles[vehicle], [problem.visits[v] for v in chosen]
    return all(
        v.skills <= it.skills and (v.vehicles is None or it.id in v.vehicles) for v in visits
    ) and all(
        sum(v.demand[d] for v in visits) <= it.capacity[d] for d in range(len(problem.dimensions))
    )
