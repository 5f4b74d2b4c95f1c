"""Small helps of the office's templates."""

from __future__ import annotations

from django import template

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
