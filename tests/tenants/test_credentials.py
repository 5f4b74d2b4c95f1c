"""An app adds a credential type with a class and one line of the switchboard."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from channels.layers import channel_layers
from channels.routing import URLRouter
from django.db import connections
from django.test import Client

from lastmile.core import sockets, wiring
from lastmile.core.tenancy import RetailerRef
from tenants import consumers
from tenants.credentials import credential_type
from tenants.gate import SocketGate
from tenants.permissions import TABLE, Act, Grant, Role
from tests.people import add_member, logged_in
from tests.sockets import Socket
from tests.tenants import credentials_app

APP = "tests.tenants.credentials_app"


@pytest.fixture(autouse=True)
def wired(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    settings.SWITCHBOARD = settings.ROOT_URLCONF = APP
    row = TABLE[Act.ORDERS_VIEW]
    links = Grant(row.members, row.keys, links=frozenset({"shopper"}))
    monkeypatch.setitem(TABLE, Act.ORDERS_VIEW, links)  # type: ignore[arg-type]
    credentials_app.EXPIRED.clear()
    yield
    credentials_app.EXPIRED.clear()


def body(answer: Any) -> str:
    """Return the text of a page without the parts that differ at every request."""
    changing = r'nonce="[^"]*"|"X-CSRFToken": "[^"]*"|value="[^"]*"'
    return re.sub(changing, "", answer.content.decode())


def test_a_link_shows_its_page_without_a_menu_to_no_cache_and_no_other_site(
    retailer: RetailerRef, client: Client
) -> None:
    owner = logged_in(retailer, add_member(Role.OWNER))
    for browser in (client, owner):
        answer = browser.get("/t/open-link/")
        assert answer.status_code == 200
        assert answer["Referrer-Policy"] == "same-origin"
        assert answer["Cache-Control"] == "private, no-store"
        assert answer["Content-Language"] == "es", "the shopper's own"
        page = answer.content.decode()
        assert "/members/" not in page
        assert "/logout/" not in page
    assert owner.get("/members/").status_code == 200, "still signed in elsewhere"


def test_unknown_and_expired_links_and_those_of_another_retailer_get_the_same_404(
    retailer: RetailerRef, client: Client, other_client: Client
) -> None:
    credentials_app.EXPIRED.add("other-link")
    answers = [client.get(f"/t/{secret}/") for secret in ("nothing", "other-link")]
    assert [answer.status_code for answer in answers] == [404, 404]
    assert body(answers[0]) == body(answers[1])
    assert other_client.get("/t/open-link/").status_code == 404
    assert client.post("/t/nothing/").status_code == 404


def test_a_link_whose_act_the_table_does_not_grant_shows_nothing(
    retailer: RetailerRef, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(TABLE, Act.ORDERS_VIEW, Grant())  # type: ignore[arg-type]
    assert client.get("/t/open-link/").status_code == 404


def test_a_form_of_a_page_by_link_needs_its_token_and_acts_in_the_shopper_s_name(
    retailer: RetailerRef,
) -> None:
    strict = Client(enforce_csrf_checks=True, headers={"host": retailer.domain})
    assert strict.post("/t/open-link/").status_code == 403
    page = strict.get("/t/open-link/").content.decode()
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)
    assert token is not None
    answer = strict.post("/t/open-link/", {"csrfmiddlewaretoken": token[1]})
    assert answer.content == b"shp_1"


def test_a_link_is_not_a_way_into_the_api_or_to_another_page(
    retailer: RetailerRef, client: Client
) -> None:
    client.get("/t/open-link/")
    assert client.get("/api/v1/me/").status_code == 401
    assert client.get("/members/").status_code == 302


def test_a_device_key_is_recognised_by_its_headers_without_a_csrf_token(
    retailer: RetailerRef,
) -> None:
    strict = Client(enforce_csrf_checks=True, headers={"host": retailer.domain})
    signed = {"x-device-id": "dev_1", "x-device-signature": "a device's secret"}
    me = strict.get("/api/v1/me/", headers=signed)
    assert (me.status_code, me.json()["id"], me.json()["role"]) == (200, "dev_1", "driver")
    ticket = strict.post(
        "/api/v1/ws-tickets/", {}, content_type="application/json",
        headers={**signed, "idempotency-key": "1"},
    )  # fmt: skip
    assert ticket.status_code == 201, ticket.content
    assert strict.get("/api/v1/orders/", headers=signed).status_code == 403
    forged = strict.get("/api/v1/me/", headers={**signed, "x-device-signature": "x"})
    assert forged.status_code == 401
    assert "not the device's" in forged.json()["detail"]


def test_a_name_that_is_not_wired_or_does_not_resolve_is_a_fault(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with pytest.raises(wiring.NotWired, match="nobody"):
        credential_type("nobody")
    wrong = {"odd": f"{APP}.Missing"}
    monkeypatch.setattr(credentials_app, "CREDENTIALS", wrong)
    assert any("Missing" in problem for problem in wiring.problems())


# --- websockets --------------------------------------------------------------------------------
@pytest.fixture
def own_layer(fresh_db: str) -> Iterator[None]:
    channel_layers.backends.clear()
    sockets._open.clear()
    yield
    channel_layers.backends.clear()


async def _open(ref: RetailerRef, secret: str, origin: str = "") -> Socket:
    gate = SocketGate(URLRouter(credentials_app.routes))
    headers = [(b"host", ref.domain.encode())]
    headers.append((b"origin", (origin or f"http://{ref.domain}:8000").encode()))
    opened = Socket(gate, f"/ws/v1/example/{secret}/", headers)
    assert await opened.open()
    return opened


@pytest.mark.asyncio
async def test_a_shopper_s_link_opens_a_websocket_until_it_ends(
    own_layer: None, retailer: RetailerRef, other: RetailerRef, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consumers, "RECHECK_S", 0.1)
    opened = await _open(retailer, "open-link")
    assert (await opened.frame())["data"] == {"shopper": "shp_1"}
    for ref, secret in ((retailer, "nothing"), (other, "open-link")):
        refused = await _open(ref, secret)
        assert await refused.close_code() == 4401
        await refused.leave()
    foreign = await _open(retailer, "open-link", origin="https://evil.example")
    assert await foreign.close_code() == 4403
    await foreign.leave()
    credentials_app.EXPIRED.add("open-link")
    assert await opened.close_code() == 4401
    await opened.leave()
    await sync_to_async(connections.close_all)()
