"""Solves the problems of a folder and prints a digest of each answer; ``same_plans`` runs it.

    python same_plans_driver.py FOLDER

It uses the solver of the checkout that is first in PYTHONPATH. This same file runs for both
checkouts, so it tries the names of older and newer layouts of ``dispatch.solver``. It prints a line
for each task: its name, the SHA-256 of the answer, and the iterations a second of processor time,
so that a busy machine counts little.
"""

from __future__ import annotations

import dataclasses
import enum
import hashlib
import importlib
import inspect
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = "dispatch.solver."
NOWHERE_SECONDS = 1e-9  # keeps a rate finite where the clock did not move


def named(name: str, *modules: str) -> Any:
    """Return the object ``name`` of the first of some modules that has it."""
    for module in modules:
        try:
            return getattr(importlib.import_module(ROOT + module), name)
        except (ImportError, AttributeError):
            continue
    raise ImportError(f"No {name} in any of {modules}.")


problem_from_json = named("problem_from_json", "formats.json")
solution_to_json = named("solution_to_json", "formats.json")
solve = named("solve", "solve")
replay = named("replay", "solve")
Phase = named("Phase", "solve")


def plain(value: Any) -> Any:
    """Return a value as JSON; of a dataclass the values in order, without their names."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return [plain(getattr(value, f.name)) for f in dataclasses.fields(value)]
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, dict):
        return {str(key): plain(one) for key, one in value.items()}
    if isinstance(value, set | frozenset):
        return sorted(plain(one) for one in value)
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    return value.item() if hasattr(value, "item") else value


def solved(problem: Any, options: dict[str, Any]) -> Any:
    """Solve by count, with either signature of ``solve``."""
    arguments = {"seed": options.get("seed", 1), "engine": options.get("engine"), "threads": 1}
    present = options.get("present")
    if "stop" in inspect.signature(solve).parameters:
        stop = named("Stop", "solve")(iterations=options["iterations"])
        return solve(problem, stop=stop, present=present, **arguments)
    if present is None:
        return solve(problem, iterations=options["iterations"], **arguments)
    steering = named("Steering", "solve")(present=present)
    return solve(problem, iterations=options["iterations"], steering=steering, **arguments)


def task_solve(problem: Any, options: dict[str, Any]) -> Any:
    """Return a plan by count, its price and the search's record, which must repeat the plan."""
    try:
        result = solved(problem, options)
    except named("NotRefereed", "solve") as refusal:  # committed stops that no vehicle can keep
        return ["refused", plain(refusal.violations)]
    if not options.get("present"):
        again = replay(problem, result.work)
        assert again.solution == result.solution, "the record gives another plan"
    return [solution_to_json(result.solution), plain(result.cost), plain(result.work)]


def task_record(problem: Any, options: dict[str, Any]) -> Any:
    """Return a plan by the counts of a record that names every stage, polishing included."""
    result = replay(problem, (Phase(options["engine"], options["seed"], tuple(options["counts"])),))
    return [solution_to_json(result.solution), plain(result.cost)]


def task_places(problem: Any, options: dict[str, Any]) -> Any:
    """Return every place of some visits in a plan, and the plan timed again."""
    modules = ("placing.insertion", "insertion")
    plan = solved(problem, options).solution
    board = named("Board", *modules)(problem, plan)
    evaluate = named("evaluate", *modules)
    places = [board.places(visit) for visit in options["visits"]]
    fewer = {vehicle: names[1:] for vehicle, names in plan.sequences.items() if names[1:]}
    longer = {vehicle: names[::-1] for vehicle, names in plan.sequences.items()}
    return [
        plain(places),
        solution_to_json(evaluate(problem, fewer)),
        solution_to_json(evaluate(problem, longer)),
    ]


def task_redispatch(problem: Any, options: dict[str, Any]) -> Any:
    """Return the plan of the rest of the day after a change, and what it changes."""
    redispatch = named("redispatch", "redispatch.run")
    change_of = named("Change", "redispatch.change")
    rules_of = named("Disturbance", "redispatch.change")
    late = set(options["newcomers"])
    planned = dataclasses.replace(
        problem, visits=tuple(v for v in problem.visits if v.id not in late)
    )
    plan = solved(planned, options).solution
    change = change_of(
        visits=tuple(v for v in problem.visits if v.id in late),
        removed=frozenset(options["removed"]),
        lost=frozenset(route.vehicle for route in plan.routes[: options["lost"]]),
    )
    arguments: dict[str, Any] = {
        "seconds": None,
        "iterations": options["improvements"],
        "seed": options["seed"],
    }
    if "improving" in inspect.signature(redispatch).parameters:
        arguments = {"improving": named("Improving", "redispatch.run")(**arguments)}
    result = redispatch(
        planned,
        plan,
        change,
        now_s=options["now_s"],
        disturbance=rules_of(**options["disturbance"]),
        **arguments,
    )
    return [
        solution_to_json(result.solution),
        *(
            plain(getattr(result, name))
            for name in ("before", "after", "moved", "retimed", "beyond", "admitted", "dropped")
        ),
    ]


def task_parts(problem: Any, options: dict[str, Any]) -> Any:
    """Return a plan made in parts: cut, solved, joined, cut along its routes, joined again."""
    split = named("split", "decompose.split")
    join = named("join", "decompose.join")
    resplit = named("resplit", "decompose.rounds")
    better = named("better", "decompose.rounds")
    pieces = split(problem, size=options["size"])
    best = join(problem, pieces, [solved(piece.problem, options).solution for piece in pieces])
    shapes = [list(piece.places) for piece in pieces]
    for turn in (1, 2):
        pieces = resplit(problem, best, size=options["size"], turn=turn)
        shapes += [list(piece.places) for piece in pieces]
        solutions = []
        for piece in pieces:
            start = None if piece.present is None else piece.present.sequences
            again = solved(piece.problem, options | {"present": start}).solution
            solutions.append(better(piece, again))
        best = join(problem, pieces, solutions)
    return [shapes, solution_to_json(best)]


def task_why(problem: Any, options: dict[str, Any]) -> Any:
    """Return the explanations of some visits."""
    plan = solved(problem, options).solution
    try:
        explain = named("Explainer", "why.explainer")(problem, plan.sequences).explain
    except ImportError:
        explain = named("Asker", "why.asking")(problem, plan.sequences).ask
    return [explain(visit).to_json() for visit in options["visits"]]


def task_waves(_: Any, options: dict[str, Any]) -> Any:
    """Return waves of picking."""
    modules = ("side.waves",)
    goods_of, floor_of = named("Goods", *modules), named("Floor", *modules)
    goods = tuple(goods_of(**one) for one in options["goods"])
    return plain(
        named("plan_waves", *modules)(floor_of(goods=goods, **options["floor"]), work=0.02)
    )


def task_text(_: Any, options: dict[str, Any]) -> Any:
    """Return the plan of a benchmark file, solved by count."""
    instance = named("parse", "formats.text")(options["text"], options["distances"])
    result = solved(instance.problem, options)
    return named("to_sol", "formats.text")(result.solution, str(result.cost.exact))


TASKS: dict[str, Callable[[Any, dict[str, Any]], Any]] = {
    "solve": task_solve,
    "record": task_record,
    "places": task_places,
    "redispatch": task_redispatch,
    "parts": task_parts,
    "why": task_why,
    "waves": task_waves,
    "text": task_text,
}


def main(folder: str) -> int:
    """Do every task of a folder, in the order of the files' names."""
    for path in sorted(Path(folder).glob("*.json")):
        task = json.loads(path.read_text(encoding="utf-8"))
        problem = problem_from_json(task["problem"]) if task.get("problem") else None
        began = time.process_time()
        answer = TASKS[task["kind"]](problem, task)
        took = max(NOWHERE_SECONDS, time.process_time() - began)
        data = json.dumps(answer, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
        digest = hashlib.sha256(data.encode()).hexdigest()
        iterations = task.get("iterations") or sum(task.get("counts", ())[2:])
        print(f"{task['name']} {digest} {iterations / took:.0f}", flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1]))
