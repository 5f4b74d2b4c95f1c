"""The pages of the shop as HTML. Every value is escaped; nothing is inline but text."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from html import escape
from typing import Any, Final
from zoneinfo import ZoneInfo

from babel import Locale, dates, numbers
from babel.core import UnknownLocaleError

from portal.choice.demo_shop.basket import MOST, Basket
from portal.choice.demo_shop.config import Product, ShopConfig
from portal.choice.demo_shop.texts import LANGUAGES, TEXTS

_PICTURES: Final = {
    "leaf": "M11 20A7 7 0 0 1 9.8 6.1C15.5 5 17 4.48 19 2c1 2 2 4.18 2 8 0 5.5-4.78 10-10 10Z"
    "M2 21c0-3 1.85-5.36 5.08-6C9.5 14.52 12 13 13 12",
    "apple": "M12 6.5c-1.5-1.6-4-2-6-.6C3.600 7.600 3.400 11 4.500 14c1 3 2.900 6.500 5 6.500 1 "
    "0 1.500-.5 2.500-.5s1.500.5 2.500.5c2.100 0 4-3.500 5-6.500 1.100-3 .9-6.400-1.500-8.100-2-1.4"
    "-4.500-1-6 .6ZM12 6.500C12 4.500 13 3 15 2.500",
    "book": "M12 7v14M3 18a1 1 0 0 1-1-1V4a1 1 0 0 1 1-1h5a4 4 0 0 1 4 4 4 4 0 0 1 4-4h5a1 1 0 0 1 "
    "1 1v13a1 1 0 0 1-1 1h-6a3 3 0 0 0-3 3 3 3 0 0 0-3-3Z",
    "box": "M21 8a2 2 0 0 0-1-1.730l-7-4a2 2 0 0 0-2 0l-7 4A2 2 0 0 0 3 8v8a2 2 0 0 0 1 1.730l7 4"
    "a2 2 0 0 0 2 0l7-4A2 2 0 0 0 21 16ZM3.300 7 12 12l8.700-5M12 22V12",
}


class Page:
    """The words and the frame of a page in one language of one shop."""

    def __init__(self, shop: ShopConfig, language: str, api_origin: str) -> None:
        self.shop = shop
        self.language = language if language in TEXTS else shop.language
        self.api_origin = api_origin
        try:
            self.locale = Locale.parse(f"{self.language}_{shop.country}")
        except (UnknownLocaleError, ValueError):
            self.locale = Locale.parse({"en": "en_150"}.get(self.language, self.language))

    def say(self, key: str, **values: str) -> str:
        """Return a text, escaped."""
        text = TEXTS[self.language][key].format(**values) if values else TEXTS[self.language][key]
        return escape(text)

    def money(self, minor: int) -> str:
        """Return an amount of the shop's currency."""
        digits = numbers.get_currency_precision(self.shop.currency)
        amount = minor / 10**digits
        return numbers.format_currency(amount, self.shop.currency, locale=self.locale)

    def frame(self, title: str, content: str) -> str:
        """Return the whole document."""
        right = " dir=rtl" if self.language == "ar" else ""
        switch = "".join(
            f'<a href="?lang={code}" lang="{code}"'
            f"{' aria-current=true' if code == self.language else ''}>{name}</a>"
            for code, name in LANGUAGES.items()
        )
        return f"""<!DOCTYPE html>
<html lang="{self.language}"{right}>
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title} · {escape(self.shop.title)}</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/static/shop.css">
<link rel="stylesheet" href="/static/hue-{self.shop.hue}.css">
<script type="module" src="{escape(self.api_origin)}/widget.js"></script>
<script type="module" src="/static/shop.js"></script>
</head>
<body>
<header class="top">
<a class="brand" href="/{self.shop.name}/">{picture("box")}{escape(self.shop.title)}</a>
<nav aria-label="{self.say("language")}">{switch}</nav></header>
<p class="demo">{self.say("demo")}</p>
<main>{content}</main>
</body>
</html>"""

    def checkout(self, basket: Basket, fault: str = "") -> str:
        """Return the page with basket, address, picker and the button that buys."""
        rows = "".join(self._row(product, basket) for product in self.shop.products)
        alert = f'<p class="alert" role="alert">{escape(fault)}</p>' if fault else ""
        value = basket.value_minor(self.shop)
        session = f' session="{escape(basket.session)}"' if basket.session else ""
        fields = "".join(
            f'<label>{self.say(name)}<input name="{name}" autocomplete="{auto}" type="{kind}" '
            f'value="{escape(getattr(basket, name))}"{need}></label>'
            for name, auto, kind, need in (
                ("name", "name", "text", " required"),
                ("phone", "tel", "tel", ""),
                ("email", "email", "email", ""),
            )
        )
        suggestions = "".join(
            f'<option value="{escape(known.text)}"></option>' for known in self.shop.addresses
        )
        names = {"text": "address"}
        place = "".join(
            f' {names.get(name, name)}="{escape(str(value))}"'
            for name, value in self.shop.place_of(basket.address).items()
        )
        form = f"""{alert}
<form class="columns" method="post" action="/{self.shop.name}/buy" data-shop="{self.shop.name}"
 data-currency="{self.shop.currency}" data-locale="{self._tag()}" data-free="{self.say("free")}"
 data-none="{self.say("not_chosen")}">
<div class="column">
<section class="card"><h2>{self.say("basket")}</h2><ul class="products">{rows}</ul>
<noscript><button formaction="/{self.shop.name}/basket" formnovalidate>
{self.say("update")}</button></noscript>
</section>
<section class="card"><h2 id="address">{self.say("address")}</h2>
<input name="address" aria-labelledby="address" list="addresses" required
 value="{escape(basket.address)}"><datalist id="addresses">{suggestions}</datalist></section>
<section class="card"><h2>{self.say("contact")}</h2>{fields}</section>
</div>
<div class="column">
<noscript><p class="alert">{self.say("no_scripts")}</p></noscript>
<lastmile-picker key="{escape(self.shop.checkout_key)}" name="delivery"
{place} parcels="{escape(json.dumps(basket.parcels(self.shop)))}"
 value-minor="{value}" currency="{self.shop.currency}"{session}></lastmile-picker>
<section class="card sum"><dl>
<dt>{self.say("goods")}</dt><dd data-sum="goods" data-minor="{value}">{self.money(value)}</dd>
<dt>{self.say("delivery")}</dt><dd data-sum="delivery">{self.say("not_chosen")}</dd>
<dt class="total">{self.say("total")}</dt>
<dd class="total" data-sum="total">{self.money(value)}</dd>
</dl><button class="buy">{self.say("buy")}</button></section>
</div>
</form>"""
        return self.frame(self.say("basket"), form)

    def _row(self, product: Product, basket: Basket) -> str:
        name = product.names.get(self.language) or product.names["en"]
        label = escape(TEXTS[self.language]["pieces"].format(name=name), quote=True)
        return f"""<li>{picture(product.picture)}<span><b>{escape(name)}</b>
<small>{self.money(product.price_minor)}</small></span>
<input type="number" name="count-{product.code}" min="0" max="{MOST}" inputmode="numeric"
 value="{basket.count_of(product)}" aria-label="{label}"></li>"""

    def _tag(self) -> str:
        return str(self.locale).replace("_", "-")

    def thanks(self, order: Mapping[str, Any], link: str) -> str:
        """Return the page after the order, with its promise and the shopper's link."""
        promise = order.get("promise")
        text = self.say("unpromised")
        if promise:
            zone = ZoneInfo(self.shop.zone)
            opens, closes = (
                dt.datetime.fromisoformat(promise[name]).astimezone(zone)
                for name in ("opens_at", "closes_at")
            )
            way = "promised" if promise.get("option", "window") == "window" else "collected"
            text = self.say(
                "requested" if order.get("requested") else way,
                day=dates.format_date(opens, "full", locale=self.locale),
                opens=dates.format_time(opens, "short", locale=self.locale),
                closes=dates.format_time(closes, "short", locale=self.locale),
            )
        price = promise.get("price_minor") if promise else None
        amount = ""
        if price is not None:
            words = self.money(price) if price else TEXTS[self.language]["free"]
            amount = f'<p class="muted">{self.say("delivery")}: {escape(words)}</p>'
        follow = ""
        if link:
            follow = f'<a class="buy" href="{escape(link)}">{self.say("follow")}</a>'
        content = f"""<section class="card thanks" data-order="{escape(str(order["id"]))}">
<h1>{self.say("thanks")}</h1>
<p class="muted">{self.say("number", number=str(order["external_id"]))}</p>
<p class="promise">{text}</p>{amount}
<p class="bar">{follow}
<a class="plain" href="/{self.shop.name}/">{self.say("again")}</a></p></section>"""
        return self.frame(self.say("thanks"), content)


def picture(name: str) -> str:
    """Return a small drawing as SVG."""
    path = _PICTURES.get(name, _PICTURES["box"])
    return (
        '<svg viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="1.5" '
        'stroke-linecap="round" stroke-linejoin="round" aria-hidden="true">'
        f'<path d="{path}"/></svg>'
    )


def hue_style(hue: int) -> str:
    """Return the style sheet with a shop's colour; the picker takes it as its accent."""
    return f"""body {{ --hue: {hue}; }}
lastmile-picker {{ --lastmile-accent: light-dark(oklch(0.45 0.1 {hue}), oklch(0.8 0.1 {hue}));
  --lastmile-on-accent: light-dark(#fff, oklch(0.2 0.02 {hue})); }}
"""


def list_of_shops(shops: tuple[ShopConfig, ...]) -> str:
    """Return the first page: the shops of all demo retailers."""
    links = "".join(
        f'<li><a href="/{shop.name}/">{picture("box")}<b>{escape(shop.title)}</b></a></li>'
        for shop in shops
    )
    texts = TEXTS["en"]
    return f"""<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="color-scheme" content="light dark">
<meta name="viewport" content="width=device-width, initial-scale=1"><link rel="icon" href="data:,">
<title>{texts["shops"]}</title><link rel="stylesheet" href="/static/shop.css"></head>
<body><p class="demo">{texts["demo"]}</p><main><h1>{texts["shops"]}</h1>
<ul class="shops">{links}</ul></main></body></html>"""
