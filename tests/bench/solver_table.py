"""The issue's table: gap to best-known costs on the shared instances, for Lastmile and peers."""

from __future__ import annotations

import os
from collections import defaultdict
from itertools import combinations
from statistics import mean

from tests.bench.solver_cases import load
from tests.bench.solver_measure import OURS, Run, measure_all
from tests.bench.solver_page import effort, peer_seeds, plot, seeds, selected, table, write

INSTANCES = {
    100: ("C104", "R208", "RC106"),
    200: ("C2_2_4", "R1_2_5", "RC2_2_3"),
    400: ("C1_4_6", "R2_4_2", "RC1_4_8"),
    1000: ("C2_10_3", "R1_10_4", "RC2_10_5"),
}
BUDGETS: dict[int, tuple[float, ...]] = {
    100: (0.5, 1, 2),
    200: (2, 5, 10),
    400: (2, 10),
    1000: (2, 10, 30, 60),
}
LONG_S, LONG_SEEDS = 30, int(os.environ.get("LONG_SEEDS", "3"))  # fewer seeds for the longest
# n, seconds -> the best open peer then, must and aim, in per cent
GOALS = {
    (100, 2): ("0.37-0.53", 0.10, 0.02),
    (200, 10): ("0.52", 0.20, 0.08),
    (400, 10): ("1.70", 0.90, 0.5),
    (1000, 2): ("17", 3.0, 2.0),
    (1000, 10): ("7.4", 1.6, 1.0),
    (1000, 30): ("3.25", 1.15, 0.7),
    (1000, 60): ("2.11", 1.0, 0.5),
}
VROOM_S = 10  # longest budget for VROOM: it has ended by then, or at n = 1,000 is far from it
Gaps = dict[str, dict[float, list[float]]]  # by instance and seconds, one for each seed


def run() -> str:
    """Measure every size; return the means at the issue's budgets."""
    runs: list[Run] = []
    rows, details, plots, summary = [], [], "", []
    for size, names in INSTANCES.items():
        if not any(selected(f"{size}/{name}") for name in names):
            continue
        gaps: dict[str, Gaps] = defaultdict(lambda: defaultdict(lambda: defaultdict(list)))
        for name in (n for n in names if selected(f"{size}/{n}")):
            instance_runs = _instance(size, name)
            runs += instance_runs
            best = load(f"vrptw/{name}").best
            assert best is not None
            gaps[OURS][name] = defaultdict(list)
            for one in instance_runs:
                for seconds, cost in one.costs.items():
                    gaps[one.who][name][seconds].append(100 * (cost / best - 1))
            details += [
                _detail(size, name, s, instance_runs, gaps) for s in goals(size) if _has(gaps, s)
            ]
        rows += [_row(size, seconds, gaps) for seconds in goals(size) if _has(gaps, seconds)]
        curves = {who: _curve(gaps[who], BUDGETS[size]) for who in gaps}
        plots += plot(f"gap_{size}", f"{size} customers: mean gap to the best known", curves)
        for seconds in goals(size):
            at = {who: _mean(gaps[who], seconds) for who in gaps}
            figures = ", ".join(f"{w} {g:.2f} %" for w, g in at.items() if g is not None)
            summary.append(f"n={size} {seconds:g} s: {figures}")
    write("table", _text(rows, details, plots), runs)
    return "; ".join(summary)


def _has(gaps: dict[str, Gaps], seconds: float) -> bool:
    """Return True if our solver is measured on every instance so far."""
    return bool(gaps[OURS]) and all(by.get(seconds) for by in gaps[OURS].values())


def goals(size: int) -> list[float]:
    """Return the seconds at which the issue asks for a size's gap; the plots have more."""
    return [seconds for seconds in BUDGETS[size] if (size, seconds) in GOALS]


def _instance(size: int, name: str) -> list[Run]:
    """Run our solver for each goal, with its budget known; the peers once to the longest.

    Peers are read at each budget on the way. VROOM ends by itself or when its time is over, so it
    is run for each budget.
    """
    case, budgets = f"vrptw/{name}", BUDGETS[size]
    runs: list[Run] = []
    for seconds in goals(size):
        chosen = [seed for seed in seeds() if seconds < LONG_S or seed <= LONG_SEEDS]
        runs += measure_all(case, OURS, [seconds], chosen)
    runs += measure_all(case, "pyvrp", budgets, peer_seeds())
    runs += measure_all(case, "ortools", budgets, [0])
    for seconds in budgets:
        if seconds <= VROOM_S:
            runs += measure_all(case, "vroom", [seconds], [0])
    return runs


def _curve(gaps: Gaps, budgets: tuple[float, ...]) -> dict[float, float]:
    return {s: mean_gap for s in budgets if (mean_gap := _mean(gaps, s)) is not None}


def _mean(gaps: Gaps, seconds: float) -> float | None:
    """Return the mean over the instances; None if one has no answer by then."""
    means = [mean(by[seconds]) for by in gaps.values() if by.get(seconds)]
    return mean(means) if means and len(means) == len(gaps) else None


def _of_two(gaps: Gaps, seconds: float) -> float | None:
    """Return the gap of the better of two parallel seeds: the mean over all pairs of seeds."""
    means = [
        mean(min(pair) for pair in combinations(by[seconds], 2))
        for by in gaps.values()
        if len(by.get(seconds, ())) > 1
    ]
    return mean(means) if means and len(means) == len(gaps) else None


def _row(size: int, seconds: float, gaps: dict[str, Gaps]) -> list[object]:
    peer, must, aim = GOALS[size, int(seconds)]
    own = gaps[OURS]
    by_seed = list(zip(*(by[seconds] for by in own.values()), strict=False))
    spread = f"{min(map(mean, by_seed)):.2f} to {max(map(mean, by_seed)):.2f} ({len(by_seed)})"
    return [
        size,
        f"{seconds:g} s",
        _mean(own, seconds),
        spread,
        _mean(gaps["pyvrp"], seconds),
        _of_two(gaps["pyvrp"], seconds),
        _mean(gaps["ortools"], seconds),
        _mean(gaps["vroom"], seconds),
        peer,
        must,
        aim,
    ]


def _detail(
    size: int, name: str, seconds: float, runs: list[Run], gaps: dict[str, Gaps]
) -> list[object]:
    own = [r for r in runs if r.who == OURS and seconds in r.costs]
    cells: list[object] = [name, size, f"{seconds:g} s"]
    for who in (OURS, "pyvrp", "ortools", "vroom"):
        at = gaps[who][name].get(seconds)
        cells.append(mean(at) if at else None)
    engines = ", ".join(sorted({r.engine for r in own}))
    return [*cells, f"{mean(r.routes for r in own):.1f}", *effort(own), engines]


def _text(rows: list[list[object]], details: list[list[object]], plots: str) -> str:
    heads = ["n", "wall", "Lastmile", "by seed (seeds)", "PyVRP", "PyVRP, better of two seeds",
             "OR-Tools", "VROOM", "best peer in the issue", "must", "aim"]  # fmt: skip
    more = ["instance", "n", "wall", "Lastmile", "PyVRP", "OR-Tools", "VROOM", "routes",
            "wall s", "CPU s", "MB", "engine"]  # fmt: skip
    return (
        "## Gap to best-known costs\n\n"
        "Mean gap in per cent by the DIMACS convention, three shared instances a size (C, R, RC), "
        f"{len(seeds())} seeds for Lastmile and {len(peer_seeds())} for PyVRP; a dash where an "
        "instance has no feasible answer by then.\n\n"
        + table(heads, rows)
        + f"\n{plots}\n### By instance\n\n"
        + table(more, details)
    )
