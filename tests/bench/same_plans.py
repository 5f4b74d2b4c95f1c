"""Checks that this checkout makes the same plans by count as another one, byte for byte.

- ``python -m tests.bench.same_plans``: digests of this checkout
- ``python -m tests.bench.same_plans --against DIR``: both, exit 1 on any difference
- ``python -m tests.bench.same_plans --only WORD``: tasks whose name contains the word
- ``python -m tests.bench.same_plans --write``: digests into same_plans.txt, for the test
- ``python -m tests.bench.same_plans --speed N --against DIR``: median iterations a second, N pairs

A fixed set of generated problems is solved by numbers of iterations, in one process, with fixed
seeds. There are plain problems, problems with every constraint, problems in parts, with pairs,
committed stops and several windows. Other tasks are places of a new visit, plans changed under way,
explanations and waves of picking.

With ``--shared DIR`` two Solomon files are added. The problems are written to files once, and each
checkout's solver reads them: a changed generator then changes nothing for one checkout alone.
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np

from dispatch.solver.formats.json import dumps, problem_to_json
from dispatch.solver.model.problem import Break, Problem, TravelTable, VehicleShift, Visit, Window
from tests.dispatch.solver.features import FEATURES, grown, mixed
from tests.dispatch.solver.problems import rich
from tests.dispatch.solver.towns import towns

SHORT: Final = 16  # characters of a digest that are shown and recorded
ROOT: Final = Path(__file__).resolve().parents[2]
DRIVER: Final = Path(__file__).with_name("same_plans_driver.py")
SOLOMON: Final = (
    ("vrptw/RC106.txt", "dimacs"),
    ("vrptw/R208.txt", "exact"),
)
LEGS: Final = 200  # stages of a search of the classic engine
ROUNDS: Final = 40  # rounds of a search in parts
RECORD: Final = Path(__file__).with_name("same_plans.txt")  # the recorded digests
FAST: Final = (
    "classic/c/100",
    "classic/polished",
    "rich/0",
    "rich/several windows/0",
    "places/plain",
    "places/rich/3",
    "redispatch/1",
    "why/1",
    "waves",
)
SPEED: Final = ("classic/rc/200", "classic/r/kinds", "classic/r/1000", "rich/day", "rich/4")
Task = dict[str, Any]


def windowed(seed: int, *, visits: int, kind: str, vehicles: int) -> Problem:
    """Return a problem like Solomon's: clustered (c), random (r) or mixed (rc) places."""
    rng = np.random.default_rng(seed)
    at = rng.integers(0, 1000, (visits + 1, 2)).astype(float)
    if kind in {"c", "rc"}:
        middles = rng.integers(100, 900, (max(2, visits // 12), 2))
        chosen = np.arange(1, visits + 1 if kind == "c" else visits // 2 + 1)
        at[chosen] = middles[chosen % len(middles)] + rng.normal(0, 30, (len(chosen), 2))
    at[0] = (500, 500)
    ways = np.sqrt(((at[:, None] - at[None, :]) ** 2).sum(axis=2)).astype(np.int64)
    places = []
    for number in range(1, visits + 1):
        opens = int(rng.integers(0, 6_000))
        width = int(rng.integers(600, 4_000))
        windows = (Window(opens, opens + width),) if rng.random() < 0.75 else ()
        demand = (int(rng.integers(1, 30)),)
        places.append(Visit(f"v{number}", number, 100, demand, windows))
    fleet = tuple(
        VehicleShift(f"k{at}", 0, 0, 0, 12_000, capacity=(200,), cost_per_km=1_000)
        for at in range(vehicles)
    )
    return Problem((TravelTable("van", ways, ways),), tuple(places), fleet, ("parcels",), kind)


def kinds(seed: int, *, visits: int, breaks: bool = False) -> Problem:
    """Return a day of two profiles and several kinds of vehicles, for the classic engine."""
    rng = random.Random(seed)
    at = np.array([(rng.uniform(0, 12_000), rng.uniform(0, 12_000)) for _ in range(visits + 2)])
    ways = np.abs(at[:, None] - at[None, :]).sum(axis=2).astype(np.int64)
    skew = 1 + 0.05 * np.sign(at[:, None, 0] - at[None, :, 0])
    van = TravelTable("van", (ways / 9 * skew).astype(np.int64), ways.astype(np.int64))
    bike = TravelTable("bike", (ways / 5).astype(np.int64), (0.9 * ways).astype(np.int64))
    visits_made = []
    for number in range(visits):
        opens = 3_600 * rng.randint(0, 7)
        visits_made.append(
            Visit(
                f"v{number}",
                number + 2,
                service_s=rng.choice([120, (240, 150)]),
                demand=(rng.randint(1, 12), rng.randint(1, 3)),
                windows=rng.choice([(), (Window(opens, opens + 7_200),)]),
                unserved_cost=rng.choice([800, 4_000, 10**9]),
                skills=frozenset({"cold"}) if rng.random() < 0.1 else frozenset(),
            )
        )
    rests = (Break(14_400, 16_200, 1_800),) if breaks else ()
    fleet = [
        VehicleShift(
            f"k{number}",
            start=number % 2,
            end=number % 2,
            opens_s=0,
            closes_s=32_400,
            profile=int(number % 3 == 2),
            capacity=((60, 30), (120, 60), (40, 15))[number % 3],
            skills=frozenset({"cold"}) if number % 4 == 0 else frozenset(),
            fixed_cost=(3_000, 5_000, 900)[number % 3],
            cost_per_km=(30, 45, 5)[number % 3],
            cost_per_hour=1_800,
            max_distance_m=(None, 90_000, 40_000)[number % 3],
            max_duration_s=(None, 28_800, None)[number % 3],
            loading_s=600,
            speed_percent=(100, 90, 100)[number % 3],
            breaks=rests,
        )
        for number in range(max(4, visits // 6))
    ]
    return Problem((van, bike), tuple(visits_made), tuple(fleet), ("weight_g", "parcels"))


def task(name: str, kind: str, problem: Problem | None, **how: Any) -> Task:
    """Return a task as plain data."""
    data = None if problem is None else problem_to_json(problem)
    return {"name": name, "kind": kind, "problem": data, "seed": 7, **how}


def tasks(shared: Path | None = None) -> Iterator[Task]:
    """Yield all tasks, always the same."""
    yield from _classic()
    yield from _rich()
    yield from _places()
    yield from _redispatch()
    yield from _parts()
    yield from _side()
    yield from _files(shared)


def _classic() -> Iterator[Task]:
    for kind, seed in (("c", 1), ("r", 2), ("rc", 3)):
        day = windowed(seed, visits=100, kind=kind, vehicles=25)
        yield task(f"classic/{kind}/100", "solve", day, iterations=8_000)
    yield task(
        "classic/rc/200",
        "solve",
        windowed(4, visits=200, kind="rc", vehicles=50),
        iterations=12_000,
    )
    large = windowed(5, visits=1_000, kind="r", vehicles=200)
    yield task("classic/r/1000", "solve", large, iterations=24_000)
    yield task("classic/r/kinds", "solve", kinds(6, visits=120), iterations=8_000)
    yield task("classic/breaks", "solve", kinds(7, visits=80, breaks=True), iterations=6_000)
    yield task("classic/large kinds", "solve", kinds(8, visits=700), iterations=10_000)
    few = windowed(9, visits=60, kind="rc", vehicles=4)
    yield task("classic/too few", "solve", few, iterations=4_000)
    day = windowed(3, visits=100, kind="rc", vehicles=25)
    yield task(
        "classic/polished", "record", day, engine="core", counts=[1, 0, *[20] * LEGS, 40, 40]
    )
    yield task(
        "classic/two searches", "record", day, engine="core", counts=[2, 0, *[10] * 2 * LEGS]
    )
    parts, steps = 2, LEGS // ROUNDS
    legs, polish = [10] * ROUNDS * parts * steps, [30, *[10] * 10] * 4
    city = windowed(10, visits=640, kind="rc", vehicles=120)
    yield task(
        "classic/polished parts", "record", city, engine="core", counts=[2, 0, *legs, *polish]
    )
    yield task(
        "classic/given", "solve", kinds(6, visits=120), iterations=3_000,
        present={f"k{at}": [f"v{n}" for n in range(at * 5, at * 5 + 4)] for at in range(6)},
    )  # fmt: skip
    yield task("pyvrp", "solve", kinds(11, visits=60), iterations=150, engine="pyvrp")
    yield task("ortools", "solve", kinds(12, visits=25), iterations=20, engine="ortools")


def _rich() -> Iterator[Task]:
    for seed in range(14):
        day = grown(seed, visits=10 + 5 * (seed % 8))
        yield task(f"rich/{seed}", "solve", day, iterations=600)
    for seed in range(3):
        day = rich(seed, visits=40, vehicles=6)
        yield task(f"rich/several windows/{seed}", "solve", day, iterations=1_500)
    rng = random.Random(1)
    day = mixed(
        rng, visits=90, vehicles=10, features=[n for n in FEATURES if n != "loaded"], unit=720,
        near=10,
    )  # fmt: skip
    yield task("rich/day", "solve", day, iterations=2_000)
    for name in ("pairs", "prefix", "windows", "hourly", "charging", "reloads", "breaks", "late"):
        day = mixed(
            random.Random(name), visits=30, vehicles=4, features=["demand", "shift", name],
            unit=720, near=10,
        )  # fmt: skip
        yield task(f"rich/{name}", "solve", day, iterations=1_200, engine="rich")
    tied = towns(3, hubs=2, visits=40, vehicles=4, tied=True)
    yield task("rich/tied", "solve", tied, iterations=1_000)


def _places() -> Iterator[Task]:
    names = [f"v{n}" for n in range(1, 30)]
    plain = kinds(21, visits=80)
    yield task("places/plain", "places", plain, iterations=2_000, visits=names)
    for seed in range(8):
        known = [name for name in FEATURES if name != "prefix"]
        rng = random.Random(f"places {seed}")
        day = mixed(
            rng, visits=24, vehicles=4, features=rng.sample(known, rng.randint(4, 14)), unit=720,
            near=10,
        )  # fmt: skip
        yield task(
            f"places/rich/{seed}", "places", day, iterations=300, engine="rich", visits=names[:20]
        )


def _redispatch() -> Iterator[Task]:
    rules = (
        {},
        {"per_move": 200, "per_minute": 20, "free_s": 300},
        {"per_move": 50, "max_moves": 3, "max_shift_s": 1_800},
    )
    for number, rule in enumerate(rules):
        yield task(
            f"redispatch/{number}", "redispatch", kinds(30 + number, visits=70), iterations=2_000,
            newcomers=["v3", "v11", "v20"], removed=["v5", "v30"], lost=number % 2,
            now_s=(-1, 9_000, 12_000)[number], improvements=150, disturbance=rule,
        )  # fmt: skip
    tied = towns(4, hubs=2, visits=30, vehicles=4, tied=True)
    yield task(
        "redispatch/tied", "redispatch", tied, iterations=400, newcomers=[], removed=[], lost=1,
        now_s=-1, improvements=100, disturbance=rules[1],
    )  # fmt: skip


def _parts() -> Iterator[Task]:
    for tied in (False, True):
        day = towns(5, hubs=3, visits=60, vehicles=8, tied=tied)
        yield task(f"parts/{'tied' if tied else 'free'}", "parts", day, iterations=800, size=60)


def _side() -> Iterator[Task]:
    for seed in (1, 2):
        day = rich(40 + seed, visits=20, vehicles=2)
        names = [f"v{n}" for n in range(0, 20, 3)]
        yield task(f"why/{seed}", "why", day, iterations=600, visits=names)
    rng = random.Random(9)
    goods = []
    for number in range(14):
        due = rng.randint(3_600, 20_000)
        leaves = due + rng.randint(0, 2_000)
        goods.append(
            {"id": f"r{number}", "work_s": rng.randint(300, 2_400), "due_s": due,
             "leaves_s": leaves}
        )  # fmt: skip
    floor = {"pickers": 3, "setup_s": 300, "lanes": 5, "most": 4, "wave_cost": 200}
    yield task("waves", "waves", None, goods=goods, floor=floor)


def _files(shared: Path | None) -> Iterator[Task]:
    for name, distances in SOLOMON if shared is not None else ():
        assert shared is not None
        path = shared / name
        if path.exists():
            text = path.read_text(encoding="utf-8")
            yield task(
                f"file/{path.stem}", "text", None, text=text, distances=distances, iterations=8_000
            )


def digests(checkout: Path, folder: Path) -> dict[str, tuple[str, float]]:
    """Return each task's digest and iterations a second, by one checkout's solver."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    completed = subprocess.run(
        [sys.executable, str(DRIVER), str(folder)],
        cwd=checkout,
        env=environment | {"PYTHONPATH": str(checkout)},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    digests_by_task: dict[str, tuple[str, float]] = {}
    for line in completed.stdout.splitlines():
        name, digest, rate = line.rsplit(" ", 2)
        digests_by_task[name] = (digest, float(rate))
    return digests_by_task


def write_tasks(folder: Path, chosen: list[Task]) -> None:
    """Write tasks as files whose names sort in the tasks' order."""
    for number, one in enumerate(chosen):
        (folder / f"{number:03d}.json").write_text(dumps(one), encoding="utf-8")


def differences(own: dict[str, Any], other: dict[str, Any]) -> list[str]:
    """Return the names of tasks whose digests differ."""
    names = [*own, *(name for name in other if name not in own)]
    return [name for name in names if own.get(name, ("",))[0] != other.get(name, ("",))[0]]


def recorded() -> dict[str, str]:
    """Return the recorded digests, by task."""
    lines = RECORD.read_text(encoding="utf-8").splitlines()
    return {name: digest for digest, name in (line.split(" ", 1) for line in lines)}


def main(argv: list[str] | None = None) -> int:
    """Print digests; compare them with another checkout's if one is given."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.same_plans")
    parser.add_argument("--against", type=Path, help="another checkout of this project")
    parser.add_argument("--only", action="append", help="tasks whose name contains this word")
    parser.add_argument("--shared", type=Path, help="folder with vrptw/*.txt")
    parser.add_argument(
        "--speed", type=int, help="number of paired runs that measure iterations a second"
    )
    parser.add_argument("--write", action="store_true", help="record the digests")
    options = parser.parse_args(argv)
    chosen = list(tasks(options.shared))
    if options.only:
        chosen = [one for one in chosen if any(word in one["name"] for word in options.only)]
    if options.speed:
        chosen = [one for one in chosen if one["name"] in SPEED]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_tasks(folder, chosen)
        if options.speed:
            return _speed(folder, options.against, options.speed)
        own = digests(ROOT, folder)
        for one, (digest, _) in own.items():
            print(f"{digest[:SHORT]} {one}", flush=True)
        if options.write:
            lines = [f"{digest[:SHORT]} {one}\n" for one, (digest, _) in own.items()]
            RECORD.write_text("".join(lines), encoding="utf-8")
        if options.against is None:
            return 0
        wrong = differences(own, digests(options.against.resolve(), folder))
    for one in wrong:
        print(f"DIFFERENT: {one}", flush=True)
    print(f"{len(own) - len(wrong)} of {len(own)} answers have the same bytes.", flush=True)
    return 1 if wrong else 0


def _speed(folder: Path, against: Path | None, runs: int) -> int:
    """Print the median iterations a second of paired runs of both checkouts, in turn."""
    both = [ROOT, *([] if against is None else [against.resolve()])]
    rates: dict[Path, dict[str, list[float]]] = {checkout: {} for checkout in both}
    for number in range(runs + 1):
        for checkout in both if number % 2 else both[::-1]:
            for one, (_, rate) in digests(checkout, folder).items():
                if number:  # the first run compiles
                    rates[checkout].setdefault(one, []).append(rate)
    for one in rates[ROOT]:
        middle = [statistics.median(rates[checkout][one]) for checkout in both]
        text = ", ".join(f"{rate:.0f}/s" for rate in middle)
        if len(both) > 1:
            pairs = zip(*(rates[checkout][one] for checkout in both), strict=True)
            text += f", ratio {statistics.median(a / b for a, b in pairs):.3f}"
        print(f"{one}: {text}", flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
