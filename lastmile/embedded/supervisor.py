"""The supervisor: starts child processes, restarts them with back-off, and stops them in order."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from types import FrameType, TracebackType
from typing import Self

from lastmile.embedded import process
from lastmile.embedded.child import Child, ChildSpec

GRACE_S = 10.0
HOPELESS_DEATHS = 5  # give up after these deaths at the start; later, always restart
GUARDIAN = Path(__file__).with_name("guardian.py")
STOPPERS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Stopping(Exception):
    """The supervisor was asked to stop."""


class NotReady(RuntimeError):
    """A child does not become ready; the message names it and has its last output."""


class Supervisor:
    """A set of child processes with one loop in the main thread.

    The loop waits in select() until a signal arrives (also when a child dies) or a restart is due.
    Use the supervisor as a context manager: at the end of the block it stops every child.

    Parameters
    ----------
    say
        Called with a child's name and each line of its output, and with the supervisor's own
        messages.
    pidfiles
        JSON files {name: [pid]} that are updated after each start.
    """

    def __init__(
        self,
        say: Callable[[str, str], None],
        pidfiles: Iterable[Path] = (),
        grace_s: float = GRACE_S,
    ) -> None:
        self.say = say
        self.pidfiles = list(pidfiles)
        self.grace_s = grace_s
        self.children: dict[str, Child] = {}
        self.asked_to_stop = False
        self._wake_read, self._wake_write = os.pipe()
        os.set_blocking(self._wake_read, False)
        os.set_blocking(self._wake_write, False)
        self._old_handlers: dict[signal.Signals, object] = {}
        self._guardian: subprocess.Popen[bytes] | None = None

    # --- life ---------------------------------------------------------------------------------
    def __enter__(self) -> Self:
        # Always set handlers: a background shell starts programs with SIGINT ignored.
        for number in (*STOPPERS, signal.SIGCHLD):
            self._old_handlers[number] = signal.signal(number, self._on_signal)
        self._old_wakeup = signal.set_wakeup_fd(self._wake_write, warn_on_full_buffer=False)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        fault: BaseException | None,
        trace: TracebackType | None,
    ) -> bool:
        try:
            self.stop()
        finally:
            signal.set_wakeup_fd(self._old_wakeup)
            for number, handler in self._old_handlers.items():
                signal.signal(number, handler)  # type: ignore[arg-type]
            os.close(self._wake_read)
            os.close(self._wake_write)
        return kind is not None and issubclass(kind, Stopping)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        if number != signal.SIGCHLD:
            self.asked_to_stop = True

    # --- work ---------------------------------------------------------------------------------
    def start(self, spec: ChildSpec) -> None:
        """Start a child; from now on it is restarted when it dies."""
        child = self.children[spec.name] = Child(spec, self.say)
        child.start()
        self._tell_pids()

    def wait_ready(self, names: Iterable[str], timeout_s: float) -> None:
        """Wait until each named child is ready, and restart other children if they die.

        Raises
        ------
        NotReady
            A child is not ready after `timeout_s` seconds, or dies again and again.
        Stopping
            The supervisor was asked to stop.
        """
        deadline = time.monotonic() + timeout_s
        waiting = list(names)
        while waiting:
            waiting = [name for name in waiting if not self._answers(name)]
            hopeless = [n for n in waiting if self.children[n].deaths >= HOPELESS_DEATHS]
            if hopeless or (waiting and time.monotonic() > deadline):
                raise NotReady(self._why(hopeless or waiting))
            if waiting:
                self.step(0.05)

    def _why(self, names: list[str]) -> str:
        parts = []
        for name in names:
            child = self.children[name]
            fault = f"died {child.deaths} times" if child.deaths else "does not answer"
            parts.append(
                f"{name} {fault} at the start. Its output:\n" + "\n".join(child.last_words)
            )
        return "\n".join(parts)

    def _answers(self, name: str) -> bool:
        child = self.children[name]
        alive = child.process is not None and child.process.poll() is None
        return alive and (child.spec.ready is None or child.spec.ready())

    def run_once(self, spec: ChildSpec) -> int:
        """Run a child once and return its exit status; restart other children if they die."""
        child = self.children[spec.name] = Child(spec, self.say, once=True)
        child.start()
        self._tell_pids()
        try:
            while child.status is None:
                self.step(None)
        finally:
            self._end([child])
            del self.children[spec.name]
            self._tell_pids()
        return child.status

    def run(self) -> None:
        """Keep all children alive until asked to stop."""
        while True:
            self.step(None)

    def step(self, timeout_s: float | None) -> None:
        """Wait for the next signal or restart, then reap and restart children.

        Raises Stopping when the supervisor was asked to stop.
        """
        dues = [child.due for child in self.children.values() if child.due is not None]
        if dues:
            until = max(0.0, min(dues) - time.monotonic())
            timeout_s = until if timeout_s is None else min(timeout_s, until)
        if not self.asked_to_stop:
            select.select([self._wake_read], [], [], timeout_s)
            with contextlib.suppress(BlockingIOError):
                os.read(self._wake_read, 4096)
        if self.asked_to_stop:
            raise Stopping
        if self._guardian is not None and self._guardian.poll() is not None:
            self._tell_pids()
        for child in list(self.children.values()):
            self._heal(child)

    def _heal(self, child: Child) -> None:
        status = child.reap()
        if status is not None and child.once:
            child.status = status
        elif status is not None:
            delay = child.plan_restart()
            name = child.spec.name
            self.say("up", f"{name} {_ending(status)}; starting it again in {delay:g} s")
        if child.due is not None and time.monotonic() >= child.due:
            try:
                child.start()
            except (OSError, RuntimeError) as fault:
                self.say("up", f"{child.spec.name} cannot be started: {fault}")
                child.plan_restart()
            self._tell_pids()

    # --- the end ------------------------------------------------------------------------------
    def stop(self) -> None:
        """Stop all children: first those that use the services, then the services."""
        for service in (False, True):
            self._end([c for c in self.children.values() if c.spec.service is service])
        for file in self.pidfiles:
            file.unlink(missing_ok=True)
        if self._guardian is not None and self._guardian.stdin is not None:
            with contextlib.suppress(BrokenPipeError):
                self._guardian.stdin.write(b"{}\n")
                self._guardian.stdin.close()
            self._guardian.wait()

    def _end(self, children: list[Child]) -> None:
        running = [(c, c.process) for c in children if c.process is not None]
        for child, one in running:
            child.due = None
            if one.poll() is None:
                # Signal only the master process: it stops its own pool.
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.kill(one.pid, child.spec.stop)
        deadline = time.monotonic() + self.grace_s
        while any(one.poll() is None for _, one in running) and time.monotonic() < deadline:
            select.select([self._wake_read], [], [], 0.2)
            with contextlib.suppress(BlockingIOError):
                os.read(self._wake_read, 4096)
        for child, one in running:
            process.signal_group(one, signal.SIGKILL)
            one.wait()
            child.process = None

    def _tell_pids(self) -> None:
        """Update the pid files, and tell the guardian the pids."""
        pids = {name: child.pids for name, child in self.children.items() if not child.once}
        for file in self.pidfiles:
            file.parent.mkdir(parents=True, exist_ok=True)
            half = file.with_name(f"{file.name}.{os.getpid()}")
            half.write_text(json.dumps(pids))
            half.replace(file)
        self._tell_guardian()

    def _tell_guardian(self) -> None:
        message = {
            "users": [pid for c in self.children.values() if not c.spec.service for pid in c.pids],
            "services": [
                (pid, int(c.spec.stop))
                for c in self.children.values()
                if c.spec.service
                for pid in c.pids
            ],
        }
        if self._guardian is None or self._guardian.poll() is not None:
            # Not bound to this process: the guardian must outlive it by some seconds.
            self._guardian = subprocess.Popen(
                [sys.executable, "-I", "-S", str(GUARDIAN)],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        assert self._guardian.stdin is not None
        with contextlib.suppress(
            BrokenPipeError
        ):  # it was just killed: the next step starts another
            self._guardian.stdin.write(json.dumps(message).encode() + b"\n")
            self._guardian.stdin.flush()


def _ending(status: int) -> str:
    if status >= 0:
        return f"ended with status {status}"
    try:
        return f"was ended by {signal.Signals(-status).name}"
    except ValueError:
        return f"was ended by signal {-status}"
