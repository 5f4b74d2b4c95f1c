"""/healthz and /readyz answer on any host with one word, which is correct."""

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
def test_both_checks_answer_on_any_host_with_one_word(house: RetailerRef, host: str) -> None:
    browser = Client(headers={"host": host})
    for path, word in (("/healthz", b"ok"), ("/readyz", b"ready")):
        answer = browser.get(path)
        assert (answer.status_code, answer.content) == (200, word)
        assert "Set-Cookie" not in answer


def test_not_ready_while_the_demo_data_is_being_made(
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


def test_not_ready_while_postgresql_is_unavailable(
    house: RetailerRef, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(schema: str) -> list[str]:
        raise OperationalError("connection refused")

    monkeypatch.setattr(health.migrate, "pending", away)
    assert Client().get("/readyz").status_code == 503
