"""Cursor paging: new rows do not shift the pages, and page 1,000 is as fast as page 1."""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import json
from collections.abc import Sequence
from typing import Any, TypeVar
from urllib.parse import urlencode

from django.conf import settings
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer

from lastmile.core.errors import FieldProblem, Invalid

M = TypeVar("M", bound=Model)
MOST = 100
USUAL = 50
NEWEST_FIRST = ("-created_at", "-public_id")


def cursor_page(
    request: Request,
    queryset: QuerySet[M],
    serializer: type[BaseSerializer[Any]],
    *,
    order: Sequence[str] = NEWEST_FIRST,
) -> Response:
    """Return ``{"items": […], "next": url | null}``; ``?limit=`` up to 100, default 50.

    Parameters
    ----------
    queryset : QuerySet
        The rows that the caller may see; their ordering is replaced.
    order : sequence of str
        Fields that are never null and together unique, with ``-`` for descending. An annotation
        of the rows counts as a field. The last one is ``public_id`` or another unique field. It
        must not be the primary key, because anybody can decode a cursor.

    Raises
    ------
    Invalid
        The cursor is invalid, or the limit is not a number from 1 to 100.
    """
    page, next_path = page_rows(request, queryset, page_limit(request), order=order)
    items = serializer(page, many=True, context={"request": request}).data
    return Response({"items": items, "next": next_path and absolute(request, next_path)})


def absolute(request: Request | HttpRequest, path: str) -> str:
    """Return the full URL of a path on the host of the request.

    The host belongs to the retailer: RetailerMiddleware answers 404 for every other host.
    """
    return f"{settings.PUBLIC_SCHEME}://{request.get_host()}{path}"


def page_rows(
    request: Request | HttpRequest,
    queryset: QuerySet[M],
    limit: int = USUAL,
    *,
    order: Sequence[str] = NEWEST_FIRST,
) -> tuple[list[M], str | None]:
    """Return the rows of a page, and the URL of the next page if there is one.

    Meant for HTML pages; ``cursor_page`` does the same for the API. Raises Invalid for an invalid
    cursor.
    """
    rows = queryset.order_by(*order)
    cursor = request.GET.get("cursor")
    if cursor:
        rows = rows.filter(_after(_decode(cursor, order, rows), order))
    page = list(rows[: limit + 1])
    more = len(page) > limit
    return page[:limit], _url(request, _encode(page[limit - 1], order)) if more else None


def newest_rows(
    request: HttpRequest,
    queryset: QuerySet[M],
    limit: int = USUAL,
    *,
    order: Sequence[str] = ("-at", "-key"),
    path: str = "",
) -> tuple[list[M], str | None]:
    """Return the newest rows, the oldest of them first, and the URL of the rows before them.

    Meant for what people read downwards, such as a thread. ``path`` is the address that shows the
    rows, if it is not the one of the request. Raises Invalid for an invalid cursor.
    """
    page, earlier = page_rows(request, queryset, limit, order=order)
    if earlier is not None:
        cursor = _encode(page[-1], order)
        earlier = f"{path or request.path}?{urlencode([('cursor', cursor)])}"
    return page[::-1], earlier


def is_earlier(request: HttpRequest) -> bool:
    """Return True if the request asks for rows before the newest ones."""
    return bool(request.GET.get("cursor"))


def page_limit(request: Request) -> int:
    """Return ``?limit=``, a number from 1 to 100. Raises Invalid for any other value."""
    text = request.query_params.get("limit", str(USUAL))
    if not (text.isascii() and text.isdigit() and len(text) < 10 and 1 <= int(text) <= MOST):
        raise Invalid(
            _("limit must be a whole number from 1 to %(most)d.") % {"most": MOST},
            errors=[FieldProblem("?limit", _("This is not a number from 1 to 100."))],
        )
    return int(text)


def _value(row: Model, field: str) -> Any:
    value: Any = row
    for part in field.split("__"):
        value = getattr(value, part)
    return value.isoformat() if isinstance(value, dt.datetime | dt.date) else value


def _encode(row: Model, order: Sequence[str]) -> str:
    values = [_value(row, field.lstrip("-")) for field in order]
    raw = json.dumps(values, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _decode(cursor: str, order: Sequence[str], rows: QuerySet[M]) -> list[Any]:
    unreadable = Invalid(
        _("This cursor is not valid for this list. Start again without a cursor."),
        errors=[FieldProblem("?cursor", _("Unknown cursor."))],
    )
    try:
        raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        values = json.loads(raw)
    except (binascii.Error, ValueError, RecursionError):
        raise unreadable from None
    if not isinstance(values, list) or len(values) != len(order):
        raise unreadable
    clean = []
    for name, value in zip(order, values, strict=True):
        field = _field(rows, name.lstrip("-"))
        try:
            clean.append(field.to_python(value))
        except Exception:  # noqa: BLE001  each field type raises its own exceptions
            raise unreadable from None
        if value is None or isinstance(value, list | dict) or "\x00" in str(value):
            raise unreadable
    return clean


def _field(rows: QuerySet[M], path: str) -> Any:
    """Return the field at the end of ``a__b__c``, or the field of an annotation."""
    annotation = rows.query.annotations.get(path)
    if annotation is not None:
        return annotation.output_field
    model: type[Model] = rows.model
    *relations, last = path.split("__")
    for relation in relations:
        model = model._meta.get_field(relation).related_model  # type: ignore[assignment]
    return model._meta.get_field(last)


def _after(values: Sequence[Any], order: Sequence[str]) -> Q:
    """Build the row-wise comparison: (a, b) after (x, y) is a > x or (a = x and b > y)."""
    condition = Q(pk__in=[])
    equal = Q()
    for name, value in zip(order, values, strict=True):
        field, down = name.lstrip("-"), name.startswith("-")
        condition |= equal & Q(**{f"{field}__{'lt' if down else 'gt'}": value})
        equal &= Q(**{field: value})
    return condition


def _url(request: Request | HttpRequest, cursor: str) -> str:
    """Return the next page's URL without the host."""
    params = [(k, v) for k, v in request.GET.items() if k != "cursor"]
    return f"{request.path}?{urlencode([*params, ('cursor', cursor)])}"
