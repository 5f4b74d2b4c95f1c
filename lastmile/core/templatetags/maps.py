"""The map as a template tag: ``{% map source="#plan" tilejson=street_map.tilejson %}``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from django import template
from django.conf import settings
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from lastmile.core.palette import DASHES, colour_of, pattern_of

register = template.Library()


def words() -> dict[str, str]:
    """Return the map's texts in the reader's language.

    ``static/core/map/words.js`` has the same texts in English.
    """
    return {
        "title": _("Map"),
        "zoom_in": _("Zoom in"),
        "zoom_out": _("Zoom out"),
        "fit": _("Show all"),
        "attribution": _("Show or hide the map sources"),
        "keys": _(
            "Arrow keys move the map, plus and minus zoom. N and B go to the next and previous "
            "stop, F shows all, Escape clears the selection. The list offers the same."
        ),
        "no_streets": _("No street map is loaded for this area."),
        "no_data": _("The places could not be loaded. Reload the page, or use the list."),
        "no_webgl": _("This browser cannot show the map because WebGL is off. Use the list."),
        "cluster": _("{n} places. Click to zoom in."),
        "pin": _("Pin. Arrow keys move it; hold Shift for small steps."),
        "pin_none": _("Click the address on the map, or enter coordinates."),
        "corner": _("Corner {n}"),
        "longitude": _("Longitude"),
        "latitude": _("Latitude"),
        "remove": _("Remove corner {n}"),
        "add_center": _("Add corner at map centre"),
        "undo": _("Undo last corner"),
        "clear": _("Remove all corners"),
        "polygon_hint": _(
            "Click to add corners, drag to move them. Or edit the list with the keyboard."
        ),
    }


@register.inclusion_tag("components/_map.html")
def map(  # noqa: A001 - templates use this name as the tag
    source: str = "",
    tilejson: Mapping[str, Any] | None = None,
    tiles: str = "",
    mode: str = "show",
    klass: str = "",
    label: str = "",
    **more: Any,
) -> dict[str, Any]:
    """Show a map. ``static/core/map.js`` documents its data, events and keys.

    ``source`` is the ``#id`` of a JSON script on the page, or a URL. ``tilejson`` is a TileJSON
    document; its attribution is shown. ``tiles`` is the URL pattern with ``{z}/{x}/{y}``. Further
    keywords become data attributes: ``center``, ``zoom``, ``cluster``, and for the modes
    ``lon lat geometry list``.
    """
    attribution = str((tilejson or {}).get("attribution", ""))
    data = {
        "source": source,
        "tiles": tiles if tilejson is not None or tiles else "",
        "attribution": attribution,
        "basemap": settings.BASEMAP_STYLE_URL,
        "mode": mode,
        "words": json.dumps(words(), ensure_ascii=False),
        **{key.replace("_", "-"): str(value) for key, value in more.items() if value is not None},
    }
    return {
        "data": {key: value for key, value in data.items() if value != ""},
        "klass": klass,
        "label": label or _("Map"),
    }


@register.simple_tag
def route_swatch(number: int) -> SafeString:
    """Return a short piece of the route's line, with the colour and dash that the map uses."""
    return format_html(
        '<svg class="swatch route-{}" viewBox="0 0 24 12" aria-hidden="true">'
        '<line x1="1" y1="6" x2="23" y2="6" stroke-width="5" stroke-dasharray="{}"/></svg>',
        colour_of(int(number)), DASHES[pattern_of(int(number))],
    )  # fmt: skip


@register.simple_tag
def stop_number(number: int, seq: int | str) -> SafeString:
    """Return the numbered circle of a stop, in the colour of its route on the map."""
    return format_html(
        '<svg class="stop-number{} route-{}" viewBox="0 0 24 24" aria-hidden="true">'
        '<circle cx="12" cy="12" r="10"/><text x="12" y="16" text-anchor="middle">{}</text></svg>',
        " long" if len(str(seq)) > 2 else "", colour_of(int(number)), seq,
    )  # fmt: skip
