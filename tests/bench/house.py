"""A whole house for a campaign: `manage.py up` on data of its own, driven through its doors."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from tests.embedded.helpers import ROOT, own_environment

UP_S = 180.0
ENDED = {"succeeded", "failed", "cancelled"}
Json = dict[str, Any]


class House:
    """A running `manage.py up`; commands run in second processes, as an operator's would."""

    def __init__(self, var: Path) -> None:
        self.var = var
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port: int = probe.getsockname()[1]
        self.pidfile = var / "up.pids"
        self.log = var / "up.log"
        self.surroundings = own_environment() | {
            "LASTMILE_VAR": str(var),
            "PORT": str(self.port),
            "DJANGO_SETTINGS_MODULE": "lastmile.settings",
            "LIMIT_API_PER_MINUTE": "1000000",
        }
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, str(ROOT / "manage.py"), "up", "--pidfile", str(self.pidfile)],
                env=self.surroundings, stdout=log, stderr=subprocess.STDOUT,
            )  # fmt: skip
        wait_until(lambda: ready(self.port) and "Lastmile is up" in self.log.read_text(), UP_S)

    def pids(self) -> dict[str, list[int]]:
        """Return {child: [pid]}."""
        found: dict[str, list[int]] = json.loads(self.pidfile.read_text())
        return found

    def command(self, *words: str, script: str | None = None) -> str:
        """Run a management command; return its stdout. Raises with its words when it fails."""
        done = subprocess.run(
            [sys.executable, str(ROOT / "manage.py"), *words], env=self.surroundings,
            capture_output=True, text=True, check=False, input=script,
        )  # fmt: skip
        if done.returncode:
            raise RuntimeError(f"manage.py {' '.join(words)}: {done.stdout}{done.stderr}")
        return done.stdout

    def asked(self, *words: str) -> Json:
        """Run a command with --json; return its answer."""
        found: Json = json.loads(self.command(*words, "--json").strip().splitlines()[-1])
        return found

    def open(self, schema: str, tz: str, currency: str = "EUR") -> Door:
        """Open a retailer and return its API with a fresh integration key."""
        name = schema.removeprefix("t_")
        opened = self.asked(
            "retailer_open", "--schema", schema, "--domain", name, "--tz", tz,
            "--currency", currency,
        )  # fmt: skip
        key = self.asked("apikey_create", "--schema", schema, "--role", "integration")["key"]
        return Door(self.port, opened["domain"], key, schema)

    def stop(self) -> None:
        """End it as Ctrl-C does."""
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)


class Door:
    """A retailer's API, by key."""

    def __init__(self, port: int, domain: str, key: str, schema: str) -> None:
        self.schema = schema
        self.http = httpx.Client(
            base_url=f"http://127.0.0.1:{port}/api/v1",
            headers={"Host": domain, "Authorization": f"Bearer {key}"},
            timeout=120,
        )

    def get(self, path: str, **params: Any) -> Json:
        """GET. Raises on a refusal."""
        return _said(self.http.get(path, params=params))

    def post(self, path: str, body: Any = None, **more: Any) -> Json:
        """POST once, with a fresh Idempotency-Key. Raises on a refusal."""
        headers = {"Idempotency-Key": uuid.uuid4().hex}
        return _said(self.http.post(path, json=body, headers=headers, **more))

    def everything(self, path: str, **params: Any) -> Iterator[Json]:
        """Walk a list to its end."""
        page = self.get(path, limit=100, **params)
        yield from page["items"]
        while page["next"]:
            page = _said(self.http.get(page["next"].partition("/api/v1")[2]))
            yield from page["items"]

    def bring_in(self, name: str, content: bytes, hub: str) -> tuple[Json, float]:
        """Import an order file and see its job through; return the import and the seconds."""
        began = time.perf_counter()
        sent = self.post("/order-imports/", files={"file": (name, content)}, data={"hub": hub})
        ended = self.see_through(sent["operation"])
        took = time.perf_counter() - began
        if ended["state"] != "succeeded":
            raise RuntimeError(f"{name}: {ended}")
        return self.get(f"/order-imports/{sent['id']}/"), took

    def see_through(self, operation: str, within_s: float = 600) -> Json:
        """Wait for an operation's end."""
        found: Json = {}

        def over() -> bool:
            nonlocal found
            found = self.get(f"/operations/{operation}/")
            return found["state"] in ENDED

        wait_until(over, within_s)
        return found


def _said(answer: httpx.Response) -> Json:
    if answer.status_code >= 400:
        raise RuntimeError(f"{answer.request.method} {answer.url}: {answer.text[:1000]}")
    found: Json = answer.json()
    return found


def wait_until(holds: Callable[[], bool], within_s: float) -> float:
    """Wait; return the seconds. Raises TimeoutError."""
    began = time.monotonic()
    while not holds():
        if time.monotonic() - began > within_s:
            raise TimeoutError(f"not within {within_s:.0f} s")
        time.sleep(0.05)
    return time.monotonic() - began


@contextmanager
def running_house(var: Path | None = None) -> Iterator[House]:
    """Start a house on new data, or on the folder given; stop it at the end."""
    with tempfile.TemporaryDirectory(prefix="lm") as made:
        folder = var or Path(made)
        folder.chmod(0o755)  # PostgreSQL may have to run as another user
        house = House(folder)
        try:
            yield house
        finally:
            house.stop()


def ready(port: int) -> bool:
    """Say whether /readyz answers 200."""
    try:
        answer = httpx.get(f"http://127.0.0.1:{port}/readyz", headers={"Host": "localhost"})
    except httpx.HTTPError:
        return False
    return answer.status_code == 200


def shared_folder(name: str) -> Path:
    """Return a folder of the shared data. Raises where it is absent."""
    said = os.environ.get("LASTMILE_SHARED")
    bases = [Path(said)] if said else [ROOT.parent / "shared", ROOT.parent.parent / "shared"]
    for base in bases:
        if (base / "data" / name).is_dir():
            return base / "data" / name
    raise FileNotFoundError(f"The shared data {name!r} is not here: LASTMILE_SHARED names it.")
