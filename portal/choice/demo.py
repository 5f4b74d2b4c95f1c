"""The keys of the demo shop, and the file in which it finds them.

The shop is a program of its own (``portal.choice.demo_shop``). The file holds a secret key, so only
its owner can read it.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from django.conf import settings

from dispatch.fleet.models import Hub
from dispatch.orders.models import Order
from lastmile.core.demo import Demo
from lastmile.core.phones import region_of
from lastmile.core.private_files import write_private
from lastmile.core.tenancy import RetailerRef, current_retailer
from lockers.selectors import has_bank_near
from portal.choice.demo_shop.config import (
    FILE_NAME,
    Address,
    Product,
    ShopConfig,
    ShopsConfig,
    read_config,
)
from tenants.people.models import ApiKey
from tenants.people.selectors import hash_of
from tenants.people.services import create_key, revoke_key
from tenants.permissions import KeyRole

KEY_NAME: Final = "Demo shop"
#: Orders among which the demo looks for one with a locker near.
MOST_LOOKED: Final = 200
#: The address of a new visitor while the demo has no orders.
ADDRESS: Final = "Avenida Francisco de Aguirre 400, La Serena"


def _product(code: str, en: str, es: str, ar: str, price: int, grams: int, picture: str) -> Product:
    return Product(
        code=code,
        names={"en": en, "es": es, "ar": ar},
        price_minor=price,
        weight_g=grams,
        volume_cm3=grams * 3,
        picture=picture,
    )


PRODUCTS: Final[Mapping[str, tuple[Product, ...]]] = {
    "verdura": (
        _product("box", "Vegetable box", "Caja de verduras", "صندوق خضار", 12_990, 6_000, "leaf"),
        _product("fruit", "Fruit box", "Caja de frutas", "صندوق فواكه", 9_990, 5_000, "apple"),
        _product("oil", "Olive oil", "Aceite de oliva", "زيت زيتون", 7_490, 1_200, "box"),
    ),
    "faro": (
        _product("novel", "Novel", "Novela", "رواية", 14_990, 450, "book"),
        _product("atlas", "Atlas of the sea", "Atlas del mar", "أطلس البحر", 24_990, 2_400, "book"),
        _product("cards", "Box of cards", "Caja de tarjetas", "علبة بطاقات", 5_990, 300, "box"),
    ),
}


def shop_file() -> Path:
    """Return the path of the file with the shop's keys."""
    path: Path = settings.VAR / FILE_NAME
    return path


def seed_demo(demo: Demo) -> Mapping[str, Any]:
    """Give the demo shop its two keys for this retailer. Run again, it changes nothing.

    A key is replaced if its secret is not in the file, or if the shop has another origin now.
    Records: audit entries.
    """
    retailer = current_retailer()
    products = PRODUCTS.get(retailer.schema)
    if products is None or not Hub.objects.filter(active=True).exists():
        return {}
    before = _stored()
    known = {shop.name: shop for shop in before.shops}
    secret = before.cookie_secret or secrets.token_hex(32)
    config = ShopsConfig(api_port=settings.PORT, shops=(), cookie_secret=secret)
    shop = _shop(retailer, products, known.get(retailer.schema), config.origins)
    others = [one for one in before.shops if one.name != shop.name]
    shops = sorted([*others, shop], key=lambda one: list(PRODUCTS).index(one.name))
    after = replace(config, shops=tuple(shops))
    if after != before or not shop_file().exists():
        write_private(shop_file(), after.to_json().encode())
    return {"demo_shop": str(shop_file())}


def _stored() -> ShopsConfig:
    """Return the configuration in the file; without a readable file, one without shops."""
    try:
        config = read_config(shop_file())
    except (OSError, ValueError, KeyError, TypeError):
        return ShopsConfig(api_port=0, shops=())
    return replace(config, shops=tuple(shop for shop in config.shops if shop.name in PRODUCTS))


def _shop(
    retailer: RetailerRef,
    products: tuple[Product, ...],
    before: ShopConfig | None,
    origins: list[str],
) -> ShopConfig:
    checkout = _key(KeyRole.CHECKOUT, before.checkout_key if before else "", origins)
    integration = _key(KeyRole.INTEGRATION, before.integration_key if before else "", [])
    return ShopConfig(
        name=retailer.schema,
        title=retailer.name,
        host=urlsplit(f"//{retailer.domain}").hostname or retailer.domain,
        zone=retailer.zone,
        country=region_of(retailer.zone),
        currency=retailer.currency,
        language=retailer.language or "en",
        hue=205 if retailer.brand.hue is None else retailer.brand.hue,
        addresses=before.addresses if before else _addresses(),
        checkout_key=checkout,
        integration_key=integration,
        products=products,
    )


def _addresses() -> tuple[Address, ...]:
    """Return some places of the demo's orders; a shop with a map knows coordinates, too.

    The first one is that of a new visitor: near a locker, so that the shop offers one.
    """
    rows = Order.objects.filter(place__lat__isnull=False, hub__isnull=False).order_by("pk")
    orders = list(rows.exclude(place__text="").select_related("place", "hub")[:MOST_LOOKED])
    known = {order.place.text: address_of(order) for order in orders[:40]}
    near = [address_of(order) for order in orders if _has_locker(order)][:1]
    others = [address for address in tuple(known.values())[::8] if address not in near]
    return (*near, *others) or (Address(text=ADDRESS),)


def address_of(order: Order) -> Address:
    """Return the place of an order as the shop knows it."""
    return Address(text=order.place.text, lat=order.place.lat, lon=order.place.lon)


def _has_locker(order: Order) -> bool:
    hub, door = order.hub, order.place.point
    return hub is not None and door is not None and has_bank_near(hub, door)


def _key(role: KeyRole, secret: str, origins: list[str]) -> str:
    """Return the secret of a valid key of the shop; make a new key if there is none."""
    rows = ApiKey.objects.filter(name=KEY_NAME, role=role.value, revoked_at__isnull=True)
    for key in rows:
        if secret and key.secret_hash == hash_of(secret) and key.origins == sorted(origins):
            return secret
        revoke_key(public_id=key.public_id)
    _row, fresh = create_key(name=KEY_NAME, role=role.value, origins=origins)
    return fresh
