"""Runs the services for as long as somebody uses them: behind one-off commands and tests.

    python -m lastmile.embedded.keeper VAR [--throwaway]

Each user holds a shared flock on VAR/services.users, which the kernel releases however the user
ends. The keeper waits for the exclusive one: it gets it when the last user is gone, and stops.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from lastmile.embedded import identity
from lastmile.embedded.folders import Folders
from lastmile.embedded.postgres import Postgres
from lastmile.embedded.services import READY_S, Services, ServicesInUse, lock_holder
from lastmile.embedded.supervisor import Supervisor
from lastmile.embedded.valkey import Valkey


class NoServices(RuntimeError):
    """The services could not be started for a command; the message holds their last words."""


def main(argv: list[str]) -> int:
    """Keep the services until the last user is gone."""
    folders = Folders(Path(argv[0]).resolve())
    services = Services(folders, "keeper", durable="--throwaway" not in argv)
    try:
        services.take()
    except ServicesInUse:
        return 0  # somebody was faster: the users find those services
    try:
        with Supervisor(_say) as supervisor:
            services.start(supervisor)
            threading.Thread(target=_stop_after_last_user, args=[folders], daemon=True).start()
            supervisor.run()
    except RuntimeError as fault:
        _say("keeper", str(fault))
        return 1
    finally:
        services.release()
    return 0


def _say(name: str, line: str) -> None:
    # One write a line: several children speak at once.
    print(f"{name}: {line}\n", end="", flush=True)  # noqa: T201 (its log file)


def _stop_after_last_user(folders: Folders) -> None:
    descriptor = os.open(folders.users, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    # Kept until the process ends: a new user waits for our end, then starts a keeper anew.
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    os.kill(os.getpid(), signal.SIGTERM)


@contextlib.contextmanager
def services_in_use(var: Path, *, durable: bool = True) -> Iterator[None]:
    """Use the services on `var` within the block: the running ones, else ones started for it.

    Safe for any number of processes at once; the last one's end stops what was started.

    Raises
    ------
    NoServices
        They do not come up; the message holds what they said last.
    """
    folders = Folders(var)
    folders.make_var()
    descriptor = os.open(folders.users, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH)
        _wait(folders, durable)
        yield
    finally:
        os.close(descriptor)


def _wait(folders: Folders, durable: bool) -> None:
    wanted = Services(folders, "user", durable)
    deadline = time.monotonic() + READY_S
    started: subprocess.Popen[bytes] | None = None
    while not _answer(wanted):
        if started is not None and started.poll() not in {None, 0}:
            raise NoServices(
                f"PostgreSQL and Valkey did not start on {folders.var}:\n{_last_words(folders)}"
            )
        if time.monotonic() > deadline:
            raise NoServices(
                f"PostgreSQL and Valkey on {folders.var} do not answer:\n{_last_words(folders)}"
            )
        if (started is None or started.poll() == 0) and lock_holder(folders) is None:
            started = _spawn(folders, durable)
        time.sleep(0.05)


def _answer(wanted: Services) -> bool:
    """Say whether both answer and somebody stands behind them."""
    if not (wanted.wants_postgres or wanted.wants_valkey):
        return True
    if lock_holder(wanted.folders) is None:
        return False
    account = identity.Identity("-", None, None, Path(), wanted.folders.postgres)
    postgres = Postgres(wanted.folders, account)
    return (not wanted.wants_postgres or postgres.has_database()) and (
        not wanted.wants_valkey or Valkey(wanted.folders).ready()
    )


def _log(folders: Folders) -> Path:
    return folders.log / "keeper.log"


def _spawn(folders: Folders, durable: bool) -> subprocess.Popen[bytes]:
    folders.log.mkdir(parents=True, exist_ok=True)
    flags = [] if durable else ["--throwaway"]
    with _log(folders).open("wb") as log:
        # Not on a leash and in a session of its own: it outlives the command that started it
        # for as long as another one uses the services, and Ctrl-C there is not meant for it.
        return subprocess.Popen(
            [sys.executable, "-m", "lastmile.embedded.keeper", str(folders.var), *flags],
            cwd=Path(__file__).resolve().parents[2],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def _last_words(folders: Folders) -> str:
    try:
        return _log(folders).read_text(errors="replace")[-1500:]
    except OSError:
        return "(no log)"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
