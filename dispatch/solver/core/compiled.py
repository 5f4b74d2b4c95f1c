"""How the core's functions are compiled. PURE.

``compiled`` functions allocate nothing: what they need comes in. So numba need not count the
references of the arrays handed on, which took more than half of an iteration's time and made
two threads wait for each other. ``inlined`` ones are put into their callers, for the compiler to
see through. ``allocating`` ones are the usual kind.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

from numba import njit

F = TypeVar("F", bound=Callable[..., Any])


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
