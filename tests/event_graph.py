"""What follows from what: the graph of event kinds, read from the switchboard and the code.

An edge ``a -> b`` says that something wired to ``a`` may record ``b``. It is found without running
anything: from the handler's source along the house's own functions that it calls by name, to each
``record("kind", …)`` and ``record_many(…)``; and through ``enqueue("kind", …)`` to the runner of
that job.

A kind that is handed on as an argument counts where it is written as a string; one that is looked
up counts if its table is the module's ``KINDS``. Both may find too much, never too little.
"""

from __future__ import annotations

import ast
import inspect
import re
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
        if act in seen or not (getattr(act, "__module__", None) or "").startswith(HOUSE):
            continue
        seen.add(act)
        for call, target in _calls(act):
            if target in (events.record, events.record_many):
                kinds |= _kinds(call, act)
            elif target is jobs.enqueue:
                kind = _kind(call, act)
                kinds.add("job.finished")
                if kind in wired_jobs:
                    waiting.append(load(wired_jobs[kind].path))
            elif callable(target):
                waiting.append(target)
                if (getattr(target, "__module__", None) or "").startswith(HOUSE):
                    kinds |= {text for text in _texts(call) if _looks_like_a_kind(text)}
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


def _kinds(call: ast.Call, act: Callable[..., Any]) -> set[str]:
    """Return what one call of record or record_many may record."""
    first = call.args[0] if call.args else None
    if isinstance(first, ast.Constant) and isinstance(first.value, str):
        return {first.value}
    source = ast.parse(textwrap.dedent(inspect.getsource(act)))
    spelled = {text for text in _texts(source) if _looks_like_a_kind(text)}
    tabled = set(getattr(inspect.getmodule(act), "KINDS", {}).values())
    handed_on = isinstance(first, ast.Name) and first.id in inspect.signature(act).parameters
    if not (spelled or tabled or handed_on):
        _kind(call, act)
    return spelled | tabled


def _texts(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def _looks_like_a_kind(text: str) -> bool:
    return re.fullmatch(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+", text) is not None


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
