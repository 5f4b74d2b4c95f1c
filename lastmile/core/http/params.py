"""Query parameters of the API: each is read into its type, or refused by name."""

from __future__ import annotations

import datetime as dt

from django.utils.translation import gettext as _
from rest_framework.request import Request

from lastmile.core import clock
from lastmile.core.errors import FieldProblem, Invalid


def date_param(request: Request, name: str) -> dt.date | None:
    """Return a date of the query string. Raises Invalid when it is none."""
    given = request.query_params.get(name)
    if not given:
        return None
    date = clock.read_date(given)
    if date is None:
        raise _bad(name, _("Write a date as 2026-11-23, in the years 2000 to 2100."))
    return date


def number_param(request: Request, name: str, limit: float) -> float | None:
    """Return a number of the query string within plus or minus ``limit``."""
    said = request.query_params.get(name)
    if not said:
        return None
    try:
        found = float(said)
    except ValueError:
        found = float("nan")
    if not -limit <= found <= limit:
        raise _bad(name, _("Write a number between -%(limit)d and %(limit)d.") % {"limit": limit})
    return found


def whole_param(request: Request, name: str, least: int, most: int) -> int | None:
    """Return a whole number of the query string; None when it is absent."""
    said = request.query_params.get(name)
    if not said:
        return None
    if not (said.isascii() and said.isdigit() and len(said) < 12 and least <= int(said) <= most):
        raise _bad(
            name,
            _("Write a whole number from %(least)d to %(most)d.") % {"least": least, "most": most},
        )
    return int(said)


def yes_no_param(request: Request, name: str) -> bool | None:
    """Return true or false of the query string, None when it is absent."""
    said = request.query_params.get(name)
    if said is None or said == "":
        return None
    if said not in {"true", "false"}:
        raise _bad(name, _("Write true or false."))
    return said == "true"


def words_param(
    request: Request, name: str, allowed: frozenset[str], most: int | None = None
) -> list[str]:
    """Return the comma-separated words of the query string, each one of a closed list."""
    said = [word for word in request.query_params.get(name, "").split(",") if word]
    if not set(said) <= allowed or (most is not None and len(said) > most):
        raise _bad(name, _("Use only: %(words)s.") % {"words": ", ".join(sorted(allowed))})
    return said


def _bad(name: str, detail: str) -> Invalid:
    return Invalid(detail, errors=[FieldProblem(f"?{name}", detail)])
