"""/healthz and /readyz: on any Host, a word, and true."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError
from django.test import Client

from lastmile.core.http import health
from lastmile.core.tenancy import RetailerRef


@pytest.fixture(autouse=True)
def forgetful(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "_migrated", False)


@pytest.mark.parametrize("host", ["t1.localhost", "localhost", "10.0.0.7", "nobody.example"])
def test_both_answer_on_any_host_with_a_word(house: RetailerRef, host: str) -> None:
    browser = Client(headers={"host": host})
    for path, word in (("/healthz", b"ok"), ("/readyz", b"ready")):
        answer = browser.get(path)
        assert (answer.status_code, answer.content) == (200, word)
        assert "Set-Cookie" not in answer


def test_not_ready_while_the_first_data_are_being_made(
    house: RetailerRef, settings: Any, tmp_path: Path
) -> None:
    mark = settings.SEEDING_MARK = tmp_path / "seeding"
    mark.touch()
    assert Client().get("/readyz").status_code == 503
    assert Client().get("/healthz").status_code == 200
    mark.unlink()
    assert Client().get("/readyz").status_code == 200


def test_not_ready_while_a_migration_is_missing(
    house: RetailerRef, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health.migrate, "pending", lambda schema: ["core.9999_later"])
    answer = Client().get("/readyz")
    assert (answer.status_code, answer.content) == (503, b"not ready")
    assert "must be migrated" in health.not_ready()


def test_not_ready_while_postgresql_is_away(
    house: RetailerRef, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(schema: str) -> list[str]:
        raise OperationalError("connection refused")

    monkeypatch.setattr(health.migrate, "pending", away)
    assert Client().get("/readyz").status_code == 503
