"""The basket of a shopper. The shop keeps it in a cookie of its own, signed with its secret.

The signature proves that the shop wrote the cookie. Without it a browser could name the order of
somebody else, and the shop would show or overwrite it.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Final

from portal.choice.demo_shop.config import Product, ShopConfig

MOST: Final = 9
_TEXTS: Final = ("address", "name", "phone", "email", "session", "number", "language")
_LONGEST: Final = 300
_ALPHABET: Final = "23456789ABCDEFGHJKLMNPQRSTVWXYZ"


@dataclass(frozen=True, slots=True, kw_only=True)
class Basket:
    """The basket, the shopper's contact, and the ids that the shop's page has to remember.

    ``session`` is the picker's delivery session. With it, a reload finds the held time again.
    ``number`` is the number of the order; it stays the same until the order is placed.
    """

    counts: Mapping[str, int] = field(default_factory=dict)
    address: str = ""
    name: str = ""
    phone: str = ""
    email: str = ""
    session: str = ""
    number: str = ""
    ordered: str = ""
    language: str = ""

    def count_of(self, product: Product) -> int:
        """Return how many of a product are in the basket."""
        return self.counts.get(product.code, 0)

    def value_minor(self, shop: ShopConfig) -> int:
        """Return the price of all goods."""
        return sum(p.price_minor * self.count_of(p) for p in shop.products)

    def parcels(self, shop: ShopConfig) -> list[dict[str, int]]:
        """Return one parcel for each piece."""
        return [
            {"weight_g": product.weight_g, "volume_cm3": product.volume_cm3}
            for product in shop.products
            for _n in range(self.count_of(product))
        ]

    def changed(self, shop: ShopConfig, form: Mapping[str, str]) -> Basket:
        """Return the basket with the fields of a form; everything else in the form is ignored."""
        counts = dict(self.counts)
        for product in shop.products:
            text = form.get(f"count-{product.code}", "")
            if text.isascii() and text.isdigit():
                counts[product.code] = min(int(text), MOST)
        texts = {n: form[n].strip()[:_LONGEST] for n in _TEXTS if n in form and n != "number"}
        return replace(self, counts=counts, **texts)

    def to_cookie(self, shop: ShopConfig, secret: str) -> str:
        """Return the basket as the value of a cookie, signed for this shop."""
        content = base64.urlsafe_b64encode(json.dumps(asdict(self)).encode()).decode()
        return f"{content}.{_signature(shop, content, secret)}"


def first_basket(shop: ShopConfig) -> Basket:
    """Return the basket of a new visitor: the first two products, and an address to try."""
    counts = {product.code: 1 for product in shop.products[:2]}
    return Basket(counts=counts, address=shop.addresses[0].text, number=new_number())


def basket_of(shop: ShopConfig, cookie: str, secret: str) -> Basket:
    """Return the basket of a cookie; a cookie that the shop did not write is a new visitor's."""
    content, _dot, signature = cookie.partition(".")
    own = _signature(shop, content, secret)
    if not hmac.compare_digest(signature.encode(errors="replace"), own.encode()):
        return first_basket(shop)
    try:
        values = json.loads(base64.urlsafe_b64decode(content.encode()))
        counts = {p.code: _count(values["counts"].get(p.code, 0)) for p in shop.products}
        texts = {name: str(values.get(name, ""))[:_LONGEST] for name in (*_TEXTS, "ordered")}
    except (ValueError, KeyError, TypeError, AttributeError):
        return first_basket(shop)
    return Basket(counts=counts, **texts) if texts["number"] else first_basket(shop)


def new_number() -> str:
    """Return a random number for an order."""
    return "W-" + "".join(secrets.choice(_ALPHABET) for _n in range(10))


def _signature(shop: ShopConfig, content: str, secret: str) -> str:
    """Return the signature of a cookie's content: the cookie of one shop is no other's."""
    text = f"{shop.name}|{content}".encode(errors="replace")
    return hmac.new(secret.encode(), text, hashlib.sha256).hexdigest()


def _count(value: Any) -> int:
    return min(max(int(value), 0), MOST)
