"""How the solver's functions are compiled, and where the result is kept. PURE.

``compiled`` functions allocate nothing: what they need comes in. So numba need not count the
references of the arrays handed on, which took more than half of an iteration's time and made
two threads wait for each other. ``inlined`` ones are put into their callers, for the compiler to
see through. ``allocating`` ones are the usual kind.

Whatever is compiled must stand behind an import of this module: it says where the result is kept.

Loading is kept short, since a search by the clock may have to wait for it: what lies on disk is
linked without numba's tables of what could be compiled (0.25 s, scipy and cffi among them).
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, Final, TypeVar, cast

from dispatch.solver.compiling.sources import cache_folder

_BRIDGE: Final = "cffi"  # numba reads the grammar of C for it (0.1 s); nothing here calls C so
_apart = "numba" not in sys.modules and _BRIDGE not in sys.modules
if _apart:
    cast("dict[str, Any]", sys.modules)[_BRIDGE] = None  # as if it were not installed
try:
    import numba
    from numba import njit
    from numba.core.caching import FunctionCache
    from numba.core.runtime import rtsys
finally:
    if _apart:
        del sys.modules[_BRIDGE]

F = TypeVar("F", bound=Callable[..., Any])

CACHE_FOLDER: Final = cache_folder()
setattr(numba.config, "CACHE_DIR", str(CACHE_FOLDER))  # noqa: B010 - its stubs do not know it


class Shelved(FunctionCache):  # type: ignore[misc]  # numba is untyped here
    """What was compiled of one function, linked without making ready to compile.

    numba's own cache fills its tables of types and implementations first, which only compiling
    needs and which compiling does by itself.
    """

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """Return what was compiled for these types, or None."""
        rtsys.initialize(target_context)
        with self._guard_against_spurious_io_errors():
            return self._load_overload(sig, target_context)
        return None


def _kept(made: Any, function: F) -> F:
    made._cache = Shelved(function)  # noqa: SLF001 - numba has no door for another cache
    return cast("F", made)


def compiled(function: F) -> F:
    """Compile a function that allocates nothing."""
    made = njit(cache=True, nogil=True, error_model="numpy", _nrt=False)  # type: ignore[call-overload]
    return _kept(made(function), function)


def inlined(function: F) -> F:
    """Compile a function that allocates nothing into those that call it."""
    made = njit(cache=True, nogil=True, error_model="numpy", _nrt=False, inline="always")  # type: ignore[call-overload]
    return cast("F", made(function))


def allocating(function: F) -> F:
    """Compile a function that makes arrays or takes tuples of them."""
    return _kept(njit(cache=True, nogil=True, error_model="numpy")(function), function)
