"""The list view and the item view of an API resource, shared by all apps.

A ``Resource`` describes how a resource is read and written. ``@described`` gives the operations
their names in the OpenAPI document. An app adds its own views for anything else.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar, TypeVar

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer

from lastmile.core.http import by_external_id, by_ref, cursor_page, etag, expected_version
from lastmile.core.openapi import IF_MATCH, page_of
from tenants.permissions import Principal, RetailerAPIView, visible

V = TypeVar("V", bound=type[RetailerAPIView])
Rows = QuerySet[Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """The description of one API resource: its rows, shapes and services.

    Parameters
    ----------
    name, singular : str
        Plural for the operationIds (``hubs``: hubs_list), and one item in words ("a hub").
    rows : callable
        Returns all rows, with the related rows that the shape needs.
    shape_in, shape_out : serializer classes
        The shape of the request body and the shape of the answer.
    add, change, end : callable
        Services; ``change(row, version=, **fields)``, ``end(row, version=)`` for DELETE.
    resolve : callable
        Turns references in a validated body into rows that the principal may use.
    hub_field : str
        The path to the hub's public id, for principals who are limited to some hubs.
    filter_rows : callable
        Applies the list's own query parameters.
    parameters : tuple
        These query parameters, for the OpenAPI document.
    """

    name: str
    singular: str
    rows: Callable[[], Rows]
    shape_in: type[BaseSerializer[Any]]
    shape_out: type[BaseSerializer[Any]]
    add: Callable[..., Any]
    change: Callable[..., Any]
    end: Callable[..., Any]
    resolve: Callable[[Principal, dict[str, Any]], dict[str, Any]]
    hub_field: str = "hub__public_id"
    filter_rows: Callable[[Request, Rows], Rows] = field(default=lambda _request, rows: rows)
    parameters: tuple[OpenApiParameter, ...] = ()

    def visible_to(self, principal: Principal) -> Rows:
        """Return the rows in the principal's hubs."""
        return visible(principal, self.rows(), self.hub_field)


class ResourceListView(RetailerAPIView):
    """The view that lists a resource and adds an item."""

    resource: ClassVar[Resource]

    def get(self, request: Request) -> Response:
        """List the items, newest first; ``?external_id=`` finds one item."""
        rows = by_external_id(request, self.resource.visible_to(self.principal))
        return cursor_page(
            request, self.resource.filter_rows(request, rows), self.resource.shape_out
        )

    def post(self, request: Request) -> Response:
        """Add an item."""
        values = self.resource.resolve(self.principal, self.shape_in(self.resource.shape_in))
        row = self.resource.add(**values)
        location = f"{request.path}{row.public_id}/"
        return self.shape_out(self.resource.shape_out, row, 201, ETag=etag(row), Location=location)


class ResourceView(RetailerAPIView):
    """The view of one item, named by id or ``external_id:…``."""

    resource: ClassVar[Resource]

    def get(self, request: Request, ref: str) -> Response:
        """Return an item."""
        row = by_ref(self.resource.visible_to(self.principal), ref)
        return self.shape_out(self.resource.shape_out, row, ETag=etag(row))

    def patch(self, request: Request, ref: str) -> Response:
        """Change the given fields; other fields keep their values."""
        row = by_ref(self.resource.visible_to(self.principal), ref)
        values = self.shape_in(self.resource.shape_in, partial=True)
        values = self.resource.resolve(self.principal, values)
        changed = self.resource.change(row, version=expected_version(request), **values)
        return self.shape_out(self.resource.shape_out, changed, ETag=etag(changed))

    def delete(self, request: Request, ref: str) -> Response:
        """End an item; its history stays."""
        row = by_ref(self.resource.visible_to(self.principal), ref)
        self.resource.end(row, version=expected_version(request))
        return Response(status=204)


def described(view: V) -> V:
    """Give a resource's view its operationIds, shapes and parameters."""
    resource: Resource = view.resource  # type: ignore[attr-defined]
    if issubclass(view, ResourceListView):
        return extend_schema_view(
            get=extend_schema(
                operation_id=f"{resource.name}_list",
                summary=f"List {resource.name}",
                responses=page_of(resource.shape_out),  # type: ignore[arg-type]
                parameters=[_EXTERNAL_ID, *resource.parameters],
            ),
            post=extend_schema(
                operation_id=f"{resource.name}_add",
                summary=f"Add {resource.singular}",
                request=resource.shape_in,
                responses={201: resource.shape_out},
            ),
        )(view)
    return extend_schema_view(
        get=extend_schema(
            operation_id=f"{resource.name}_get",
            summary=f"Return {resource.singular}",
            responses=resource.shape_out,
        ),
        patch=extend_schema(
            operation_id=f"{resource.name}_change",
            summary=f"Change {resource.singular}",
            request=resource.shape_in,
            responses=resource.shape_out,
            parameters=[IF_MATCH],
        ),
        delete=extend_schema(
            operation_id=f"{resource.name}_end",
            summary=f"End {resource.singular}; its history stays",
            responses={204: None},
            parameters=[IF_MATCH],
        ),
    )(view)


_EXTERNAL_ID = OpenApiParameter(
    "external_id", str, description="Your own ID; the list then has one item or none."
)
