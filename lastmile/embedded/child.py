"""A child process of the supervisor: its specification, its restarts and its output."""

from __future__ import annotations

import signal
import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from lastmile.embedded import process

FIRST_DELAY_S = 0.5
LONGEST_DELAY_S = 30.0
STEADY_S = 60.0  # a child that was alive for this time is restarted after the first delay again


def _nothing() -> None:
    return None


@dataclass(frozen=True, slots=True)
class ChildSpec:
    """The command line of a child, and how to start, check and stop it."""

    name: str
    argv: Sequence[str]
    env: Mapping[str, str] | None = None
    run_as: str = "-"
    cwd: Path | None = None
    stop: signal.Signals = signal.SIGTERM
    death: signal.Signals = signal.SIGTERM  # the kernel sends it when the supervisor dies
    prepare: Callable[[], None] = _nothing  # called before every start
    ready: Callable[[], bool] | None = None
    service: bool = False  # services are stopped last, after the processes that use them


@dataclass(slots=True)
class Backoff:
    """The delays between restarts: 0.5 s, doubled up to 30 s, reset after a minute alive."""

    delay: float = FIRST_DELAY_S

    def after(self, alive_s: float) -> float:
        """Return the delay before the restart of a child that was alive for `alive_s` seconds."""
        if alive_s >= STEADY_S:
            self.delay = FIRST_DELAY_S
        current, self.delay = self.delay, min(self.delay * 2, LONGEST_DELAY_S)
        return current


@dataclass(slots=True)
class Child:
    """A child of the supervisor; each start of the child sets a new ``process``."""

    spec: ChildSpec
    say: Callable[[str, str], None]
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    once: bool = False  # run it once, do not restart it
    status: int | None = None  # exit status of a child that runs once
    due: float | None = None  # time of the next start
    deaths: int = 0
    last_words: deque[str] = field(default_factory=lambda: deque(maxlen=12))
    backoff: Backoff = field(default_factory=Backoff)

    def start(self) -> None:
        """Start the process, and a thread that reads its output."""
        self.spec.prepare()
        self.due = None
        self.started = time.monotonic()
        self.process = process.spawn(
            self.spec.argv,
            death=self.spec.death,
            run_as=self.spec.run_as,
            env=self.spec.env,
            cwd=self.spec.cwd,
        )
        pump = threading.Thread(target=self._pump, args=[self.process], daemon=True)
        pump.start()

    def _pump(self, running: subprocess.Popen[bytes]) -> None:
        assert running.stdout is not None
        with running.stdout as lines:
            for line in lines:
                text = line.decode(errors="replace").rstrip()
                self.last_words.append(text)
                self.say(self.spec.name, text)

    def reap(self) -> int | None:
        """Return the exit status if the process has ended, and kill the rest of its group."""
        if self.process is None:
            return None
        status = self.process.poll()
        if status is not None:
            # A killed master leaves its worker pool running, which would hold the port and tasks.
            process.signal_group(self.process, signal.SIGKILL)
            self.process = None
            self.deaths += 1
        return status

    def plan_restart(self) -> float:
        """Set the time of the next start; return the delay in seconds."""
        now = time.monotonic()
        delay = self.backoff.after(now - self.started)
        self.due = now + delay
        return delay

    @property
    def pids(self) -> list[int]:
        """The pid of the current process, or an empty list."""
        return [self.process.pid] if self.process is not None else []
