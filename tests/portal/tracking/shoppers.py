"""A shopper's browser, and promises for tests of the delivery page."""

from __future__ import annotations

import datetime as dt
import html
import re
from typing import Any

from django.http import HttpResponse
from django.test import Client

from dispatch.orders.drafts import PromiseDraft
from dispatch.orders.links import shopper_secret
from dispatch.orders.models import Cause, Order, Promise
from dispatch.orders.services import set_promise
from lastmile.core.tenancy import current_retailer
from tests.factories.orders import DAY, make_window


class ShopperBrowser:
    """A browser that opened the link of an order."""

    def __init__(self, order: Order, **options: Any) -> None:
        self.order = order
        self.secret = shopper_secret(order)
        self.client = Client(headers={"host": current_retailer().domain}, **options)

    def get(self, path: str = "", **query: str) -> HttpResponse:
        """Open a page under the link."""
        return self.client.get(f"/t/{self.secret}/{path}", query)  # type: ignore[return-value]

    def post(self, path: str, **fields: Any) -> HttpResponse:
        """Send a form under the link."""
        return self.client.post(f"/t/{self.secret}/{path}", fields)  # type: ignore[return-value]

    def answer(self, **query: str) -> str:
        """Return the sentence at the top of the page."""
        return heading(self.get(**query))

    def text(self, path: str = "", **query: str) -> str:
        """Return the visible text of a page."""
        return text_of(self.get(path, **query))


def heading(response: HttpResponse) -> str:
    """Return the first heading of a page as text."""
    match = re.search(r"<h1[^>]*>(.*?)</h1>", response.content.decode(), re.DOTALL)
    assert match is not None, response.content.decode()[:2000]
    return plain(match[1])


def text_of(response: HttpResponse) -> str:
    """Return the text of a page's main part, without tags."""
    body = response.content.decode().split("<main", 1)[1].split("</main>", 1)[0]
    return plain(body.split(">", 1)[1])


def plain(markup: str) -> str:
    """Return HTML as text with single, ordinary spaces."""
    text = html.unescape(re.sub(r"<[^>]+>", " ", markup))
    return re.sub(r"\s+([.,:])", r"\1", re.sub(r"[\s\u00a0\u202f]+", " ", text)).strip()


def promise(
    order: Order, opens: int = 10, closes: int = 12, day: dt.date = DAY, **terms: Any
) -> Promise:
    """Promise a window in whole hours UTC."""
    window = make_window(opens, closes, day)
    draft = PromiseDraft(
        opens_at=window.opens_at, closes_at=window.closes_at, cause=Cause.CHOICE, **terms
    )
    result = set_promise(order=order, draft=draft)
    order.refresh_from_db()
    return result
