"""API view of the shopper's link of an order."""

from __future__ import annotations

from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from dispatch.api import shapes_orders
from dispatch.orders import services
from dispatch.orders.errors import LinkEnded
from dispatch.orders.links import is_link_ended, is_link_over, link_expires_at, shopper_link
from dispatch.orders.models import Order
from dispatch.orders.selectors import orders_of
from lastmile.core.http import by_ref
from tenants.permissions import Act, RetailerAPIView


class ShopperLinkView(RetailerAPIView):
    """The view of the shopper's link of an order."""

    acts = {"get": Act.ORDERS_EDIT, "post": Act.ORDERS_EDIT}  # the link can change the order

    @extend_schema(operation_id="orders_shopper_link", responses=shapes_orders.ShopperLinkOut)
    def get(self, request: Request, ref: str) -> Response:
        """Return the secret address of the shopper's page, for your own messages to the shopper.

        Every call returns the same address, until a new link is made. If the link was ended, 409
        `link_ended` says so, and a POST makes a new one. Some days after the order ended, both
        calls answer 409 `link_ended`.
        """
        order = by_ref(orders_of(self.principal), ref)
        if is_link_over(order):
            raise LinkEnded(_("The order ended long ago, so its link has ended too."))
        if is_link_ended(order):
            raise LinkEnded(
                _("The link was ended, so the order has none now. Send a POST to make a new one.")
            )
        return self._show(order, shopper_link(order))

    @extend_schema(
        operation_id="orders_shopper_link_renew",
        request=None,
        responses=shapes_orders.ShopperLinkOut,
    )
    def post(self, request: Request, ref: str) -> Response:
        """Make a new link and return its address. All earlier links of the order stop working."""
        order = by_ref(orders_of(self.principal), ref)
        return self._show(order, services.renew_shopper_link(order=order))

    def _show(self, order: Order, url: str) -> Response:
        link = {"url": url, "expires_at": link_expires_at(order)}
        return self.shape_out(shapes_orders.ShopperLinkOut, link)
