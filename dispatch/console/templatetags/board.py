"""Template filters for the board's figures: ``{% load board %}``."""

from __future__ import annotations

from django import template

from lastmile.core import formatting

register = template.Library()


register.filter("co2", formatting.grams)


@register.filter
def minutes(seconds: int | None) -> str:
    """Return seconds as ``12 min`` or ``1 h 05``, with their sign."""
    if seconds is None:
        return formatting.NOTHING
    sign, whole = ("−" if seconds < 0 else ""), round(abs(seconds) / 60)
    hours, rest = divmod(whole, 60)
    return f"{sign}{formatting.number(hours)} h {rest:02d}" if hours else f"{sign}{whole} min"


@register.filter
def more(difference: str) -> str:
    """Put a plus sign before a formatted difference above zero: ``+12 min``."""
    text = str(difference)
    is_more = "-" not in text and "−" not in text and any(c in "123456789" for c in text)
    return f"+{text}" if is_more else text


@register.filter
def absolute(value: int) -> int:
    """Return the number without its sign."""
    return abs(value)
