"""Find what a call speaks of, among what its caller may see."""

from __future__ import annotations

import datetime as dt
from typing import TypeVar

from django.db.models import Model, QuerySet
from django.utils.translation import gettext as _
from rest_framework.request import Request

from dispatch.fleet.models import Hub
from dispatch.fleet.selectors import hubs_of
from lastmile.core import clock
from lastmile.core.errors import FieldProblem, Invalid, NotFound
from lastmile.core.http import fetch
from tenants.permissions import Principal

M = TypeVar("M", bound=Model)
_BY_EXTERNAL_ID = "external_id:"


def by_ref(rows: QuerySet[M], ref: str) -> M:
    """Return one of the visible rows, by public id or by ``external_id:<the retailer's own>``.

    Raises NotFound for what is unknown and for what is not the caller's alike.
    """
    if not ref.startswith(_BY_EXTERNAL_ID):
        return fetch(rows, ref)
    found = rows.filter(external_id=ref.removeprefix(_BY_EXTERNAL_ID)).first()
    if found is None:
        raise NotFound(_("There is no such thing here, or it is not yours to see."))
    return found


def named_in_body(rows: QuerySet[M], ref: str, field: str) -> M:
    """Return the row that a field of the body names. Raises Invalid pointing at the field."""
    try:
        return by_ref(rows, ref)
    except NotFound:
        fault = FieldProblem(f"/{field}", _("There is no such thing, or it is not yours."))
        raise Invalid(_("Some values do not fit; see errors."), errors=[fault]) from None


def hub_in_body(principal: Principal, ref: str) -> Hub:
    """The hub that the body names, if the principal works there."""
    return named_in_body(hubs_of(principal), ref, "hub")


def id_param(request: Request, name: str, rows: QuerySet[M]) -> str:
    """Return the public id that the query string names, also as ``external_id:…``; else "".

    What is unknown stays as it was written, and so matches nothing.
    """
    given = request.query_params.get(name, "")
    if "\x00" in given or not given.startswith(_BY_EXTERNAL_ID):
        return given
    known = rows.filter(external_id=given.removeprefix(_BY_EXTERNAL_ID))
    return known.values_list("public_id", flat=True).first() or given


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


def words_param(request: Request, name: str, allowed: frozenset[str]) -> list[str]:
    """Return the comma-separated words of the query string, each one of a closed list."""
    said = [word for word in request.query_params.get(name, "").split(",") if word]
    if not set(said) <= allowed:
        raise _bad(name, _("Use only: %(words)s.") % {"words": ", ".join(sorted(allowed))})
    return said


def _bad(name: str, detail: str) -> Invalid:
    return Invalid(detail, errors=[FieldProblem(f"?{name}", detail)])
