"""Reads the parameters of a search for near banks, and answers it."""

from __future__ import annotations

import base64
import binascii
import datetime as dt
from typing import Final
from urllib.parse import urlencode

from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request
from rest_framework.response import Response

from lastmile.core import clock
from lastmile.core.errors import FieldProblem, Invalid
from lastmile.core.geo import Point
from lastmile.core.http import params
from lastmile.core.http.paging import absolute, page_limit
from lockers import selectors
from lockers.api import shapes
from lockers.fitting import Size
from lockers.selectors import MOST_RADIUS_M, USUAL_RADIUS_M, Wanted
from tenants.permissions import Principal

_MOST_SIDE: Final = 3_000
_MOST_FOUND: Final = 500  # the banks of all pages of one search

PARAMETERS: Final = [
    OpenApiParameter("near", str, description="`lat,lon`: the nearest banks first."),
    OpenApiParameter("radius_m", int, description="With `near`; 10,000 if left out."),
    OpenApiParameter(
        "fits",
        str,
        description="With `near`: `WxHxD` in mm. Only connected banks with a free compartment "
        "into which this parcel fits.",
    ),
    OpenApiParameter("weight_g", int, description="With `near`: the bank takes this weight."),
    OpenApiParameter("low_door", bool, description="With `near`: a free low door."),
    OpenApiParameter("cooled", bool, description="With `near`: a free cooled compartment."),
    OpenApiParameter(
        "open_at", dt.datetime, description="With `near`: the bank is open at this time."
    ),
]
_ONLY_WITH_NEAR: Final = tuple(p.name for p in PARAMETERS if p.name != "near")


def is_search(request: Request) -> bool:
    """Return True if the request searches near a place. Raises Invalid for a filter without one."""
    if request.query_params.get("near"):
        return True
    for name in _ONLY_WITH_NEAR:
        if name in request.query_params:
            raise _bad(name, _("Use this parameter together with near=lat,lon."))
    return False


def near_page(request: Request, principal: Principal) -> Response:
    """Return a page of the nearest active banks that suit, with their distances. Raises Invalid."""
    wanted, limit, start = _wanted(request), page_limit(request), _start(request)
    rows = selectors.nearest_banks(
        selectors.banks_of(principal), wanted, min(start + limit + 1, _MOST_FOUND)
    )
    shown = rows[start : start + limit]
    for row in shown:
        row.bank.distance_m = row.distance_m  # type: ignore[attr-defined]
    items = shapes.LockerBankOut([row.bank for row in shown], many=True).data
    following = None
    if len(rows) > start + limit:
        others = [(k, v) for k, v in request.query_params.items() if k != "cursor"]
        query = urlencode([*others, ("cursor", _cursor(start + limit))])
        following = absolute(request, f"{request.path}?{query}")
    return Response({"items": items, "next": following})


def _wanted(request: Request) -> Wanted:
    read = params.whole_param
    return Wanted(
        near=_place(request.query_params["near"]),
        radius_m=read(request, "radius_m", 1, MOST_RADIUS_M) or USUAL_RADIUS_M,
        size=_size(request.query_params.get("fits", "")),
        weight_g=read(request, "weight_g", 1, 1_000_000) or 0,
        low_door=bool(params.yes_no_param(request, "low_door")),
        cooled=bool(params.yes_no_param(request, "cooled")),
        open_at=_instant(request.query_params.get("open_at", "")),
    )


def _place(text: str) -> Point:
    try:
        lat, lon = (float(part) for part in text[:80].split(","))
        return Point(lat=lat, lon=lon)
    except ValueError:
        raise _bad("near", _("Write a place as lat,lon, such as 52.09,5.11.")) from None


def _size(text: str) -> Size | None:
    if not text:
        return None
    parts = text[:40].lower().split("x")
    if len(parts) == 3 and all(part.isascii() and part.isdigit() for part in parts):
        width, height, depth = map(int, parts)
        if min(width, height, depth) > 0 and max(width, height, depth) <= _MOST_SIDE:
            return Size(width_mm=width, height_mm=height, depth_mm=depth)
    raise _bad("fits", _("Write the sides in mm as 300x200x100, each from 1 to 3000."))


def _instant(text: str) -> dt.datetime | None:
    if not text:
        return None
    try:
        value = parse_datetime(text[:40])
    except ValueError:
        value = None
    if value is None or value.tzinfo is None or not clock.is_supported_date(value.date()):
        raise _bad("open_at", _("Write a time with its offset, such as 2026-12-01T18:00:00Z."))
    return value


def _cursor(start: int) -> str:
    return base64.urlsafe_b64encode(str(start).encode()).decode().rstrip("=")


def _start(request: Request) -> int:
    """Return how many banks the pages before this one showed."""
    text = request.query_params.get("cursor", "")
    if not text:
        return 0
    try:
        start = base64.urlsafe_b64decode(text[:20] + "=" * (-len(text[:20]) % 4)).decode("ascii")
    except (binascii.Error, ValueError):
        start = ""
    if not (start.isdigit() and int(start) < _MOST_FOUND):
        raise _bad("cursor", _("This cursor is not valid for this list. Start without a cursor."))
    return int(start)


def _bad(name: str, detail: str) -> Invalid:
    return Invalid(detail, errors=[FieldProblem(f"?{name}", detail)])
