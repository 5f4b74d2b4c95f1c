"""The components as template tags: ``{% load look %}``; the page ``/design/`` shows each one."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any

from django import template
from django.forms import RadioSelect
from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import NoReverseMatch, reverse
from django.utils.formats import date_format, number_format
from django.utils.functional import Promise
from django.utils.html import conditional_escape, format_html
from django.utils.safestring import SafeString
from django.utils.timezone import localtime
from django.utils.translation import pgettext

from lastmile.core.clock import now
from lastmile.core.http.socket_urls import socket_url
from lastmile.core.money import exponent
from lastmile.core.navigation import menu, panels_for
from lastmile.core.statuses import status_of

register = template.Library()


@register.simple_tag
def icon(name: str, extra: str = "", label: str | Promise = "") -> SafeString:
    """One icon of the vendored set; silent for screen readers unless it has a ``label``."""
    sprite = static("icons/lucide.svg")
    if label:
        return format_html(
            '<svg class="icon {}" role="img" aria-label="{}"><use href="{}#{}"/></svg>',
            extra, label, sprite, name,
        )  # fmt: skip
    return format_html(
        '<svg class="icon {}" aria-hidden="true"><use href="{}#{}"/></svg>', extra, sprite, name
    )


@register.simple_tag
def status(code: str, word: str | Promise = "") -> SafeString:
    """A status: tone, icon and word, always the three together."""
    known = status_of(str(code))
    return format_html(
        '<span class="status {}">{}{}</span>', known.tone, icon(known.icon), word or known.word
    )


@register.filter
def status_word(code: str) -> str:
    """The word of a status alone, where no icon can stand: in an option, on paper."""
    return str(status_of(code).word)


@register.simple_tag
def safe_url(name: str, *args: Any, **kwargs: Any) -> str:
    """``{% url %}`` for a page that this host may not serve: empty instead of an error."""
    try:
        return reverse(name, args=args, kwargs=kwargs)
    except NoReverseMatch:
        return ""


def _leads(url: str, path: str) -> bool:
    """Whether a page lies under an item; the first page lies over all and is only itself."""
    return path == url or (url != "/" and path.startswith(url))


@register.inclusion_tag("components/_nav.html", takes_context=True)
def nav(context: template.Context) -> dict[str, Any]:
    """The items of the menu that this principal may use and this host serves."""
    request: HttpRequest | None = context.get("request")
    principal = context.get("principal")
    if request is None or principal is None:
        return {"items": []}
    items = menu()
    shown = [(item, safe_url(item.url)) for item in items if principal.may(item.act)]
    under = [(item, safe_url(name)) for item in items for name in (item.url, *item.also)]
    here = max(
        ((len(url), item.url) for item, url in under if url and _leads(url, request.path)),
        default=(0, ""),
    )[1]
    return {"items": [{"item": i, "url": url, "current": i.url == here} for i, url in shown if url]}


@register.inclusion_tag("components/_panels.html", takes_context=True)
def panels(
    context: template.Context, place: str, public_id: str, hub: str | None = None
) -> dict[str, Any]:
    """The panels that navigation lists for a place on a page, as far as the reader may see them.

    ``public_id`` names what the page shows; ``hub`` (public id) where it belongs, so that a reader
    of other hubs is not offered it. The browser fetches each panel by itself.
    """
    found = panels_for(context.get("principal"), place, hub)
    urls = [(panel, safe_url(panel.url, public_id)) for panel in found]
    return {
        "panels": [
            {"id": f"panel-{place}-{number}", "label": panel.label, "url": url}
            for number, (panel, url) in enumerate(urls, start=1)
            if url
        ]
    }


@register.simple_tag(name="socket_url")
def socket_url_tag(name: str) -> str:
    """The address of a websocket, by its name: ``{% socket_url "board" %}``."""
    return socket_url(name)


@register.simple_tag
def when(instant: datetime | None, style: str = "time") -> SafeString:
    """A moment as a person would say it, in the active zone; the exact instant on hover.

    ``style`` is ``time`` (14:10), ``day`` (Mon 23 Nov) or ``both``; another year is always said.
    """
    if instant is None:
        return conditional_escape("–")
    local = localtime(instant)

    day = date_format(local, "D j M" if local.year == localtime(now()).year else "D j M Y")
    said = {"time": local.strftime("%H:%M"), "day": day}.get(style, f"{day}, {local:%H:%M}")
    return format_html(
        '<time datetime="{}" title="{}">{}</time>',
        instant.isoformat(), local.strftime("%Y-%m-%d %H:%M:%S %Z"), said,
    )  # fmt: skip


@register.filter
def long_day(day: date | None) -> str:
    """A day in words, as ``Sunday 22 November``; each language has its own order and joints."""
    if day is None:
        return "–"
    return date_format(day, pgettext("format of a day in words (Django's date letters)", "l j F"))


@register.filter
def clock_minutes(minute: int | None) -> str:
    """Minutes after midnight as ``08:30``; ``24:00`` stays so, the next day gets ``+1``."""
    if minute is None:
        return "–"
    day, rest = divmod(int(minute), 1440)
    if day and not rest:
        return "24:00" if day == 1 else f"00:00 +{day}"
    return f"{rest // 60:02d}:{rest % 60:02d}" + (f" +{day}" if day else "")


@register.filter
def duration(seconds: float | None) -> str:
    """Seconds as ``2 h 05 min`` or ``40 s``."""
    if seconds is None:
        return "–"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    hours, minutes = divmod(round(whole / 60), 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min"


@register.filter
def km(distance_m: float | None) -> str:
    """Metres as ``12.4 km``; below a kilometre as metres."""

    if distance_m is None:
        return "–"
    if distance_m < 1000:
        return f"{round(distance_m)} m"
    value = distance_m / 1000
    return f"{number_format(value, decimal_pos=1 if value < 100 else 0, force_grouping=True)} km"


@register.filter
def kg(weight_g: float | None) -> str:
    """Grams as ``12.4 kg``."""

    if weight_g is None:
        return "–"
    value = weight_g / 1000
    return f"{number_format(value, decimal_pos=1 if value < 100 else 0, force_grouping=True)} kg"


@register.filter
def money(minor: int | None, currency: str) -> str:
    """Minor units as ``12.30 EUR``, in the reader's way of writing numbers."""
    if minor is None:
        return "–"
    places = exponent(currency)
    shown = number_format(minor / 10**places, decimal_pos=places, force_grouping=True)
    return f"{shown} {currency}"


@register.filter
def grams(weight_g: int | None) -> str:
    """Grams as ``840 g`` or ``12.4 kg``: for CO2e, where both sizes occur."""
    if weight_g is None:
        return "–"
    return f"{round(weight_g)} g" if weight_g < 1000 else kg(weight_g)


_PARAMETER = re.compile(r"^[a-z_]+$")


@register.simple_tag(takes_context=True)
def query(context: template.Context, **changes: Any) -> str:
    """The present query string with some parameters changed; None or "" removes one."""
    request: HttpRequest = context["request"]
    params = request.GET.copy()
    params.pop("cursor", None)
    for key, value in changes.items():
        if not _PARAMETER.match(key):
            raise ValueError(f"{key!r} is no name of a parameter.")
        if value in (None, ""):
            params.pop(key, None)
        else:
            params[key] = str(value)
    text = params.urlencode()
    return f"?{text}" if text else "?"


@register.inclusion_tag("components/_field.html")
def field(bound: Any, klass: str = "") -> dict[str, Any]:
    """A form field with label, hint and error, tied together for screen readers."""
    widget = bound.field.widget
    kind = getattr(widget, "input_type", "")
    many = isinstance(widget, RadioSelect)  # several boxes or buttons under one heading
    described = []
    if bound.help_text:
        described.append(f"{bound.id_for_label}-hint")
    if bound.errors:
        described.append(f"{bound.id_for_label}-error")
    attrs: dict[str, str] = {}
    if described:
        attrs["aria-describedby"] = " ".join(described)
    if bound.errors:
        attrs["aria-invalid"] = "true"
    return {
        "bound": bound, "widget": bound.as_widget(attrs=attrs), "klass": klass,
        "inline": kind == "checkbox" and not many, "many": many,
    }  # fmt: skip


@register.filter
def lookup(mapping: Mapping[Any, Any], key: Any) -> Any:
    """``mapping|lookup:key`` in a template."""
    return mapping.get(key)


@register.inclusion_tag("components/_facts.html")
def facts(pairs: Iterable[tuple[Any, Any]]) -> dict[str, Any]:
    """A list of names and values; pairs whose value is empty are left out."""
    return {"pairs": [(k, v) for k, v in pairs if v not in (None, "")]}
