"""What the solver is compiled from, and where the result is kept. PURE, and free of numba.

numba looks for a change in the file of a function only, not in those that it calls. So the
folder of what was compiled is named after all sources that enter it: beside them, under
``NUMBA_CACHE_DIR`` where that is set, or in the temporary folder where neither can be written.
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
    """Return a short name of the sources as they are."""
    digest = hashlib.sha256()
    for source in sorted(path for pattern in SOURCES for path in HERE.glob(pattern)):
        digest.update(source.read_bytes())
    return digest.hexdigest()[:16]


def cache_folder() -> Path:
    """Return the folder for what is compiled from the sources as they are."""
    name = PREFIX + version()
    given = os.environ.get("NUMBA_CACHE_DIR")
    if given:
        return Path(given) / name
    beside = HERE / "__pycache__"
    if os.access(beside if beside.exists() else HERE, os.W_OK):
        return beside / name
    return _private() / name


def _private() -> Path:
    """Return a folder that is ours alone: what lies in it is run."""
    folder = Path(tempfile.gettempdir()) / f"lastmile-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid() and not found.st_mode & 0o077:
        return folder
    return Path(tempfile.mkdtemp())
