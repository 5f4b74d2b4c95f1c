"""The embedded PostgreSQL, which listens on a Unix socket only."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import psycopg

from lastmile.embedded import process
from lastmile.embedded.folders import Folders, make_private
from lastmile.embedded.identity import Identity

MAJOR = "18"
DATABASE = "lastmile"
STOP = signal.SIGINT  # PostgreSQL's fast shutdown: roll back, write, exit
SETTINGS = {
    "listen_addresses": "",  # no TCP: access is limited by the folder with mode 0700
    "unix_socket_permissions": "0700",
    "max_connections": "200",
    # Dropping or dumping fifty schemas of 500 relations takes one lock per relation.
    "max_locks_per_transaction": "1024",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "jit": "off",
    "log_min_messages": "warning",
    "log_checkpoints": "off",
}
DURABLE = {"shared_buffers": "256MB", "fsync": "on", "synchronous_commit": "on",
           "full_page_writes": "on"}  # fmt: skip
THROWAWAY = {"shared_buffers": "128MB", "fsync": "off", "synchronous_commit": "off",
             "full_page_writes": "off", "autovacuum": "off", "max_wal_size": "4GB"}  # fmt: skip


class PostgresFailed(RuntimeError):
    """PostgreSQL cannot be prepared; the message states cause and remedy."""


@dataclass(frozen=True, slots=True)
class Postgres:
    """A PostgreSQL cluster: how to create, start and check it."""

    folders: Folders
    identity: Identity
    durable: bool = True

    def prepare(self) -> None:
        """Create the cluster if there is none, and remove what a crash has left behind."""
        account = self.identity
        make_private(self.folders.run, uid=account.uid, gid=account.gid)
        if not account.data.exists():
            self._initdb()
        version = (account.data / "PG_VERSION").read_text().strip()
        if version != MAJOR:
            raise PostgresFailed(
                f"{account.data} was written by PostgreSQL {version}; this is {MAJOR}. Dump it with"
                " the old version and restore it here, or move the folder away."
            )
        if account.uid is not None and account.data.stat().st_uid != account.uid:
            _give(account.data, account.uid, account.gid or 0)
        self._sweep_stale()

    def argv(self) -> list[str]:
        """Return the server's command line."""
        chosen = SETTINGS | (DURABLE if self.durable else THROWAWAY)
        chosen = chosen | {"unix_socket_directories": str(self.folders.run)}
        flags = [part for name, value in chosen.items() for part in ("-c", f"{name}={value}")]
        return [str(self.identity.home / "bin" / "postgres"), "-D", str(self.identity.data), *flags]

    def ready(self) -> bool:
        """Return True if the server answers queries."""
        try:
            with self._connect("postgres") as connection:
                connection.execute("SELECT 1")
        except psycopg.Error:
            return False
        return True

    def has_database(self) -> bool:
        """Return True if Lastmile's database answers queries."""
        try:
            with self._connect(DATABASE) as connection:
                connection.execute("SELECT 1")
        except psycopg.Error:
            return False
        return True

    def make_database(self) -> None:
        """Create Lastmile's database if it does not exist."""
        with self._connect("postgres") as connection:
            row = connection.execute(
                "SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]
            ).fetchone()
            if row is None:
                connection.execute(f"CREATE DATABASE {DATABASE}")

    def _connect(self, name: str) -> psycopg.Connection:
        return psycopg.connect(
            host=str(self.folders.run), user="postgres", dbname=name, connect_timeout=2,
            autocommit=True,
        )  # fmt: skip

    def _initdb(self) -> None:
        """Run initdb in another folder and rename it, so that a kill leaves no partial cluster."""
        account = self.identity
        half = account.data.with_name(f"{account.data.name}.new")
        shutil.rmtree(half, ignore_errors=True)
        half.parent.mkdir(parents=True, exist_ok=True)
        make_private(half, uid=account.uid, gid=account.gid)
        system_locale = "C.UTF-8" if sys.platform == "linux" else "C"
        flags = ["-U", "postgres", "--auth=trust", "-E", "UTF8", f"--locale={system_locale}",
                 "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]  # fmt: skip
        if not self.durable:
            flags.append("--no-sync")
        child = process.spawn(
            [str(account.home / "bin" / "initdb"), "-D", str(half), *flags],
            run_as=account.run_as,
            # The working directory must be one that the other user can enter.
            cwd=Path("/"),
            env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"},
            output=subprocess.PIPE,
        )
        output, _ = child.communicate()
        if child.returncode != 0:
            text = output.decode(errors="replace").strip()
            raise PostgresFailed(
                f"PostgreSQL's initdb failed in {half}: {text[-800:]} Check that the folder is on a"
                " local disk with free space, or set LASTMILE_VAR to another folder."
            )
        half.rename(account.data)

    def _sweep_stale(self) -> None:
        """Remove the lock files of a dead server, and stop a server that outlived its supervisor.

        The caller holds the flock of the services, so no running supervisor owns that server.
        PostgreSQL itself only checks that the pid exists, and pids are reused.
        """
        data = self.identity.data
        for file in (data / "postmaster.pid", self.folders.run / ".s.PGSQL.5432.lock"):
            try:
                pid = int(re.split(r"\s", file.read_text(), maxsplit=1)[0])
            except (OSError, ValueError):
                continue
            command = process.command_of(pid)
            if "postgres" in command and str(data) in command:
                _stop_orphan(pid, data)
            file.unlink(missing_ok=True)


def _stop_orphan(pid: int, data: Path) -> None:
    os.kill(pid, STOP)
    deadline = time.monotonic() + 30
    while str(data) in process.command_of(pid):
        if time.monotonic() > deadline:
            raise PostgresFailed(
                f"An old PostgreSQL (pid {pid}) is still running on {data} and does not stop. "
                f"Stop it with `kill -QUIT {pid}` and start again."
            )
        time.sleep(0.1)


def _give(folder: Path, uid: int, gid: int) -> None:
    for root, folders, files in os.walk(folder):
        os.chown(root, uid, gid)
        for name in (*folders, *files):
            os.chown(Path(root) / name, uid, gid, follow_symlinks=False)
