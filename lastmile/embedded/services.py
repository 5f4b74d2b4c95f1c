"""The embedded PostgreSQL and Valkey of one LASTMILE_VAR: their lock and their processes."""

from __future__ import annotations

import fcntl
import os
import shutil
from dataclasses import dataclass, field
from pathlib import Path

from lastmile.embedded import identity, urls, valkey
from lastmile.embedded import postgres as pg
from lastmile.embedded.child import ChildSpec
from lastmile.embedded.folders import Folders, make_private
from lastmile.embedded.postgres import Postgres
from lastmile.embedded.supervisor import Supervisor
from lastmile.embedded.valkey import Valkey

READY_S = 300.0  # the crash recovery of a large database may take minutes


class ServicesInUse(RuntimeError):
    """Another process runs the services on this data; the message names it."""


def lock_holder(folders: Folders) -> tuple[str, int] | None:
    """Return (kind, pid) of the process that runs the services on this data, or None."""
    try:
        descriptor = os.open(folders.lock, os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        words = os.pread(descriptor, 200, 0).decode(errors="replace").split()
        return (words[0], int(words[1])) if len(words) == 2 else ("another process", 0)
    else:
        return None
    finally:
        os.close(descriptor)


@dataclass(slots=True)
class Services:
    """The embedded services that are needed because the environment names no other server.

    Parameters
    ----------
    kind
        `up` or `keeper`; a second start shows it in its error message.
    durable
        False only for tests: a crash may lose data.
    """

    folders: Folders
    kind: str
    durable: bool = True
    wants_postgres: bool = field(default_factory=urls.wants_postgres)
    wants_valkey: bool = field(default_factory=urls.wants_valkey)
    note: str = ""
    _lock: int | None = None

    def take(self, *, wait: bool = False) -> None:
        """Lock the data for this process until it ends; with `wait`, wait for another process.

        Raises
        ------
        ServicesInUse
            Another running process holds the lock.
        """
        self.folders.make_var()
        descriptor = os.open(self.folders.lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            os.close(descriptor)
            kind, pid = lock_holder(self.folders) or ("another process", 0)
            raise ServicesInUse(
                f"Lastmile is already running on {self.folders.var} ({kind}, pid {pid}). "
                "Stop it first, or set LASTMILE_VAR to another folder."
            ) from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{self.kind} {os.getpid()}\n".encode(), 0)
        self._lock = descriptor

    def release(self) -> None:
        """Release the lock after a stop, and delete a socket folder in /tmp."""
        if self._lock is not None and self.folders.run.parent != self.folders.var:
            shutil.rmtree(self.folders.run, ignore_errors=True)
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def specs(self) -> list[ChildSpec]:
        """Return the processes of the services for a supervisor; call it after `take()`."""
        specs: list[ChildSpec] = []
        if self.wants_postgres:
            account = identity.choose(self.folders)
            self.note = account.note
            server = Postgres(self.folders, account, self.durable)
            specs.append(
                ChildSpec(
                    "postgres",
                    server.argv(),
                    run_as=account.run_as,
                    cwd=Path("/"),
                    stop=pg.STOP,
                    death=pg.STOP,
                    prepare=server.prepare,
                    ready=server.ready,
                    service=True,
                )
            )
        else:
            make_private(self.folders.run)
        if self.wants_valkey:
            store = Valkey(self.folders, self.durable)
            specs.append(
                ChildSpec(
                    "valkey",
                    store.argv(),
                    stop=valkey.STOP,
                    death=valkey.STOP,
                    prepare=store.prepare,
                    ready=store.ready,
                    service=True,
                )
            )
        return specs

    def start(self, supervisor: Supervisor) -> None:
        """Start the services; return when they answer and the database exists."""
        specs = self.specs()
        if self.note:
            supervisor.say("up", self.note)
        for spec in specs:
            supervisor.start(spec)
        supervisor.wait_ready([spec.name for spec in specs], READY_S)
        if self.wants_postgres:
            Postgres(self.folders, identity.choose(self.folders), self.durable).make_database()
