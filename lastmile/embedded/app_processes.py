"""The application's processes under the supervisor: web, workers, beat, and run-once commands."""

from __future__ import annotations

import json
import os
import socket
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from lastmile import env
from lastmile.embedded.child import ChildSpec

CHECKOUT = Path(__file__).resolve().parents[2]
WEB_STATEMENT_TIMEOUT_S = 5  # a longer query of a page is a bug; workers may take longer
#: The workers with many short tasks. A new process would open its connections and compile its
#: statements and patterns again, at the cost of dozens of tasks. Its memory is limited too.
_KEPT = ("worker", "send")
KEPT_TASKS = 10_000
NO_STATEMENT_TIMEOUT = 0  # migrations have no limit
# Celery warns about root because of pickle, which is not used here (settings: JSON only).
_ROOT_IS_FINE = {"PYTHONWARNINGS": "ignore:You're running the worker with superuser privileges"}


@dataclass(frozen=True, slots=True)
class ProcessSettings:
    """The settings of web server, workers and beat, and the command lines made from them."""

    var: Path
    bind: str
    port: int
    web_workers: int
    solve_workers: int
    trusted_proxies: str

    @classmethod
    def from_environment(cls, var: Path, port: int) -> ProcessSettings:
        """Read the environment variables BIND, WEB_WORKERS, SOLVE_WORKERS and TRUSTED_PROXIES."""
        return cls(
            var=var,
            bind=env.text("BIND", "127.0.0.1"),
            port=port,
            web_workers=env.number("WEB_WORKERS", 1, least=1, most=64),
            solve_workers=env.number("SOLVE_WORKERS", 1, least=1, most=64),
            trusted_proxies=env.text("TRUSTED_PROXIES", "127.0.0.1"),
        )

    def web(self) -> ChildSpec:
        """Return the specification of the web server (ASGI with websockets)."""
        flags = {
            "--host": self.bind,
            "--port": str(self.port),
            "--workers": str(self.web_workers),
            "--forwarded-allow-ips": self.trusted_proxies,
            "--timeout-graceful-shutdown": "5",
            "--ws-max-size": "65536",
            "--ws-ping-interval": "20",
            # A frame for many boards is made once; compressing it again for each of them costs more
            # than all else, and a third of a megabyte of memory for each socket.
            "--ws-per-message-deflate": "false",
            "--log-level": "warning",
        }
        argv = [*_module("uvicorn"), "lastmile.asgi:application", "--no-access-log",
                "--no-server-header", *_flat(flags)]  # fmt: skip
        timeout = os.environ.get("STATEMENT_TIMEOUT_S") or str(WEB_STATEMENT_TIMEOUT_S)
        return _child("web", argv, {"STATEMENT_TIMEOUT_S": timeout}, ready=self.answers)

    def workers(self) -> list[ChildSpec]:
        """Return the specifications of the Celery workers.

        One worker is for solves, one for bulk work such as imports, one for messages, one for all
        other tasks. Two of them get many short tasks, so their processes are kept.
        """
        queues = {
            "worker": ("hot,default", 2),
            "solve": ("solve", self.solve_workers),
            "bulk": ("bulk", 1),
            "send": ("send", 1),
        }
        switches = ("--without-gossip", "--without-mingle")
        specs = []
        for name, (queue, processes) in queues.items():
            flags = {"-n": f"{name}@%h", "-Q": queue, "-c": str(processes), "-l": "WARNING"}
            if name in _KEPT:
                flags["--max-tasks-per-child"] = str(KEPT_TASKS)
            specs.append(_child(name, _celery("worker", flags, *switches), _ROOT_IS_FINE))
        return specs

    def beat(self) -> ChildSpec:
        """Return the specification of Celery beat, which starts the scheduled tasks."""
        return _child("beat", _celery("beat", {"-l": "WARNING"}))

    def demo_shop(self) -> ChildSpec | None:
        """Return the specification of the demo shop; None if the demo made none for this port.

        The shop has an origin of its own: the next port, reachable from this machine only.
        """
        file = self.var / "demo-shop.json"
        if _port_in(file) != self.port:  # its key is for the origin of another port
            return None
        argv = [*_module("portal.choice.demo_shop"), str(file)]
        return _child("shop", argv, ready=lambda: _listens("127.0.0.1", self.shop_port))

    def demo_drivers(self) -> ChildSpec | None:
        """Return the specification of the demo drivers; None if the demo made none for this port.

        They use the driver's app as phones do.
        """
        file = self.var / "demo-drivers.json"
        if _port_in(file, "port") != self.port:
            return None
        return _child("drivers", [*_module("dispatch.driver.demo_drivers"), str(file)])

    def demo_lockers(self) -> list[tuple[ChildSpec, str, int]]:
        """Return the simulated cabinets of the demo: specification, title, and port of the page.

        Without a file of the demo for this port there are none. They use the device plane only.
        """
        file = self.var / "demo-lockers.json"
        if _port_in(file, "port") != self.port:
            return []
        rows = json.loads(file.read_text(encoding="utf-8"))["cabinets"]
        return [
            (
                _child(
                    f"locker{n}",
                    [*_module("lockers.simulator"), "--config", str(file), "--name", row["name"]],
                    ready=partial(_listens, "127.0.0.1", int(row["page"])),
                ),
                str(row["title"]),
                int(row["page"]),
            )
            for n, row in enumerate(rows, 1)
        ]

    @property
    def shop_port(self) -> int:
        """The port of the demo shop."""
        return self.port + 1

    def prepare(self) -> ChildSpec:
        """Return the specification of ``prepare``, which migrates and runs the start-up checks."""
        return self.command("prepare", extra={"STATEMENT_TIMEOUT_S": str(NO_STATEMENT_TIMEOUT)})

    def command(self, name: str, *flags: str, extra: Mapping[str, str] | None = None) -> ChildSpec:
        """Return the specification of a child that runs one management command and ends."""
        argv = [sys.executable, str(CHECKOUT / "manage.py"), name, *flags]
        return _child(name, argv, extra)

    def answers(self) -> bool:
        """Return True if the web server accepts connections."""
        return _listens(self.reachable_at, self.port)

    def port_is_free(self) -> bool:
        """Return True if the port of the web server is free."""
        return _is_free(self.bind, self.port)

    def own_port_is_free(self, port: int) -> bool:
        """Return True if a port for this machine only is free."""
        return _is_free("127.0.0.1", port)

    @property
    def reachable_at(self) -> str:
        """The address at which this machine reaches the web server."""
        return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.bind, self.bind)  # noqa: S104


def _port_in(file: Path, name: str = "api_port") -> int | None:
    """Return the port of Lastmile for which the demo wrote a file, or None."""
    try:
        return int(json.loads(file.read_text(encoding="utf-8"))[name])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _listens(host: str, port: int) -> bool:
    try:
        with socket.create_connection((host, port), timeout=2):
            return True
    except OSError:
        return False


def _is_free(host: str, port: int) -> bool:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except (OSError, OverflowError):  # in use, or no port at all
            return False
    return True


def _module(name: str) -> list[str]:
    return [sys.executable, "-m", name]


def _celery(command: str, flags: Mapping[str, str], *switches: str) -> list[str]:
    app = ["--quiet", "-A", "lastmile.celery"]
    return [*_module("celery"), *app, command, *switches, *_flat(flags)]


def _flat(flags: Mapping[str, str]) -> list[str]:
    return [part for pair in flags.items() for part in pair]


def _child(
    name: str,
    argv: list[str],
    extra: Mapping[str, str] | None = None,
    *,
    ready: Callable[[], bool] | None = None,
) -> ChildSpec:
    environment = {
        **os.environ,
        "PYTHONUNBUFFERED": "1",
        "SKIP_CHECKS": "1",  # for Celery; `prepare` has run Django's checks once for all processes
        "DJANGO_SETTINGS_MODULE": os.environ.get("DJANGO_SETTINGS_MODULE", "lastmile.settings"),
        **(extra or {}),
    }
    return ChildSpec(name, argv, env=environment, cwd=CHECKOUT, ready=ready)
