"""The processor time that an installation under test has used."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from tests.bench.installation import Installation

Times = dict[str, float]  # name of a child -> seconds
_TICK_S: Final = 1 / os.sysconf("SC_CLK_TCK")


def processor_times(house: Installation) -> Times:
    """Return the processor seconds of each child of the installation, with its own children."""
    parents: dict[int, int] = {}
    used: dict[int, float] = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        parents[int(entry.name)] = int(fields[1])
        used[int(entry.name)] = sum(map(int, fields[11:15])) * _TICK_S
    total: Times = {}
    for name, pids in house.pids().items():
        total[name] = sum(spent for pid, spent in used.items() if _is_under(pid, pids, parents))
    return total


def _is_under(pid: int, roots: list[int], parents: dict[int, int]) -> bool:
    while pid > 1:
        if pid in roots:
            return True
        pid = parents.get(pid, 0)
    return False
