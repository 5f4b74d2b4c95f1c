"""A real `manage.py up` in processes of its own, for tests and tools that need all of Lastmile."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.embedded.helpers import ROOT, own_environment


def manage(var: Path, *words: str, **environment: str) -> subprocess.Popen[str]:
    """Start ``manage.py`` with a data folder; its output, errors included, comes by a pipe."""
    return subprocess.Popen(
        [sys.executable, str(ROOT / "manage.py"), *words],
        env=own_environment()
        | {"LASTMILE_VAR": str(var), "DJANGO_SETTINGS_MODULE": "lastmile.settings"}
        | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


class Running:
    """A running ``manage.py up`` on a free port.

    Parameters
    ----------
    var : Path
        The data folder; it stays, so that a second start is quick.
    options : str
        Options of ``up``, such as ``--demo``.
    environment : str
        Variables beside those of this process that are not about services.

    Raises
    ------
    AssertionError
        If it ends before it is up; the message holds its output.
    """

    def __init__(self, var: Path, *options: str, **environment: str) -> None:
        self.var = var
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port: int = probe.getsockname()[1]
        self.environment = {"PORT": str(self.port)} | environment
        self.process = manage(var, "up", *options, **self.environment)
        self.lines: list[str] = []
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line)
            if "Lastmile is up" in line:
                break
        else:
            raise AssertionError("".join(self.lines))
        # A pipe that is never read fills up and stops the supervisor.
        threading.Thread(target=self.process.stdout.read, daemon=True).start()

    def manage(self, *words: str) -> str:
        """Run another command on the same data folder; return its output.

        Raises
        ------
        AssertionError
            If the command fails.
        """
        command = manage(self.var, *words, **self.environment)
        output, _ = command.communicate(timeout=300)
        assert command.returncode == 0, output
        return output

    def stop(self) -> None:
        """Ask it to stop, as Ctrl-C does, and wait for its end."""
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(timeout=60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()
