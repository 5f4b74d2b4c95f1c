"""How the solver's functions are compiled, and where the result is kept. PURE.

``compiled`` functions allocate nothing: what they need comes in. So numba need not count the
references of the arrays handed on, which took more than half of an iteration's time and made
two threads wait for each other. ``inlined`` ones are put into their callers, for the compiler to
see through. ``allocating`` ones are the usual kind.

numba looks for a change in the file of a function only, not in those that it calls. So the
folder of what was compiled is named after all sources that enter it: beside them, under
``NUMBA_CACHE_DIR`` where that is set, or in the temporary folder where neither can be written.
"""

from __future__ import annotations

import hashlib
import os
import stat
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeVar, cast

import numba
from numba import njit

F = TypeVar("F", bound=Callable[..., Any])

HERE: Final = Path(__file__).resolve().parent
SOURCES: Final = ("core/*.py", "rich/*.py", "compiled.py", "parts.py", "passes.py")
PREFIX: Final = "compiled-"


def version() -> str:
    """Return a short name of the sources as they are."""
    digest = hashlib.sha256()
    for source in sorted(path for pattern in SOURCES for path in HERE.glob(pattern)):
        digest.update(source.read_bytes())
    return digest.hexdigest()[:16]


def home() -> Path:
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


HOME: Final = home()
setattr(numba.config, "CACHE_DIR", str(HOME))  # noqa: B010 - its stubs do not know it


def compiled(function: F) -> F:
    """Compile a function that allocates nothing."""
    made = njit(cache=True, nogil=True, error_model="numpy", _nrt=False)  # type: ignore[call-overload]
    return cast("F", made(function))


def inlined(function: F) -> F:
    """Compile a function that allocates nothing into those that call it."""
    made = njit(cache=True, nogil=True, error_model="numpy", _nrt=False, inline="always")  # type: ignore[call-overload]
    return cast("F", made(function))


def allocating(function: F) -> F:
    """Compile a function that makes arrays or takes tuples of them."""
    return cast("F", njit(cache=True, nogil=True, error_model="numpy")(function))
