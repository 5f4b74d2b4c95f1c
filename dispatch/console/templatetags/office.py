"""Template filters of the console: ``{% load office %}``."""

from __future__ import annotations

from django import template

from lastmile.core.statuses import status_of
from tenants.permissions import Principal

register = template.Library()


@register.filter
def may(principal: Principal, act: str) -> bool:
    """Return True if a principal may do an act, to decide whether a button is shown.

    ``principal|may:"orders.edit"``. The view checks the permission again.
    """
    return principal.may(act)


@register.filter
def status_word(code: str) -> str:
    """Return the label of a status code."""
    return str(status_of(code).word)
