"""Small helps of the office's templates."""

from __future__ import annotations

from django import template
from django.utils.formats import number_format

from dispatch.console.fleet.words import from_minor
from lastmile.core.statuses import status_of
from tenants.permissions import Principal

register = template.Library()


@register.filter
def may(principal: Principal, act: str) -> bool:
    """``principal|may:"orders.edit"``: whether a button is worth showing; the view asks again."""
    return principal.may(act)


@register.filter
def status_word(code: str) -> str:
    """The word of a status, for lists of choices."""
    return str(status_of(code).word)


@register.filter
def litres(volume_cm3: int | None) -> str:
    """Cubic centimetres as ``12.4 l``."""
    if volume_cm3 is None:
        return "–"
    value = volume_cm3 / 1000
    places = 1 if value < 100 else 0
    return f"{number_format(value, decimal_pos=places, force_grouping=True)} l"


@register.filter
def square_km(area_m2: int) -> str:
    """Square metres as ``12.4 km²``."""
    return f"{number_format(area_m2 / 1e6, decimal_pos=1, force_grouping=True)} km²"


@register.filter
def amount(minor: int, currency: str) -> str:
    """Minor units of a currency as ``12.30``."""
    return number_format(from_minor(minor, currency), force_grouping=True)


@register.filter
def grouped(number: int) -> str:
    """A whole number with its thousands apart, as the reader's language writes it."""
    return number_format(number, force_grouping=True)
