"""The decorators that compile functions with numba, and the cache of compiled code. PURE.

``compiled`` is for functions that allocate nothing and get all arrays as arguments. numba then
needs no reference counting. Reference counting took more than half of the time of an iteration,
and made two threads wait for each other.

``inlined`` compiles a function into its callers. ``allocating`` is for all other functions.

Import this module before any compiled function is defined: it sets the folder of the cache.

A search by the clock may have to wait while compiled code is loaded. To make this fast, cached
code is linked without numba's tables of types and implementations, which take 0.25 s to fill and
import scipy and cffi.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, Final, TypeVar, cast

from dispatch.solver.compiling.sources import cache_folder

# Hide cffi while numba is imported: numba would parse the grammar of C for it, which takes 0.1 s.
# No function here calls C through cffi.
_CFFI: Final = "cffi"
_hide_cffi = "numba" not in sys.modules and _CFFI not in sys.modules
if _hide_cffi:
    cast("dict[str, Any]", sys.modules)[_CFFI] = None  # as if it were not installed
try:
    import numba
    from numba import njit
    from numba.core.caching import FunctionCache
    from numba.core.runtime import rtsys
finally:
    if _hide_cffi:
        del sys.modules[_CFFI]

F = TypeVar("F", bound=Callable[..., Any])

CACHE_FOLDER: Final = cache_folder()
setattr(numba.config, "CACHE_DIR", str(CACHE_FOLDER))  # noqa: B010 - its stubs do not know it


class FastCache(FunctionCache):  # type: ignore[misc]  # numba is untyped here
    """The cache of one compiled function; it links the code without preparing the compiler.

    numba's own cache first fills the tables of types and implementations. Only the compiler needs
    these tables, and it fills them by itself.
    """

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """Return the cached code for these argument types, or None."""
        rtsys.initialize(target_context)
        with self._guard_against_spurious_io_errors():
            return self._load_overload(sig, target_context)
        return None


def _cached(dispatcher: Any, function: F) -> F:
    """Give a compiled function the fast cache."""
    dispatcher._cache = FastCache(function)  # noqa: SLF001 - numba has no public way to set it
    return cast("F", dispatcher)


def compiled(function: F) -> F:
    """Compile a function that does not allocate memory."""
    compiler = njit(cache=True, nogil=True, error_model="numpy", _nrt=False)  # type: ignore[call-overload]
    return _cached(compiler(function), function)


def inlined(function: F) -> F:
    """Compile a function that does not allocate memory into its callers."""
    compiler = njit(cache=True, nogil=True, error_model="numpy", _nrt=False, inline="always")  # type: ignore[call-overload]
    return cast("F", compiler(function))


def allocating(function: F) -> F:
    """Compile a function that creates arrays or takes tuples of arrays."""
    return _cached(njit(cache=True, nogil=True, error_model="numpy")(function), function)
