"""Where the embedded services keep their data, sockets and locks. Pure: reads no setting."""

from __future__ import annotations

import hashlib
import os
import re
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path

LONGEST_RUN = 80  # a socket's path may have 104 bytes (macOS) or 108 (Linux), file name included
PLAIN = re.compile(r"[A-Za-z0-9/._-]+")  # needs no quoting in any kind of URL


class UnsafeFolder(RuntimeError):
    """The socket folder cannot be kept to its owner; the message says the remedy."""


def _hash(path: Path) -> str:
    return hashlib.sha256(str(path).encode()).hexdigest()[:12]


def reachable(path: Path) -> bool:
    """Say whether any user may enter every folder on the way (and read a program)."""
    path = path.absolute()
    if path.is_file() and path.stat().st_mode & 0o005 != 0o005:
        return False
    folders = list(path.parents) if path.is_file() else [path, *path.parents]
    return all(folder.stat().st_mode & stat.S_IXOTH for folder in folders if folder.exists())


@dataclass(frozen=True, slots=True)
class Folders:
    """The embedded services' places under one LASTMILE_VAR."""

    var: Path

    def make_var(self) -> None:
        """Make LASTMILE_VAR; what is secret in it has closed modes of its own."""
        if not self.var.exists():
            self.var.mkdir(parents=True, exist_ok=True)
            if os.geteuid() == 0:
                self.var.chmod(0o755)  # whatever root's umask: a lesser user runs PostgreSQL

    @property
    def postgres(self) -> Path:
        return self.var / "postgres"

    @property
    def valkey(self) -> Path:
        return self.var / "valkey"

    @property
    def log(self) -> Path:
        return self.var / "log"

    @property
    def lock(self) -> Path:
        """Held (flock) by the one process that runs the services on this data."""
        return self.var / "services.lock"

    @property
    def users(self) -> Path:
        """Held shared (flock) by each command that uses services started for its sake."""
        return self.var / "services.users"

    @property
    def run(self) -> Path:
        """The socket folder: VAR/run, or a short plain path in /tmp.

        The second where the first is too long for a socket, needs quoting, or lies where only
        root may enter: PostgreSQL may have to step down.
        """
        wanted = self.var / "run"
        fits = len(str(wanted)) <= LONGEST_RUN and PLAIN.fullmatch(str(wanted))
        if fits and (os.geteuid() != 0 or reachable(self.var)):
            return wanted
        return Path(tempfile.gettempdir()) / f"lastmile-{os.getuid()}-{_hash(self.var)}"

    @property
    def spare(self) -> Path:
        """Last resort for root below a closed folder: programs and data that others can reach."""
        return Path("/var/tmp") / f"lastmile-{_hash(self.var)}"  # noqa: S108 (ownership is checked)

    @property
    def valkey_socket(self) -> Path:
        return self.run / "valkey.sock"


def make_private(folder: Path, *, uid: int | None = None, gid: int | None = None) -> None:
    """Make a 0700 folder of ours (or of `uid`), refusing one that a stranger laid there first.

    Raises
    ------
    UnsafeFolder
        It is a link, or belongs to somebody else.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    ours = found.st_uid in {os.geteuid(), uid}
    # Root may take back its own checkout's folders from the user it lent them to before.
    ours = ours or (os.geteuid() == 0 and not _in_public(folder))
    if not stat.S_ISDIR(found.st_mode) or not ours:
        raise UnsafeFolder(
            f"{folder} belongs to another user or is a link. Remove it and start again."
        )
    if uid is not None and gid is not None and os.geteuid() == 0:
        os.chown(folder, uid, gid)
    folder.chmod(0o700)
    if stat.S_IMODE(folder.stat().st_mode) != 0o700:
        raise UnsafeFolder(
            f"{folder} cannot be kept to its owner (mode 0700): its file system has no modes. "
            "Set LASTMILE_VAR to a folder on a local disk."
        )


def _in_public(folder: Path) -> bool:
    return bool(folder.parent.stat().st_mode & stat.S_IWOTH)
