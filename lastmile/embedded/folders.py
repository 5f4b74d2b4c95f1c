"""The folders of the embedded services: data, sockets and locks. Pure: reads no setting."""

from __future__ import annotations

import hashlib
import os
import re
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path

# A socket's path may have 104 bytes on macOS and 108 on Linux, including the file name.
LONGEST_RUN = 80
PLAIN = re.compile(r"[A-Za-z0-9/._-]+")  # a path that needs no quoting in any URL


class UnsafeFolder(RuntimeError):
    """A folder of the services cannot be made private; the message states the remedy."""


def _hash(path: Path) -> str:
    return hashlib.sha256(str(path).encode()).hexdigest()[:12]


def reachable(path: Path) -> bool:
    """Return True if every user can reach a path (and run it, if it is a program)."""
    path = path.absolute()
    if path.is_file() and path.stat().st_mode & 0o005 != 0o005:
        return False
    folders = list(path.parents) if path.is_file() else [path, *path.parents]
    return all(folder.stat().st_mode & stat.S_IXOTH for folder in folders if folder.exists())


@dataclass(frozen=True, slots=True)
class Folders:
    """The paths of the embedded services under one LASTMILE_VAR."""

    var: Path

    def make_var(self) -> None:
        """Create LASTMILE_VAR. Secret files inside have their own private modes."""
        if not self.var.exists():
            self.var.mkdir(parents=True, exist_ok=True)
            if os.geteuid() == 0:
                self.var.chmod(0o755)  # independent of root's umask: another user runs PostgreSQL

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
        """The lock file (flock) of the process that runs the services on this data."""
        return self.var / "services.lock"

    @property
    def users(self) -> Path:
        """The lock file on which each command that uses the services holds a shared flock."""
        return self.var / "services.users"

    @property
    def run(self) -> Path:
        """The socket folder: VAR/run, or a short plain path in /tmp.

        The path in /tmp is used if VAR/run is too long for a socket or needs quoting. It is also
        used if only root can enter VAR, since PostgreSQL may have to run as another user.
        """
        folder = self.var / "run"
        fits = len(str(folder)) <= LONGEST_RUN and PLAIN.fullmatch(str(folder))
        if fits and (os.geteuid() != 0 or reachable(self.var)):
            return folder
        return Path(tempfile.gettempdir()) / f"lastmile-{os.getuid()}-{_hash(self.var)}"

    @property
    def spare(self) -> Path:
        """A folder that all users can reach, for root in a folder that only root can enter."""
        return Path("/var/tmp") / f"lastmile-{_hash(self.var)}"  # noqa: S108 (ownership is checked)

    @property
    def valkey_socket(self) -> Path:
        return self.run / "valkey.sock"


def make_private(folder: Path, *, uid: int | None = None, gid: int | None = None) -> None:
    """Create a folder with mode 0700 that belongs to this user (or to `uid`).

    Raises
    ------
    UnsafeFolder
        The path exists and is a link, or belongs to another user, or cannot have mode 0700.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.mkdir(mode=0o700, exist_ok=True)
    status = folder.lstat()
    is_owner = status.st_uid in {os.geteuid(), uid}
    # Root may take back a folder of its own checkout that an earlier start gave to another user.
    is_owner = is_owner or (os.geteuid() == 0 and not _in_public(folder))
    if not stat.S_ISDIR(status.st_mode) or not is_owner:
        raise UnsafeFolder(
            f"{folder} belongs to another user or is a link. Remove it and start again."
        )
    if uid is not None and gid is not None and os.geteuid() == 0:
        os.chown(folder, uid, gid)
    folder.chmod(0o700)
    if stat.S_IMODE(folder.stat().st_mode) != 0o700:
        raise UnsafeFolder(
            f"{folder} cannot be made private (mode 0700): its file system has no modes. "
            "Set LASTMILE_VAR to a folder on a local disk."
        )


def _in_public(folder: Path) -> bool:
    return bool(folder.parent.stat().st_mode & stat.S_IWOTH)
