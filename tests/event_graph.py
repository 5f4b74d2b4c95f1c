"""The graph of event kinds, read from the switchboard and the code.

An edge ``a -> b`` means that a handler of ``a`` may record ``b``. The code is read, not run. The
search starts at the handler's source and follows the functions of Lastmile that it calls by name,
to each ``record`` and ``record_many``. It also follows ``enqueue("kind", …)`` to the runner of that
job and to the functions in its ``on_end``.

Every declared kind, and every table of kinds, that such a function names counts as recorded,
except where it is only read (``REQUESTED.read(event)``). So the graph may have too many edges, but
never too few.
"""

from __future__ import annotations

import ast
import graphlib
import inspect
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from lastmile.core import events, jobs
from lastmile.core.kinds import kinds_in
from lastmile.core.wiring import JobSpec, load

PACKAGES = ("lastmile", "tenants", "dispatch", "lockers", "notifications", "portal", "tests")
Graph = dict[str, set[str]]
READERS = {"read", "name", "encode"}  # attributes of a kind that are used without recording it


def recorded_by(path: str, wired_jobs: Mapping[str, JobSpec]) -> set[str]:
    """Return the event kinds that a wired function may record, directly or through calls."""
    kinds: set[str] = set()
    waiting: list[Callable[..., Any]] = [load(path)]
    seen: set[Any] = set()
    while waiting:
        act = inspect.unwrap(waiting.pop())
        if act in seen or not (getattr(act, "__module__", None) or "").startswith(PACKAGES):
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
    """Yield each call in the source of a function or class, with the object that it calls."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield node, _value_of(node.func, names)


def _value_of(name: ast.expr, names: Mapping[str, Any]) -> Any:
    if isinstance(name, ast.Name):
        return names.get(name.id)
    if isinstance(name, ast.Attribute):
        return getattr(_value_of(name.value, names), name.attr, None)
    return None


def _kinds(tree: ast.AST, names: Mapping[str, Any]) -> set[str]:
    """Return the kinds that a function names, except those that it only reads."""
    read = {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr in READERS
    }
    kinds: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name | ast.Attribute) and id(node) not in read:
            kinds |= {kind.name for kind in kinds_in({"": _value_of(node, names)})}
    return kinds


def _handed_on(call: ast.Call, act: Callable[..., Any]) -> bool:
    """Return True if the kind is a parameter of this function; then its callers name it."""
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
    kind = first.value if isinstance(first, ast.Constant) else None
    if isinstance(first, ast.Name | ast.Attribute):
        kind = _value_of(first, names)
    if not isinstance(kind, str):
        raise AssertionError(_unreadable(act))
    return kind


def graph_of(handlers: Mapping[str, Sequence[str]], wired_jobs: Mapping[str, JobSpec]) -> Graph:
    """Return event kind -> kinds that its handlers may record."""
    return {
        kind: set().union(*(recorded_by(path, wired_jobs) for path in paths))
        for kind, paths in followers(handlers, wired_jobs).items()
    }


def followers(
    handlers: Mapping[str, Sequence[str]], wired_jobs: Mapping[str, JobSpec]
) -> dict[str, list[str]]:
    """Return event kind -> its handlers; functions in ``on_end`` follow ``job.finished``."""
    paths = {kind: list(named) for kind, named in handlers.items()}
    ends = [path for spec in wired_jobs.values() for path in spec.on_end]
    if ends:
        ended = paths.setdefault(events.JOB_FINISHED.name, [])
        ended += [path for path in dict.fromkeys(ends) if path not in ended]
    return paths


def circle_in(graph: Graph) -> list[str]:
    """Return the kinds of a circle of events; [] if there is none."""
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as circle:
        return list(circle.args[1])
    return []


def longest_path(graph: Graph) -> list[str]:
    """Return the kinds along the longest chain of events; a circle ends with its first kind."""

    def from_(kind: str, before: tuple[str, ...]) -> list[str]:
        if kind in before:
            return [kind]
        chains = [from_(later, (*before, kind)) for later in sorted(graph.get(kind, ()))]
        return [kind, *max(chains, key=len, default=[])]

    return max((from_(kind, ()) for kind in sorted(graph)), key=len, default=[])
