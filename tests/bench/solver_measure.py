"""A search in a process of its own: wall and CPU seconds, memory, verdict of two referees.

    python -m tests.bench.solver_measure '{"case": …, "who": …, "marks": […], "seed": …}'

prints one line of JSON. ``measure`` calls it and stores each line under var/proof/solver. A stored
line is used again if the machine was not disturbed: a peer's always, our own while the commit is
the same and clean. FRESH=1 measures everything again. COMMIT names a commit whose runs count as our
own. KEPT=1 measures nothing and leaves out what is not stored.
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
STORE = ROOT / "var" / "proof" / "solver" / "runs.jsonl"
OURS = "ours"
UNDISTURBED = 0.8  # least CPU seconds per second of search for a stored run to be used
PEERS: dict[str, tuple[str, str]] = {
    "ortools": ("tests.bench.solver_ortools", "run_ortools"),
    "vroom": ("tests.bench.solver_vroom", "run_vroom"),
    "vroom0": ("tests.bench.solver_vroom", "run_vroom_level_0"),
}


@dataclass(frozen=True, slots=True)
class Run:
    """The result of one search.

    ``costs`` by mark (seconds), in the case's unit; a mark without an answer is missing. ``load``
    is the machine's load when it began, without this search.
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
        """Return the cost at the last mark that has an answer."""
        return self.costs[max(self.costs)] if self.costs else None


class NotStored(LookupError):
    """No run is stored, and nothing may be measured now."""


def measure_all(case: str, who: str, marks: Sequence[float], seeds: Iterable[int]) -> list[Run]:
    """Measure for each seed; with KEPT=1 return those that are stored."""
    runs = []
    for seed in seeds:
        try:
            runs.append(measure(case, who, marks, seed))
        except NotStored:
            continue
    return runs


def measure(case: str, who: str, marks: Sequence[float], seed: int) -> Run:
    """Search in a new process, or return the stored run. Raises when the search fails."""
    key = {"case": case, "who": who, "marks": sorted(marks), "seed": seed, "at": version(who)}
    stored = None if os.environ.get("FRESH") else _stored(key)
    if stored is None and os.environ.get("KEPT"):
        raise NotStored(f"{who} on {case}, seed {seed}")
    if stored is None:
        load_before = os.getloadavg()[0]
        done = subprocess.run(
            [sys.executable, "-m", "tests.bench.solver_measure", json.dumps(key)],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"{who} on {case}: {done.stderr[-3000:]}")
        stored = json.loads(done.stdout.splitlines()[-1]) | {"load": load_before}
        STORE.parent.mkdir(parents=True, exist_ok=True)
        with STORE.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"wanted": key, "found": stored}) + "\n")
    run = Run(**stored | {"costs": {float(mark): c for mark, c in stored["costs"].items()}})
    summary = ", ".join(f"{mark:g} s {c:,.2f}" for mark, c in run.costs.items()) or "no answer"
    print(
        f"  {case:<22} {who:<8} seed {seed}: {summary}; {run.routes} routes, {run.wall_s:.1f} s, "
        f"CPU {run.cpu_s:.1f} s, {run.rss_mb:.0f} MB, load {run.load:.1f} {run.engine}",
        flush=True,
    )
    return run


def version(who: str) -> str:
    """Return what a stored run depends on: our commit, or the peer's release."""
    if who.split(":")[0] != OURS:
        return "its release"
    if os.environ.get("COMMIT"):
        return os.environ["COMMIT"]
    completed = subprocess.run(
        ["git", "describe", "--always", "--dirty", "--exclude", "*"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    return completed.stdout.strip() or str(time.time())


def _stored(key: dict[str, Any]) -> dict[str, Any] | None:
    if not STORE.exists() or str(key["at"]).endswith("-dirty"):
        return None
    latest = None
    for line in STORE.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        run = row["found"]
        if row["wanted"] == key and run["cpu_s"] >= UNDISTURBED * run["wall_s"]:
            latest = run
    return latest


def main(words: list[str]) -> int:
    """Run one search in this process and print its line."""
    request = json.loads(words[0])
    case = load(request["case"])
    who, _, engine = request["who"].partition(":")
    if who == OURS:
        for name in [engine] if engine else default_engines(case.problem):
            ENGINES[name]  # loads it before the clock runs, as the command does
        own = Answers()
        own.begin()
        plans, name = _own(case.problem, request["marks"], request["seed"], engine or None)
        wall, spent = own.seconds, _cpu_s() - own.cpu_began
    else:
        answers = _peer(who)(case.problem, request["marks"], request["seed"])
        wall, spent = answers.seconds, _cpu_s() - answers.cpu_began
        plans, name = {m: evaluate(case.problem, r) for m, r in answers.at.items()}, ""
    run = Run(
        case=request["case"],
        who=request["who"],
        seed=request["seed"],
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
    """Return the peak memory of this process plus that of its largest child, in MB. Linux.

    Not ``ru_maxrss``: a new program inherits that from the one that started it.
    """
    status = Path("/proc/self/status").read_text(encoding="ascii")
    peak = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    return (int(peak.split()[1]) + children) / 1024


def _own(
    problem: Problem, marks: Sequence[float], seed: int, engine: str | None
) -> tuple[dict[float, Solution], str]:
    """Solve with our own engines; they get the whole budget beforehand, so there is one mark."""
    (seconds,) = marks
    result = solve(problem, seconds=seconds, seed=seed, engine=engine)
    if result.seconds > 1.1 * seconds:
        raise Unsound(f"It took {result.seconds:.2f} s of {seconds:g} s.")
    return {seconds: result.solution}, result.engine


def _peer(who: str) -> Callable[[Problem, Sequence[float], int], Answers]:
    if who == "pyvrp":
        return run_pyvrp
    module, name = PEERS[who]
    run: Callable[[Problem, Sequence[float], int], Answers] = getattr(
        importlib.import_module(module), name
    )
    return run


def judged(case: Case, plan: Solution) -> float:
    """Return a plan's cost in the case's unit; raises if a referee objects or they disagree."""
    faults = check(case.problem, plan)
    if faults or plan.unserved:
        raise Unsound(f"{case.problem.name}: {faults[:3]} {plan.unserved[:3]}")
    exact = cost(case.problem, plan).exact
    if recost(case.problem, plan) * UNIT != exact:
        raise Unsound(f"{case.problem.name}: the referees differ about the cost.")
    value = exact / (UNIT * case.unit)
    if case.text:
        truth = of_file(case.text, [[stop.visit for stop in r.visits] for r in plan.routes])
        if abs(truth - value) > 0.01 * len(plan.routes):
            raise Unsound(f"{case.problem.name}: {value} here, {truth} by its file.")
        return truth
    return value


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
