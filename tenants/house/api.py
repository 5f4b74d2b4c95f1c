"""REST v1 of the operator: retailers. Served on BASE_DOMAIN, to members of the house."""

from __future__ import annotations

from django.urls import reverse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from lastmile.core.http import cursor_page, etag, fetch
from lastmile.core.openapi import page_of
from tenants import selectors, services
from tenants.house import shapes
from tenants.models import Retailer
from tenants.permissions import Act, RetailerAPIView
from tenants.policy import Policy


class RetailersView(RetailerAPIView):
    """The retailers of the installation."""

    acts = {"get": Act.RETAILERS_VIEW, "post": Act.RETAILERS_EDIT}

    @extend_schema(operation_id="retailers_list", responses=page_of(shapes.RetailerOut))
    def get(self, request: Request) -> Response:
        """List retailers, newest first."""
        return cursor_page(request, selectors.retailers(), shapes.RetailerOut)

    @extend_schema(
        operation_id="retailers_open",
        request=shapes.OpenRetailerIn,
        responses={202: shapes.OpeningOut},
    )
    def post(self, request: Request) -> Response:
        """Open a retailer: its names are taken now, its tables made by the operation."""
        asked = self.shape_in(shapes.OpenRetailerIn)
        names = (asked.pop("schema"), asked.pop("domain"))
        row, job = services.request_opening(services.Opening(*names, Policy(**asked)))
        shown = {"retailer": fetch(selectors.retailers(), row.public_id), "job": job}
        where = {"Location": reverse("api:operation", args=[job.public_id])}
        return self.shape_out(shapes.OpeningOut, shown, 202, **where)


class _OneRetailer(RetailerAPIView):
    """What the views of one retailer share."""

    def row(self, public_id: str) -> Retailer:
        """Return the row; raises NotFound."""
        return fetch(selectors.retailers(), public_id)

    def answer(self, public_id: str) -> Response:
        """Return the retailer as it stands now."""
        row = self.row(public_id)
        return self.shape_out(shapes.RetailerOut, row, ETag=etag(row))


class RetailerView(_OneRetailer):
    """One retailer."""

    acts = {"get": Act.RETAILERS_VIEW}

    @extend_schema(operation_id="retailers_get", responses=shapes.RetailerOut)
    def get(self, request: Request, public_id: str) -> Response:
        """Return a retailer."""
        return self.answer(public_id)


class _Act(_OneRetailer):
    """An act on one retailer that needs no body."""

    acts = {"post": Act.RETAILERS_EDIT}

    def act(self, schema: str) -> Retailer:
        """Do it; each act overrides this."""
        raise NotImplementedError

    def do(self, public_id: str) -> Response:
        """Act, then return the retailer as it stands."""
        self.act(self.row(public_id).schema_name)
        return self.answer(public_id)


class SuspendRetailerView(_Act):
    """The act of suspending."""

    def act(self, schema: str) -> Retailer:
        """Suspend it."""
        return services.suspend(schema)

    @extend_schema(operation_id="retailers_suspend", request=None, responses=shapes.RetailerOut)
    def post(self, request: Request, public_id: str) -> Response:
        """Shut a retailer's doors from the next request on."""
        return self.do(public_id)


class ResumeRetailerView(_Act):
    """The act of resuming."""

    def act(self, schema: str) -> Retailer:
        """Resume it."""
        return services.resume(schema)

    @extend_schema(operation_id="retailers_resume", request=None, responses=shapes.RetailerOut)
    def post(self, request: Request, public_id: str) -> Response:
        """Open the doors of a suspended retailer again."""
        return self.do(public_id)


class CloseRetailerView(_OneRetailer):
    """The act of closing."""

    acts = {"post": Act.RETAILERS_EDIT}

    @extend_schema(
        operation_id="retailers_close",
        request=shapes.CloseRetailerIn,
        responses=shapes.RetailerOut,
    )
    def post(self, request: Request, public_id: str) -> Response:
        """End a retailer; its host name is free again."""
        asked = self.shape_in(shapes.CloseRetailerIn)
        services.close(self.row(public_id).schema_name, **asked)
        return self.answer(public_id)
