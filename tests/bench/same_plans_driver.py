"""Solves the problems of a folder and prints a digest of each answer: ``same_plans`` runs it.

    python same_plans_driver.py FOLDER

The checkout whose solver is asked is the first entry of PYTHONPATH. This file is the same for all
of them, so it asks by the names of both layouts: the one before the rooms of ``dispatch.solver``
and the one since. It prints a line for each task: its name, the SHA-256 of the answer, and
the iterations a second of processor time (so that a busy machine counts little).
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
    """Return what one of some modules calls ``name``; the first module that there is."""
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
    """Return a value as JSON: of a dataclass the values in order, without their names."""
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


def solved(problem: Any, how: dict[str, Any]) -> Any:
    """Solve by count, through either signature of ``solve``."""
    given = {"seed": how.get("seed", 1), "engine": how.get("engine"), "threads": 1}
    present = how.get("present")
    if "stop" in inspect.signature(solve).parameters:
        stop = named("Stop", "solve")(iterations=how["iterations"])
        return solve(problem, stop=stop, present=present, **given)
    if present is None:
        return solve(problem, iterations=how["iterations"], **given)
    steering = named("Steering", "solve")(present=present)
    return solve(problem, iterations=how["iterations"], steering=steering, **given)


def task_solve(problem: Any, how: dict[str, Any]) -> Any:
    """A plan by count, its price and the record of the search; both repeated by that record."""
    try:
        found = solved(problem, how)
    except named("NotRefereed", "solve") as refusal:  # committed stops that nobody can keep
        return ["refused", plain(refusal.violations)]
    if not how.get("present"):
        again = replay(problem, found.work)
        assert again.solution == found.solution, "the record gives another plan"
    return [solution_to_json(found.solution), plain(found.cost), plain(found.work)]


def task_record(problem: Any, how: dict[str, Any]) -> Any:
    """A plan by the counts of a record that names every leg, polishing included."""
    found = replay(problem, (Phase(how["engine"], how["seed"], tuple(how["counts"])),))
    return [solution_to_json(found.solution), plain(found.cost)]


def task_places(problem: Any, how: dict[str, Any]) -> Any:
    """Every place of some visits in a plan, and the plan timed again."""
    room = ("placing.insertion", "insertion")
    plan = solved(problem, how).solution
    board = named("Board", *room)(problem, plan)
    evaluate = named("evaluate", *room)
    found = [board.places(visit) for visit in how["visits"]]
    fewer = {vehicle: names[1:] for vehicle, names in plan.sequences.items() if names[1:]}
    longer = {vehicle: names[::-1] for vehicle, names in plan.sequences.items()}
    return [
        plain(found),
        solution_to_json(evaluate(problem, fewer)),
        solution_to_json(evaluate(problem, longer)),
    ]


def task_redispatch(problem: Any, how: dict[str, Any]) -> Any:
    """The rest of the day after a change, and what it changes of promises."""
    redispatch = named("redispatch", "redispatch.run")
    change_of = named("Change", "redispatch.change")
    rules_of = named("Disturbance", "redispatch.change")
    late = set(how["newcomers"])
    planned = dataclasses.replace(
        problem, visits=tuple(v for v in problem.visits if v.id not in late)
    )
    plan = solved(planned, how).solution
    change = change_of(
        visits=tuple(v for v in problem.visits if v.id in late),
        removed=frozenset(how["removed"]),
        lost=frozenset(route.vehicle for route in plan.routes[: how["lost"]]),
    )
    given: dict[str, Any] = {
        "seconds": None,
        "iterations": how["improvements"],
        "seed": how["seed"],
    }
    if "improving" in inspect.signature(redispatch).parameters:
        given = {"improving": named("Improving", "redispatch.run")(**given)}
    told = redispatch(
        planned,
        plan,
        change,
        now_s=how["now_s"],
        disturbance=rules_of(**how["disturbance"]),
        **given,
    )
    return [
        solution_to_json(told.solution),
        *(
            plain(getattr(told, name))
            for name in ("before", "after", "moved", "retimed", "beyond", "admitted", "dropped")
        ),
    ]


def task_parts(problem: Any, how: dict[str, Any]) -> Any:
    """A plan made in parts: cut, solved one by one, joined, cut along its routes, joined again."""
    split = named("split", "decompose.split")
    join = named("join", "decompose.join")
    resplit = named("resplit", "decompose.rounds")
    better = named("better", "decompose.rounds")
    pieces = split(problem, size=how["size"])
    best = join(problem, pieces, [solved(piece.problem, how).solution for piece in pieces])
    shapes = [list(piece.places) for piece in pieces]
    for turn in (1, 2):
        pieces = resplit(problem, best, size=how["size"], turn=turn)
        shapes += [list(piece.places) for piece in pieces]
        found = []
        for piece in pieces:
            start = None if piece.present is None else piece.present.sequences
            again = solved(piece.problem, how | {"present": start}).solution
            found.append(better(piece, again))
        best = join(problem, pieces, found)
    return [shapes, solution_to_json(best)]


def task_why(problem: Any, how: dict[str, Any]) -> Any:
    """Why visits are where they are, or what would let them in."""
    plan = solved(problem, how).solution
    try:
        explain = named("Explainer", "why.explainer")(problem, plan.sequences).explain
    except ImportError:
        explain = named("Asker", "why.asking")(problem, plan.sequences).ask
    return [explain(visit).to_json() for visit in how["visits"]]


def task_waves(_: Any, how: dict[str, Any]) -> Any:
    """Waves of picking."""
    room = ("side.waves",)
    goods_of, floor_of = named("Goods", *room), named("Floor", *room)
    goods = tuple(goods_of(**one) for one in how["goods"])
    return plain(named("plan_waves", *room)(floor_of(goods=goods, **how["floor"]), work=0.02))


def task_text(_: Any, how: dict[str, Any]) -> Any:
    """A benchmark file, read and solved by count."""
    instance = named("parse", "formats.text")(how["text"], how["distances"])
    found = solved(instance.problem, how)
    return named("to_sol", "formats.text")(found.solution, str(found.cost.exact))


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
    """Do every task of a folder, in the order of their files' names."""
    for path in sorted(Path(folder).glob("*.json")):
        task = json.loads(path.read_text(encoding="utf-8"))
        problem = problem_from_json(task["problem"]) if task.get("problem") else None
        began = time.process_time()
        answer = TASKS[task["kind"]](problem, task)
        took = max(NOWHERE_SECONDS, time.process_time() - began)
        data = json.dumps(answer, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
        digest = hashlib.sha256(data.encode()).hexdigest()
        made = task.get("iterations") or sum(task.get("counts", ())[2:])
        print(f"{task['name']} {digest} {made / took:.0f}", flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1]))
