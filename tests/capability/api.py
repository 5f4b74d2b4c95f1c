"""The REST API of remarks."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from dispatch.orders import selectors as orders
from lastmile.core.http import cursor_page, etag, fetch
from lastmile.core.http.fields import ModelOut
from lastmile.core.openapi import example, page_of
from tenants.permissions import Act, RetailerAPIView, visible
from tests.capability import services
from tests.capability.models import Remark
from tests.capability.selectors import remarks


@example(order="ord_01", text="The bell is broken.")
class RemarkIn(serializers.Serializer[Any]):
    """A remark to add."""

    order = serializers.CharField(max_length=40)
    text = serializers.CharField(max_length=4_000, trim_whitespace=False)


class RemarkOut(ModelOut[Remark]):
    """A remark."""

    id = serializers.CharField(source="public_id", read_only=True)
    order = serializers.CharField(source="order.public_id", read_only=True)

    class Meta:
        model = Remark
        fields = ("id", "order", "text", "translated", "created_at", "version")
        read_only_fields = fields


class RemarksView(RetailerAPIView):
    """The list of remarks."""

    acts = {"get": Act.ORDERS_VIEW, "post": Act.ORDERS_EDIT}

    @extend_schema(operation_id="remarks_list", responses=page_of(RemarkOut))
    def get(self, request: Request) -> Response:
        """List remarks, newest first."""
        rows = visible(self.principal, remarks(), "order__hub__public_id")
        return cursor_page(request, rows, RemarkOut)

    @extend_schema(operation_id="remarks_add", request=RemarkIn, responses={201: RemarkOut})
    def post(self, request: Request) -> Response:
        """Add a remark to an order of the caller's hubs."""
        data = self.shape_in(RemarkIn)
        order = fetch(visible(self.principal, orders.orders()), data["order"])
        remark = services.add_remark(order=order, text=data["text"])
        location = f"{request.path}{remark.public_id}/"
        return self.shape_out(RemarkOut, remark, 201, ETag=etag(remark), Location=location)
