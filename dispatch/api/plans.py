"""API views of plans, routes and stops. Planning runs as a job; other calls answer at once."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.urls import reverse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from dispatch.api import finding, shapes_picking, shapes_plans, shapes_stops
from dispatch.fleet.selectors import hubs_of
from dispatch.planning import services
from dispatch.planning.models import Plan
from dispatch.planning.selectors import changes, explaining, lists, picking, spots
from dispatch.planning.services import editing, redispatching
from lastmile.core.http import by_ref, cursor_page, etag, expected_version, params
from lastmile.core.openapi import IF_MATCH, page_of
from tenants.permissions import Act, RetailerAPIView

_FILTERS = [
    OpenApiParameter(
        "hub", OpenApiTypes.STR, description="The hub's `id`, or `external_id:` and your own ID."
    ),
    OpenApiParameter("service_date", OpenApiTypes.DATE, description="Only plans of this day."),
    OpenApiParameter(
        "status", OpenApiTypes.STR, description="One or more statuses, separated by commas."
    ),
]
_PICKING = [
    OpenApiParameter(
        "pickers", OpenApiTypes.INT, description="Pickers who work at the same time; default 2."
    ),
    OpenApiParameter("setup_s", OpenApiTypes.INT, description="Seconds per wave; default 300."),
    OpenApiParameter(
        "order_s", OpenApiTypes.INT, description="Seconds of one picker per order; default 20."
    ),
    OpenApiParameter(
        "parcel_s", OpenApiTypes.INT, description="Seconds of one picker per parcel; default 25."
    ),
    OpenApiParameter(
        "lanes", OpenApiTypes.INT, description="Lanes: routes whose goods can wait at one time."
    ),
    OpenApiParameter("most", OpenApiTypes.INT, description="Maximum routes per wave."),
]
_STATUSES = frozenset(Plan.Status.values)


class PlansView(RetailerAPIView):
    """The list of plans."""

    acts = {"get": Act.PLANS_VIEW, "post": Act.PLANS_EDIT}

    @extend_schema(
        operation_id="plans_list",
        parameters=_FILTERS,
        responses=page_of(shapes_plans.PlanOut),
    )
    def get(self, request: Request) -> Response:
        """List plans, newest day first."""
        rows: QuerySet[Plan] = lists.plans(self.principal.hubs).select_related("based_on")
        if hub := request.query_params.get("hub"):
            rows = rows.filter(hub=by_ref(hubs_of(self.principal), hub))
        if date := params.date_param(request, "service_date"):
            rows = rows.filter(service_date=date)
        if statuses := params.words_param(request, "status", _STATUSES):
            rows = rows.filter(status__in=statuses)
        order = ("-service_date", "-number", "public_id")
        return cursor_page(request, rows, shapes_plans.PlanOut, order=order)

    @extend_schema(
        operation_id="plans_request",
        request=shapes_plans.PlanIn,
        responses={202: shapes_plans.PlanRequestedOut},
    )
    def post(self, request: Request) -> Response:
        """Plan a hub's day as a job. The operation's result contains the id of the new draft."""
        data = self.shape_in(shapes_plans.PlanIn)
        data["hub"] = finding.hub_in_body(self.principal, data["hub"])
        job = services.request_plan(**data)
        where = {"Location": reverse("api:operation", args=[job.public_id])}
        return self.shape_out(shapes_plans.PlanRequestedOut, job, 202, **where)


class _OnePlan(RetailerAPIView):
    """The base of the views of one plan."""

    def plan(self, public_id: str) -> Plan:
        """Return the plan, if the caller has access to its hub."""
        return lists.get_plan(public_id, self.principal.hubs)

    def answer(self, plan: Plan, status: int = 200) -> Response:
        """Return a response with the plan, and its version as the ETag."""
        return self.shape_out(shapes_plans.PlanOut, plan, status, ETag=etag(plan))


class PlanView(_OnePlan):
    """The view of one plan."""

    acts = {"get": Act.PLANS_VIEW}

    @extend_schema(operation_id="plans_get", responses=shapes_plans.PlanDetailOut)
    def get(self, request: Request, public_id: str) -> Response:
        """Return a plan with its routes and its unserved orders."""
        plan = self.plan(public_id)
        return self.shape_out(shapes_plans.PlanDetailOut, lists.with_parts(plan), ETag=etag(plan))


class PublishPlanView(_OnePlan):
    """The view that publishes a plan."""

    acts = {"post": Act.PLANS_PUBLISH}

    @extend_schema(
        operation_id="plans_publish",
        parameters=[IF_MATCH],
        request=None,
        responses=shapes_plans.PlanOut,
    )
    def post(self, request: Request, public_id: str) -> Response:
        """Publish a draft as the current plan. The plan published before is superseded."""
        plan = self.plan(public_id)
        return self.answer(services.publish_plan(plan=plan, version=expected_version(request)))


class DiscardPlanView(_OnePlan):
    """The view that discards a draft."""

    acts = {"post": Act.PLANS_EDIT}

    @extend_schema(
        operation_id="plans_discard",
        parameters=[IF_MATCH],
        request=None,
        responses=shapes_plans.PlanOut,
    )
    def post(self, request: Request, public_id: str) -> Response:
        """Discard a draft."""
        plan = self.plan(public_id)
        return self.answer(services.discard_plan(plan=plan, version=expected_version(request)))


class RevisePlanView(_OnePlan):
    """The view that copies a plan into a new draft."""

    acts = {"post": Act.PLANS_EDIT}

    @extend_schema(operation_id="plans_revise", request=None, responses={201: shapes_plans.PlanOut})
    def post(self, request: Request, public_id: str) -> Response:
        """Create a draft that is a copy of this plan, so that it can be edited."""
        return self.answer(services.revise_plan(plan=self.plan(public_id)), 201)


class PlanChangesView(_OnePlan):
    """The view of the changes since a plan was made."""

    acts = {"get": Act.PLANS_VIEW}

    @extend_schema(operation_id="plans_changes", responses=shapes_plans.ChangesOut)
    def get(self, request: Request, public_id: str) -> Response:
        """Return the orders and shifts that changed since the plan was made."""
        basis = changes.PlanBasis(self.plan(public_id))
        return self.shape_out(shapes_plans.ChangesOut, changes.changes_since(basis))


class RedispatchPlanView(_OnePlan):
    """The view that updates a plan to the day's changes."""

    acts = {"post": Act.PLANS_EDIT}

    @extend_schema(
        operation_id="plans_redispatch",
        parameters=[IF_MATCH],
        request=shapes_plans.RedispatchIn,
        responses={202: shapes_plans.PlanRequestedOut},
    )
    def post(self, request: Request, public_id: str) -> Response:
        """Update a plan with the changes since it was made. The operation's result names the draft.

        Changing a promised vehicle or time has a cost in the search, so orders that were not
        affected usually keep both. The given bounds always hold. The routes of vehicles that have
        already left according to the published plan do not change.
        """
        plan = self.plan(public_id)
        data: dict[str, Any] = self.shape_in(shapes_plans.RedispatchIn)
        job = redispatching.request_redispatch(
            plan=plan,
            version=expected_version(request),
            seconds=data["seconds"],
            seed=data["seed"],
            bounds=redispatching.Bounds(
                moved=data["most_moved"], shifted_min=data["most_shifted_minutes"]
            ),
        )
        where = {"Location": reverse("api:operation", args=[job.public_id])}
        return self.shape_out(shapes_plans.PlanRequestedOut, job, 202, **where)


class PickingWavesView(_OnePlan):
    """The view of the picking waves of a plan."""

    acts = {"get": Act.PLANS_VIEW}

    @extend_schema(
        operation_id="plans_waves", parameters=_PICKING, responses=shapes_picking.PickingOut
    )
    def get(self, request: Request, public_id: str) -> Response:
        """Return the picking waves, timed so that goods are ready when the vans begin to load.

        The CP-SAT solver calculates the waves for each request. Deterministic: the same plan and
        parameters give the same waves.
        """
        values = {
            name: params.whole_param(request, name, least, most)
            for name, (least, most) in picking.BOUNDS.items()
        }
        pickers = picking.Pickers(**{name: it for name, it in values.items() if it is not None})
        waves = picking.picking_of(self.plan(public_id), pickers)
        return self.shape_out(shapes_picking.PickingOut, waves)


class PlanEditsView(_OnePlan):
    """The view that lists the manual edits of a plan, and makes a new one."""

    acts = {"get": Act.PLANS_VIEW, "post": Act.PLANS_EDIT}

    @extend_schema(operation_id="plans_edits", responses=shapes_plans.EditsOut)
    def get(self, request: Request, public_id: str) -> Response:
        """Return the last hundred manual edits, newest first."""
        edits = lists.edits_of(self.plan(public_id))
        return self.shape_out(shapes_plans.EditsOut, {"items": edits})

    @extend_schema(
        operation_id="plans_edit",
        parameters=[IF_MATCH],
        request=shapes_plans.EditIn,
        responses=shapes_plans.PlanOut,
    )
    def post(self, request: Request, public_id: str) -> Response:
        """Move an order, take it off its route, reorder a route, or undo the last edit.

        Times, cost and CO2e are recalculated.
        """
        plan = self.plan(public_id)
        data: dict[str, Any] = self.shape_in(shapes_plans.EditIn)
        service, names = _EDIT_SERVICES[data["act"]]
        arguments = {name: data[name] for name in names}
        return self.answer(service(plan=plan, version=expected_version(request), **arguments))


_EDIT_SERVICES: dict[str, tuple[Any, tuple[str, ...]]] = {
    "move": (editing.move_stop, ("order", "shift", "position")),
    "take_off": (editing.take_off, ("order",)),
    "sequence": (editing.put_in_sequence, ("shift", "orders")),
    "undo": (editing.undo, ()),
}


class PlanOptionsView(_OnePlan):
    """The view of the feasible places for an order on the routes of a plan."""

    acts = {"get": Act.PLANS_VIEW}

    @extend_schema(operation_id="plans_options", responses=shapes_plans.OptionsOut)
    def get(self, request: Request, public_id: str, order: str) -> Response:
        """Return the best feasible places for an order on each route, with what each place adds."""
        options = spots.spots_for(self.plan(public_id), order)
        return self.shape_out(shapes_plans.OptionsOut, {"items": options})


class PlanWhyView(_OnePlan):
    """The view that explains why an order has its place in a plan, or why it has none."""

    acts = {"get": Act.PLANS_VIEW}

    @extend_schema(operation_id="plans_why", responses=shapes_plans.WhyOut)
    def get(self, request: Request, public_id: str, order: str) -> Response:
        """Explain an order's place: other places, obstacles per shift, and changes that would help.

        Every answer was tried and passed the referee. ``complete`` is false if the time of a
        request was not enough to try everything.
        """
        return self.shape_out(shapes_plans.WhyOut, explaining.why(self.plan(public_id), order))


class RoutesView(RetailerAPIView):
    """The list of routes."""

    acts = {"get": Act.PLANS_VIEW}

    @extend_schema(
        operation_id="routes_list",
        parameters=[OpenApiParameter("plan", OpenApiTypes.STR, description="Public id of a plan.")],
        responses=page_of(shapes_plans.RouteOut),
    )
    def get(self, request: Request) -> Response:
        """List routes. Filter by `plan` to get those of one plan."""
        rows = lists.routes(self.principal.hubs)
        if plan := request.query_params.get("plan"):
            rows = rows.filter(plan=lists.get_plan(plan, self.principal.hubs))
        return cursor_page(request, rows, shapes_plans.RouteOut, order=("-starts_at", "public_id"))


class RouteView(RetailerAPIView):
    """The view of one route."""

    acts = {"get": Act.PLANS_VIEW}

    @extend_schema(operation_id="routes_get", responses=shapes_plans.RouteDetailOut)
    def get(self, request: Request, public_id: str) -> Response:
        """Return a route with its stops and its line along the streets."""
        route = lists.get_route(public_id, self.principal.hubs)
        return self.shape_out(shapes_plans.RouteDetailOut, route)


class StopsView(RetailerAPIView):
    """The list of stops."""

    acts = {"get": Act.PLANS_VIEW}

    @extend_schema(
        operation_id="stops_list",
        parameters=[
            OpenApiParameter("plan", OpenApiTypes.STR, description="Public id of a plan."),
            OpenApiParameter("route", OpenApiTypes.STR, description="Public id of a route."),
        ],
        responses=page_of(shapes_stops.ExpectedStopOut),
    )
    def get(self, request: Request) -> Response:
        """List stops by arrival time. Filter by `plan` or `route` to get those of one of them."""
        rows = lists.stops(self.principal.hubs)
        if plan := request.query_params.get("plan"):
            rows = rows.filter(plan=lists.get_plan(plan, self.principal.hubs))
        if route := request.query_params.get("route"):
            rows = rows.filter(route=lists.get_route(route, self.principal.hubs))
        rows = rows.select_related("order__expected_arrival__run")
        return cursor_page(
            request, rows, shapes_stops.ExpectedStopOut, order=("arrives_at", "public_id")
        )
