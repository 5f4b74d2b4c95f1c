"""A shop's page and a fake checkout API, served to a real Chromium without any server.

The shop has another origin than the API, and a strict content security policy. The fake follows the
shapes of ``portal.choice.api.shapes``; a test compares them.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import BrowserContext, Page, Route

from portal.choice.widget.script import script_of

API = "http://acme.localhost:8000"
SHOP = "http://shop.localhost:8001"
KEY = "lmk_test"
#: A strict policy: no inline style or script, and only the API's host besides the shop itself.
POLICY = (
    f"default-src 'none'; script-src 'self' {API}; connect-src {API}; style-src 'self'; "
    "require-trusted-types-for 'script'; base-uri 'none'; form-action 'self'"
)
CORS = {
    "Access-Control-Allow-Origin": SHOP,
    "Access-Control-Expose-Headers": "Content-Language, ETag, Location, Retry-After",
}
STYLE = """
body { margin: 0; padding: 16px; font: 16px/1.5 "Noto Sans", sans-serif; background: Canvas;
  color: CanvasText; }
main { max-width: 640px; margin: auto; }
"""


class FakeCheckout:
    """The API of a retailer: seven days of offers, holds and choices of one session."""

    def __init__(self) -> None:
        self.day = dt.date(2026, 12, 1)
        self.value_minor: int | None = 4990
        self.sessions: dict[str, dict[str, Any]] = {}
        self.hold: dict[str, Any] | None = None
        self.choice: dict[str, Any] | None = None
        self.calls: list[tuple[str, str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.full: set[str] = set()
        self.hold_s = 900
        self.requested = False  # True if a dispatcher decides about late changes
        self.not_ready: list[str] = []
        self.down = 0
        self.dates: tuple[int, ...] = (0, 1, 2, 4, 5, 8)
        self.reason = "soonest"
        self.counter = 0

    # --- the picture of the session ---------------------------------------------------------------
    def offers(self) -> list[dict[str, Any]]:
        rows = []
        for n in self.dates:
            date = self.day + dt.timedelta(days=n)
            for hour, option in ((9, "window"), (12, "window"), (18, "window"), (10, "curbside")):
                offer = f"slt_{n}{hour}"
                if offer in self.full:
                    continue
                rows.append(self._offer(offer, date, hour, option))
        return rows

    def _offer(self, offer: str, date: dt.date, hour: int, option: str) -> dict[str, Any]:
        opens = dt.datetime.combine(date, dt.time(hour), dt.UTC)
        free = (self.value_minor or 0) >= 5000 and option == "window" and hour != 18
        price = 0 if free or option == "curbside" else 390 + (200 if hour == 18 else 0)
        green = offer == "slt_112"
        why = "This option causes the least CO2e." if green else "This is the earliest option."
        return {
            "id": offer, "rank": 1 if green else 2, "option": option,
            "handovers": ["attended", "contactless"] if option == "window" else ["attended"],
            "service_date": date.isoformat(), "opens_at": stamp(opens),
            "closes_at": stamp(opens + dt.timedelta(hours=2)), "book_until_at": stamp(opens),
            "price_minor": price, "currency": "EUR", "price_parts": [],
            "co2_g": None if option == "curbside" else 420, "green": green, "reason": self.reason,
            "why": why, "held": bool(self.hold and self.hold["offer"] == offer), "cost": None,
            "bank": None,
        }  # fmt: skip

    def picture(self, session: str, changes: list[dict[str, Any]] | None = None) -> dict[str, Any]:
        known = self.sessions[session]
        missing = self._offer("", self.day + dt.timedelta(days=3), 9, "window")
        full = self._offer("", self.day, 15, "window")
        return {
            "id": session, "place": known["place"], "place_text": known["place_text"],
            "lat": 38.7, "lon": -9.1,
            "time_zone": "Europe/Lisbon", "time_zone_name": "Lisbon (GMT+00:00)",
            "language": known["language"], "since": "2026-12-01", "until": "2026-12-14",
            "basket": {"value_minor": self.value_minor, "currency": "EUR",
                       "parcel_count": known["parcel_count"], "weight_g": known["weight_g"],
                       "volume_cm3": 0},
            "offers": self.offers(), "not_ready": self.not_ready, "more_from": None,
            "not_offered": [
                {name: row[name] for name in ("option", "service_date", "opens_at", "closes_at")}
                | {"reason": reason, "why": why}
                for row, reason, why in (
                    (missing, "no_shift", "No vehicle drives at this time."),
                    (full, "orders", "This time is full."),
                )
            ],
            "hold": self.hold, "choice": self.choice, "price_changes": changes or [],
            "created_at": "2026-11-30T12:00:00Z", "expires_at": "2026-12-01T12:00:00Z",
        }  # fmt: skip

    # --- the calls --------------------------------------------------------------------------------
    def answer(self, method: str, path: str, body: Any) -> tuple[int, dict[str, Any]]:
        """Return status and body of a call."""
        self.calls.append((method, path, body))
        if self.down:
            self.down -= 1
            return 503, {"code": "unavailable", "detail": "The service is busy. Try again."}
        parts = path.strip("/").split("/")[2:]
        handlers: dict[tuple[str, str], Callable[..., tuple[int, dict[str, Any]]]] = {
            ("POST", "delivery-options"): self._open,
            ("GET", "delivery-options"): self._read,
            ("PATCH", "delivery-options"): self._change,
            ("POST", "holds"): self._hold,
            ("DELETE", "holds"): self._release,
            ("POST", "choices"): self._choose,
            ("DELETE", "choices"): self._forget,
        }
        return handlers[method, parts[0]](body, *parts[1:])

    def _open(self, body: Any) -> tuple[int, dict[str, Any]]:
        text = body["place"].get("text", "")
        if "moon" in text:
            detail = "No hub serves this address. Choose another address."
            return 422, {
                "code": "invalid",
                "detail": "Some values are not valid; see errors.",
                "errors": [{"pointer": "/place", "detail": detail, "code": "outside"}],
            }
        self.counter += 1
        session = f"ses_{self.counter}"
        self.value_minor = body.get("value_minor", self.value_minor)
        self.sessions[session] = {
            "place": body["place"],
            "place_text": text,
            "language": body.get("language", ""),
            **self._goods(body, {"parcel_count": 1, "weight_g": 0}),
        }
        return 201, self.picture(session)

    def _goods(self, body: Any, before: dict[str, int]) -> dict[str, int]:
        if "parcels" in body:
            weight = sum(parcel.get("weight_g", 0) for parcel in body["parcels"])
            return {"parcel_count": len(body["parcels"]), "weight_g": weight}
        return {name: body.get(name, before[name]) for name in ("parcel_count", "weight_g")}

    def _read(self, _body: Any, session: str) -> tuple[int, dict[str, Any]]:
        if session not in self.sessions:
            return 404, {"code": "not_found", "detail": "Not found."}
        return 200, self.picture(session)

    def _change(self, body: Any, session: str) -> tuple[int, dict[str, Any]]:
        if session not in self.sessions:
            return 404, {"code": "not_found", "detail": "Not found."}
        before = {row["id"]: row["price_minor"] for row in self.offers()}
        known = self.sessions[session]
        self.value_minor = body.get("value_minor", self.value_minor)
        self.sessions[session] = (
            known | self._goods(body, known) | {"language": body.get("language", known["language"])}
        )
        changes = [
            {"offer": row["id"], "old_price_minor": before[row["id"]],
             "new_price_minor": row["price_minor"], "currency": "EUR", "reason": "no_longer_free",
             "why": f"The price changed from {before[row['id']]} to {row['price_minor']}."}
            for row in self.offers()
            if before.get(row["id"], row["price_minor"]) != row["price_minor"]
        ]  # fmt: skip
        for change in changes:
            if self.hold and self.hold["offer"] == change["offer"]:
                self.hold["price_minor"] = change["new_price_minor"]
        return 200, self.picture(session, changes)

    def _hold(self, body: Any) -> tuple[int, dict[str, Any]]:
        rows = {row["id"]: row for row in self.offers()}
        row = rows.get(body["offer"])
        if row is None:
            near = [dict(rows[offer], offer=offer) for offer in list(rows)[:2]]
            detail = "This time is full. Choose another time."
            return 409, {
                "code": "slot_full",
                "detail": detail,
                "offer": body["offer"],
                "alternatives": near,
            }
        self.counter += 1
        names = (
            "option",
            "service_date",
            "opens_at",
            "closes_at",
            "price_minor",
            "currency",
            "price_parts",
            "co2_g",
        )
        self.hold = {name: row[name] for name in names} | {
            "id": f"hld_{self.counter}", "session": body["session"], "offer": row["id"],
            "state": "live", "handover": body.get("handover") or row["handovers"][0],
            "time_zone": "Europe/Lisbon", "place_text": "", "choice": None,
            "requested": self.requested,
            "expires_at": "2026-11-30T12:15:00Z", "expires_in_s": self.hold_s,
        }  # fmt: skip
        return 201, self.hold

    def _release(self, _body: Any, hold: str) -> tuple[int, dict[str, Any]]:
        released = dict(self.hold or {}, state="released", id=hold)
        self.hold = None
        return 200, released

    def _choose(self, body: Any) -> tuple[int, dict[str, Any]]:
        held = self.hold
        if held is None or held["id"] != body["hold"]:
            return 404, {"code": "not_found", "detail": "Not found."}
        if body.get("price_minor") != held["price_minor"]:
            return 409, {"code": "price_changed", "detail": "The price changed. Look at it again."}
        self.counter += 1
        names = (
            "session",
            "option",
            "handover",
            "opens_at",
            "closes_at",
            "price_minor",
            "currency",
            "co2_g",
            "place_text",
        )
        self.choice = {name: held[name] for name in names} | {
            "id": f"chc_{self.counter}", "hold": held["id"], "state": "waiting",
            "value_minor": self.value_minor, "expires_at": "2026-11-30T12:30:00Z",
            "expires_in_s": 1800, "order": None, "requested": self.requested,
        }  # fmt: skip
        held |= {"state": "kept", "choice": self.choice["id"], "expires_in_s": 1800}
        return 201, self.choice

    def _forget(self, _body: Any, choice: str) -> tuple[int, dict[str, Any]]:
        released = dict(self.choice or {}, id=choice, state="cancelled")
        self.choice = None
        if self.hold and self.hold["state"] == "kept":
            self.hold = None
        return 200, released

    def sent(self, method: str, path: str = "") -> list[Any]:
        """Return the bodies of the calls with this method whose path begins so."""
        return [b for m, p, b in self.calls if m == method and p.startswith(f"/api/v1/{path}")]


def stamp(instant: dt.datetime) -> str:
    """Return an instant as the API writes it."""
    return instant.isoformat().replace("+00:00", "Z")


class Shop:
    """The page of a shop with a picker, in a browser where nothing of the API's host is stored."""

    def __init__(self, context: BrowserContext, api: FakeCheckout | None = None) -> None:
        self.api = api or FakeCheckout()
        self.context = context
        self.attributes: dict[str, str] = {
            "key": KEY, "address": "Rua do Ouro 5, Lisboa", "value-minor": "4990",
            "currency": "EUR", "name": "delivery",
        }  # fmt: skip
        self.language = "en"
        self.head = ""
        self.problems: list[str] = []
        context.route("**/*", self._serve)

    def open(self, path: str = "/", **attributes: str | None) -> Page:
        """Open the shop's page; attributes of the picker can be added, or left out with None."""
        for name, value in attributes.items():
            key = name.replace("_", "-")
            if value is None:
                self.attributes.pop(key, None)
            else:
                self.attributes[key] = value
        page = self.context.new_page()
        page.on("pageerror", lambda error: self.problems.append(f"error: {error}"))
        page.on("console", self._note)
        page.goto(SHOP + path)
        return page

    def _note(self, message: Any) -> None:
        expected = "Failed to load resource" in message.text  # a refusal that a test asks for
        if message.type in {"error", "warning"} and not expected:
            self.problems.append(f"{message.type}: {message.text}")

    def _serve(self, route: Route) -> None:
        request = route.request
        url = urlsplit(request.url)
        origin = f"{url.scheme}://{url.netloc}"
        if origin == SHOP:
            self._serve_shop(route, url.path)
        elif origin == API and url.path == "/widget.js":
            script = script_of(API, "PT").content
            headers = {"Access-Control-Allow-Origin": "*"}
            route.fulfill(body=script, content_type="text/javascript", headers=headers)
        elif origin == API:
            self.api.headers.append(request.all_headers())
            body = json.loads(request.post_data) if request.post_data else None
            status, answer = self.api.answer(request.method, url.path, body)
            route.fulfill(status=status, json=answer, headers=CORS)
        else:
            self.problems.append(f"another host was asked: {request.url}")
            route.abort()

    def _serve_shop(self, route: Route, path: str) -> None:
        if path == "/shop.css":
            route.fulfill(body=STYLE, content_type="text/css")
        elif path == "/shop.js":
            route.fulfill(body=SCRIPT, content_type="text/javascript")
        elif path == "/favicon.ico":
            route.fulfill(status=204)
        else:
            route.fulfill(
                body=self.html(),
                content_type="text/html; charset=utf-8",
                headers={"Content-Security-Policy": POLICY},
            )

    def html(self) -> str:
        """Return the shop's page."""
        values = " ".join(f'{name}="{value}"' for name, value in self.attributes.items())
        return f"""<!DOCTYPE html><html lang="{self.language}"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1"><title>Shop</title>
<meta name="color-scheme" content="light dark"><link rel="stylesheet" href="/shop.css">
<script src="/shop.js"></script><script type="module" src="{API}/widget.js"></script>{self.head}
</head><body><main><h1>Checkout</h1><form action="/buy">
<lastmile-picker {values}></lastmile-picker><button>Buy</button></form></main></body></html>"""


SCRIPT = """
window.received = [];
window.violations = [];
document.addEventListener("securitypolicyviolation", (e) => violations.push(e.violatedDirective));
for (const type of ["lastmile-hold", "lastmile-choice", "lastmile-change"]) {
  document.addEventListener(type, (e) => received.push([type, e.detail]));
}
"""
