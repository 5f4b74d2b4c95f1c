"""What follows from what: the graph of event kinds, read from the switchboard and the code.

An edge ``a -> b`` says that something wired to ``a`` may record ``b``. It is found without running
anything: from the handler's source along the house's own functions that it calls by name, to each
``record`` and ``record_many``; and through ``enqueue("kind", …)`` to the runner of that job and its
end, which what the job names in ``on_end`` follows.

Every declared kind, and every table of kinds, that such a function names counts as recorded,
except where it is only read (``REQUESTED.read(event)``). So the graph may hold too much, never too
little.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from lastmile.core import events, jobs
from lastmile.core.kinds import kinds_in
from lastmile.core.wiring import JobSpec, load

HOUSE = ("lastmile", "tenants", "dispatch", "lockers", "notifications", "portal", "tests")
Graph = dict[str, set[str]]
READERS = {"read", "name", "encode"}  # what is asked of a kind without recording it


def recorded_by(path: str, wired_jobs: Mapping[str, JobSpec]) -> set[str]:
    """Return the event kinds that a wired callable may record, itself or by what it calls."""
    kinds: set[str] = set()
    waiting: list[Callable[..., Any]] = [load(path)]
    seen: set[Any] = set()
    while waiting:
        act = inspect.unwrap(waiting.pop())
        if act in seen or not (getattr(act, "__module__", None) or "").startswith(HOUSE):
            continue
        if act in (events.record, events.record_many):
            continue
        seen.add(act)
        tree = _source(act)
        if tree is None:
            continue
        names = vars(inspect.getmodule(act))
        named = _kinds(tree, names)
        kinds |= named
        for call, target in _calls(tree, names):
            if target in (events.record, events.record_many):
                if not named and not _handed_on(call, act):
                    raise AssertionError(_unreadable(act))
            elif target is jobs.enqueue:
                kind = _job_kind(call, act, names)
                kinds.add(events.JOB_FINISHED.name)
                if kind in wired_jobs:
                    waiting.append(load(wired_jobs[kind].path))
            elif callable(target):
                waiting.append(target)
    return kinds


def _source(act: Callable[..., Any]) -> ast.AST | None:
    try:
        return ast.parse(textwrap.dedent(inspect.getsource(act)))
    except (OSError, TypeError):
        return None


def _calls(tree: ast.AST, names: Mapping[str, Any]) -> Iterator[tuple[ast.Call, Any]]:
    """Yield each call in a function's or class's source with what its name stands for."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield node, _stands_for(node.func, names)


def _stands_for(name: ast.expr, names: Mapping[str, Any]) -> Any:
    if isinstance(name, ast.Name):
        return names.get(name.id)
    if isinstance(name, ast.Attribute):
        return getattr(_stands_for(name.value, names), name.attr, None)
    return None


def _kinds(tree: ast.AST, names: Mapping[str, Any]) -> set[str]:
    """Return the kinds that a function names other than to read them."""
    read = {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr in READERS
    }
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name | ast.Attribute) and id(node) not in read:
            found |= {kind.name for kind in kinds_in({"": _stands_for(node, names)})}
    return found


def _handed_on(call: ast.Call, act: Callable[..., Any]) -> bool:
    """Whether the kind is an argument of this function: it counts where it is named."""
    first = call.args[0] if call.args else None
    while isinstance(first, ast.Attribute | ast.Call | ast.List | ast.Subscript):
        first = (first.elts[0] if first.elts else None) if isinstance(first, ast.List) else (
            first.func if isinstance(first, ast.Call) else first.value
        )  # fmt: skip
    return isinstance(first, ast.Name) and first.id in inspect.signature(act).parameters


def _unreadable(act: Any) -> str:
    where = f"{act.__module__}.{getattr(act, '__qualname__', act)}"
    return (
        f"The kind that {where} records cannot be read: name it there, or take it as a parameter."
    )


def _job_kind(call: ast.Call, act: Any, names: Mapping[str, Any]) -> str:
    first = call.args[0] if call.args else None
    said = first.value if isinstance(first, ast.Constant) else None
    if isinstance(first, ast.Name | ast.Attribute):
        said = _stands_for(first, names)
    if not isinstance(said, str):
        raise AssertionError(_unreadable(act))
    return said


def graph_of(handlers: Mapping[str, Sequence[str]], wired_jobs: Mapping[str, JobSpec]) -> Graph:
    """Return event kind -> kinds that its handlers may record."""
    return {
        kind: set().union(*(recorded_by(path, wired_jobs) for path in paths))
        for kind, paths in followers(handlers, wired_jobs).items()
    }


def followers(
    handlers: Mapping[str, Sequence[str]], wired_jobs: Mapping[str, JobSpec]
) -> dict[str, list[str]]:
    """Return event kind -> all that follows it; what follows a job follows ``job.finished``."""
    paths = {kind: list(named) for kind, named in handlers.items()}
    ends = [path for spec in wired_jobs.values() for path in spec.on_end]
    if ends:
        ended = paths.setdefault(events.JOB_FINISHED.name, [])
        ended += [path for path in dict.fromkeys(ends) if path not in ended]
    return paths


def longest_path(graph: Graph) -> list[str]:
    """Return the kinds along the longest chain of consequences; a circle ends in its own head."""

    def from_(kind: str, before: tuple[str, ...]) -> list[str]:
        if kind in before:
            return [kind]
        chains = [from_(later, (*before, kind)) for later in sorted(graph.get(kind, ()))]
        return [kind, *max(chains, key=len, default=[])]

    return max((from_(kind, ()) for kind in sorted(graph)), key=len, default=[])
