"""Errors before any view: a database that does not answer is 503, others have a reference."""

from __future__ import annotations

import pytest
from django.db import OperationalError
from django.test import Client

from lastmile.core.tenancy import RetailerRef
from tenants import middleware


@pytest.mark.parametrize(
    ("fault", "status"),
    [(OperationalError("couldn't get a connection after 20.00 sec"), 503), (RuntimeError(), 500)],
)
def test_a_host_that_cannot_be_looked_up_gets_the_right_status(
    retailer: RetailerRef, monkeypatch: pytest.MonkeyPatch, fault: Exception, status: int
) -> None:
    def fail(_host: str) -> None:
        raise fault

    monkeypatch.setattr(middleware, "by_host", fail)
    client = Client(headers={"host": retailer.domain}, raise_request_exception=False)
    answer = client.get("/api/v1/orders/")
    assert (answer.status_code, answer["Content-Type"]) == (status, "application/problem+json")
    assert ("Retry-After" in answer) == (status == 503)
    page = client.get("/login/")
    assert page.status_code == status
    assert ("reference" in page.content.decode()) == (status == 500)
