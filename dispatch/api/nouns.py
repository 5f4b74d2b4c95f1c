"""The two views of a noun of fleet, a list and an item, written once.

A noun is described by a ``Noun``; ``faces(noun)`` gives the operations their names in the OpenAPI
document. What differs stays in ``fleet.py``.
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

from dispatch.api.finding import by_ref
from lastmile.core.http import by_external_id, cursor_page, etag, expected_version
from lastmile.core.openapi import IF_MATCH, page_of
from tenants.permissions import Act, Principal, RetailerAPIView, visible

V = TypeVar("V", bound=type[RetailerAPIView])
Rows = QuerySet[Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Noun:
    """How one noun is read and written over the API.

    Parameters
    ----------
    name, words : str
        ``hubs`` (operationIds: hubs_list …) and what people call one.
    rows : callable
        Every row, with what its shape shows.
    shape_in, shape_out : serializer classes
        What comes and what goes.
    add, change, end : callable
        Services; ``change(row, version=, **fields)``, ``end(row, version=)`` for DELETE.
    resolve : callable
        Turns references in a validated body into rows the principal may use.
    hub_field : str
        Where the hub's public id stands, for hub-limited principals.
    narrow : callable
        Applies the list's own query parameters.
    parameters : tuple
        Those parameters, for the document.
    """

    name: str
    words: str
    rows: Callable[[], Rows]
    shape_in: type[BaseSerializer[Any]]
    shape_out: type[BaseSerializer[Any]]
    add: Callable[..., Any]
    change: Callable[..., Any]
    end: Callable[..., Any]
    resolve: Callable[[Principal, dict[str, Any]], dict[str, Any]]
    hub_field: str = "hub__public_id"
    narrow: Callable[[Request, Rows], Rows] = field(default=lambda _request, rows: rows)
    parameters: tuple[OpenApiParameter, ...] = ()

    def seen_by(self, principal: Principal) -> Rows:
        """The rows in the principal's hubs."""
        return visible(principal, self.rows(), self.hub_field)


class NounsView(RetailerAPIView):
    """A list, and adding to it."""

    noun: ClassVar[Noun]
    acts = {"get": Act.FLEET_VIEW, "post": Act.FLEET_EDIT}

    def get(self, request: Request) -> Response:
        """List, newest first; ``?external_id=`` finds one."""
        rows = by_external_id(request, self.noun.seen_by(self.principal))
        return cursor_page(request, self.noun.narrow(request, rows), self.noun.shape_out)

    def post(self, request: Request) -> Response:
        """Add one."""
        said = self.noun.resolve(self.principal, self.shape_in(self.noun.shape_in))
        row = self.noun.add(**said)
        where = f"{request.path}{row.public_id}/"
        return self.shape_out(self.noun.shape_out, row, 201, ETag=etag(row), Location=where)


class NounView(RetailerAPIView):
    """One of them: by id or ``external_id:…``."""

    noun: ClassVar[Noun]
    acts = {"get": Act.FLEET_VIEW, "patch": Act.FLEET_EDIT, "delete": Act.FLEET_EDIT}

    def get(self, request: Request, ref: str) -> Response:
        """Return one."""
        row = by_ref(self.noun.seen_by(self.principal), ref)
        return self.shape_out(self.noun.shape_out, row, ETag=etag(row))

    def patch(self, request: Request, ref: str) -> Response:
        """Change what is given; the rest stays."""
        row = by_ref(self.noun.seen_by(self.principal), ref)
        said = self.shape_in(self.noun.shape_in, partial=True)
        said = self.noun.resolve(self.principal, said)
        changed = self.noun.change(row, version=expected_version(request), **said)
        return self.shape_out(self.noun.shape_out, changed, ETag=etag(changed))

    def delete(self, request: Request, ref: str) -> Response:
        """End it: history stays."""
        row = by_ref(self.noun.seen_by(self.principal), ref)
        self.noun.end(row, version=expected_version(request))
        return Response(status=204)


def faces(view: V) -> V:
    """Give a noun's view its operationIds, shapes and parameters."""
    noun: Noun = view.noun  # type: ignore[attr-defined]
    if issubclass(view, NounsView):
        return extend_schema_view(
            get=extend_schema(
                operation_id=f"{noun.name}_list",
                summary=f"List {noun.name}",
                responses=page_of(noun.shape_out),  # type: ignore[arg-type]
                parameters=[_EXTERNAL_ID, *noun.parameters],
            ),
            post=extend_schema(
                operation_id=f"{noun.name}_add",
                summary=f"Add {noun.words}",
                request=noun.shape_in,
                responses={201: noun.shape_out},
            ),
        )(view)
    return extend_schema_view(
        get=extend_schema(
            operation_id=f"{noun.name}_get",
            summary=f"Return {noun.words}",
            responses=noun.shape_out,
        ),
        patch=extend_schema(
            operation_id=f"{noun.name}_change",
            summary=f"Change {noun.words}",
            request=noun.shape_in,
            responses=noun.shape_out,
            parameters=[IF_MATCH],
        ),
        delete=extend_schema(
            operation_id=f"{noun.name}_end",
            summary=f"End {noun.words}; its history stays",
            responses={204: None},
            parameters=[IF_MATCH],
        ),
    )(view)


_EXTERNAL_ID = OpenApiParameter("external_id", str, description="Your own id; finds one or none.")
