"""Who runs PostgreSQL, which refuses to be root.

An ordinary user runs it as itself. Root has three ways, tried in this order:

1. *step down* to an existing user, when that user can reach the programs and the data;
2. *namespace*: below a folder that is closed to others (a checkout in /root) PostgreSQL sees
   itself as nobody in a user namespace and keeps root's rights on the files: no copy, no chmod;
3. *copy*: where containers forbid namespaces, programs and data go to /var/tmp.
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
    """How PostgreSQL is started, and from where."""

    run_as: str  # the leash's WHO
    uid: int | None  # owner that the data must have; None: leave it
    gid: int | None
    home: Path  # bin/, lib/, share/
    data: Path
    note: str = ""  # what to tell the operator


def choose(folders: Folders) -> Identity:
    """Return the way that works here."""
    home = binaries.postgres_home()
    plain = Identity("-", None, None, home, folders.postgres)
    if os.geteuid() != 0:
        return plain
    user = _servant()
    step_down = f"{user.pw_uid}:{user.pw_gid}"
    if reachable(home / "bin" / "postgres") and reachable(folders.postgres.parent):
        return Identity(step_down, user.pw_uid, user.pw_gid, home, folders.postgres)
    if namespaces_work():
        return Identity("namespace", 0, 0, home, folders.postgres)
    spare = folders.spare
    note = (
        f"{folders.var} lies below a folder that only root may enter and this system allows no "
        f"user namespaces: PostgreSQL's programs and data are kept in {spare}."
    )
    return Identity(
        step_down, user.pw_uid, user.pw_gid, _copied(home, spare), spare / "postgres", note
    )


def _servant() -> pwd.struct_passwd:
    for name in ("postgres", "nobody"):
        try:
            found = pwd.getpwnam(name)
        except KeyError:
            continue
        if found.pw_uid != 0:
            return found
    raise RuntimeError(
        "PostgreSQL cannot run as root and this system has neither a user postgres nor nobody. "
        "Run as an ordinary user, or set DATABASE_URL."
    )


def namespaces_work() -> bool:
    """Try it: start a program as nobody in a user namespace."""
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
    """Copy the programs to `spare`, once for each version of them; return the copy's home."""
    spare.mkdir(mode=0o755, exist_ok=True)
    found = spare.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != 0:
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
