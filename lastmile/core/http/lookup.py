"""Find one thing by the id that the outside uses; unknown and not yours are the same answer."""

from __future__ import annotations

from typing import TypeVar

from django.db.models import Model, QuerySet
from django.utils.translation import gettext as _
from rest_framework.request import Request

from lastmile.core.errors import FieldProblem, Invalid, NotFound
from lastmile.core.refusals import unknown

M = TypeVar("M", bound=Model)
_BY_EXTERNAL_ID = "external_id:"


def fetch(visible: QuerySet[M], public_id: str) -> M:
    """Return the thing with this public id among those that the caller may see.

    Raises
    ------
    NotFound
        Unknown, or not the caller's: one answer for both.
    """
    found = None if "\x00" in public_id else visible.filter(public_id=public_id).first()
    if found is None:
        raise unknown()
    return found


def by_external_id(request: Request, visible: QuerySet[M]) -> QuerySet[M]:
    """Narrow a list to ``?external_id=``, the retailer's own name for a thing; else leave it."""
    wanted = request.query_params.get("external_id")
    if wanted is None:
        return visible
    return visible.none() if "\x00" in wanted else visible.filter(external_id=wanted)


def by_ref(rows: QuerySet[M], ref: str) -> M:
    """Return one of the visible rows, by public id or by ``external_id:<the retailer's own>``.

    Raises NotFound for what is unknown and for what is not the caller's alike.
    """
    if not ref.startswith(_BY_EXTERNAL_ID):
        return fetch(rows, ref)
    found = rows.filter(external_id=ref.removeprefix(_BY_EXTERNAL_ID)).first()
    if found is None:
        raise unknown()
    return found


def named_in_body(rows: QuerySet[M], ref: str, field: str) -> M:
    """Return the row that a field of the body names. Raises Invalid pointing at the field."""
    try:
        return by_ref(rows, ref)
    except NotFound:
        fault = FieldProblem(f"/{field}", _("There is no such thing, or it is not yours."))
        raise Invalid(_("Some values do not fit; see errors."), errors=[fault]) from None


def id_param(request: Request, name: str, rows: QuerySet[M]) -> str:
    """Return the public id that the query string names, also as ``external_id:…``; else "".

    What is unknown stays as it was written, and so matches nothing.
    """
    given = request.query_params.get(name, "")
    if "\x00" in given or not given.startswith(_BY_EXTERNAL_ID):
        return given
    known = rows.filter(external_id=given.removeprefix(_BY_EXTERNAL_ID))
    return known.values_list("public_id", flat=True).first() or given
