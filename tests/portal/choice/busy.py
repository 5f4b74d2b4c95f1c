"""Days that change while a shopper books: each preparation is too old for its transaction."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection

from dispatch.slots import services
from dispatch.slots.services import holding, promising
from dispatch.slots.services.visits import not_prepared


def _depth() -> int:
    return len(connection.savepoint_ids)


def watch_holds(monkeypatch: pytest.MonkeyPatch, busy: int) -> list[str]:
    """Let the day change during the first ``busy`` holds; return what happens, as it happens.

    Travel that is computed inside a transaction fails the test.
    """
    seen: list[str] = []
    outside, prepare, insert = _depth(), holding.prepare_visit, holding._insert

    def prepared(**fields: Any) -> Any:
        assert _depth() == outside, "travel is computed while the day is locked"
        seen.append("prepared")
        return prepare(**fields)

    def changes_meanwhile(*args: Any) -> None:
        assert _depth() > outside
        seen.append("locked")
        if seen.count("locked") <= busy:
            raise not_prepared()
        insert(*args)

    monkeypatch.setattr(holding, "prepare_visit", prepared)
    monkeypatch.setattr(holding, "_insert", changes_meanwhile)
    return seen


def watch_promises(monkeypatch: pytest.MonkeyPatch, busy: int) -> list[str]:
    """Let the day change during the first ``busy`` promises; return what happens."""
    seen: list[str] = []
    outside, prepare, again = _depth(), services.prepare_promise, promising._prepare
    move = promising._move_visit

    def prepared(**fields: Any) -> Any:
        seen.append("prepared")
        return prepare(**fields)

    def only_outside(*args: Any) -> Any:
        assert _depth() == outside, "travel is computed while the day is locked"
        return again(*args)

    def changes_meanwhile(*args: Any) -> None:
        seen.append("locked")
        if seen.count("locked") <= busy:
            raise not_prepared()
        move(*args)

    monkeypatch.setattr(services, "prepare_promise", prepared)
    monkeypatch.setattr(promising, "_prepare", only_outside)
    monkeypatch.setattr(promising, "_move_visit", changes_meanwhile)
    return seen
