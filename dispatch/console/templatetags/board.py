"""Figures as the board says them: ``{% load board %}``."""

from __future__ import annotations

from django import template
from django.utils.formats import number_format

from lastmile.core.money import Money, exponent

register = template.Library()


@register.filter
def money(minor: int | None, currency: str) -> str:
    """Minor units as ``12.30 EUR``, with the reader's separators."""
    if minor is None:
        return "–"
    value = Money(minor, currency).decimal()
    said = number_format(value, decimal_pos=exponent(currency), force_grouping=True)
    return f"{said} {currency}"


@register.filter
def co2(grams: int | None) -> str:
    """Grams as ``640 g`` or ``12.4 kg``."""
    if grams is None:
        return "–"
    if abs(grams) < 1000:
        return f"{grams} g"
    kilos = grams / 1000
    places = 1 if abs(kilos) < 100 else 0
    return f"{number_format(kilos, decimal_pos=places, force_grouping=True)} kg"


@register.filter
def minutes(seconds: int | None) -> str:
    """Seconds as ``12 min`` or ``1 h 05``; the sign stays."""
    if seconds is None:
        return "–"
    sign, whole = ("−" if seconds < 0 else ""), round(abs(seconds) / 60)
    hours, rest = divmod(whole, 60)
    return f"{sign}{hours} h {rest:02d}" if hours else f"{sign}{whole} min"


@register.filter
def more(said: str) -> str:
    """A difference in words: ``+12 min``; what is less or nothing keeps its own sign."""
    text = str(said).replace("-", "−", 1) if str(said).startswith("-") else str(said)
    return text if text.startswith(("−", "0 ", "0.")) else f"+{text}"


@register.filter
def absolute(value: int) -> int:
    """The number without its sign."""
    return abs(value)
