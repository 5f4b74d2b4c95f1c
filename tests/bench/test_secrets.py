"""A small part of the campaign `secrets`, in every test run."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connections

from lastmile.asgi import application
from lastmile.core.tenancy import retailer_context
from tests.bench.secrets_browser import referrers
from tests.bench.shopper_links import (
    Links,
    chance_longer,
    forge_confirmations,
    guess_by_http,
    guess_codes,
    leaks,
    logged,
    look_up,
    make_links,
    use_links,
)
from tests.core.serving import served


@pytest.fixture
def links(fresh_db: str, settings: Any) -> Links:
    """Return 20 links in a database of their own."""
    settings.ROOT_URLCONF = "tests.portal.shopper.shopper_app"
    return make_links(20)


def test_wrong_secrets_open_nothing_and_leave_no_trace(links: Links) -> None:
    with retailer_context(links.retailer):
        assert look_up(links, 400, seed=3) == []
        with logged() as lines, served(application, access_log=True) as port:
            statuses = guess_by_http(links, port, 90)
            use_links(links, port, [min(links.valid)])
        assert statuses == {404: 90}
        assert "RuntimeError" in lines.getvalue()
        assert "GET /t/" in lines.getvalue(), "the access log is read too"
        assert leaks(links, lines.getvalue()) > 0
        connections.close_all()


def test_codes_are_neither_guessed_nor_skipped(links: Links) -> None:
    with retailer_context(links.retailer):
        accepted, count = guess_codes(links.retailer, links.orders[:1], at_once=7)
        assert (accepted, count) == (0, 21)
        secret = min(links.valid)
        assert forge_confirmations(links.retailer, secret, 8) == 0
        connections.close_all()


def test_the_measure_of_times_finds_a_difference() -> None:
    short = [1.0, 1.1, 1.2, 1.3]
    assert chance_longer(short, short) == 0.5
    assert chance_longer(short, [value + 1 for value in short]) == 1.0
    assert chance_longer([2.0, 2.0], [1.0, 2.0]) == 0.25


@pytest.mark.browser
def test_another_site_learns_no_secret_from_a_browser(links: Links) -> None:
    secret = min(links.valid)
    with served(application) as port:
        requests = referrers(links.retailer.domain, port, f"/t/{secret}/")
    assert requests
    assert not any(secret in request or "/t/" in request for request in requests)
