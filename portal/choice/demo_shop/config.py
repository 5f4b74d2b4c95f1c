"""The file with the shop's keys: written by the demo, read by the shop. Mode 600."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

FILE_NAME: Final = "demo-shop.json"
HOSTS: Final = ("shop.localhost", "localhost", "127.0.0.1")


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """A product: its names by language, its price, and the parcel that it fills."""

    code: str
    names: Mapping[str, str]
    price_minor: int
    weight_g: int
    volume_cm3: int
    picture: str = "box"


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """An address that the shop suggests, with the coordinates that it knows."""

    text: str
    lat: float | None = None
    lon: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ShopConfig:
    """A shop: its retailer's host, its two keys, and its products."""

    name: str
    title: str
    host: str
    zone: str
    country: str
    currency: str
    language: str
    hue: int
    addresses: tuple[Address, ...]
    checkout_key: str
    integration_key: str
    products: tuple[Product, ...]

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> ShopConfig:
        """Return the shop of a JSON object."""
        products = tuple(Product(**product) for product in values["products"])
        addresses = tuple(Address(**address) for address in values["addresses"])
        return cls(**{**values, "products": products, "addresses": addresses})

    def place_of(self, text: str) -> dict[str, Any]:
        """Return the place of an address for the API: with coordinates if the shop knows them."""
        for known in self.addresses:
            if known.text == text and known.lat is not None:
                return {"text": text, "lat": known.lat, "lon": known.lon}
        return {"text": text}


@dataclass(frozen=True, slots=True, kw_only=True)
class ShopsConfig:
    """All shops, and the port at which this machine reaches Lastmile.

    ``cookie_secret`` signs the baskets. A server without one makes its own, so its baskets end
    with its process.
    """

    api_port: int
    shops: tuple[ShopConfig, ...]
    cookie_secret: str = ""

    @property
    def port(self) -> int:
        """The port of the shop: the one after Lastmile's."""
        return self.api_port + 1

    @property
    def origins(self) -> list[str]:
        """The origins at which browsers can reach the shop."""
        return [f"http://{host}:{self.port}" for host in HOSTS]

    def to_json(self) -> str:
        """Return the content of the file."""
        return json.dumps(asdict(self), ensure_ascii=False, indent=1)


def read_config(file: Path) -> ShopsConfig:
    """Return the configuration in a file. Raises OSError, ValueError or KeyError."""
    values = json.loads(file.read_text(encoding="utf-8"))
    shops = tuple(ShopConfig.from_json(shop) for shop in values["shops"])
    secret = values.get("cookie_secret", "")
    return ShopsConfig(api_port=values["api_port"], shops=shops, cookie_secret=str(secret))
