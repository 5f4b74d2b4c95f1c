"""REST v1: operations (long work) and the feed of events."""

from __future__ import annotations

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from lastmile.core.errors import FieldProblem, Invalid
from lastmile.core.events import events_since
from lastmile.core.http import cursor_page
from lastmile.core.http.paging import absolute, page_limit
from lastmile.core.http.params import words_param
from lastmile.core.jobs import cancel, job_by_id, jobs
from lastmile.core.models import JobState
from lastmile.core.openapi import page_of
from tenants.people.api import shapes
from tenants.permissions import Act, RetailerAPIView

_FILTERS = [
    OpenApiParameter("kind", OpenApiTypes.STR, description="Such as `planning.solve`."),
    OpenApiParameter("state", OpenApiTypes.STR, description="Such as `running`."),
    OpenApiParameter(
        "subject", OpenApiTypes.STR, description="ID of the object that the operation works on."
    ),
]


class OperationsView(RetailerAPIView):
    """The list of operations."""

    acts = {"get": Act.JOBS_VIEW}

    @extend_schema(
        operation_id="operations_list",
        parameters=_FILTERS,
        responses=page_of(shapes.OperationOut),
    )
    def get(self, request: Request) -> Response:
        """List operations, newest first; ``?kind=``, ``?state=``, ``?subject=`` filter them."""
        words_param(request, "state", frozenset(JobState.values), most=1)
        filters = {
            name: request.query_params[name]
            for name in ("kind", "state", "subject")
            if name in request.query_params
        }
        return cursor_page(request, jobs(**filters, hubs=self.principal.hubs), shapes.OperationOut)


class OperationView(RetailerAPIView):
    """The view of one operation."""

    acts = {"get": Act.JOBS_VIEW}

    @extend_schema(operation_id="operations_get", responses=shapes.OperationOut)
    def get(self, request: Request, public_id: str) -> Response:
        """Return an operation."""
        job = job_by_id(public_id, hubs=self.principal.hubs)
        return self.shape_out(shapes.OperationOut, job)


class CancelOperationView(RetailerAPIView):
    """The view that cancels an operation."""

    acts = {"post": Act.JOBS_CANCEL}

    @extend_schema(operation_id="operations_cancel", request=None, responses=shapes.OperationOut)
    def post(self, request: Request, public_id: str) -> Response:
        """Cancel an operation: immediately while it is queued, soon while it runs."""
        job = cancel(public_id, hubs=self.principal.hubs)
        return self.shape_out(shapes.OperationOut, job)


_AFTER = OpenApiParameter(
    "after", OpenApiTypes.INT64, description="Position of the last event you have; 0 for all."
)


class EventsView(RetailerAPIView):
    """The feed of events."""

    acts = {"get": Act.EVENTS_VIEW}

    @extend_schema(operation_id="events_list", parameters=[_AFTER], responses=shapes.EventFeedOut)
    def get(self, request: Request) -> Response:
        """List events after a position, oldest first. Continue with the last position you have."""
        after, limit = _position(request), page_limit(request)
        events = events_since(after, limit)
        position = events[-1].position if events else after
        full = len(events) == limit
        feed = {
            "items": events,
            "next": absolute(request, f"{request.path}?after={position}&limit={limit}")
            if full
            else None,
            "position": position,
        }
        return self.shape_out(shapes.EventFeedOut, feed)


def _position(request: Request) -> int:
    value = request.query_params.get("after", "0")
    if not (value.isascii() and value.isdigit() and len(value) <= 18):
        text = "after must be a whole number: the position of the last event that you have."
        raise Invalid(text, errors=[FieldProblem("?after", text)])
    return int(value)
