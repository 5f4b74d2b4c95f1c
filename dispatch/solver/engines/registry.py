"""The engines by name; each is loaded when it is first used. PURE.

Compiled code, PyVRP and OR-Tools take tenths of a second and many megabytes to load. A process that
only reads plans does not load them.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterator, Mapping
from importlib import metadata
from typing import Any, Final

from dispatch.solver.compiling import sources
from dispatch.solver.engines.base import Engine

CLASSIC: Final = "core"
PYVRP: Final = "pyvrp"
ORTOOLS: Final = "ortools"
RICH: Final = "rich"
LOCATIONS: Final[dict[str, tuple[str, str]]] = {  # engine: module and class
    CLASSIC: ("dispatch.solver.engines.classic", "Classic"),
    PYVRP: ("dispatch.solver.engines.pyvrp", "PyVRP"),
    RICH: ("dispatch.solver.engines.rich", "Rich"),
    ORTOOLS: ("dispatch.solver.engines.ortools", "ORTools"),
}


OWN_ENGINES: Final = (CLASSIC, RICH)


class Registry(Mapping[str, Engine]):
    """All engines by name."""

    def __init__(self) -> None:
        self._loaded: dict[str, Engine] = {}

    def __getitem__(self, name: str) -> Engine:
        if name not in self._loaded:
            module, kind = LOCATIONS[name]
            engine: Engine = getattr(importlib.import_module(module), kind)()
            self._loaded[name] = engine
        return self._loaded[name]

    def __iter__(self) -> Iterator[str]:
        return iter(LOCATIONS)

    def __len__(self) -> int:
        return len(LOCATIONS)

    def __contains__(self, name: object) -> bool:
        return name in LOCATIONS


def polisher() -> Any:
    """Return the function that polishes tours (``polish.polished``), loaded at the first call."""
    return importlib.import_module("dispatch.solver.engines.polish").polished


def version(name: str) -> str:
    """Return the version of an engine; of our own engines the short hash of the sources.

    The classic engine's tours are polished by PyVRP, so its version includes PyVRP's release.
    """
    if name == CLASSIC:
        return f"{sources.version()} pyvrp {metadata.version(PYVRP)}"
    return sources.version() if name in OWN_ENGINES else metadata.version(name)


def cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1  # macOS has no sched_getaffinity
