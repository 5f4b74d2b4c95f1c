"""API views of orders and parcels."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import fields, replace
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from dispatch.api import finding, shapes_orders
from dispatch.fleet.errors import ExternalIdTaken
from dispatch.fleet.selectors import hubs_of
from dispatch.live.selectors.custody import read_custody, with_custody
from dispatch.orders import selectors, services
from dispatch.orders.drafts import (
    OrderDraft,
    ParcelDraft,
    PlaceDraft,
    PromiseDraft,
    ShopperDraft,
    WindowDraft,
)
from dispatch.orders.models import Cause, Direction, Order
from dispatch.orders.selectors import OrderFilter, orders_of
from dispatch.orders.states import OrderState
from dispatch.planning.errors import VisitNotPrepared
from dispatch.slots import services as slots
from dispatch.slots.selectors import service_date_of, to_choose_warnings
from lastmile.core.errors import DomainError, NotAllowed
from lastmile.core.http import (
    by_external_id,
    by_ref,
    cursor_page,
    etag,
    expected_version,
    id_param,
    params,
)
from lastmile.core.openapi import IF_MATCH, page_of
from tenants.permissions import Act, RetailerAPIView, may, visible

_STATES = frozenset(state.value for state in OrderState)
_DIRECTIONS = frozenset(Direction.values)
_FILTERS = [
    OpenApiParameter(
        "q", OpenApiTypes.STR, description="Search words: name, phone, id, address or barcode."
    ),
    OpenApiParameter(
        "state", OpenApiTypes.STR, description="One or more states, separated by commas."
    ),
    OpenApiParameter(
        "hub", OpenApiTypes.STR, description="The hub's `id`, or `external_id:` and your own ID."
    ),
    OpenApiParameter("direction", OpenApiTypes.STR, description="`outward` or `return`."),
    OpenApiParameter(
        "service_date",
        OpenApiTypes.DATE,
        description="Only orders of this day; replaces `since` and `until`.",
    ),
    OpenApiParameter("since", OpenApiTypes.DATE, description="First service date."),
    OpenApiParameter("until", OpenApiTypes.DATE, description="Last service date."),
    OpenApiParameter("external_id", OpenApiTypes.STR, description="Your own ID of the order."),
    OpenApiParameter(
        "to_choose",
        OpenApiTypes.BOOL,
        description="Only open orders without a promise, which wait for a choice; or all others.",
    ),
]


def draft_of(data: dict[str, Any]) -> OrderDraft:
    """Return a validated body as an order draft."""
    data = dict(data)
    window, shopper = data.pop("window", None), data.pop("shopper", {})
    draft_fields = {f.name for f in fields(OrderDraft)}
    values = {name: value for name, value in data.items() if name in draft_fields}
    values |= {
        "shopper": ShopperDraft(**shopper),
        "place": PlaceDraft(**data["place"]),
        "parcels": tuple(ParcelDraft(**parcel) for parcel in data.get("parcels", ())),
        "skills": tuple(data.get("skills", ())),
        "window": WindowDraft(**window) if window else None,
    }
    return OrderDraft(**values)


class OrdersView(RetailerAPIView):
    """The list of orders."""

    acts = {"get": Act.ORDERS_VIEW, "post": Act.ORDERS_EDIT}
    tried_again_after = frozenset({VisitNotPrepared.code})
    prepared: services.Prepared | None = None
    visit: slots.PreparedVisit | None = None

    def before_transaction(self, method: str) -> None:
        """Look up the address if an external geocoder is used, and the travel of the choice."""
        self.prepared = self.visit = None
        if method != "post":
            return
        with suppress(DomainError, ValidationError):  # ``post`` raises the same error later
            draft = draft_of(self.shape_in(shapes_orders.OrderIn))
            if settings.GEOCODER_URL:
                self.prepared = services.prepare_orders([draft], outside=True)
            if draft.choice:
                self.visit = slots.prepare_choice(draft.choice)

    @extend_schema(
        operation_id="orders_list",
        responses=page_of(shapes_orders.OrderOut),
        parameters=_FILTERS,
    )
    def get(self, request: Request) -> Response:
        """List orders, newest first."""
        query = request.query_params
        day = params.date_param(request, "service_date")
        filters = OrderFilter(
            text=query.get("q", "")[:200],
            states=params.words_param(request, "state", _STATES),
            hub=id_param(request, "hub", hubs_of(self.principal)),
            direction="".join(params.words_param(request, "direction", _DIRECTIONS)[:1]),
            since=day or params.date_param(request, "since"),
            until=day or params.date_param(request, "until"),
            unpromised=params.yes_no_param(request, "to_choose"),
        )
        rows = by_external_id(request, orders_of(self.principal))
        return cursor_page(request, selectors.filter_orders(rows, filters), shapes_orders.OrderOut)

    @extend_schema(
        operation_id="orders_place",
        request=shapes_orders.OrderIn,
        responses={200: shapes_orders.OrderPlacedOut, 201: shapes_orders.OrderPlacedOut},
    )
    def post(self, request: Request) -> Response:
        """Place an order. 201: the order is new. 200: its external_id exists (same or updated).

        With a `choice`, the order gets the promise that its shopper chose, or is refused. Without
        one and without a window, it has no promise: `to_choose` is true.
        """
        draft = draft_of(self.shape_in(shapes_orders.OrderIn))
        self._refuse_taken_id(draft.external_id)
        if draft.choice:
            slots.lock_days_of_choices([draft.choice], [draft.external_id or ""])
        placed = services.place_order(
            draft=draft, source="api", cause=Cause.API, prepared=self.prepared
        )
        assert placed.order is not None
        if draft.choice:
            slots.use_choice(order=placed.order, choice_id=draft.choice, prepared=self.visit)
        order = selectors.orders().get(pk=placed.order.pk)
        self._refuse_other_hub(order)
        status = 201 if placed.status == "placed" else 200
        where = f"{request.path}{order.public_id}/"
        order.warnings = (  # type: ignore[attr-defined]
            *placed.warnings,
            *to_choose_warnings(order),
        )
        return self.shape_out(
            shapes_orders.OrderPlacedOut, order, status, ETag=etag(order), Location=where
        )

    def _refuse_taken_id(self, external_id: str | None) -> None:
        """Refuse an external id that an order of another hub already has.

        The error reveals nothing else about that order.
        """
        if external_id is None or self.principal.hubs is None:
            return
        existing = selectors.orders().filter(external_id=external_id).first()
        if existing is not None and not may(self.principal, Act.ORDERS_EDIT, _hub_id(existing)):
            raise ExternalIdTaken(_("This external_id is already in use. Choose another."))

    def _refuse_other_hub(self, order: Order) -> None:
        """Raise NotAllowed if the order was given a hub that the caller has no access to.

        The error rolls back the transaction, so the order is not placed.
        """
        if not may(self.principal, Act.ORDERS_EDIT, _hub_id(order)):
            raise NotAllowed(
                _(
                    "None of your hubs serves this place. Name one of your hubs in the order, or "
                    "ask for access to more hubs."
                )
            )


def _hub_id(order: Order) -> str:
    return order.hub.public_id if order.hub else ""


class OrderView(RetailerAPIView):
    """The view of one order."""

    acts = {"get": Act.ORDERS_VIEW, "patch": Act.ORDERS_EDIT}

    @extend_schema(operation_id="orders_get", responses=shapes_orders.OrderDetailOut)
    def get(self, request: Request, ref: str) -> Response:
        """Return an order with its parcels, promises and attempts."""
        order = by_ref(orders_of(self.principal), ref)
        full = selectors.history(order).order
        read_custody(full.parcels.all())
        return self.shape_out(shapes_orders.OrderDetailOut, full, ETag=etag(full))

    @extend_schema(
        operation_id="orders_change",
        request=shapes_orders.ChangeOrderIn,
        responses=shapes_orders.OrderOut,
        parameters=[IF_MATCH],
    )
    def patch(self, request: Request, ref: str) -> Response:
        """Change the given fields.

        Fields that planning uses cannot change while a plan contains the order.
        """
        order = by_ref(orders_of(self.principal), ref)
        data = self.shape_in(shapes_orders.ChangeOrderIn, partial=True)
        if "hub" in data:
            data["hub"] = finding.hub_in_body(self.principal, data["hub"])
        if "shopper" in data:
            data["shopper"] = dict(data["shopper"])
        changed = services.change_order(order=order, version=expected_version(request), **data)
        return self.shape_out(shapes_orders.OrderOut, changed, ETag=etag(changed))


class OrderActView(RetailerAPIView):
    """The base of the views of an action on an order: POST does it and returns the order."""

    acts = {"post": Act.ORDERS_EDIT}

    def order(self, ref: str) -> Order:
        """Return the order, if the caller may see it."""
        return by_ref(orders_of(self.principal), ref)

    def answer(self, order: Order) -> Response:
        """Return a response with the current order."""
        present = selectors.orders().get(pk=order.pk)
        return self.shape_out(shapes_orders.OrderOut, present, ETag=etag(present))


class CancelOrderView(OrderActView):
    """The view that cancels an order."""

    @extend_schema(
        operation_id="orders_cancel",
        request=shapes_orders.CancelIn,
        responses=shapes_orders.OrderOut,
        parameters=[IF_MATCH],
    )
    def post(self, request: Request, ref: str) -> Response:
        """Cancel an order. Not possible once the order is in a vehicle."""
        order = self.order(ref)
        data = self.shape_in(shapes_orders.CancelIn)
        version = expected_version(request)
        services.cancel_order(order=order, version=version, cause=data.get("cause", Cause.API))
        return self.answer(order)


class PinOrderView(OrderActView):
    """The view that sets the pin of an order's place."""

    @extend_schema(
        operation_id="orders_pin",
        request=shapes_orders.PinIn,
        responses=shapes_orders.OrderOut,
        parameters=[IF_MATCH],
    )
    def post(self, request: Request, ref: str) -> Response:
        """Set the pin. Waiting and later orders to the same address get it too."""
        order = self.order(ref)
        data = self.shape_in(shapes_orders.PinIn)
        services.set_pin(order=order, version=expected_version(request), **data)
        return self.answer(order)


class PromiseOrderView(OrderActView):
    """The view that promises a time window."""

    @extend_schema(
        operation_id="orders_promise",
        request=shapes_orders.PromiseIn,
        responses=shapes_orders.OrderOut,
        parameters=[IF_MATCH],
    )
    def post(self, request: Request, ref: str) -> Response:
        """Promise a time window. The new promise supersedes the current one."""
        order = self.order(ref)
        draft = PromiseDraft(**self.shape_in(shapes_orders.PromiseIn))
        date = service_date_of(draft.slot, draft.opens_at) if draft.slot else None
        draft = replace(draft, service_date=date)
        services.set_promise(order=order, version=expected_version(request), draft=draft)
        return self.answer(order)


class TryOrderAgainView(OrderActView):
    """The view that makes an order ready for another attempt."""

    @extend_schema(
        operation_id="orders_try_again",
        request=shapes_orders.TryAgainIn,
        responses=shapes_orders.OrderOut,
    )
    def post(self, request: Request, ref: str) -> Response:
        """Make an order that failed or was not collected ready to be planned again."""
        order = self.order(ref)
        services.try_again(order=order, **self.shape_in(shapes_orders.TryAgainIn))
        return self.answer(order)


class ReturnOrderView(OrderActView):
    """The view that returns an order to its hub."""

    @extend_schema(operation_id="orders_return", request=None, responses=shapes_orders.OrderOut)
    def post(self, request: Request, ref: str) -> Response:
        """Mark an order as returned to its hub: it failed, was not collected or was picked up."""
        order = self.order(ref)
        services.return_order(order=order)
        return self.answer(order)


class OrderTimelineView(RetailerAPIView):
    """The view of an order's timeline."""

    acts = {"get": Act.ORDERS_VIEW}

    @extend_schema(operation_id="orders_timeline", responses=shapes_orders.TimelineOut)
    def get(self, request: Request, ref: str) -> Response:
        """Return the order's events, oldest first."""
        order = by_ref(orders_of(self.principal), ref)
        return self.shape_out(shapes_orders.TimelineOut, {"items": selectors.timeline(order)})


class ParcelsView(RetailerAPIView):
    """The list of parcels."""

    acts = {"get": Act.ORDERS_VIEW}

    @extend_schema(
        operation_id="parcels_list",
        responses=page_of(shapes_orders.ParcelOut),
        parameters=[
            OpenApiParameter(
                "order",
                OpenApiTypes.STR,
                description="The order's `id`, or `external_id:` and your own ID.",
            ),
            OpenApiParameter("barcode", OpenApiTypes.STR, description="The scanned barcode."),
            OpenApiParameter(
                "external_id", OpenApiTypes.STR, description="Your own ID of the parcel."
            ),
        ],
    )
    def get(self, request: Request) -> Response:
        """List parcels. Filter by `barcode` to find a scanned parcel."""
        rows = visible(self.principal, with_custody(selectors.parcels()), "order__hub__public_id")
        rows = by_external_id(request, rows)
        if order := id_param(request, "order", orders_of(self.principal)):
            rows = rows.filter(order__public_id=order)
        if barcode := request.query_params.get("barcode", ""):
            rows = rows.filter(barcode=barcode)
        return cursor_page(request, rows, shapes_orders.ParcelOut, order=("-public_id",))


class ParcelView(RetailerAPIView):
    """The view of one parcel."""

    acts = {"get": Act.ORDERS_VIEW}

    @extend_schema(operation_id="parcels_get", responses=shapes_orders.ParcelOut)
    def get(self, request: Request, ref: str) -> Response:
        """Return a parcel."""
        rows = visible(self.principal, with_custody(selectors.parcels()), "order__hub__public_id")
        return self.shape_out(shapes_orders.ParcelOut, by_ref(rows, ref))
