"""The actor of the current request or task: the public id of a member or key, or ``system``.

Events and the audit log read the actor from here.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

SYSTEM = "system"
NOBODY = "anonymous"  # a caller that is not a member and has no key
_actor: ContextVar[str] = ContextVar("lastmile_actor", default=SYSTEM)


def current_actor() -> str:
    """Return the public id of the current member or key, or ``system``."""
    return _actor.get()


@contextmanager
def acting_as(public_id: str) -> Iterator[None]:
    """Set the actor within a ``with`` block, such as a request or a task."""
    token = _actor.set(public_id)
    try:
        yield
    finally:
        _actor.reset(token)
