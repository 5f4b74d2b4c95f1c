"""Functions that read a query parameter of the API as a typed value, or raise Invalid."""

from __future__ import annotations

import datetime as dt

from django.utils.translation import gettext as _
from rest_framework.request import Request

from lastmile.core import clock
from lastmile.core.errors import FieldProblem, Invalid


def date_param(request: Request, name: str) -> dt.date | None:
    """Return a date from the query string, or None when it is absent. Raises Invalid."""
    text = request.query_params.get(name)
    if not text:
        return None
    date = clock.read_date(text)
    if date is None:
        raise _bad(name, _("Write a date as 2026-11-23, in the years 2000 to 2100."))
    return date


def number_param(request: Request, name: str, limit: float) -> float | None:
    """Return a number from ``-limit`` to ``limit``, or None when it is absent. Raises Invalid."""
    text = request.query_params.get(name)
    if not text:
        return None
    try:
        number = float(text)
    except ValueError:
        number = float("nan")
    if not -limit <= number <= limit:
        raise _bad(name, _("Write a number between -%(limit)d and %(limit)d.") % {"limit": limit})
    return number


def whole_param(request: Request, name: str, least: int, most: int) -> int | None:
    """Return a whole number from the query string, or None when it is absent. Raises Invalid."""
    text = request.query_params.get(name)
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 12 and least <= int(text) <= most):
        raise _bad(
            name,
            _("Write a whole number from %(least)d to %(most)d.") % {"least": least, "most": most},
        )
    return int(text)


def yes_no_param(request: Request, name: str) -> bool | None:
    """Return true or false from the query string, or None when it is absent. Raises Invalid."""
    text = request.query_params.get(name)
    if text is None or text == "":
        return None
    if text not in {"true", "false"}:
        raise _bad(name, _("Write true or false."))
    return text == "true"


def words_param(
    request: Request, name: str, allowed: frozenset[str], most: int | None = None
) -> list[str]:
    """Return comma-separated words from the query string.

    Raises Invalid for a word that is not in ``allowed``, and for more than ``most`` words.
    """
    words = [word for word in request.query_params.get(name, "").split(",") if word]
    if not set(words) <= allowed or (most is not None and len(words) > most):
        raise _bad(name, _("Use only: %(words)s.") % {"words": ", ".join(sorted(allowed))})
    return words


def _bad(name: str, detail: str) -> Invalid:
    return Invalid(detail, errors=[FieldProblem(f"?{name}", detail)])
