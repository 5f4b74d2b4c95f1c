"""Helpers for tests: check that a refused act records nothing, and run an act in many threads."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Barrier
from typing import TypeVar

import pytest
from django.db import connections

from lastmile.core.errors import DomainError, Invalid
from lastmile.core.models import Event
from lastmile.core.tenancy import RetailerRef, retailer_context

T = TypeVar("T")


@contextmanager
def refused(
    error: type[DomainError], *, at: str | None = None, match: str | None = None
) -> Iterator[None]:
    """Assert that the block raises ``error`` (at the JSON pointer ``at``) and records nothing."""
    before = Event.objects.count()
    with pytest.raises(error) as caught:
        yield
    assert Event.objects.count() == before, "a refused act recorded an event"
    if at is not None:
        assert isinstance(caught.value, Invalid)
        assert at in [fault.pointer for fault in caught.value.errors], caught.value.errors
    if match is not None:
        words = [caught.value.detail, *(fault.detail for fault in caught.value.errors)]
        assert any(match in word for word in words), words


def kinds(subject: str) -> list[str]:
    """Return the kinds of the events with this subject, oldest first."""
    return list(Event.objects.filter(subject=subject).order_by("id").values_list("kind", flat=True))


def race(ref: RetailerRef, act: Callable[[int], T], threads: int) -> list[T | Exception]:
    """Call ``act(n)`` in several threads at once; return their results or exceptions.

    Each thread has its own database connection.
    """
    gate = Barrier(threads)

    def run(n: int) -> T | Exception:
        try:
            with retailer_context(ref):
                gate.wait()
                return act(n)
        except Exception as raised:  # noqa: BLE001 - what a thread met is what the test judges
            return raised
        finally:
            connections.close_all()

    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(run, range(threads)))
