"""The two services on one LASTMILE_VAR: who may run them, and their children for a supervisor."""

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

READY_S = 300.0  # crash recovery of a large database takes its time


class ServicesInUse(RuntimeError):
    """Another process runs the services on this data; the message says who."""


def lock_holder(folders: Folders) -> tuple[str, int] | None:
    """Return (kind, pid) of the process that runs the services on this data, if any does."""
    try:
        descriptor = os.open(folders.lock, os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        said = os.pread(descriptor, 200, 0).decode(errors="replace").split()
        return (said[0], int(said[1])) if len(said) == 2 else ("another process", 0)
    else:
        return None
    finally:
        os.close(descriptor)


@dataclass(slots=True)
class Services:
    """The embedded services that the environment leaves to us.

    Parameters
    ----------
    kind
        `up` or `keeper`: what a second start is told.
    durable
        False for tests alone: a crash may lose data.
    """

    folders: Folders
    kind: str
    durable: bool = True
    wants_postgres: bool = field(default_factory=urls.wants_postgres)
    wants_valkey: bool = field(default_factory=urls.wants_valkey)
    note: str = ""
    _lock: int | None = None

    def take(self, *, wait: bool = False) -> None:
        """Take the data for this process until it dies, or `wait` for the one who has it.

        Raises
        ------
        ServicesInUse
            Another living process has it.
        """
        self.folders.make_var()
        descriptor = os.open(self.folders.lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            os.close(descriptor)
            kind, pid = lock_holder(self.folders) or ("another process", 0)
            raise ServicesInUse(
                f"Lastmile already runs on {self.folders.var} ({kind}, pid {pid}). "
                "Stop that one first, or set LASTMILE_VAR to another folder."
            ) from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{self.kind} {os.getpid()}\n".encode(), 0)
        self._lock = descriptor

    def release(self) -> None:
        """Give the data back after a stop, and leave no socket folder behind in /tmp."""
        if self._lock is not None and self.folders.run.parent != self.folders.var:
            shutil.rmtree(self.folders.run, ignore_errors=True)
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def specs(self) -> list[ChildSpec]:
        """Return the services' children, ready to be supervised; call after `take()`."""
        made: list[ChildSpec] = []
        if self.wants_postgres:
            account = identity.choose(self.folders)
            self.note = account.note
            server = Postgres(self.folders, account, self.durable)
            made.append(
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
            made.append(
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
        return made

    def start(self, supervisor: Supervisor) -> None:
        """Start the services and return when they answer and the database exists."""
        specs = self.specs()
        if self.note:
            supervisor.say("up", self.note)
        for spec in specs:
            supervisor.start(spec)
        supervisor.wait_ready([spec.name for spec in specs], READY_S)
        if self.wants_postgres:
            Postgres(self.folders, identity.choose(self.folders), self.durable).make_database()
