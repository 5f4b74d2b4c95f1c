"""The time that `make run` takes on a fresh machine, and again on its data.

The last commit is cloned into an empty folder, and pip and uv get empty caches. `make run` then
starts as for a newcomer: packages, streets, databases, two retailers, plans.
"""

from __future__ import annotations

import http.client
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FIRST_S, LATER_S = 180.0, 15.0
TOO_LONG_S = 600.0


@dataclass(frozen=True, slots=True)
class Start:
    """Seconds from the command to the first page, and to /readyz: migrated, seeded, planned."""

    page_s: float
    ready_s: float


def run() -> str:
    """Clone, start twice; return both times. Raises when a promise is broken."""
    with tempfile.TemporaryDirectory(prefix="lm") as place:
        Path(place).chmod(0o755)  # PostgreSQL may have to run as another user
        checkout = Path(place) / "lastmile"
        subprocess.run(
            ["git", "clone", "-q", "--no-hardlinks", str(ROOT), str(checkout)], check=True
        )
        first = start(checkout)
        again = start(checkout)
    summary = (
        f"fresh clone, empty caches: all ready with the demo planned {first.ready_s:.0f} s; "
        f"again: first page {again.page_s:.1f} s, ready {again.ready_s:.1f} s"
    )
    if first.ready_s > FIRST_S or again.page_s > LATER_S:
        raise RuntimeError(f"{summary}; promised are {FIRST_S:.0f} s and {LATER_S:.0f} s")
    return summary


def start(checkout: Path) -> Start:
    """Run `make run` until it is ready, then stop everything."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    began = time.monotonic()
    server = subprocess.Popen(
        [shutil.which("make") or "make", "run"],
        cwd=checkout,
        env=environment(checkout, port),
        start_new_session=True,  # make and its children get the signal as from a terminal
    )
    try:
        page_s = _until(server, port, "/", began)
        return Start(page_s, _until(server, port, "/readyz", began))
    finally:
        os.killpg(server.pid, signal.SIGINT)
        server.wait(60)


def environment(checkout: Path, port: int) -> dict[str, str]:
    """Return a newcomer's environment: only basic variables, and how packages are reached."""
    passed_on = ("PATH", "HOME", "LANG", "PIP_INDEX_URL", "PIP_CONFIG_FILE", "SSL_CERT_FILE")
    caches = checkout.parent / "cache"
    return {name: os.environ[name] for name in passed_on if name in os.environ} | {
        "PORT": str(port),
        "PIP_CACHE_DIR": str(caches / "pip"),
        "UV_CACHE_DIR": str(caches / "uv"),
    }


def _until(server: subprocess.Popen[bytes], port: int, path: str, began: float) -> float:
    while not answers(port, path):
        if server.poll() is not None or time.monotonic() - began > TOO_LONG_S:
            raise RuntimeError(f"`make run` gave no {path}; its lines above say why.")
        time.sleep(0.05)
    return time.monotonic() - began


def answers(port: int, path: str) -> bool:
    """Return True if a page answers 200."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path, headers={"Host": "localhost"})
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
