"""A whole installation for a campaign: `manage.py up` on its own data, used by API and commands."""

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


class Installation:
    """A running `manage.py up`; commands run in separate processes, as an operator's do."""

    def __init__(self, var: Path, **environment: str) -> None:
        self.var = var
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port: int = probe.getsockname()[1]
        self.pidfile = var / "up.pids"
        self.log = var / "up.log"
        self.environment = own_environment() | {
            "LASTMILE_VAR": str(var),
            "PORT": str(self.port),
            "DJANGO_SETTINGS_MODULE": "lastmile.settings",
            "LIMIT_API_PER_MINUTE": "1000000",
            **environment,
        }
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, str(ROOT / "manage.py"), "up", "--pidfile", str(self.pidfile)],
                env=self.environment, stdout=log, stderr=subprocess.STDOUT,
            )  # fmt: skip
        wait_until(lambda: ready(self.port) and "Lastmile is up" in self.log.read_text(), UP_S)

    def pids(self) -> dict[str, list[int]]:
        """Return {child: [pid]}."""
        pids: dict[str, list[int]] = json.loads(self.pidfile.read_text())
        return pids

    def command(self, *words: str, script: str | None = None) -> str:
        """Run a management command; return its stdout. Raises with its output when it fails."""
        done = subprocess.run(
            [sys.executable, str(ROOT / "manage.py"), *words], env=self.environment,
            capture_output=True, text=True, check=False, input=script,
        )  # fmt: skip
        if done.returncode:
            raise RuntimeError(f"manage.py {' '.join(words)}: {done.stdout}{done.stderr}")
        return done.stdout

    def command_json(self, *words: str) -> Json:
        """Run a command with --json; return its answer."""
        answer: Json = json.loads(self.command(*words, "--json").strip().splitlines()[-1])
        return answer

    def open(self, schema: str, tz: str, currency: str = "EUR") -> RetailerApi:
        """Open a retailer and return its API with a new integration key."""
        name = schema.removeprefix("t_")
        opened = self.command_json(
            "retailer_open", "--schema", schema, "--domain", name, "--tz", tz,
            "--currency", currency,
        )  # fmt: skip
        key = self.command_json("apikey_create", "--schema", schema, "--role", "integration")["key"]
        return RetailerApi(self.port, opened["domain"], key, schema)

    def stop(self) -> None:
        """Stop it as Ctrl-C does."""
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)


class RetailerApi:
    """A retailer's API, used with a key."""

    def __init__(self, port: int, domain: str, key: str, schema: str) -> None:
        self.schema = schema
        self.http = httpx.Client(
            base_url=f"http://127.0.0.1:{port}/api/v1",
            headers={"Host": domain, "Authorization": f"Bearer {key}"},
            timeout=120,
        )

    def get(self, path: str, **params: Any) -> Json:
        """Send a GET request; return the answer. Raises if it is refused."""
        return _checked(self.http.get(path, params=params))

    def post(self, path: str, body: Any = None, **more: Any) -> Json:
        """Send a POST request once, with a new Idempotency-Key. Raises if it is refused."""
        headers = {"Idempotency-Key": uuid.uuid4().hex}
        return _checked(self.http.post(path, json=body, headers=headers, **more))

    def everything(self, path: str, **params: Any) -> Iterator[Json]:
        """Yield every item of a list, page by page."""
        page = self.get(path, limit=100, **params)
        yield from page["items"]
        while page["next"]:
            page = _checked(self.http.get(page["next"].partition("/api/v1")[2]))
            yield from page["items"]

    def import_file(self, name: str, content: bytes, hub: str) -> tuple[Json, float]:
        """Import an order file and wait for its job; return the import and the seconds."""
        began = time.perf_counter()
        sent = self.post("/order-imports/", files={"file": (name, content)}, data={"hub": hub})
        ended = self.wait_for(sent["operation"])
        took = time.perf_counter() - began
        if ended["state"] != "succeeded":
            raise RuntimeError(f"{name}: {ended}")
        return self.get(f"/order-imports/{sent['id']}/"), took

    def wait_for(self, operation: str, within_s: float = 600) -> Json:
        """Wait until an operation has ended; return it."""
        state: Json = {}

        def ended() -> bool:
            nonlocal state
            state = self.get(f"/operations/{operation}/")
            return state["state"] in ENDED

        wait_until(ended, within_s)
        return state


def _checked(answer: httpx.Response) -> Json:
    if answer.status_code >= 400:
        raise RuntimeError(f"{answer.request.method} {answer.url}: {answer.text[:1000]}")
    body: Json = answer.json()
    return body


def wait_until(holds: Callable[[], bool], within_s: float) -> float:
    """Wait until a condition holds; return the seconds. Raises TimeoutError."""
    began = time.monotonic()
    while not holds():
        if time.monotonic() - began > within_s:
            raise TimeoutError(f"not within {within_s:.0f} s")
        time.sleep(0.05)
    return time.monotonic() - began


@contextmanager
def running_installation(var: Path | None = None, **environment: str) -> Iterator[Installation]:
    """Start an installation on new data, or on the given folder; stop it at the end.

    ``environment`` are variables besides its own.
    """
    with tempfile.TemporaryDirectory(prefix="lm") as folder_name:
        folder = var or Path(folder_name)
        folder.chmod(0o755)  # PostgreSQL may have to run as another user
        installation = Installation(folder, **environment)
        try:
            yield installation
        finally:
            installation.stop()


def ready(port: int) -> bool:
    """Return True if /readyz answers 200."""
    try:
        answer = httpx.get(f"http://127.0.0.1:{port}/readyz", headers={"Host": "localhost"})
    except httpx.HTTPError:
        return False
    return answer.status_code == 200


def shared_folder(name: str) -> Path:
    """Return a folder of the shared data. Raises if it is absent."""
    named = os.environ.get("LASTMILE_SHARED")
    bases = [Path(named)] if named else [ROOT.parent / "shared", ROOT.parent.parent / "shared"]
    for base in bases:
        if (base / "data" / name).is_dir():
            return base / "data" / name
    raise FileNotFoundError(f"The shared data {name!r} is not here: LASTMILE_SHARED names it.")
