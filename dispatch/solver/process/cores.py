"""Which cores a solve may use, now that others solve too. PURE.

Every solve on a machine holds a locked file in one folder for as long as it runs; the file says
whose plan it is. All of them read the same folder and reckon the same shares, so nobody has to
ask anybody. A process that dies loses its lock, and the next one that looks removes its file:
nothing has to be tidied up.

A plan that began alone is not left with all cores when others come: its threads stay, and are
moved onto the cores of its present share. Shares are even between owners first, then between the
plans of one owner: twenty plans of one retailer weigh as much as the one of another.
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
LOOK_S: Final = 1.0  # between two looks at who else solves
_BOOT = Path("/proc/sys/kernel/random/boot_id")
_QUOTA = Path("/sys/fs/cgroup/cpu.max")
_numbers = itertools.count()


def usable() -> tuple[int, ...]:
    """Return the cores this process may use: its affinity, and no more than its quota of time."""
    if hasattr(os, "sched_getaffinity"):
        cores = tuple(sorted(os.sched_getaffinity(0)))
    else:
        cores = tuple(range(os.cpu_count() or 1))
    with contextlib.suppress(OSError, ValueError):
        quota, period = _QUOTA.read_text(encoding="ascii").split()
        return cores[: max(1, -(-int(quota) // int(period)))]
    return cores


def machine() -> str:
    """Return a word that names this machine until it starts again; folders may be shared."""
    try:
        return _BOOT.read_text(encoding="ascii").strip()
    except OSError:
        return socket.gethostname()


def divide_cores(owners: Sequence[str], cores: int) -> list[tuple[int, ...]]:
    """Share out cores, numbered from 0, among plans, given as their owners' names.

    With cores for everybody, owners get equally many (the first to come one more where it does
    not come out even) and so do an owner's plans. With fewer, owners or plans share a core, and
    whoever has the most plans is put where the fewest are.
    """
    plans_of: dict[str, list[int]] = {}
    for plan, owner in enumerate(owners):
        plans_of.setdefault(owner, []).append(plan)
    found: list[tuple[int, ...]] = [()] * len(owners)
    groups = list(plans_of.values())
    for plans, own in zip(groups, _dealt([len(p) for p in groups], range(cores)), strict=True):
        for plan, its in zip(plans, _dealt([1] * len(plans), own), strict=True):
            found[plan] = its
    return found


def _dealt(sizes: Sequence[int], cores: Sequence[int]) -> list[tuple[int, ...]]:
    """Give each of several takers neighbouring cores, or the emptiest one where too few are."""
    many = len(sizes)
    if many <= len(cores):
        each, more = divmod(len(cores), many)
        edges = [0, *itertools.accumulate(each + (at < more) for at in range(many))]
        return [tuple(cores[a:b]) for a, b in itertools.pairwise(edges)]
    load = dict.fromkeys(cores, 0)
    given: list[tuple[int, ...]] = [()] * many
    for taker in sorted(range(many), key=lambda at: (-sizes[at], at)):
        core = min(cores, key=lambda c: (load[c], c))
        load[core] += sizes[taker]
        given[taker] = (core,)
    return given


@dataclass(slots=True)
class CoreShare:
    """A solve's place among those of this machine."""

    folder: Path
    name: str
    cores: tuple[int, ...]
    threads: int = 1  # what it was given when it began
    _looked: float = field(default=float("-inf"), init=False)
    _held: dict[int, tuple[int, ...]] = field(default_factory=dict, init=False)

    def share(self) -> tuple[int, ...]:
        """Return the cores that are its own at this moment."""
        running = _running(self.folder)
        names = [name for name, _owner in running]
        if self.name not in names:
            return self.cores  # somebody emptied the folder: nobody's share is known
        at = names.index(self.name)
        numbers = divide_cores([owner for _name, owner in running], len(self.cores))[at]
        return tuple(self.cores[number] for number in numbers)

    def hold(self, pid: int) -> None:
        """Keep a process, all its threads, on the present share; looks once a second."""
        now = time.monotonic()
        if now < self._looked + LOOK_S or not hasattr(os, "sched_setaffinity"):
            return
        self._looked = now
        share = self.share()
        threads = Path(f"/proc/{pid}/task")
        with contextlib.suppress(OSError, ValueError):  # it has ended meanwhile
            for thread in [int(path.name) for path in threads.iterdir()]:
                if self._held.get(thread) != share:
                    os.sched_setaffinity(thread, share)
                    self._held[thread] = share


@contextlib.contextmanager
def share_cores(
    folder: Path, owner: str, cores: Sequence[int] | None = None
) -> Iterator[CoreShare]:
    """Take a place among the solves of this machine for the length of a block.

    Parameters
    ----------
    folder : Path
        The same for all; made where it is missing.
    owner : str
        Whose plan it is, e.g. the retailer's schema.
    cores : sequence of int, optional
        Those that solves may use, the same for all; by default what ``usable`` says.
    """
    mine = usable() if cores is None else tuple(cores)
    own = folder / machine()
    own.mkdir(mode=0o700, parents=True, exist_ok=True)
    name = f"{time.monotonic_ns():020d}-{os.getpid()}-{next(_numbers)}"
    path, making = own / f"{name}{SUFFIX}", own / f"{name}.making"
    with making.open("w", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.write(owner)
        file.flush()
        making.rename(path)  # only now do others see it, locked
        try:
            taken = CoreShare(own, name, mine)
            taken.threads = len(taken.share())
            yield taken
        finally:
            path.unlink(missing_ok=True)


def _running(folder: Path) -> list[tuple[str, str]]:
    """Return (name, owner) of the solves that live, the first to come first; bury the dead."""
    found: list[tuple[str, str]] = []
    for path in sorted(folder.glob(f"*{SUFFIX}")):
        try:
            with path.open(encoding="utf-8") as file:
                if _is_locked(file.fileno()):
                    found.append((path.stem, file.read()))
                else:
                    path.unlink(missing_ok=True)
        except FileNotFoundError:
            continue
    return found


def _is_locked(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    return False
