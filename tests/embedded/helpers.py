"""Helpers to inspect real processes."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg

from lastmile.embedded import process
from lastmile.embedded.folders import Folders

ROOT = Path(__file__).resolve().parents[2]


def eventually(holds: Callable[[], bool], within_s: float, what: str) -> float:
    """Wait until a condition is true; return the seconds that it took, or fail."""
    began = time.monotonic()
    while not holds():
        assert time.monotonic() - began < within_s, f"{what}: not within {within_s} s"
        time.sleep(0.05)
    return time.monotonic() - began


def processes_with(mark: str) -> list[int]:
    """Return the pids of other running processes whose command line contains `mark`."""
    if sys.platform == "linux":
        pids: Iterator[int] = (int(p.name) for p in Path("/proc").iterdir() if p.name.isdigit())
    else:
        listed = subprocess.run(["/bin/ps", "-axo", "pid="], capture_output=True, check=True)
        pids = (int(pid) for pid in listed.stdout.split())
    return [pid for pid in pids if pid != os.getpid() and mark in process.command_of(pid)]


def parent_of(pid: int) -> int:
    """Return the pid of a process's parent, or 0 if the process has ended."""
    if sys.platform == "linux":
        try:
            return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
        except OSError:
            return 0
    command = ["/bin/ps", "-o", "ppid=", "-p", str(pid)]
    output = subprocess.run(command, capture_output=True, check=False).stdout
    return int(output or 0)


def query(folders: Folders, sql: str) -> list[tuple[object, ...]]:
    """Run a query on the embedded PostgreSQL."""
    with psycopg.connect(
        host=str(folders.run), user="postgres", dbname="lastmile", autocommit=True
    ) as connection:
        cursor = connection.execute(sql)  # type: ignore[arg-type]
        return cursor.fetchall() if cursor.description else []


def driver(source: str, *args: str) -> list[str]:
    """Return the command line of a Python program that imports this checkout."""
    head = f"import sys; sys.path.insert(0, {str(ROOT)!r})\n"
    return [sys.executable, "-c", head + source, *args]


def own_environment() -> dict[str, str]:
    """Return the environment without server URLs, so that a program uses embedded services."""
    dropped = {"DATABASE_URL", "BROKER_URL", "CACHE_URL", "CHANNEL_URL", "LASTMILE_VAR"}
    return {name: value for name, value in os.environ.items() if name not in dropped}
