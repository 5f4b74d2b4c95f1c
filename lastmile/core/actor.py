"""Who is acting: a public id (member, key) or ``system``; events and audit read it from here."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

SYSTEM = "system"
_actor: ContextVar[str] = ContextVar("lastmile_actor", default=SYSTEM)


def current_actor() -> str:
    """Return the public id of the member or key that acts, or ``system``."""
    return _actor.get()


@contextmanager
def acting_as(public_id: str) -> Iterator[None]:
    """Name the actor for the length of a request or task."""
    token = _actor.set(public_id)
    try:
        yield
    finally:
        _actor.reset(token)
