"""The keeper: a process that runs the services while commands or tests use them.

    python -m lastmile.embedded.keeper VAR [--throwaway]

Each command that uses the services holds a shared flock on VAR/services.users. The kernel releases
it when the command ends in any way. The keeper waits for an exclusive flock on the same file. It
gets it when the last user has ended, and then stops the services.
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
    """The services could not be started for a command; the message has their last log lines."""


def main(argv: list[str]) -> int:
    """Run the services until the last user has ended; return the exit status."""
    folders = Folders(Path(argv[0]).resolve())
    services = Services(folders, "keeper", durable="--throwaway" not in argv)
    try:
        services.take()
    except ServicesInUse:
        return 0  # another process was faster: the users find its services
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
    # One write per line, since several children write at the same time.
    print(f"{name}: {line}\n", end="", flush=True)  # noqa: T201 (its log file)


def _stop_after_last_user(folders: Folders) -> None:
    descriptor = os.open(folders.users, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    # Held until this process ends: a new user waits for that, and then starts another keeper.
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    os.kill(os.getpid(), signal.SIGTERM)


@contextlib.contextmanager
def services_in_use(var: Path, *, durable: bool = True) -> Iterator[None]:
    """Use the services on `var` within the block; start them if they do not run.

    Any number of processes may use the services at the same time. When the last one ends, the
    services that were started for them stop.

    Raises
    ------
    NoServices
        The services do not start; the message has their last log lines.
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
    services = Services(folders, "user", durable)
    deadline = time.monotonic() + READY_S
    started: subprocess.Popen[bytes] | None = None
    while not _answer(services):
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


def _answer(services: Services) -> bool:
    """Return True if the needed services run: their lock is held, and each one answers."""
    if not (services.wants_postgres or services.wants_valkey):
        return True
    if lock_holder(services.folders) is None:
        return False
    account = identity.Identity("-", None, None, Path(), services.folders.postgres)
    postgres = Postgres(services.folders, account)
    return (not services.wants_postgres or postgres.has_database()) and (
        not services.wants_valkey or Valkey(services.folders).ready()
    )


def _log(folders: Folders) -> Path:
    return folders.log / "keeper.log"


def _spawn(folders: Folders, durable: bool) -> subprocess.Popen[bytes]:
    folders.log.mkdir(parents=True, exist_ok=True)
    flags = [] if durable else ["--throwaway"]
    with _log(folders).open("wb") as log:
        # Not bound to the parent and in its own session: the keeper must outlive the command that
        # started it while others use the services, and Ctrl-C in that command must not stop it.
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
