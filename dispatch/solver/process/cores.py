"""The division of CPU cores among the solves that run on a machine. PURE.

Each running solve holds a lock on a file in a common folder; the file names the owner of the
plan. All solves read this folder and compute the same shares, without any other communication. A
process that dies loses its lock. The next solve that reads the folder then removes its file.

Shares change while solves run: the threads of a solve are moved to the cores of its present
share. The cores are divided evenly among owners first, and then among the plans of each owner.
Twenty plans of one retailer together get the same number of cores as one plan of another.
"""

from __future__ import annotations

import contextlib
import fcntl
import itertools
import os
import socket
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

SUFFIX: Final = ".solve"
REFRESH_S: Final = 1.0  # seconds between two computations of the share
_BOOT = Path("/proc/sys/kernel/random/boot_id")
_QUOTA = Path("/sys/fs/cgroup/cpu.max")
_numbers = itertools.count()


def usable() -> tuple[int, ...]:
    """Return the cores that this process may use, by its CPU affinity and its cgroup quota."""
    if hasattr(os, "sched_getaffinity"):
        cores = tuple(sorted(os.sched_getaffinity(0)))
    else:
        cores = tuple(range(os.cpu_count() or 1))
    with contextlib.suppress(OSError, ValueError):
        quota, period = _QUOTA.read_text(encoding="ascii").split()
        return cores[: max(1, -(-int(quota) // int(period)))]
    return cores


def machine() -> str:
    """Return an id of this machine since its last start.

    The folder of solves may be shared between machines, so each machine needs its own part.
    """
    try:
        return _BOOT.read_text(encoding="ascii").strip()
    except OSError:
        return socket.gethostname()


def divide_cores(owners: Sequence[str], cores: int) -> list[tuple[int, ...]]:
    """Divide cores, numbered from 0, among plans; return the cores of each plan.

    ``owners`` lists the owner of each plan, in the order in which the plans began. If there are
    enough cores, each owner gets the same number (the first owners one more if there is a
    remainder), and so does each plan of an owner. Otherwise owners or plans share a core: the
    owner with the most plans comes first and gets the core with the fewest plans.
    """
    plans_of: dict[str, list[int]] = {}
    for plan, owner in enumerate(owners):
        plans_of.setdefault(owner, []).append(plan)
    shares: list[tuple[int, ...]] = [()] * len(owners)
    groups = list(plans_of.values())
    for plans, own in zip(groups, _divide([len(p) for p in groups], range(cores)), strict=True):
        for plan, share in zip(plans, _divide([1] * len(plans), own), strict=True):
            shares[plan] = share
    return shares


def _divide(sizes: Sequence[int], cores: Sequence[int]) -> list[tuple[int, ...]]:
    """Give each receiver adjacent cores; if there are too few, the core with the least load.

    ``sizes`` is the number of plans of each receiver.
    """
    many = len(sizes)
    if many <= len(cores):
        each, more = divmod(len(cores), many)
        edges = [0, *itertools.accumulate(each + (at < more) for at in range(many))]
        return [tuple(cores[a:b]) for a, b in itertools.pairwise(edges)]
    load = dict.fromkeys(cores, 0)
    shares: list[tuple[int, ...]] = [()] * many
    for receiver in sorted(range(many), key=lambda at: (-sizes[at], at)):
        core = min(cores, key=lambda c: (load[c], c))
        load[core] += sizes[receiver]
        shares[receiver] = (core,)
    return shares


@dataclass(slots=True)
class CoreShare:
    """The share of this machine's cores that belongs to one solve."""

    folder: Path
    name: str
    cores: tuple[int, ...]
    threads: int = 1  # the number of cores in the share when the solve began
    _refreshed: float = field(default=float("-inf"), init=False)
    _affinity: dict[int, tuple[int, ...]] = field(default_factory=dict, init=False)

    def share(self) -> tuple[int, ...]:
        """Return the cores of this solve at this moment."""
        running = _running(self.folder)
        names = [name for name, _owner in running]
        if self.name not in names:
            return self.cores  # the folder was emptied from outside, so no share is known
        at = names.index(self.name)
        numbers = divide_cores([owner for _name, owner in running], len(self.cores))[at]
        return tuple(self.cores[number] for number in numbers)

    def hold(self, pid: int) -> None:
        """Keep all threads of a process on the present share; refreshed once a second."""
        now = time.monotonic()
        if now < self._refreshed + REFRESH_S or not hasattr(os, "sched_setaffinity"):
            return
        self._refreshed = now
        share = self.share()
        threads = Path(f"/proc/{pid}/task")
        with contextlib.suppress(OSError, ValueError):  # the process may have ended meanwhile
            for thread in [int(path.name) for path in threads.iterdir()]:
                if self._affinity.get(thread) != share:
                    os.sched_setaffinity(thread, share)
                    self._affinity[thread] = share


@contextlib.contextmanager
def share_cores(
    folder: Path, owner: str, cores: Sequence[int] | None = None
) -> Iterator[CoreShare]:
    """Register a solve on this machine for the length of a block; yield its share of the cores.

    Parameters
    ----------
    folder : Path
        The common folder of all solves; created if it is missing.
    owner : str
        Owner of the plan, e.g. the retailer's schema.
    cores : sequence of int, optional
        Cores that solves may use, the same for all solves; by default those of ``usable``.
    """
    all_cores = usable() if cores is None else tuple(cores)
    machine_folder = folder / machine()
    machine_folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    name = f"{time.monotonic_ns():020d}-{os.getpid()}-{next(_numbers)}"
    path, unlisted = machine_folder / f"{name}{SUFFIX}", machine_folder / f"{name}.making"
    with unlisted.open("w", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.write(owner)
        file.flush()
        unlisted.rename(path)  # other solves see the file only now, when it is locked
        try:
            share = CoreShare(machine_folder, name, all_cores)
            share.threads = len(share.share())
            yield share
        finally:
            path.unlink(missing_ok=True)


def _running(folder: Path) -> list[tuple[str, str]]:
    """Return (name, owner) of each running solve, oldest first; remove files of dead solves."""
    running: list[tuple[str, str]] = []
    for path in sorted(folder.glob(f"*{SUFFIX}")):
        try:
            with path.open(encoding="utf-8") as file:
                if _is_locked(file.fileno()):
                    running.append((path.stem, file.read()))
                else:
                    path.unlink(missing_ok=True)
        except FileNotFoundError:
            continue
    return running


def _is_locked(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    return False
