"""Look up one row by its public id or external id.

An unknown row and a row that the caller may not see give the same answer.
"""

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
    """Return the row with this public id among the rows that the caller may see.

    Raises
    ------
    NotFound
        The row does not exist, or the caller may not see it.
    """
    row = None if "\x00" in public_id else visible.filter(public_id=public_id).first()
    if row is None:
        raise unknown()
    return row


def by_external_id(request: Request, visible: QuerySet[M]) -> QuerySet[M]:
    """Filter a list by ``?external_id=``, the retailer's own id. Without it, return the list."""
    external_id = request.query_params.get("external_id")
    if external_id is None:
        return visible
    return visible.none() if "\x00" in external_id else visible.filter(external_id=external_id)


def by_ref(rows: QuerySet[M], ref: str) -> M:
    """Return one of the visible rows, by public id or by ``external_id:<the retailer's own id>``.

    Raises NotFound when no visible row has the id.
    """
    if not ref.startswith(_BY_EXTERNAL_ID):
        return fetch(rows, ref)
    row = rows.filter(external_id=ref.removeprefix(_BY_EXTERNAL_ID)).first()
    if row is None:
        raise unknown()
    return row


def named_in_body(rows: QuerySet[M], ref: str, field: str) -> M:
    """Return the row that a field of the body names. Raises Invalid with a pointer to the field."""
    try:
        return by_ref(rows, ref)
    except NotFound:
        problem = FieldProblem(f"/{field}", unknown().detail)
        raise Invalid(_("Some values are not valid; see errors."), errors=[problem]) from None


def id_param(request: Request, name: str, rows: QuerySet[M]) -> str:
    """Return the public id in a query parameter, which may also be ``external_id:…``; else "".

    An unknown id is returned unchanged, so it matches no row.
    """
    ref = request.query_params.get(name, "")
    if "\x00" in ref or not ref.startswith(_BY_EXTERNAL_ID):
        return ref
    matches = rows.filter(external_id=ref.removeprefix(_BY_EXTERNAL_ID))
    return matches.values_list("public_id", flat=True).first() or ref
