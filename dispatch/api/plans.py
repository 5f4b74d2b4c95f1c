"""REST v1: plans, routes, stops. Planning is a job; the rest answers at once."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.urls import reverse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from dispatch.api import finding, shapes_picking, shapes_plans
from dispatch.fleet.selectors import hubs_of
from dispatch.planning import services
from dispatch.planning.models import Plan
from dispatch.planning.selectors import changes, explaining, lists, picking, spots
from dispatch.planning.services import editing, redispatching
from lastmile.core.http import by_ref, cursor_page, etag, expected_version, params
from lastmile.core.openapi import IF_MATCH, page_of
from tenants.permissions import Act, RetailerAPIView

_FILTERS = [
    OpenApiParameter("hub", OpenApiTypes.STR, description="Its `id`, or `external_id:…`."),
    OpenApiParameter("service_date", OpenApiTypes.DATE, description="Only of this day."),
    OpenApiParameter("status", OpenApiTypes.STR, description="One or more, by commas."),
]
_PICKING = [
    OpenApiParameter("pickers", OpenApiTypes.INT, description="Pick side by side; 2 by default."),
    OpenApiParameter("setup_s", OpenApiTypes.INT, description="Seconds of each wave; 300."),
    OpenApiParameter("order_s", OpenApiTypes.INT, description="Seconds of a picker an order; 20."),
    OpenApiParameter("parcel_s", OpenApiTypes.INT, description="And a parcel; 25."),
    OpenApiParameter("lanes", OpenApiTypes.INT, description="Routes that can stand ready at once."),
    OpenApiParameter("most", OpenApiTypes.INT, description="Routes in one wave."),
]
_STATUSES = frozenset(Plan.Status.values)


class PlansView(RetailerAPIView):
    """Plans."""

    acts = {"get": Act.PLANS_VIEW, "post": Act.PLANS_EDIT}

    @extend_schema(
        operation_id="plans_list",
        parameters=_FILTERS,
        responses=page_of(shapes_plans.PlanOut),
    )
    def get(self, request: Request) -> Response:
        """List plans, the newest day first."""
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
        """Plan a hub's day. The operation's result names the draft."""
        asked = self.shape_in(shapes_plans.PlanIn)
        asked["hub"] = finding.hub_in_body(self.principal, asked["hub"])
        job = services.request_plan(**asked)
        where = {"Location": reverse("api:operation", args=[job.public_id])}
        return self.shape_out(shapes_plans.PlanRequestedOut, job, 202, **where)


class _OnePlan(RetailerAPIView):
    """What the views of one plan share."""

    def plan(self, public_id: str) -> Plan:
        """Return the plan, if the caller works at its hub."""
        return lists.get_plan(public_id, self.principal.hubs)

    def answer(self, plan: Plan, status: int = 200) -> Response:
        """Return a plan with its version as the ETag."""
        return self.shape_out(shapes_plans.PlanOut, plan, status, ETag=etag(plan))


class PlanView(_OnePlan):
    """One plan."""

    acts = {"get": Act.PLANS_VIEW}

    @extend_schema(operation_id="plans_get", responses=shapes_plans.PlanDetailOut)
    def get(self, request: Request, public_id: str) -> Response:
        """Return a plan with its routes and everyone left out."""
        plan = self.plan(public_id)
        return self.shape_out(shapes_plans.PlanDetailOut, lists.with_parts(plan), ETag=etag(plan))


class PublishPlanView(_OnePlan):
    """The act of publishing."""

    acts = {"post": Act.PLANS_PUBLISH}

    @extend_schema(
        operation_id="plans_publish",
        parameters=[IF_MATCH],
        request=None,
        responses=shapes_plans.PlanOut,
    )
    def post(self, request: Request, public_id: str) -> Response:
        """Make a draft the plan that counts; what was published before is superseded."""
        plan = self.plan(public_id)
        return self.answer(services.publish_plan(plan=plan, version=expected_version(request)))


class DiscardPlanView(_OnePlan):
    """The act of discarding."""

    acts = {"post": Act.PLANS_EDIT}

    @extend_schema(
        operation_id="plans_discard",
        parameters=[IF_MATCH],
        request=None,
        responses=shapes_plans.PlanOut,
    )
    def post(self, request: Request, public_id: str) -> Response:
        """Put a draft away."""
        plan = self.plan(public_id)
        return self.answer(services.discard_plan(plan=plan, version=expected_version(request)))


class RevisePlanView(_OnePlan):
    """The act of revising."""

    acts = {"post": Act.PLANS_EDIT}

    @extend_schema(operation_id="plans_revise", request=None, responses={201: shapes_plans.PlanOut})
    def post(self, request: Request, public_id: str) -> Response:
        """Make a new draft that is the same as this plan, to change it."""
        return self.answer(services.revise_plan(plan=self.plan(public_id)), 201)


class PlanChangesView(_OnePlan):
    """What has changed since."""

    acts = {"get": Act.PLANS_VIEW}

    @extend_schema(operation_id="plans_changes", responses=shapes_plans.ChangesOut)
    def get(self, request: Request, public_id: str) -> Response:
        """Return which orders and shifts are not as they were when the plan was made."""
        made = changes.PlanBasis(self.plan(public_id))
        return self.shape_out(shapes_plans.ChangesOut, changes.changes_since(made))


class RedispatchPlanView(_OnePlan):
    """The act of fitting changes in."""

    acts = {"post": Act.PLANS_EDIT}

    @extend_schema(
        operation_id="plans_redispatch",
        parameters=[IF_MATCH],
        request=shapes_plans.RedispatchIn,
        responses={202: shapes_plans.PlanRequestedOut},
    )
    def post(self, request: Request, public_id: str) -> Response:
        """Fit what changed since into a plan. The operation's result names the new draft.

        What was told keeps its price: who is not concerned stays with their driver and time where
        that is worth it, and always within the bounds given. Vehicles that have left by the
        published plan stay as they are.
        """
        plan = self.plan(public_id)
        asked: dict[str, Any] = self.shape_in(shapes_plans.RedispatchIn)
        job = redispatching.request_redispatch(
            plan=plan,
            version=expected_version(request),
            seconds=asked["seconds"],
            seed=asked["seed"],
            bounds=redispatching.Bounds(
                moved=asked["most_moved"], shifted_min=asked["most_shifted_minutes"]
            ),
        )
        where = {"Location": reverse("api:operation", args=[job.public_id])}
        return self.shape_out(shapes_plans.PlanRequestedOut, job, 202, **where)


class PickingWavesView(_OnePlan):
    """When a plan's goods are picked."""

    acts = {"get": Act.PLANS_VIEW}

    @extend_schema(
        operation_id="plans_waves", parameters=_PICKING, responses=shapes_picking.PickingOut
    )
    def get(self, request: Request, public_id: str) -> Response:
        """Return waves of picking, so that goods are ready as the vans begin to load.

        Worked out on asking by CP-SAT; the same question gets the same answer.
        """
        said = {
            name: params.whole_param(request, name, least, most)
            for name, (least, most) in picking.BOUNDS.items()
        }
        who = picking.Pickers(**{name: it for name, it in said.items() if it is not None})
        found = picking.picking_of(self.plan(public_id), who)
        return self.shape_out(shapes_picking.PickingOut, found)


class PlanEditsView(_OnePlan):
    """Changes by hand."""

    acts = {"get": Act.PLANS_VIEW, "post": Act.PLANS_EDIT}

    @extend_schema(operation_id="plans_edits", responses=shapes_plans.EditsOut)
    def get(self, request: Request, public_id: str) -> Response:
        """Return the last hundred changes by hand, newest first."""
        edits = lists.edits_of(self.plan(public_id))
        return self.shape_out(shapes_plans.EditsOut, {"items": edits})

    @extend_schema(
        operation_id="plans_edit",
        parameters=[IF_MATCH],
        request=shapes_plans.EditIn,
        responses=shapes_plans.PlanOut,
    )
    def post(self, request: Request, public_id: str) -> Response:
        """Move an order, take it off, put a route in sequence, or undo; all is recomputed."""
        plan = self.plan(public_id)
        asked: dict[str, Any] = self.shape_in(shapes_plans.EditIn)
        verb, needs = _VERBS[asked["act"]]
        said = {name: asked[name] for name in needs}
        return self.answer(verb(plan=plan, version=expected_version(request), **said))


_VERBS: dict[str, tuple[Any, tuple[str, ...]]] = {
    "move": (editing.move_stop, ("order", "shift", "position")),
    "take_off": (editing.take_off, ("order",)),
    "sequence": (editing.put_in_sequence, ("shift", "orders")),
    "undo": (editing.undo, ()),
}


class PlanOptionsView(_OnePlan):
    """Places for an order."""

    acts = {"get": Act.PLANS_VIEW}

    @extend_schema(operation_id="plans_options", responses=shapes_plans.OptionsOut)
    def get(self, request: Request, public_id: str, order: str) -> Response:
        """Return the best feasible places for an order on each route and what each adds."""
        options = spots.spots_for(self.plan(public_id), order)
        return self.shape_out(shapes_plans.OptionsOut, {"items": options})


class PlanWhyView(_OnePlan):
    """Why an order stands where it stands."""

    acts = {"get": Act.PLANS_VIEW}

    @extend_schema(operation_id="plans_why", responses=shapes_plans.WhyOut)
    def get(self, request: Request, public_id: str, order: str) -> Response:
        """Return other places for an order, what keeps it from each shift, what would let it in.

        Every answer was tried and passed the referee. ``complete`` is false where the time of a
        request was not enough to try everything.
        """
        return self.shape_out(shapes_plans.WhyOut, explaining.why(self.plan(public_id), order))


class RoutesView(RetailerAPIView):
    """Routes."""

    acts = {"get": Act.PLANS_VIEW}

    @extend_schema(
        operation_id="routes_list",
        parameters=[OpenApiParameter("plan", OpenApiTypes.STR, description="Public id of a plan.")],
        responses=page_of(shapes_plans.RouteOut),
    )
    def get(self, request: Request) -> Response:
        """List routes, of one plan if it is named."""
        rows = lists.routes(self.principal.hubs)
        if plan := request.query_params.get("plan"):
            rows = rows.filter(plan=lists.get_plan(plan, self.principal.hubs))
        return cursor_page(request, rows, shapes_plans.RouteOut, order=("-starts_at", "public_id"))


class RouteView(RetailerAPIView):
    """One route."""

    acts = {"get": Act.PLANS_VIEW}

    @extend_schema(operation_id="routes_get", responses=shapes_plans.RouteDetailOut)
    def get(self, request: Request, public_id: str) -> Response:
        """Return a route with its stops and its line along the streets."""
        route = lists.get_route(public_id, self.principal.hubs)
        return self.shape_out(shapes_plans.RouteDetailOut, route)


class StopsView(RetailerAPIView):
    """Stops."""

    acts = {"get": Act.PLANS_VIEW}

    @extend_schema(
        operation_id="stops_list",
        parameters=[
            OpenApiParameter("plan", OpenApiTypes.STR, description="Public id of a plan."),
            OpenApiParameter("route", OpenApiTypes.STR, description="Public id of a route."),
        ],
        responses=page_of(shapes_plans.StopOut),
    )
    def get(self, request: Request) -> Response:
        """List stops in the order they are made, of one plan or route if it is named."""
        rows = lists.stops(self.principal.hubs)
        if plan := request.query_params.get("plan"):
            rows = rows.filter(plan=lists.get_plan(plan, self.principal.hubs))
        if route := request.query_params.get("route"):
            rows = rows.filter(route=lists.get_route(route, self.principal.hubs))
        return cursor_page(request, rows, shapes_plans.StopOut, order=("arrives_at", "public_id"))
