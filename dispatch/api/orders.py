"""REST v1 of orders and parcels."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import fields
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
    OpenApiParameter("q", OpenApiTypes.STR, description="Words of name, phone, id or address."),
    OpenApiParameter("state", OpenApiTypes.STR, description="One or more, by commas."),
    OpenApiParameter("hub", OpenApiTypes.STR, description="Its `id`, or `external_id:…`."),
    OpenApiParameter("direction", OpenApiTypes.STR, description="outward, return"),
    OpenApiParameter("service_date", OpenApiTypes.DATE, description="Both first and last."),
    OpenApiParameter("since", OpenApiTypes.DATE, description="First service date."),
    OpenApiParameter("until", OpenApiTypes.DATE, description="Last service date."),
    OpenApiParameter("external_id", OpenApiTypes.STR, description="Your own id."),
]


def draft_of(said: dict[str, Any]) -> OrderDraft:
    """Turn a validated body into a draft."""
    said = dict(said)
    window, given = said.pop("window", None), said.pop("shopper", {})
    known = {f.name for f in fields(OrderDraft)}
    plain = {name: value for name, value in said.items() if name in known}
    plain |= {
        "shopper": ShopperDraft(**given),
        "place": PlaceDraft(**said["place"]),
        "parcels": tuple(ParcelDraft(**parcel) for parcel in said.get("parcels", ())),
        "skills": tuple(said.get("skills", ())),
        "window": WindowDraft(**window) if window else None,
    }
    return OrderDraft(**plain)


class OrdersView(RetailerAPIView):
    """Orders."""

    acts = {"get": Act.ORDERS_VIEW, "post": Act.ORDERS_EDIT}
    prepared: services.Prepared | None = None

    def before_transaction(self, method: str) -> None:
        """Look the address up outside of the transaction, where a geocoder outside is used."""
        if method == "post" and settings.GEOCODER_URL:
            with suppress(DomainError, ValidationError):  # the call itself refuses and says why
                draft = draft_of(self.shape_in(shapes_orders.OrderIn))
                self.prepared = services.prepare_orders([draft], outside=True)

    @extend_schema(
        operation_id="orders_list",
        responses=page_of(shapes_orders.OrderOut),
        parameters=_FILTERS,
    )
    def get(self, request: Request) -> Response:
        """List orders, newest first."""
        said = request.query_params
        day = params.date_param(request, "service_date")
        wanted = OrderFilter(
            text=said.get("q", "")[:200],
            states=params.words_param(request, "state", _STATES),
            hub=id_param(request, "hub", hubs_of(self.principal)),
            direction="".join(params.words_param(request, "direction", _DIRECTIONS)[:1]),
            since=day or params.date_param(request, "since"),
            until=day or params.date_param(request, "until"),
        )
        rows = by_external_id(request, orders_of(self.principal))
        return cursor_page(request, selectors.filter_orders(rows, wanted), shapes_orders.OrderOut)

    @extend_schema(
        operation_id="orders_place",
        request=shapes_orders.OrderIn,
        responses={200: shapes_orders.OrderPlacedOut, 201: shapes_orders.OrderPlacedOut},
    )
    def post(self, request: Request) -> Response:
        """Place an order: 201 when it is new, 200 when it was known (same, or updated)."""
        draft = draft_of(self.shape_in(shapes_orders.OrderIn))
        self._refuse_foreign(draft.external_id)
        placed = services.place_order(
            draft=draft, source="api", cause=Cause.API, prepared=self.prepared
        )
        assert placed.order is not None
        order = selectors.orders().get(pk=placed.order.pk)
        self._refuse_elsewhere(order)
        status = 201 if placed.status == "placed" else 200
        where = f"{request.path}{order.public_id}/"
        order.warnings = placed.warnings  # type: ignore[attr-defined]
        return self.shape_out(
            shapes_orders.OrderPlacedOut, order, status, ETag=etag(order), Location=where
        )

    def _refuse_foreign(self, external_id: str | None) -> None:
        """An id that another hub's order carries is taken, and says no more than that."""
        if external_id is None or self.principal.hubs is None:
            return
        known = selectors.orders().filter(external_id=external_id).first()
        if known is not None and not may(self.principal, Act.ORDERS_EDIT, _hub_id(known)):
            raise ExternalIdTaken(_("This external_id is already in use. Choose another."))

    def _refuse_elsewhere(self, order: Order) -> None:
        """Raise, and so roll back, when the order fell to a hub that is not the caller's."""
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
    """One order."""

    acts = {"get": Act.ORDERS_VIEW, "patch": Act.ORDERS_EDIT}

    @extend_schema(operation_id="orders_get", responses=shapes_orders.OrderDetailOut)
    def get(self, request: Request, ref: str) -> Response:
        """Return an order with its parcels, promises and attempts."""
        order = by_ref(orders_of(self.principal), ref)
        full = selectors.history(order).order
        return self.shape_out(shapes_orders.OrderDetailOut, full, ETag=etag(full))

    @extend_schema(
        operation_id="orders_change",
        request=shapes_orders.ChangeOrderIn,
        responses=shapes_orders.OrderOut,
        parameters=[IF_MATCH],
    )
    def patch(self, request: Request, ref: str) -> Response:
        """Change what is given; what a plan was made with only while none holds the order."""
        order = by_ref(orders_of(self.principal), ref)
        said = self.shape_in(shapes_orders.ChangeOrderIn, partial=True)
        if "hub" in said:
            said["hub"] = finding.hub_in_body(self.principal, said["hub"])
        if "shopper" in said:
            said["shopper"] = dict(said["shopper"])
        changed = services.change_order(order=order, version=expected_version(request), **said)
        return self.shape_out(shapes_orders.OrderOut, changed, ETag=etag(changed))


class OrderActView(RetailerAPIView):
    """Base of the acts on one order: POST, and the order as it then stands."""

    acts = {"post": Act.ORDERS_EDIT}

    def order(self, ref: str) -> Order:
        """The order, if the caller may see it."""
        return by_ref(orders_of(self.principal), ref)

    def answer(self, order: Order) -> Response:
        """Return the order as it stands."""
        present = selectors.orders().get(pk=order.pk)
        return self.shape_out(shapes_orders.OrderOut, present, ETag=etag(present))


class CancelOrderView(OrderActView):
    """The end of an order."""

    @extend_schema(
        operation_id="orders_cancel",
        request=shapes_orders.CancelIn,
        responses=shapes_orders.OrderOut,
        parameters=[IF_MATCH],
    )
    def post(self, request: Request, ref: str) -> Response:
        """Call an order off, until it lies in a vehicle."""
        order = self.order(ref)
        said = self.shape_in(shapes_orders.CancelIn)
        version = expected_version(request)
        services.cancel_order(order=order, version=version, cause=said.get("cause", Cause.API))
        return self.answer(order)


class PinOrderView(OrderActView):
    """Where an order's place really is."""

    @extend_schema(
        operation_id="orders_pin",
        request=shapes_orders.PinIn,
        responses=shapes_orders.OrderOut,
        parameters=[IF_MATCH],
    )
    def post(self, request: Request, ref: str) -> Response:
        """Put the pin; waiting orders to the same place get it too, and so does the memory."""
        order = self.order(ref)
        said = self.shape_in(shapes_orders.PinIn)
        services.set_pin(order=order, version=expected_version(request), **said)
        return self.answer(order)


class PromiseOrderView(OrderActView):
    """A new promise."""

    @extend_schema(
        operation_id="orders_promise",
        request=shapes_orders.PromiseIn,
        responses=shapes_orders.OrderOut,
        parameters=[IF_MATCH],
    )
    def post(self, request: Request, ref: str) -> Response:
        """Promise a window; it supersedes the one that stands."""
        order = self.order(ref)
        draft = PromiseDraft(**self.shape_in(shapes_orders.PromiseIn))
        services.set_promise(order=order, version=expected_version(request), draft=draft)
        return self.answer(order)


class TryOrderAgainView(OrderActView):
    """Another attempt."""

    @extend_schema(
        operation_id="orders_try_again",
        request=shapes_orders.TryAgainIn,
        responses=shapes_orders.OrderOut,
    )
    def post(self, request: Request, ref: str) -> Response:
        """Put a failed order back to be planned."""
        order = self.order(ref)
        services.try_again(order=order, **self.shape_in(shapes_orders.TryAgainIn))
        return self.answer(order)


class ReturnOrderView(OrderActView):
    """The way back."""

    @extend_schema(operation_id="orders_return", request=None, responses=shapes_orders.OrderOut)
    def post(self, request: Request, ref: str) -> Response:
        """Say that a failed order is back at its hub for good."""
        order = self.order(ref)
        services.return_order(order=order)
        return self.answer(order)


class OrderTimelineView(RetailerAPIView):
    """What happened to an order."""

    acts = {"get": Act.ORDERS_VIEW}

    @extend_schema(operation_id="orders_timeline", responses=shapes_orders.TimelineOut)
    def get(self, request: Request, ref: str) -> Response:
        """Return the order's events, oldest first."""
        order = by_ref(orders_of(self.principal), ref)
        return self.shape_out(shapes_orders.TimelineOut, {"items": selectors.timeline(order)})


class ParcelsView(RetailerAPIView):
    """Parcels."""

    acts = {"get": Act.ORDERS_VIEW}

    @extend_schema(
        operation_id="parcels_list",
        responses=page_of(shapes_orders.ParcelOut),
        parameters=[
            OpenApiParameter(
                "order", OpenApiTypes.STR, description="Its `id`, or `external_id:…`."
            ),
            OpenApiParameter("barcode", OpenApiTypes.STR, description="As it was scanned."),
            OpenApiParameter("external_id", OpenApiTypes.STR, description="Your own id."),
        ],
    )
    def get(self, request: Request) -> Response:
        """List parcels; a barcode finds what was scanned."""
        rows = visible(self.principal, selectors.parcels(), "order__hub__public_id")
        rows = by_external_id(request, rows)
        if order := id_param(request, "order", orders_of(self.principal)):
            rows = rows.filter(order__public_id=order)
        if barcode := request.query_params.get("barcode", ""):
            rows = rows.filter(barcode=barcode)
        return cursor_page(request, rows, shapes_orders.ParcelOut, order=("-public_id",))


class ParcelView(RetailerAPIView):
    """One parcel."""

    acts = {"get": Act.ORDERS_VIEW}

    @extend_schema(operation_id="parcels_get", responses=shapes_orders.ParcelOut)
    def get(self, request: Request, ref: str) -> Response:
        """Return a parcel."""
        rows = visible(self.principal, selectors.parcels(), "order__hub__public_id")
        return self.shape_out(shapes_orders.ParcelOut, by_ref(rows, ref))
