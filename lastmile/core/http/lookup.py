"""Find one thing by the id that the outside uses; unknown and not yours are the same answer."""

from __future__ import annotations

from typing import TypeVar

from django.db.models import Model, QuerySet
from django.utils.translation import gettext as _
from rest_framework.request import Request

from lastmile.core.errors import NotFound

M = TypeVar("M", bound=Model)


def fetch(visible: QuerySet[M], public_id: str) -> M:
    """Return the thing with this public id among those that the caller may see.

    Raises
    ------
    NotFound
        Unknown, or not the caller's: one answer for both.
    """
    found = None if "\x00" in public_id else visible.filter(public_id=public_id).first()
    if found is None:
        raise NotFound(_("There is no such thing here, or it is not yours to see."))
    return found


def by_external_id(request: Request, visible: QuerySet[M]) -> QuerySet[M]:
    """Narrow a list to ``?external_id=``, the retailer's own name for a thing; else leave it."""
    wanted = request.query_params.get("external_id")
    if wanted is None:
        return visible
    return visible.none() if "\x00" in wanted else visible.filter(external_id=wanted)
