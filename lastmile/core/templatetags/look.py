"""The page components as template tags: ``{% load look %}``. ``/design/`` shows all of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

from django import template
from django.forms import RadioSelect
from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import NoReverseMatch, reverse
from django.utils.functional import Promise
from django.utils.html import conditional_escape, format_html
from django.utils.safestring import SafeString

from lastmile.core import formatting
from lastmile.core.http.socket_urls import socket_url
from lastmile.core.navigation import menu, panels_for, waiting_at
from lastmile.core.statuses import status_of

register = template.Library()

# Icons that point along the line of reading; pages from right to left show them mirrored.
_DIRECTIONAL = frozenset(
    {"arrow-left", "arrow-right", "chevron-left", "chevron-right", "external-link", "list",
     "log-in", "log-out", "redo-2", "send", "truck", "undo-2"}
)  # fmt: skip


@register.simple_tag
def icon(name: str, extra: str = "", label: str | Promise = "") -> SafeString:
    """Show an icon of the vendored set. Screen readers skip it unless it has a ``label``."""
    sprite = static("icons/lucide.svg")
    if name in _DIRECTIONAL:
        extra = f"{extra} directional".strip()
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
    """Show a status with its tone, icon and word."""
    style = status_of(str(code))
    return format_html(
        '<span class="status {}">{}{}</span>', style.tone, icon(style.icon), word or style.word
    )


@register.filter
def status_word(code: str) -> str:
    """Return only the word of a status, for places without an icon: options, printed pages."""
    return str(status_of(code).word)


@register.simple_tag
def safe_url(name: str, *args: Any, **kwargs: Any) -> str:
    """Return the URL of a page as ``{% url %}`` does, or "" if this host does not serve it."""
    try:
        return reverse(name, args=args, kwargs=kwargs)
    except NoReverseMatch:
        return ""


def _leads(url: str, path: str) -> bool:
    """Return True if a page belongs to the menu item with this URL.

    The home page ``/`` matches only itself, although all URLs start with ``/``.
    """
    return path == url or (url != "/" and path.startswith(url))


@register.inclusion_tag("components/_nav.html", takes_context=True)
def nav(context: template.Context) -> dict[str, Any]:
    """Show the menu items that the principal may use and that this host serves."""
    request: HttpRequest | None = context.get("request")
    principal = context.get("principal")
    if request is None or principal is None:
        return {"items": []}
    items = menu()
    allowed = [(item, safe_url(item.url)) for item in items if principal.may(item.act)]
    under = [(item, safe_url(name)) for item in items for name in (item.url, *item.also)]
    here = max(
        ((len(url), item.url) for item, url in under if url and _leads(url, request.path)),
        default=(0, ""),
    )[1]
    return {
        "items": [
            {
                "item": item,
                "id": item.url.replace(":", "-"),
                "url": url,
                "current": item.url == here,
                "waiting": waiting_at(item, principal.hubs),
            }
            for item, url in allowed
            if url
        ]
    }


@register.inclusion_tag("components/_panels.html", takes_context=True)
def panels(
    context: template.Context, place: str, public_id: str, hub: str | None = None
) -> dict[str, Any]:
    """Show the panels that navigation lists for a place on a page, if the reader may see them.

    ``public_id`` is the object on the page; ``hub`` is the public id of its hub, so that a reader
    without access to the hub does not get the panel. The browser loads each panel separately.
    """
    visible = panels_for(context.get("principal"), place, hub)
    urls = [(panel, safe_url(panel.url, public_id)) for panel in visible]
    return {
        "panels": [
            {"id": f"panel-{place}-{number}", "label": panel.label, "url": url}
            for number, (panel, url) in enumerate(urls, start=1)
            if url
        ]
    }


@register.simple_tag(name="socket_url")
def socket_url_tag(name: str) -> str:
    """Return the URL of a websocket by its name: ``{% socket_url "board" %}``."""
    return socket_url(name)


@register.simple_tag
def when(instant: datetime | None, style: str = "time") -> SafeString:
    """Show an instant in the active time zone; the exact instant appears on hover.

    ``style`` is ``time`` (14:10), ``day`` (Mon, 23 Nov) or ``both``; another year is shown too.
    """
    if instant is None:
        return conditional_escape(formatting.NOTHING)
    shown = _WHEN.get(style, formatting.day_and_time)(instant)
    return format_html(
        '<time datetime="{}" title="{}">{}</time>',
        instant.isoformat(), formatting.exact(instant), shown,
    )  # fmt: skip


# The filters that write values in the reader's locale; lastmile/core/formatting.py says how.
_WHEN = {"time": formatting.time, "day": formatting.day}
_FILTERS: dict[str, Callable[..., str]] = {
    "number": formatting.number,
    "percent": formatting.percent,
    "money": formatting.money,
    "amount": formatting.amount,
    "km": formatting.distance,
    "kg": formatting.weight,
    "grams": formatting.grams,
    "litres": formatting.volume,
    "square_km": formatting.area,
    "file_size": formatting.size,
    "duration": formatting.duration,
    "clock_time": formatting.time,
    "clock_minutes": formatting.time_of_minute,
    "day": formatting.day,
    "medium_date": formatting.date,
    "long_date": formatting.long_date,
}
for _name, _format in _FILTERS.items():
    register.filter(_name, _format)


_PARAMETER = re.compile(r"^[a-z_]+$")


@register.simple_tag(takes_context=True)
def query(context: template.Context, **changes: Any) -> str:
    """Return the current query string with changed parameters; None or "" removes a parameter."""
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
    """Show a form field with label, hint and error, which are linked for screen readers."""
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
    """Return the value of a key in a mapping: ``mapping|lookup:key``."""
    return mapping.get(key)


@register.inclusion_tag("components/_facts.html")
def facts(pairs: Iterable[tuple[Any, Any]]) -> dict[str, Any]:
    """Show a list of names and values; pairs with an empty value are left out."""
    return {"pairs": [(k, v) for k, v in pairs if v not in (None, "")]}
