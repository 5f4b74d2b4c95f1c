"""One solve in a process of its own, with bounded memory, time and patience.

A worker that plans calls ``run``: whatever happens in the child (a crash of native code, memory
run out, a search that never ends) comes back as a typed error, and the worker lives on. The
child dies with its parent: it listens on a pipe that only the parent holds.
"""

from __future__ import annotations

import contextlib
import math
import os
import selectors
import signal
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final

from dispatch.solver.engines.base import Progress
from dispatch.solver.formats.json import dumps, loads, solution_from_json
from dispatch.solver.formats.packed import write
from dispatch.solver.model.cost import cost
from dispatch.solver.model.problem import Problem
from dispatch.solver.process.cli import NO_MEMORY
from dispatch.solver.process.cores import CoreShare
from dispatch.solver.referee.check import check
from dispatch.solver.solve import UNSTEERED, Effort, Phase, Result, Steering
from lastmile.core.errors import DomainError, Invalid

ROOT: Final = Path(__file__).resolve().parents[3]
# No address, key or secret goes along.
KEPT: Final = ("PATH", "LANG", "LC_ALL", "HOME", "TMPDIR", "NUMBA_CACHE_DIR")
ONE_THREAD: Final = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS")
ARENAS: Final = "2"  # of malloc: each further one takes 64 MB of address space for nothing
TICK_S: Final = 0.1
GRACE_S: Final = 3.0  # between "stop" and the kill
TAIL: Final = 2_000
# How want of memory is worded: by Python, C++, the loader, and llvmlite (where its library is not
# there at all, `make` has failed before).
STARVED: Final = (
    "out of memory",
    "MemoryError",
    "bad_alloc",
    "cannot allocate",
    "failed to map",
    "load shared object",
)


class SolveFailed(DomainError):
    """The child brought no plan; nothing has changed."""

    code = "solve_failed"


class SolveCrashed(SolveFailed):
    """The child broke down or answered nonsense: a fault of ours."""

    code = "solve_crashed"
    status = 500


class SolveOutOfMemory(SolveFailed):
    """The problem does not fit into the memory that a solve may take."""

    code = "solve_out_of_memory"


class SolveOutOfTime(SolveFailed):
    """The child did not end in its time and was killed."""

    code = "solve_out_of_time"


class SolveCancelled(SolveFailed):
    """Told to stop, the child did not answer within the grace and was killed."""

    code = "solve_cancelled"


@dataclass(frozen=True, slots=True)
class Limits:
    """What one solve may take.

    Parameters
    ----------
    memory_mb : int
        Address space, with what is mapped but not touched: a thread's stack, compiled code.
    wall_s : float or None
        None means the search's seconds x 1.5 + 60; no limit where it stops by iterations.
    cpu_s : int or None
        Processor time of each thread; None means as much as the wall clock allows it.
    threads : int
        Cores that the search may use; with a ``core_share`` use its ``threads``.
    core_share : CoreShare or None
        With a share (``cores.share_cores``) the child is kept on this solve's cores while other
        solves start and end.
    """

    memory_mb: int = 3_000
    wall_s: float | None = None
    cpu_s: int | None = None
    nice: int = 10
    threads: int = 1
    core_share: CoreShare | None = None


def run(
    problem: Problem,
    *,
    seconds: float | None = None,
    iterations: int | None = None,
    seed: int = 0,
    engine: str | None = None,
    limits: Limits | None = None,
    steering: Steering = UNSTEERED,
) -> Result:
    """Solve in a child process; the plan is refereed once more on this side.

    Give ``seconds`` or ``iterations``. ``steering.should_stop`` is asked ten times a second; when
    it says yes, the child is asked for its best plan so far (``Result.stopped``), and killed if
    that takes longer than ``GRACE_S``.

    Raises
    ------
    SolveCrashed, SolveOutOfMemory, SolveOutOfTime, SolveCancelled
        All of them ``SolveFailed``; the child is gone by then.
    Invalid
        When the child refuses the input, or not exactly one of seconds and iterations is given.
    """
    limits, effort = limits or Limits(), Effort(seconds, iterations)
    with (
        tempfile.TemporaryFile() as errors,
        tempfile.TemporaryFile() as asked,  # nameless: nothing is left, whoever is killed
        tempfile.TemporaryFile() as begun,
    ):
        write(problem, asked)
        asked.seek(0)
        command = _command(asked.fileno(), effort, seed, engine, limits)
        if steering.present:
            start = {vehicle: list(visits) for vehicle, visits in steering.present.items()}
            begun.write(dumps(start).encode())
            begun.seek(0)
            command += ["--present", f"/dev/fd/{begun.fileno()}"]
        with _child(command, (asked.fileno(), begun.fileno()), errors) as it:
            deadline = _deadline(effort, limits)
            line = _Watch(it, deadline, limits.core_share, steering).answer()
            if line is None:
                raise _failure(it, errors)
    return _result(problem, line)


def _command(
    asked_in: int, effort: Effort, seed: int, engine: str | None, limits: Limits
) -> list[str]:
    asked = (
        ["--seconds", str(effort.seconds)]
        if effort.seconds is not None
        else ["--iterations", str(effort.iterations)]
    )
    command = [sys.executable, "-m", "dispatch.solver", f"fd:{asked_in}", "--stream", *asked]
    command += ["--seed", str(seed), "--nice", str(limits.nice)]
    command += ["--memory-mb", str(limits.memory_mb), "--threads", str(limits.threads)]
    if engine is not None:
        command += ["--engine", engine]
    cpu_s = limits.cpu_s or _wall_s(effort, limits)
    if cpu_s is not None:
        command += ["--cpu-seconds", str(math.ceil(cpu_s * limits.threads))]
    return command


@contextlib.contextmanager
def _child(command: list[str], files: tuple[int, ...], errors: IO[bytes]) -> Any:
    """Start the child; on the way out it is gone, whatever happened."""
    kept = {name: os.environ[name] for name in KEPT if name in os.environ}
    threads = dict.fromkeys(ONE_THREAD, "1") | {"MALLOC_ARENA_MAX": ARENAS}
    child = subprocess.Popen(  # noqa: S603 - our own interpreter and module
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=errors,
        cwd=ROOT,
        env=kept | threads | {"PYTHONPATH": str(ROOT)},
        start_new_session=True,
        pass_fds=files,
    )
    try:
        yield child
    finally:
        if child.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
        child.wait()
        for pipe in (child.stdin, child.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()


def _wall_s(effort: Effort, limits: Limits) -> float | None:
    if limits.wall_s is not None:
        return limits.wall_s
    return None if effort.seconds is None else effort.seconds * 1.5 + 60


def _deadline(effort: Effort, limits: Limits) -> float | None:
    wall_s = _wall_s(effort, limits)
    return None if wall_s is None else time.monotonic() + wall_s


class _Watch:
    """Reads the child's lines until the last, minding the clock and the wish to stop."""

    def __init__(
        self,
        child: subprocess.Popen[bytes],
        deadline: float | None,
        core_share: CoreShare | None,
        steering: Steering,
    ) -> None:
        self.child, self.deadline, self.core_share = child, deadline, core_share
        self.on_progress, self.should_stop = steering.on_progress, steering.should_stop
        self.asked_at: float | None = None

    def answer(self) -> dict[str, Any] | None:
        """Return the child's last line, or None when it ended without one."""
        assert self.child.stdout is not None
        pipe, rest = self.child.stdout.fileno(), b""
        with selectors.DefaultSelector() as ready:
            ready.register(pipe, selectors.EVENT_READ)
            while True:
                if ready.select(TICK_S):
                    piece = os.read(pipe, 1 << 20)
                    if not piece:
                        return None
                    *lines, rest = (rest + piece).split(b"\n")
                    for line in lines:
                        final = self._line(line)
                        if final is not None:
                            return final
                self._mind()

    def _line(self, line: bytes) -> dict[str, Any] | None:
        try:
            data = loads(line)
        except Invalid as fault:
            raise SolveCrashed(f"The solver's answer cannot be read: {fault.detail}") from fault
        progress = data.get("progress")
        if progress is None:
            return dict(data)
        if self.on_progress is not None:
            self.on_progress(Progress(**progress))
        return None

    def _mind(self) -> None:
        now = time.monotonic()
        if self.core_share is not None:
            self.core_share.hold(self.child.pid)
        if self.deadline is not None and now > self.deadline:
            raise SolveOutOfTime(
                "The solver did not end in its time and was stopped. Try again; if it happens "
                "again, plan fewer orders at once."
            )
        if self.asked_at is not None:
            if now - self.asked_at > GRACE_S:
                raise SolveCancelled("The search was cancelled before it had a plan.")
        elif self.should_stop is not None and self.should_stop():
            self.asked_at = now
            if self.child.stdin is not None:
                threading.Thread(target=_say_stop, args=(self.child.stdin,), daemon=True).start()


def _say_stop(pipe: IO[bytes]) -> None:
    with contextlib.suppress(OSError, ValueError):
        pipe.write(b"stop\n")
        pipe.flush()


def _failure(child: subprocess.Popen[bytes], errors: IO[bytes]) -> Exception:
    """Name what ended the child: its exit status, its signal, its last words."""
    try:
        status = child.wait(timeout=GRACE_S)
    except subprocess.TimeoutExpired:
        return SolveCrashed("The solver fell silent without a plan and was killed. Try again.")
    errors.seek(0, os.SEEK_END)
    errors.seek(max(0, errors.tell() - TAIL))
    words = errors.read().decode(errors="replace").strip()
    if status == 2:
        return Invalid(words or "The solver refused the problem.")
    if status == NO_MEMORY or any(word.lower() in words.lower() for word in STARVED):
        return SolveOutOfMemory(
            "The problem does not fit into the memory one solve may take. Plan fewer orders at "
            "once, or raise the limit.",
            data={"exit_status": status},
        )
    if status in (-signal.SIGXCPU, -signal.SIGKILL):
        return SolveOutOfTime(
            "The solver was stopped for taking too much. Plan fewer orders at once.",
            data={"exit_status": status},
        )
    return SolveCrashed(
        f"The solver broke down (exit status {status}). Try again; if it happens again, report "
        f"these words: {words[-500:]}",
        data={"exit_status": status},
    )


def _result(problem: Problem, line: dict[str, Any]) -> Result:
    """Read the child's answer and referee it once more."""
    solution = solution_from_json(line["solution"])
    violations = check(problem, solution)
    if violations:
        raise SolveCrashed(f"The solver's plan does not hold: {violations[:3]}")
    return Result(
        solution=solution,
        cost=cost(problem, solution),
        engine=str(line["engine"]),
        seed=int(line["seed"]),
        work=tuple(Phase(p["engine"], p["seed"], tuple(p["counts"])) for p in line["work"]),
        seconds=float(line["seconds"]),
        stopped=bool(line["stopped"]),
    )
