"""One search in a process of its own: wall and CPU seconds, memory, and two referees' verdict.

    python -m tests.bench.solver_measure '{"case": …, "who": …, "marks": […], "seed": …}'

prints one line of JSON. ``measure`` calls it, keeps each line under var/proof/solver and takes it
from there the next time if the machine let it run: a peer's always, ours while the commit is the
same and clean. FRESH=1 measures everything anew, COMMIT names one whose runs are taken as ours,
KEPT=1 measures nothing: what is not kept is left out.
"""

from __future__ import annotations

import importlib
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from dispatch.solver.model.cost import UNIT, cost
from dispatch.solver.model.problem import Problem
from dispatch.solver.model.solution import Solution
from dispatch.solver.placing.insertion import evaluate
from dispatch.solver.referee.check import check
from dispatch.solver.solve import ENGINES, default_engines, solve
from tests.bench.solver_cases import Case, load
from tests.bench.solver_peers import Answers, run_pyvrp
from tests.bench.solver_recost import Unsound, of_file, recost

ROOT = Path(__file__).resolve().parents[2]
KEPT = ROOT / "var" / "proof" / "solver" / "runs.jsonl"
OURS = "ours"
UNDISTURBED = 0.8  # CPU seconds a second of search must have had to be taken again
PEERS: dict[str, tuple[str, str]] = {
    "ortools": ("tests.bench.solver_ortools", "run_ortools"),
    "vroom": ("tests.bench.solver_vroom", "run_vroom"),
    "vroom0": ("tests.bench.solver_vroom", "run_vroom_level_0"),
}


@dataclass(frozen=True, slots=True)
class Run:
    """What one search came to.

    ``costs`` by mark (seconds), in the case's unit; a mark without an answer is missing.
    ``load`` is the machine's load when it began, this search not counted.
    """

    case: str
    who: str
    seed: int
    costs: dict[float, float]
    routes: int
    wall_s: float
    cpu_s: float
    rss_mb: float
    load: float
    engine: str = ""

    @property
    def last(self) -> float | None:
        """Return the cost at the last mark that was reached with an answer."""
        return self.costs[max(self.costs)] if self.costs else None


class NotKept(LookupError):
    """Nothing was measured before, and nothing is to be measured now."""


def measure_all(case: str, who: str, marks: Sequence[float], seeds: Iterable[int]) -> list[Run]:
    """Measure for each seed; with KEPT=1 those that are kept."""
    found = []
    for seed in seeds:
        try:
            found.append(measure(case, who, marks, seed))
        except NotKept:
            continue
    return found


def measure(case: str, who: str, marks: Sequence[float], seed: int) -> Run:
    """Search in a fresh process, or take what was measured before; raises when it fails."""
    wanted = {"case": case, "who": who, "marks": sorted(marks), "seed": seed, "at": version(who)}
    held = None if os.environ.get("FRESH") else _kept(wanted)
    if held is None and os.environ.get("KEPT"):
        raise NotKept(f"{who} on {case}, seed {seed}")
    if held is None:
        load_before = os.getloadavg()[0]
        done = subprocess.run(
            [sys.executable, "-m", "tests.bench.solver_measure", json.dumps(wanted)],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"{who} on {case}: {done.stderr[-3000:]}")
        held = json.loads(done.stdout.splitlines()[-1]) | {"load": load_before}
        KEPT.parent.mkdir(parents=True, exist_ok=True)
        with KEPT.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"wanted": wanted, "found": held}) + "\n")
    run = Run(**held | {"costs": {float(mark): c for mark, c in held["costs"].items()}})
    said = ", ".join(f"{mark:g} s {c:,.2f}" for mark, c in run.costs.items()) or "no answer"
    print(
        f"  {case:<22} {who:<8} seed {seed}: {said}; {run.routes} routes, {run.wall_s:.1f} s, "
        f"CPU {run.cpu_s:.1f} s, {run.rss_mb:.0f} MB, load {run.load:.1f} {run.engine}",
        flush=True,
    )
    return run


def version(who: str) -> str:
    """Return what must be the same for a kept run to stand: our commit, or the peer's release."""
    if who.split(":")[0] != OURS:
        return "its release"
    if os.environ.get("COMMIT"):
        return os.environ["COMMIT"]
    asked = subprocess.run(
        ["git", "describe", "--always", "--dirty", "--exclude", "*"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    return asked.stdout.strip() or str(time.time())


def _kept(wanted: dict[str, Any]) -> dict[str, Any] | None:
    if not KEPT.exists() or str(wanted["at"]).endswith("-dirty"):
        return None
    found = None
    for line in KEPT.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        held = row["found"]
        if row["wanted"] == wanted and held["cpu_s"] >= UNDISTURBED * held["wall_s"]:
            found = held
    return found


def main(words: list[str]) -> int:
    """Run one search in this process and print its line."""
    asked = json.loads(words[0])
    case = load(asked["case"])
    who, _, engine = asked["who"].partition(":")
    if who == OURS:
        for name in [engine] if engine else default_engines(case.problem):
            ENGINES[name]  # loaded before the clock runs, as the command does
        own = Answers()
        own.begin()
        plans, name = _ours(case.problem, asked["marks"], asked["seed"], engine or None)
        wall, spent = own.seconds, _cpu_s() - own.cpu_began
    else:
        answers = _peer(who)(case.problem, asked["marks"], asked["seed"])
        wall, spent = answers.seconds, _cpu_s() - answers.cpu_began
        plans, name = {m: evaluate(case.problem, r) for m, r in answers.at.items()}, ""
    run = Run(
        case=asked["case"],
        who=asked["who"],
        seed=asked["seed"],
        costs={mark: judged(case, plan) for mark, plan in plans.items()},
        routes=len(plans[max(plans)].routes) if plans else 0,
        wall_s=wall,
        cpu_s=spent,
        rss_mb=_peak_mb(),
        load=0.0,
        engine=name,
    )
    print(json.dumps(asdict(run)))
    return 0


def _cpu_s() -> float:
    own, others = (resource.getrusage(w) for w in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return own.ru_utime + own.ru_stime + others.ru_utime + others.ru_stime


def _peak_mb() -> float:
    """Most memory this process held, and the largest of its children. Linux.

    Not ``ru_maxrss``, which a new program takes over from the one that started it.
    """
    status = Path("/proc/self/status").read_text(encoding="ascii")
    peak = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    return (int(peak.split()[1]) + children) / 1024


def _ours(
    problem: Problem, marks: Sequence[float], seed: int, engine: str | None
) -> tuple[dict[float, Solution], str]:
    """Our door; it is told its whole budget beforehand, so it has one mark."""
    (seconds,) = marks
    found = solve(problem, seconds=seconds, seed=seed, engine=engine)
    if found.seconds > 1.1 * seconds:
        raise Unsound(f"It took {found.seconds:.2f} s of {seconds:g} s.")
    return {seconds: found.solution}, found.engine


def _peer(who: str) -> Callable[[Problem, Sequence[float], int], Answers]:
    if who == "pyvrp":
        return run_pyvrp
    module, name = PEERS[who]
    found: Callable[[Problem, Sequence[float], int], Answers] = getattr(
        importlib.import_module(module), name
    )
    return found


def judged(case: Case, plan: Solution) -> float:
    """Return a plan's cost in the case's unit; raises where the referees object or differ."""
    faults = check(case.problem, plan)
    if faults or plan.unserved:
        raise Unsound(f"{case.problem.name}: {faults[:3]} {plan.unserved[:3]}")
    exact = cost(case.problem, plan).exact
    if recost(case.problem, plan) * UNIT != exact:
        raise Unsound(f"{case.problem.name}: the referees differ about the cost.")
    found = exact / (UNIT * case.unit)
    if case.text:
        truth = of_file(case.text, [[stop.visit for stop in r.visits] for r in plan.routes])
        if abs(truth - found) > 0.01 * len(plan.routes):
            raise Unsound(f"{case.problem.name}: {found} here, {truth} by its file.")
        return truth
    return found


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
