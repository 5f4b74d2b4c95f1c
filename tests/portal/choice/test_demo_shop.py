"""The demo shop: its keys, its pages, and the order that its own server places."""

from __future__ import annotations

import hashlib
import hmac
import http.client
import json
import os
import signal
import socket
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import urlencode

import pytest

from lastmile.core.demo import Demo
from lastmile.core.tenancy import RetailerRef, retailer_context
from lastmile.embedded.app_processes import ProcessSettings
from lastmile.embedded.supervisor import Supervisor
from portal.choice import demo
from portal.choice.demo_shop.basket import Basket, basket_of, first_basket
from portal.choice.demo_shop.config import Address, ShopConfig, ShopsConfig, read_config
from portal.choice.demo_shop.server import ShopServer
from tenants.people.models import ApiKey
from tests.factories import make_hub
from tests.people import KeyClient

ORDER = {
    "id": "ord_1", "external_id": "W-1",
    "promise": {"opens_at": "2026-12-01T13:00:00Z", "closes_at": "2026-12-01T15:00:00Z",
                "price_minor": 2990, "currency": "CLP"},
}  # fmt: skip


# --- keys -----------------------------------------------------------------------------------------
@pytest.fixture
def seeded(retailer: RetailerRef, settings: Any, tmp_path: Any, monkeypatch: Any) -> RetailerRef:
    """Return a retailer for which the demo makes a shop; its data folder is empty."""
    settings.VAR, settings.PORT = tmp_path, 8000
    monkeypatch.setattr(demo, "PRODUCTS", {retailer.schema: demo.PRODUCTS["verdura"]})
    make_hub()
    return retailer


def seed() -> ShopConfig:
    demo.seed_demo(Demo())
    (shop,) = read_config(demo.shop_file()).shops
    return shop


def active_keys() -> set[tuple[str, str]]:
    rows = ApiKey.objects.filter(name=demo.KEY_NAME, revoked_at__isnull=True)
    return set(rows.values_list("role", "hint"))


def test_the_keys_work_and_only_their_owner_can_read_the_file(seeded: RetailerRef) -> None:
    shop = seed()
    assert stat.S_IMODE(demo.shop_file().stat().st_mode) == 0o600
    assert active_keys() == {
        ("checkout", shop.checkout_key[-4:]), ("integration", shop.integration_key[-4:]),
    }  # fmt: skip
    assert KeyClient(seeded, shop.integration_key).get("/api/v1/orders/").status_code == 200
    public = KeyClient(seeded, shop.checkout_key)
    origin = "http://shop.localhost:8001"
    assert public.get("/api/v1/orders/", origin=origin).status_code == 403
    assert public.get("/api/v1/orders/", origin="http://evil.localhost").status_code == 401
    checkout = ApiKey.objects.get(role="checkout")
    assert checkout.origins == sorted(
        f"http://{host}:8001" for host in ("shop.localhost", "localhost", "127.0.0.1")
    )


def test_run_again_it_changes_nothing(seeded: RetailerRef) -> None:
    before = seed(), demo.shop_file().stat().st_mtime_ns, ApiKey.objects.count()
    assert (seed(), demo.shop_file().stat().st_mtime_ns, ApiKey.objects.count()) == before


def test_another_port_and_a_lost_file_get_new_keys_and_end_the_old_ones(
    seeded: RetailerRef, settings: Any
) -> None:
    first = seed()
    settings.PORT = 9000
    moved = seed()
    assert moved.checkout_key != first.checkout_key
    assert moved.integration_key == first.integration_key
    assert ApiKey.objects.get(role="checkout", revoked_at=None).origins[0].endswith(":9001")
    demo.shop_file().unlink()
    fresh = seed()
    assert len(active_keys()) == 2
    assert KeyClient(seeded, moved.integration_key).get("/api/v1/orders/").status_code == 401
    assert KeyClient(seeded, fresh.integration_key).get("/api/v1/orders/").status_code == 200


def test_a_damaged_file_is_written_again(seeded: RetailerRef) -> None:
    demo.shop_file().write_text("{", encoding="utf-8")
    assert seed().name == seeded.schema


def test_a_retailer_without_a_shop_gets_no_key(seeded: RetailerRef, other: RetailerRef) -> None:
    with retailer_context(other):
        assert demo.seed_demo(Demo()) == {}
        assert not ApiKey.objects.exists()
    assert not demo.shop_file().exists()


# --- the process ----------------------------------------------------------------------------------
def processes(var: Path, port: int) -> ProcessSettings:
    return ProcessSettings(
        var=var, bind="127.0.0.1", port=port, web_workers=1, solve_workers=1, trusted_proxies=""
    )


def test_there_is_no_shop_without_its_file_or_for_another_port(tmp_path: Path) -> None:
    assert processes(tmp_path, 8000).demo_shop() is None
    file = tmp_path / demo.FILE_NAME
    for text in ("{", "{}", "[]", '{"api_port": 9000, "shops": []}'):
        file.write_text(text, encoding="utf-8")
        assert processes(tmp_path, 8000).demo_shop() is None, text
    assert processes(tmp_path, 9000).demo_shop() is not None


def test_the_supervisor_heals_the_shop_and_leaves_nothing_behind(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    config = ShopsConfig(api_port=port - 1, shops=(CONFIG,))
    (tmp_path / demo.FILE_NAME).write_text(config.to_json(), encoding="utf-8")
    spec = processes(tmp_path, port - 1).demo_shop()
    assert spec is not None
    lines: list[str] = []
    with Supervisor(lambda name, line: lines.append(f"{name} {line}")) as supervisor:
        supervisor.start(spec)
        supervisor.wait_ready(["shop"], 20)
        (first,) = supervisor.children["shop"].pids
        assert Browser(port).call("GET", "/verdura/")[0] == 200
        os.kill(first, signal.SIGKILL)
        while supervisor.children["shop"].pids in ([first], []):
            supervisor.step(1)
        supervisor.wait_ready(["shop"], 20)
        (second,) = supervisor.children["shop"].pids
        assert Browser(port).call("GET", "/verdura/")[0] == 200
    for pid in (first, second):
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
    assert any("shop was ended by SIGKILL" in line for line in lines)


# --- the shop -------------------------------------------------------------------------------------
class FakeLastmile(BaseHTTPRequestHandler):
    """The order API: it keeps what it was received and answers with one order."""

    received: ClassVar[list[tuple[str, str, dict[str, str], Any]]] = []
    refusal: ClassVar[tuple[int, dict[str, Any]] | None] = None
    more: ClassVar[dict[str, Any]] = {}
    link_ended: ClassVar[bool] = False

    def _answer(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length)) if length else None
        self.received.append((self.command, self.path, dict(self.headers), body))
        status, answer = self.refusal or (200, ORDER)
        answer = answer | self.more
        if self.path.endswith("/shopper-link/"):
            answer = {"url": "http://acme.localhost/t/secret/", "expires_at": None}
            if self.link_ended:
                status, answer = 409, {"code": "link_ended", "detail": "It was ended."}
        content = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = _answer  # noqa: N815 - names of the base

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Log nothing."""


@contextmanager
def running(server: ThreadingHTTPServer) -> Iterator[int]:
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield int(server.server_address[1])
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


CONFIG = ShopConfig(
    name="verdura", title="Verdura <Fresca>", host="acme.localhost", zone="America/Santiago",
    country="CL", currency="CLP", language="es", hue=145,
    addresses=(Address(text="Calle 1, La Serena", lat=-29.9, lon=-71.2),),
    checkout_key="lm_public", integration_key="lm_secret", products=demo.PRODUCTS["verdura"],
)  # fmt: skip


class Browser:
    """A browser without scripts: it keeps the shop's cookie."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.cookie = ""

    def call(
        self, method: str, path: str, form: dict[str, str] | None = None, **headers: str
    ) -> tuple[int, dict[str, str], str]:
        """Return status, headers and body of an answer."""
        sent = {"Host": f"shop.localhost:{self.port}", "Cookie": self.cookie}
        body = None
        if form is not None:
            body = urlencode(form)
            sent |= {"Content-Type": "application/x-www-form-urlencoded",
                     "Origin": f"http://shop.localhost:{self.port}"}  # fmt: skip
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        connection.request(method, path, body=body, headers=sent | headers)
        answer = connection.getresponse()
        text = answer.read().decode()
        connection.close()
        got = dict(answer.getheaders())
        if "Set-Cookie" in got:
            self.cookie = got["Set-Cookie"].partition(";")[0]
        return answer.status, got, text


@pytest.fixture
def browser_of_shop() -> Iterator[Browser]:
    FakeLastmile.received, FakeLastmile.refusal = [], None
    with running(ThreadingHTTPServer(("127.0.0.1", 0), FakeLastmile)) as api_port:
        config = ShopsConfig(api_port=api_port, shops=(CONFIG,))
        with running(ShopServer(config, 0)) as port:
            yield Browser(port)


def test_the_page_has_the_picker_a_strict_policy_and_no_secret(browser_of_shop: Browser) -> None:
    status, headers, html = browser_of_shop.call("GET", "/verdura/")
    assert status == 200
    assert "<lastmile-picker" in html
    assert 'key="lm_public"' in html
    assert "lm_secret" not in html
    assert "Verdura &lt;Fresca&gt;" in html
    assert 'address="Calle 1, La Serena" lat="-29.9" lon="-71.2"' in html
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "http://acme.localhost:" in policy
    assert "HttpOnly; SameSite=Lax" in headers["Set-Cookie"]
    for lang, title in (("en", "Your basket"), ("es", "Su cesta"), ("ar", "سلتك")):
        _s, _h, html = browser_of_shop.call("GET", f"/verdura/?lang={lang}")
        assert title in html
    _s, _h, html = browser_of_shop.call("GET", "/verdura/")
    assert 'lang="ar" dir=rtl' in html, "the choice of the language is kept"


def test_from_the_basket_to_the_thanks_with_promise_and_link(browser_of_shop: Browser) -> None:
    browser_of_shop.call("GET", "/verdura/?lang=en")
    status, _h, text = browser_of_shop.call(
        "POST", "/verdura/basket", {"count-box": "2", "count-oil": "1", "session": "ses_1"},
        Accept="application/json",
    )  # fmt: skip
    assert (status, json.loads(text)["value_minor"]) == (200, 2 * 12_990 + 9_990 + 7_490)
    _s, _h, html = browser_of_shop.call("GET", "/verdura/")
    assert 'session="ses_1"' in html, "the shop's page gives the session back after a reload"
    form = {"name": "Ana <b>", "phone": "", "email": "", "delivery": "chc_1",
            "address": "Calle 2"}  # fmt: skip
    status, headers, _b = browser_of_shop.call("POST", "/verdura/buy", form)
    assert (status, headers["Location"]) == (303, "/verdura/thanks")
    ((method, path, sent, body),) = FakeLastmile.received
    assert (method, path) == ("POST", "/api/v1/orders/")
    assert sent["Authorization"] == "Bearer lm_secret"
    assert sent["Host"].startswith("acme.localhost:")
    assert body["choice"] == "chc_1"
    assert (len(body["parcels"]), body["value_minor"]) == (4, 43_460)
    assert body["place"] == {"text": "Calle 2"}
    status, _h, html = browser_of_shop.call("GET", "/verdura/thanks")
    assert status == 200
    assert "It comes on Tuesday, 1 December 2026, between 10:00 and 12:00." in html
    assert 'href="http://acme.localhost/t/secret/"' in html
    again = {path for _m, path, _h, _b in FakeLastmile.received[1:]}
    assert again == {
        f"/api/v1/orders/external_id:{body['external_id']}/",
        f"/api/v1/orders/external_id:{body['external_id']}/shopper-link/",
    }


def test_thanks_say_requested_and_show_no_link_that_was_ended(
    browser_of_shop: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser_of_shop.call("GET", "/verdura/?lang=en")
    form = {"name": "Ana", "phone": "", "email": "", "delivery": "chc_1", "address": "Calle 2"}
    browser_of_shop.call("POST", "/verdura/buy", form)
    monkeypatch.setattr(FakeLastmile, "more", {"requested": True})
    monkeypatch.setattr(FakeLastmile, "link_ended", True)
    status, _h, html = browser_of_shop.call("GET", "/verdura/thanks")
    assert status == 200
    assert "You asked for Tuesday, 1 December 2026, between 10:00 and 12:00." in html
    assert "It comes on" not in html
    assert "/t/" not in html


def test_the_same_order_sent_twice_has_one_number_and_one_idempotency_key(
    browser_of_shop: Browser,
) -> None:
    browser_of_shop.call("GET", "/verdura/")
    form = {"name": "Ana", "delivery": "chc_1"}
    cookie = browser_of_shop.cookie
    for _n in range(2):
        browser_of_shop.cookie = cookie
        assert browser_of_shop.call("POST", "/verdura/buy", form)[0] == 303
    first, second = FakeLastmile.received
    assert first[3] == second[3]
    assert first[2]["Idempotency-Key"] == second[2]["Idempotency-Key"]


def test_a_refusal_is_shown_and_the_basket_stays(browser_of_shop: Browser) -> None:
    browser_of_shop.call("GET", "/verdura/?lang=en")
    detail = "This time is no longer kept. Choose another."
    FakeLastmile.refusal = (409, {"code": "choice_gone", "detail": detail})
    form = {"name": "Ana", "delivery": "chc_1", "count-box": "3"}
    status, _h, html = browser_of_shop.call("POST", "/verdura/buy", form)
    assert (status, detail in html, 'value="3"' in html) == (409, True, True)
    status, _h, html = browser_of_shop.call("POST", "/verdura/buy", {"name": "Ana"})
    assert (status, "Choose and confirm a delivery time." in html) == (422, True)
    empty = {f"count-{p.code}": "0" for p in CONFIG.products}
    status, _h, html = browser_of_shop.call("POST", "/verdura/buy", form | empty)
    assert (status, "The basket is empty." in html) == (422, True)


def test_foreign_hosts_origins_paths_and_bodies_are_refused(browser_of_shop: Browser) -> None:
    call = browser_of_shop.call
    assert call("GET", "/verdura/", Host="evil.example")[0] == 404
    assert call("POST", "/verdura/buy", {}, Origin="http://evil.example")[0] == 403
    assert call("POST", "/verdura/buy", {"x": "y" * 70_000})[0] == 413
    for path in ("/other/", "/verdura/secret", "/static/../server.py", "/static/server.py"):
        assert call("GET", path)[0] == 404, path
    assert call("GET", "/verdura/thanks")[0] == 303
    assert call("GET", "/static/shop.js")[0] == 200
    assert FakeLastmile.received == []


@pytest.mark.parametrize("cookie", ["", "x", "e30=", "bnVsbA==", "W10=", "eyJjb3VudHMiOjF9", "é"])
def test_a_damaged_cookie_is_a_new_visitor(cookie: str) -> None:
    signed = hmac.new(b"key", f"verdura|{cookie}".encode(), hashlib.sha256).hexdigest()
    for value in (cookie, f"{cookie}.", f"{cookie}.{signed}", f".{cookie}"):
        basket = basket_of(CONFIG, value, "key")
        assert (basket.counts, basket.session) == (first_basket(CONFIG).counts, "")


def test_only_a_cookie_that_this_shop_wrote_names_an_order() -> None:
    wrote = Basket(counts={"box": 2}, number="W-1", ordered="W-0")
    cookie = wrote.to_cookie(CONFIG, "key")
    assert basket_of(CONFIG, cookie, "key").ordered == "W-0"
    other = replace(wrote, ordered="W-9").to_cookie(CONFIG, "guess")
    spliced = f"{other.partition('.')[0]}.{cookie.partition('.')[2]}"
    elsewhere = wrote.to_cookie(replace(CONFIG, name="faro"), "key")
    for forged in (other, spliced, elsewhere, cookie.partition(".")[0], cookie[:-1]):
        basket = basket_of(CONFIG, forged, "key")
        assert basket.ordered == "", forged
        assert basket.number not in {"W-1", "W-9"}, forged


def test_a_forged_cookie_neither_shows_nor_overwrites_the_order_of_another(
    browser_of_shop: Browser,
) -> None:
    forged = Basket(counts={"box": 1}, address="Calle 1", number="W-1", ordered="W-1")
    for value in (forged.to_cookie(CONFIG, ""), forged.to_cookie(CONFIG, "guess").split(".")[0]):
        browser_of_shop.cookie = f"basket={value}"
        assert browser_of_shop.call("GET", "/verdura/thanks")[0] == 303
        assert FakeLastmile.received == []
        browser_of_shop.cookie = f"basket={value}"
        form = {"name": "Ana", "delivery": "chc_1", "number": "W-1", "ordered": "W-1"}
        assert browser_of_shop.call("POST", "/verdura/buy", form)[0] == 303
        ((_method, _path, _headers, body),) = FakeLastmile.received
        assert body["external_id"] != "W-1", "numbers come from the shop"
        FakeLastmile.received.clear()


def test_the_secret_of_the_baskets_stays_the_same_and_is_no_ones_guess(
    seeded: RetailerRef,
) -> None:
    seed()
    secret = read_config(demo.shop_file()).cookie_secret
    assert len(secret) == 64
    seed()
    assert read_config(demo.shop_file()).cookie_secret == secret
    without = ShopsConfig(api_port=1, shops=(CONFIG,))
    servers = [ShopServer(without, 0) for _n in range(2)]
    assert servers[0].cookie_secret != servers[1].cookie_secret != ""
    for server in servers:
        server.server_close()


def test_a_basket_survives_its_cookie_and_ignores_what_it_does_not_know() -> None:
    basket = Basket(counts={"box": 2, "fruit": 0, "oil": 9}, name="Añá", number="W-1")
    assert basket_of(CONFIG, basket.to_cookie(CONFIG, "key"), "key") == basket
    changed = basket.changed(CONFIG, {"count-box": "99", "count-oil": "-1", "number": "X"})
    assert (changed.counts["box"], changed.counts["oil"], changed.number) == (9, 9, "W-1")
