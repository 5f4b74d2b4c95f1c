"""The operating system user that runs PostgreSQL, which refuses to run as root.

An ordinary user runs it under its own account. For root there are three ways, tried in this order:

1. *step down* to an existing user, if that user can reach the programs and the data;
2. *namespace*: if other users cannot enter the folder (a checkout in /root), PostgreSQL runs in a
   user namespace. There it appears as nobody, but has root's access to the files;
3. *copy*: if the system allows no namespaces, programs and data are kept in /var/tmp.
"""

from __future__ import annotations

import os
import pwd
import shutil
import stat
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from lastmile.embedded import binaries, process
from lastmile.embedded.folders import Folders, reachable


@dataclass(frozen=True, slots=True)
class Identity:
    """The user of PostgreSQL, and the folders of its programs and data."""

    run_as: str  # the argument RUN_AS of launch.py
    uid: int | None  # required owner of the data; None: no change
    gid: int | None
    home: Path  # with bin/, lib/, share/
    data: Path
    note: str = ""  # a message for the operator


def choose(folders: Folders) -> Identity:
    """Choose the operating system user and the folders with which PostgreSQL can run here.

    An ordinary user keeps its own account. For root, the three ways in the module's docstring are
    tried in order.
    """
    home = binaries.postgres_home()
    plain = Identity("-", None, None, home, folders.postgres)
    if os.geteuid() != 0:
        return plain
    user = _unprivileged_user()
    step_down = f"{user.pw_uid}:{user.pw_gid}"
    if reachable(home / "bin" / "postgres") and reachable(folders.postgres.parent):
        return Identity(step_down, user.pw_uid, user.pw_gid, home, folders.postgres)
    if namespaces_work():
        return Identity("namespace", 0, 0, home, folders.postgres)
    spare = folders.spare
    note = (
        f"{folders.var} is in a folder that only root can enter, and this system allows no user "
        f"namespaces. So PostgreSQL's programs and data are kept in {spare}."
    )
    return Identity(
        step_down, user.pw_uid, user.pw_gid, _copied(home, spare), spare / "postgres", note
    )


def _unprivileged_user() -> pwd.struct_passwd:
    for name in ("postgres", "nobody"):
        try:
            account = pwd.getpwnam(name)
        except KeyError:
            continue
        if account.pw_uid != 0:
            return account
    raise RuntimeError(
        "PostgreSQL cannot run as root, and this system has no user postgres or nobody. "
        "Start Lastmile as an ordinary user, or set DATABASE_URL."
    )


def namespaces_work() -> bool:
    """Return True if a program can be started as nobody in a user namespace."""
    if sys.platform != "linux":
        return False
    child = process.spawn([sys.executable, "-I", "-S", "-c", ""], run_as="namespace")
    try:
        child.communicate(timeout=10)
    except subprocess.TimeoutExpired:
        child.kill()
        child.communicate()
    return child.returncode == 0


def _copied(home: Path, spare: Path) -> Path:
    """Copy the programs to `spare`, once per version; return the folder of the copy."""
    spare.mkdir(mode=0o755, exist_ok=True)
    status = spare.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != 0:
        raise RuntimeError(f"{spare} was not made by root. Remove it and start again.")
    spare.chmod(0o755)
    package = home.parent
    stamp = int((home / "bin" / "postgres").stat().st_mtime)
    target = spare / f"programs-{stamp}"
    if not target.exists():
        half = spare / f"programs-{stamp}.{os.getpid()}"
        shutil.copytree(home, half / package.name / home.name, symlinks=True)
        libraries = package.with_name(f"{package.name}.libs")  # found by a path relative to bin/
        if libraries.is_dir():
            shutil.copytree(libraries, half / libraries.name, symlinks=True)
        _open_to_all(half)
        half.rename(target)
    return target / package.name / home.name


def _open_to_all(top: Path) -> None:
    for root, _, files in os.walk(top):
        Path(root).chmod(0o755)
        for name in files:
            file = Path(root) / name
            if not file.is_symlink():
                file.chmod(0o755 if file.stat().st_mode & stat.S_IXUSR else 0o644)
