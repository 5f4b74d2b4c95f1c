"""How long `manage.py up` takes to the first page: on a new data folder, then again on its data."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TOO_LONG_S = 180.0


def run() -> str:
    """Start twice on one new data folder; return both times."""
    with tempfile.TemporaryDirectory(prefix="lm") as var:
        Path(var).chmod(0o755)  # PostgreSQL may have to run as another user
        first, again = start(var), start(var)
    return f"first start {first:.1f} s, again {again:.1f} s to the first page (no demo)"


def start(var: str) -> float:
    """Return the seconds from the command to an answer of /readyz, then stop everything."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    began = time.monotonic()
    house = subprocess.Popen(
        [sys.executable, str(ROOT / "manage.py"), "up"],
        env={**os.environ, "LASTMILE_VAR": var, "PORT": str(port)},
        stdout=subprocess.DEVNULL,
    )
    try:
        while not ready(port):
            if house.poll() is not None or time.monotonic() - began > TOO_LONG_S:
                raise RuntimeError("`manage.py up` did not come up; run it by hand to see why.")
            time.sleep(0.05)
        return time.monotonic() - began
    finally:
        house.send_signal(signal.SIGTERM)
        house.wait()


def ready(port: int) -> bool:
    """Say whether /readyz answers 200."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", "/readyz", headers={"Host": "localhost"})
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()
