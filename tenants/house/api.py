"""REST v1 of the operator: retailers. Served on BASE_DOMAIN to the operator's members."""

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
    """The list of retailers of the installation."""

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
        """Open a retailer: its names are reserved now, and an operation creates its tables."""
        values = self.shape_in(shapes.OpenRetailerIn)
        names = (values.pop("schema"), values.pop("domain"))
        row, job = services.request_opening(services.Opening(*names, Policy(**values)))
        answer = {"retailer": fetch(selectors.retailers(), row.public_id), "job": job}
        headers = {"Location": reverse("api:operation", args=[job.public_id])}
        return self.shape_out(shapes.OpeningOut, answer, 202, **headers)


class _OneRetailer(RetailerAPIView):
    """The base of the views of one retailer."""

    def row(self, public_id: str) -> Retailer:
        """Return the retailer's row. Raises NotFound."""
        return fetch(selectors.retailers(), public_id)

    def answer(self, public_id: str) -> Response:
        """Return the retailer with its current values."""
        row = self.row(public_id)
        return self.shape_out(shapes.RetailerOut, row, ETag=etag(row))


class RetailerView(_OneRetailer):
    """The view of one retailer."""

    acts = {"get": Act.RETAILERS_VIEW}

    @extend_schema(operation_id="retailers_get", responses=shapes.RetailerOut)
    def get(self, request: Request, public_id: str) -> Response:
        """Return a retailer."""
        return self.answer(public_id)


class _Act(_OneRetailer):
    """The base of actions on one retailer that need no request body."""

    acts = {"post": Act.RETAILERS_EDIT}

    def act(self, schema: str) -> Retailer:
        """Do the action; each subclass overrides this."""
        raise NotImplementedError

    def do(self, public_id: str) -> Response:
        """Do the action, then return the retailer."""
        self.act(self.row(public_id).schema_name)
        return self.answer(public_id)


class SuspendRetailerView(_Act):
    """The view that suspends a retailer."""

    def act(self, schema: str) -> Retailer:
        """Suspend the retailer."""
        return services.suspend(schema)

    @extend_schema(operation_id="retailers_suspend", request=None, responses=shapes.RetailerOut)
    def post(self, request: Request, public_id: str) -> Response:
        """Suspend a retailer: from the next request, its pages and API answer 503."""
        return self.do(public_id)


class ResumeRetailerView(_Act):
    """The view that resumes a retailer."""

    def act(self, schema: str) -> Retailer:
        """Resume the retailer."""
        return services.resume(schema)

    @extend_schema(operation_id="retailers_resume", request=None, responses=shapes.RetailerOut)
    def post(self, request: Request, public_id: str) -> Response:
        """Make a suspended retailer active again."""
        return self.do(public_id)


class CloseRetailerView(_OneRetailer):
    """The view that closes a retailer."""

    acts = {"post": Act.RETAILERS_EDIT}

    @extend_schema(
        operation_id="retailers_close",
        request=shapes.CloseRetailerIn,
        responses=shapes.RetailerOut,
    )
    def post(self, request: Request, public_id: str) -> Response:
        """Close a retailer for good; its host name is free again."""
        values = self.shape_in(shapes.CloseRetailerIn)
        services.close(self.row(public_id).schema_name, **values)
        return self.answer(public_id)
