"""The guard of every page of a shopper: ``@shopper_page``."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from csp.constants import SELF
from django.conf import settings
from django.http import HttpRequest, HttpResponseBase
from django.utils import timezone

from dispatch.orders.links import NAME
from dispatch.orders.models import Order
from dispatch.orders.selectors import orders
from lastmile.core.http import fetch
from lastmile.core.http.address import client_address
from lastmile.core.limits import CallLimit, count_call
from lastmile.core.tenancy import current_retailer
from portal.shopper.changes import with_banks
from portal.shopper.language import shopper_language
from tenants.permissions import Act, PageRequest, by_link

View = Callable[..., HttpResponseBase]


class ShopperRequest(PageRequest):
    """A request that passed ``@shopper_page``: it has the order of the link."""

    order: Order


def _limits(request: HttpRequest, link: str) -> list[CallLimit]:
    """Return the limits of changes: of one link, and of all links from one network address."""
    return [
        CallLimit(scope="shopper.link", subject=link, most=settings.LIMIT_SHOPPER_LINK_PER_MINUTE),
        CallLimit(
            scope="shopper.address",
            subject=client_address(request),
            most=settings.LIMIT_SHOPPER_ADDRESS_PER_MINUTE,
        ),
    ]


def shopper_page(view: View) -> View:
    """Guard a page of a shopper. Its address begins with ``t/<str:secret>/``.

    ``request.order`` is the order of the link, with its shopper, place, hub and current promise.
    Times are shown in the time zone of the hub, texts in the language that the reader chose. An
    unknown, expired or foreign secret gets the same 404 as every other. Each POST is counted,
    because finding offers costs much; too many get 429.
    """

    @wraps(view)
    def with_order(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        link = request.principal.public_id  # type: ignore[attr-defined]
        if request.method == "POST":
            count_call(_limits(request, link))
        order = fetch(with_banks(orders()), link)
        request.order = order  # type: ignore[attr-defined]
        zone = order.hub.zone if order.hub is not None else current_retailer().zone
        with timezone.override(zone):
            response = view(request, *args, **kwargs)
        # Staff see a preview of the page in a sandboxed frame of their own page.
        response.headers["X-Frame-Options"] = "SAMEORIGIN"
        response._csp_replace = {"frame-ancestors": [SELF]}  # type: ignore[attr-defined]  # noqa: SLF001
        return response

    guard = by_link(NAME, Act.SHOPPER_VIEW, post=Act.SHOPPER_CHANGE, language=shopper_language)
    return guard(with_order)
