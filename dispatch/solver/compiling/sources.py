"""The sources of compiled code, and the folder that caches it. PURE, without numba.

numba detects a change in the file of a function, but not in the functions that it calls. Therefore
the name of the cache folder contains a hash of all these sources. The folder is beside the
sources, under ``NUMBA_CACHE_DIR`` if that is set, or in the temporary folder if the sources are
read-only.
"""

from __future__ import annotations

import hashlib
import os
import stat
import tempfile
from pathlib import Path
from typing import Final

HERE: Final = Path(__file__).resolve().parents[1]
SOURCES: Final = (
    "classic/*.py",
    "rich/*.py",
    "compiling/compiled.py",
    "model/elements.py",
    "timing/passes.py",
)
PREFIX: Final = "compiled-"


def version() -> str:
    """Return a hash of the present sources, 16 hexadecimal digits."""
    digest = hashlib.sha256()
    for source in sorted(path for pattern in SOURCES for path in HERE.glob(pattern)):
        digest.update(source.read_bytes())
    return digest.hexdigest()[:16]


def cache_folder() -> Path:
    """Return the folder that caches code compiled from the present sources."""
    name = PREFIX + version()
    configured = os.environ.get("NUMBA_CACHE_DIR")
    if configured:
        return Path(configured) / name
    beside = HERE / "__pycache__"
    if os.access(beside if beside.exists() else HERE, os.W_OK):
        return beside / name
    return _private() / name


def _private() -> Path:
    """Return a folder that only this user can write, because code in it will be executed."""
    folder = Path(tempfile.gettempdir()) / f"lastmile-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    status = folder.lstat()
    own = stat.S_ISDIR(status.st_mode) and status.st_uid == os.getuid()
    if own and not status.st_mode & 0o077:
        return folder
    return Path(tempfile.mkdtemp())
