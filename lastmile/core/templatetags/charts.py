"""Charts as template tags: ``{% load charts %}{% bar_chart title rows unit="km" target=40 %}``.

Each chart is a small SVG without JavaScript. It has axes with units, labels at the marks, and a
table with the same values below it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import template
from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from lastmile.core import charts

register = template.Library()
Title = str | Promise


def _context(
    chart: charts.Chart, title: Title, heads: Sequence[Title], **more: Any
) -> dict[str, Any]:  # fmt: skip
    return {"chart": chart, "title": title, "heads": heads, **more}


@register.inclusion_tag("components/charts/bars.html")
def bar_chart(
    title: Title, rows: Sequence[tuple[str, float]], unit: str = "", target: float | None = None
) -> dict[str, Any]:
    """Show horizontal bars. ``rows`` are (name, value) pairs; ``target`` is a thin line."""
    return _context(charts.bars(rows, unit, target), title, (_("Name"), _("Value")))


@register.inclusion_tag("components/charts/line.html")
def line_chart(
    title: Title,
    points: Sequence[tuple[str, float]],
    unit: str = "",
    target: float | None = None,
    interval: Sequence[tuple[float, float]] = (),
) -> dict[str, Any]:
    """Show a series over time with its interval. ``points`` are (time, value) pairs."""
    chart = charts.line(points, unit, target, interval)
    return _context(chart, title, (_("Time"), _("Value")), unit=unit)


@register.inclusion_tag("components/charts/gantt.html")
def gantt_chart(
    title: Title,
    rows: Sequence[tuple[str, Sequence[tuple[int, int, str]]]],
    starts: int,
    ends: int,
) -> dict[str, Any]:
    """Show activities over a day. ``rows`` are (name, spans of (from minute, to minute, kind))."""
    return _context(
        charts.gantt(rows, starts, ends), title, (_("Name"), _("Time"), _("Activity"))
    )  # fmt: skip


@register.inclusion_tag("components/charts/heat.html")
def heat_strip(
    title: Title, cells: Sequence[tuple[str, float]], unit: str = ""
) -> dict[str, Any]:  # fmt: skip
    """Show a row of shaded cells, each a (word, value) pair with the value written in it."""
    return _context(charts.heat(cells, unit), title, (_("Time"), _("Value")), unit=unit)


@register.simple_tag
def meter(value: float, most: float, label: str = "") -> SafeString:
    """Return a bar that shows how full something is.

    Above 100 % its colour changes. The page shows the figures next to it.
    """
    share = 0.0 if most <= 0 else value / most
    return format_html(
        '<svg class="meter" role="img" aria-label="{} {} %"><rect class="ground" width="100%" '
        'height="6"/><rect class="fill{}" width="{}%" height="6"/></svg>',
        label, round(share * 100), " over" if share > 1 else "", round(min(share, 1) * 100, 1),
    )  # fmt: skip
