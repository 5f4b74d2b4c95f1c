"""The web server of the shop: a few pages, and the order that it places at Lastmile."""

from __future__ import annotations

import json
import secrets
from dataclasses import replace
from http.cookies import CookieError, SimpleCookie
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs, quote, urlsplit

from portal.choice.demo_shop.basket import Basket, basket_of, first_basket, new_number
from portal.choice.demo_shop.config import HOSTS, ShopConfig, ShopsConfig
from portal.choice.demo_shop.lastmile_api import Refused, call
from portal.choice.demo_shop.pages import Page, hue_style, list_of_shops
from portal.choice.demo_shop.texts import TEXTS

_STATIC: Final = Path(__file__).parent / "static"
_TYPES: Final = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8"}
_LONGEST_BODY: Final = 64_000
_COOKIE: Final = "basket"


class ShopServer(ThreadingHTTPServer):
    """The server of all demo shops."""

    daemon_threads = True

    def __init__(self, config: ShopsConfig, port: int | None = None) -> None:
        self.config = config
        self.cookie_secret = config.cookie_secret or secrets.token_hex(32)
        super().__init__(("127.0.0.1", config.port if port is None else port), ShopHandler)

    @property
    def own_port(self) -> int:
        """The port at which the server listens."""
        return int(self.server_address[1])

    def shop(self, name: str) -> ShopConfig | None:
        """Return the shop with this name."""
        return next((shop for shop in self.config.shops if shop.name == name), None)


class ShopHandler(BaseHTTPRequestHandler):
    """A request of a shopper's browser."""

    server: ShopServer
    protocol_version = "HTTP/1.1"
    server_version, sys_version = "demo-shop", ""
    timeout = 30

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name of the base
        """Log nothing: addresses in this shop belong to shoppers."""

    def do_GET(self) -> None:
        """Show a page."""
        if not self._is_own_host():
            return
        parts = urlsplit(self.path)
        names = [part for part in parts.path.split("/") if part]
        if not names:
            self._send(200, list_of_shops(self.server.config.shops))
        elif names[0] == "static" and len(names) == 2:
            self._static(names[1])
        elif (shop := self.server.shop(names[0])) is None:
            self._send(404, "Not found", "text/plain")
        elif names[1:] == ["thanks"]:
            self._thanks(shop)
        elif len(names) == 1:
            self._checkout(shop, parse_qs(parts.query).get("lang", [""])[0])
        else:
            self._send(404, "Not found", "text/plain")

    do_HEAD = do_GET  # noqa: N815 - the name of the base

    def do_POST(self) -> None:
        """Change the basket, remember the delivery session, or buy."""
        if not self._is_own_host() or not self._is_own_origin():
            return
        names = [part for part in urlsplit(self.path).path.split("/") if part]
        shop = self.server.shop(names[0]) if len(names) == 2 else None
        acts = {"basket": self._change, "buy": self._buy}
        if shop is None or names[1] not in acts:
            self._send(404, "Not found", "text/plain")
            return
        form = self._form()
        if form is not None:
            acts[names[1]](shop, form)

    # --- pages ------------------------------------------------------------------------------------
    def _checkout(self, shop: ShopConfig, language: str) -> None:
        basket = self._basket(shop)
        if language in TEXTS:
            basket = replace(basket, language=language)
        html = self._page(shop, basket).checkout(basket)
        self._send(200, html, shop=shop, basket=basket)

    def _change(self, shop: ShopConfig, form: dict[str, str]) -> None:
        """Store the basket; answer a script with the new sums, and a form with the page."""
        basket = self._basket(shop).changed(shop, form)
        if "application/json" not in self.headers.get("Accept", ""):
            self._redirect(f"/{shop.name}/", shop, basket)
            return
        answer = {
            "value_minor": basket.value_minor(shop),
            "parcels": basket.parcels(shop),
            "place": shop.place_of(basket.address),
        }
        self._send(200, json.dumps(answer), "application/json", shop=shop, basket=basket)

    def _buy(self, shop: ShopConfig, form: dict[str, str]) -> None:
        """Place the order with the id of the choice; that makes the promise."""
        basket = self._basket(shop).changed(shop, form)
        page = self._page(shop, basket)
        texts = TEXTS[page.language]
        if not basket.parcels(shop) or not form.get("delivery"):
            fault = texts["choose_first" if basket.parcels(shop) else "empty"]
            self._send(422, page.checkout(basket, fault), shop=shop, basket=basket)
            return
        contact = {n: getattr(basket, n) for n in ("name", "phone", "email")}
        order = {
            "external_id": basket.number,
            "shopper": contact | {"language": page.language},
            "place": shop.place_of(basket.address),
            "parcels": basket.parcels(shop),
            "value_minor": basket.value_minor(shop),
            "currency": shop.currency,
            "choice": form["delivery"],
        }
        try:
            port = self.server.config.api_port
            call(shop, port, "POST", "orders/", order, language=page.language)
        except Refused as refused:
            html = page.checkout(basket, refused.detail)
            status = refused.status if refused.status < 500 else 503
            self._send(status, html, shop=shop, basket=basket)
            return
        empty = replace(
            first_basket(shop),
            language=basket.language,
            address=basket.address,
            number=new_number(),
            ordered=basket.number,
        )
        self._redirect(f"/{shop.name}/thanks", shop, empty)

    def _thanks(self, shop: ShopConfig) -> None:
        basket = self._basket(shop)
        if not basket.ordered:
            self._redirect(f"/{shop.name}/", shop, basket)
            return
        page, port = self._page(shop, basket), self.server.config.api_port
        path = f"orders/external_id:{quote(basket.ordered, safe='')}/"
        try:
            order = call(shop, port, "GET", path)
            link = self._link(shop, f"{path}shopper-link/")
        except Refused as refused:
            self._send(503, page.checkout(basket, refused.detail), shop=shop, basket=basket)
            return
        self._send(200, page.thanks(order, link), shop=shop)

    def _link(self, shop: ShopConfig, path: str) -> str:
        """Return the shopper's link; "" if staff ended it. Raises Refused."""
        try:
            return str(call(shop, self.server.config.api_port, "GET", path).get("url", ""))
        except Refused as refused:
            if refused.code == "link_ended":
                return ""
            raise

    def _static(self, name: str) -> None:
        hues = {f"hue-{shop.hue}.css": shop.hue for shop in self.server.config.shops}
        if name in hues:
            self._send(200, hue_style(hues[name]), _TYPES[".css"])
        elif name in {"shop.css", "shop.js"}:
            kind = _TYPES[Path(name).suffix]
            self._send(200, (_STATIC / name).read_text(encoding="utf-8"), kind)
        else:
            self._send(404, "Not found", "text/plain")

    # --- parts ------------------------------------------------------------------------------------
    def _page(self, shop: ShopConfig, basket: Basket) -> Page:
        return Page(shop, basket.language, self._api_origin(shop))

    def _api_origin(self, shop: ShopConfig) -> str:
        return f"http://{shop.host}:{self.server.config.api_port}"

    def _basket(self, shop: ShopConfig) -> Basket:
        try:
            cookies = SimpleCookie(self.headers.get("Cookie", ""))
        except CookieError:
            return first_basket(shop)
        morsel = cookies.get(_COOKIE)
        if morsel is None:
            return first_basket(shop)
        return basket_of(shop, morsel.value, self.server.cookie_secret)

    def _form(self) -> dict[str, str] | None:
        """Return the fields of the body, or None after a refusal."""
        length = self.headers.get("Content-Length", "")
        if not length.isdigit() or int(length) > _LONGEST_BODY:
            self.close_connection = True
            self._send(413, "Too large", "text/plain")
            return None
        text = self.rfile.read(int(length)).decode("utf-8", errors="replace")
        fields = parse_qs(text, keep_blank_values=True, max_num_fields=100)
        return {name: values[-1].replace("\x00", "") for name, values in fields.items()}

    def _is_own_host(self) -> bool:
        host = self.headers.get("Host", "").rpartition(":")[0] or self.headers.get("Host", "")
        if host in HOSTS:
            return True
        self._send(404, "Not found", "text/plain")
        return False

    def _is_own_origin(self) -> bool:
        """Refuse forms of other pages."""
        own = f"http://{self.headers.get('Host', '')}"
        if self.headers.get("Origin", own) == own:
            return True
        self.close_connection = True
        self._send(403, "Forbidden", "text/plain")
        return False

    def _redirect(self, path: str, shop: ShopConfig, basket: Basket) -> None:
        self._send(303, "", shop=shop, basket=basket, location=path)

    def _send(
        self,
        status: int,
        body: str,
        kind: str = "text/html; charset=utf-8",
        *,
        shop: ShopConfig | None = None,
        basket: Basket | None = None,
        location: str = "",
    ) -> None:
        content = body.encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Cache-Control", "no-store" if shop else "no-cache")
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Referrer-Policy", "same-origin")
        self.send_header("Content-Security-Policy", self._policy(shop))
        if location:
            self.send_header("Location", location)
        if shop and basket:
            value = basket.to_cookie(shop, self.server.cookie_secret)
            attributes = f"Path=/{shop.name}; HttpOnly; SameSite=Lax"
            self.send_header("Set-Cookie", f"{_COOKIE}={value}; {attributes}")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def _policy(self, shop: ShopConfig | None) -> str:
        """Return the policy of a page: besides the shop itself, only the retailer's host."""
        api = f" {self._api_origin(shop)}" if shop else ""
        return (
            f"default-src 'none'; script-src 'self'{api}; connect-src 'self'{api}; "
            "style-src 'self'; img-src data:; form-action 'self'; base-uri 'none'; "
            "frame-ancestors 'none'; require-trusted-types-for 'script'"
        )


def serve(config: ShopsConfig) -> None:
    """Serve the shops until the process ends."""
    ShopServer(config).serve_forever()
