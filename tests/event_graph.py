"""What follows from what: the graph of event kinds, read from the switchboard and the code.

An edge ``a -> b`` says that something wired to ``a`` may record ``b``. It is found without running
anything: from the handler's source along the house's own functions that it calls by name, to each
``record("kind", …)``; and through ``enqueue("kind", …)`` to the runner of that job.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from lastmile.core import events, jobs
from lastmile.core.wiring import JobSpec, load

HOUSE = ("lastmile", "tenants", "dispatch", "lockers", "notifications", "portal", "tests")
Graph = dict[str, set[str]]


def recorded_by(path: str, wired_jobs: Mapping[str, JobSpec]) -> set[str]:
    """Return the event kinds that a wired callable may record, itself or by what it calls."""
    kinds: set[str] = set()
    waiting: list[Callable[..., Any]] = [load(path)]
    seen: set[Any] = set()
    while waiting:
        act = inspect.unwrap(waiting.pop())
        if act in seen or not getattr(act, "__module__", "").startswith(HOUSE):
            continue
        seen.add(act)
        for call, target in _calls(act):
            if target is events.record:
                kinds.add(_kind(call, act))
            elif target is jobs.enqueue:
                kind = _kind(call, act)
                kinds.add("job.finished")
                if kind in wired_jobs:
                    waiting.append(load(wired_jobs[kind].path))
            elif callable(target):
                waiting.append(target)
    return kinds


def _calls(act: Callable[..., Any]) -> Iterator[tuple[ast.Call, Any]]:
    """Yield each call in a function's or class's source with what its name stands for."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(act)))
    except (OSError, TypeError):
        return
    names = vars(inspect.getmodule(act))
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield node, _stands_for(node.func, names)


def _stands_for(name: ast.expr, names: Mapping[str, Any]) -> Any:
    if isinstance(name, ast.Name):
        return names.get(name.id)
    if isinstance(name, ast.Attribute):
        return getattr(_stands_for(name.value, names), name.attr, None)
    return None


def _kind(call: ast.Call, act: Callable[..., Any]) -> str:
    first = call.args[0] if call.args else None
    if isinstance(first, ast.Constant) and isinstance(first.value, str):
        return first.value
    where = f"{act.__module__}.{getattr(act, '__qualname__', act)}"
    raise AssertionError(
        f"{where} names an event or job kind by an expression; write it as a plain string, so "
        "that the graph of events can be read."
    )


def graph_of(handlers: Mapping[str, Sequence[str]], wired_jobs: Mapping[str, JobSpec]) -> Graph:
    """Return event kind -> kinds that its handlers may record."""
    return {
        kind: set().union(*(recorded_by(path, wired_jobs) for path in paths))
        for kind, paths in handlers.items()
    }


def longest_path(graph: Graph) -> list[str]:
    """Return the kinds along the longest chain of consequences; a circle ends in its own head."""

    def from_(kind: str, before: tuple[str, ...]) -> list[str]:
        if kind in before:
            return [kind]
        chains = [from_(later, (*before, kind)) for later in sorted(graph.get(kind, ()))]
        return [kind, *max(chains, key=len, default=[])]

    return max((from_(kind, ()) for kind in sorted(graph)), key=len, default=[])
