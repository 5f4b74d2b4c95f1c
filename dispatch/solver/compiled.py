"""How the solver's functions are compiled, and where the result is kept. PURE.

``compiled`` functions allocate nothing: what they need comes in. So numba need not count the
references of the arrays handed on, which took more than half of an iteration's time and made
two threads wait for each other. ``inlined`` ones are put into their callers, for the compiler to
see through. ``allocating`` ones are the usual kind.

Whatever is compiled must stand behind an import of this module: it says where the result is kept.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeVar, cast

import numba
from numba import njit

from dispatch.solver.sources import home

F = TypeVar("F", bound=Callable[..., Any])

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
