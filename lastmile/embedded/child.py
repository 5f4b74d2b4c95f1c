"""One supervised child: what it is, how it is started again, what it says."""

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
STEADY_S = 60.0  # alive this long: the next death is a new story


def _nothing() -> None:
    return None


@dataclass(frozen=True, slots=True)
class ChildSpec:
    """How one child is started, greeted and stopped."""

    name: str
    argv: Sequence[str]
    env: Mapping[str, str] | None = None
    run_as: str = "-"
    cwd: Path | None = None
    stop: signal.Signals = signal.SIGTERM
    death: signal.Signals = signal.SIGTERM  # what the kernel sends when the supervisor dies
    prepare: Callable[[], None] = _nothing  # before every start
    ready: Callable[[], bool] | None = None
    service: bool = False  # stopped last, after those who use it


@dataclass(slots=True)
class Backoff:
    """Delays between restarts: 0.5 s doubling to 30 s, forgotten after a minute alive."""

    delay: float = FIRST_DELAY_S

    def after(self, alive_s: float) -> float:
        """Return how long to wait after a life of `alive_s` seconds."""
        if alive_s >= STEADY_S:
            self.delay = FIRST_DELAY_S
        now, self.delay = self.delay, min(self.delay * 2, LONGEST_DELAY_S)
        return now


@dataclass(slots=True)
class Child:
    """A child and its present process."""

    spec: ChildSpec
    say: Callable[[str, str], None]
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    once: bool = False  # run to its end, not kept alive
    status: int | None = None  # how a run to the end ended
    due: float | None = None  # when to start again
    deaths: int = 0
    last_words: deque[str] = field(default_factory=lambda: deque(maxlen=12))
    backoff: Backoff = field(default_factory=Backoff)

    def start(self) -> None:
        """Start it, and pump what it says."""
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
        """Return the exit status of a process that has just ended, and end its group."""
        if self.process is None:
            return None
        status = self.process.poll()
        if status is not None:
            # A killed master leaves its pool behind, which would hold the port and the tasks.
            process.signal_group(self.process, signal.SIGKILL)
            self.process = None
            self.deaths += 1
        return status

    def plan_restart(self) -> float:
        """Decide when it starts again; return the delay."""
        now = time.monotonic()
        delay = self.backoff.after(now - self.started)
        self.due = now + delay
        return delay

    @property
    def pids(self) -> list[int]:
        """Pids of the present process."""
        return [self.process.pid] if self.process is not None else []
