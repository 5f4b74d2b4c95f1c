"""API views of slots and of the rules that open them: templates and blackouts."""

from __future__ import annotations

from typing import Any

from django.db.models import Q
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework.request import Request
from rest_framework.response import Response

from dispatch.api import finding, shapes_slots
from dispatch.fleet.models import Hub
from dispatch.fleet.selectors import hubs, zones
from dispatch.slots import selectors, services
from dispatch.slots.models import Blackout
from dispatch.slots.models.templates import OPTION_VALUES
from dispatch.slots.states import SlotState
from lastmile.core.errors import NotAllowed
from lastmile.core.http import (
    by_external_id,
    by_ref,
    cursor_page,
    etag,
    expected_version,
    fetch,
    id_param,
    named_in_body,
    params,
)
from lastmile.core.openapi import IF_MATCH, page_of
from tenants.permissions import Act, Principal, RetailerAPIView, visible
from tenants.resources import Resource, ResourceListView, ResourceView, Rows, described

_OPTION = OpenApiParameter("option", OpenApiTypes.STR, description="`window` or `curbside`.")
_WITH_ORDERS = OpenApiParameter(
    "with_orders",
    OpenApiTypes.BOOL,
    description="true: slots with orders get new prices and capacity too. Promises do not change.",
)
_HOLIDAYS = 30  # next public holidays that the calendar of a hub names
_OPTIONS = frozenset(OPTION_VALUES)
_STATES = frozenset(state.value for state in SlotState)


def _resolve(principal: Principal, data: dict[str, Any]) -> dict[str, Any]:
    """Replace the hub and the zone of a body by rows that the principal may use."""
    if data.get("hub") is not None:
        data["hub"] = finding.hub_in_body(principal, data["hub"])
    if data.get("zone") is not None:
        data["zone"] = named_in_body(visible(principal, zones()), data["zone"], "zone")
    return data


def _resolve_blackout(principal: Principal, data: dict[str, Any]) -> dict[str, Any]:
    data = _resolve(principal, data)
    if "hub" in data and data["hub"] is None:
        _refuse_all_hubs(principal)
    return data


def _refuse_all_hubs(principal: Principal) -> None:
    """Raise NotAllowed unless the principal has access to all hubs."""
    if principal.hubs is not None:
        raise NotAllowed(
            _("You have access to some hubs only. Name one of your hubs, or ask someone who has "
              "access to all hubs.")
        )  # fmt: skip


def _filter(request: Request, rows: Rows) -> Rows:
    """Filter rows by ``?hub=`` and ``?option=``."""
    rows = finding.of_hub(request, rows)
    options = params.words_param(request, "option", _OPTIONS)
    return rows.filter(option__in=options) if options else rows


def _filter_templates(request: Request, rows: Rows) -> Rows:
    return finding.if_active(request, _filter(request, rows))


def _filter_blackouts(request: Request, rows: Rows) -> Rows:
    """Filter blackouts by ``?hub=`` and by the dates that they touch."""
    hub = id_param(request, "hub", hubs())
    since, until = params.date_param(request, "since"), params.date_param(request, "until")
    rows = rows.filter(Q(hub__public_id=hub) | Q(hub__isnull=True)) if hub else rows
    rows = rows.filter(last_on__gte=since) if since else rows
    return rows.filter(first_on__lte=until) if until else rows


_SINCE = OpenApiParameter("since", OpenApiTypes.DATE, description="Only from this date on.")
_UNTIL = OpenApiParameter("until", OpenApiTypes.DATE, description="Only up to this date.")
TEMPLATES = Resource(
    name="slot_templates",
    singular="a slot template",
    rows=selectors.templates,
    shape_in=shapes_slots.SlotTemplateIn,
    shape_out=shapes_slots.SlotTemplateOut,
    add=services.add_template,
    change=lambda row, **data: services.change_template(template=row, **data),
    end=lambda row, **data: services.remove_template(template=row, **data),
    resolve=_resolve,
    filter_rows=_filter_templates,
    parameters=(finding.HUB, _OPTION, finding.ACTIVE),
)
BLACKOUTS = Resource(
    name="blackouts",
    singular="a blackout",
    rows=selectors.blackouts,
    shape_in=shapes_slots.BlackoutIn,
    shape_out=shapes_slots.BlackoutOut,
    add=services.add_blackout,
    change=lambda row, **data: services.change_blackout(blackout=row, **data),
    end=lambda row, **data: services.remove_blackout(blackout=row, **data),
    resolve=_resolve_blackout,
    filter_rows=_filter_blackouts,
    parameters=(finding.HUB, _SINCE, _UNTIL),
)


@described
class SlotTemplatesView(ResourceListView):
    """The list of slot templates."""

    acts = {"get": Act.SLOTS_VIEW, "post": Act.SLOTS_EDIT}
    resource = TEMPLATES


@extend_schema_view(patch=extend_schema(parameters=[IF_MATCH, _WITH_ORDERS]))
@described
class SlotTemplateView(ResourceView):
    """The view of one slot template. DELETE keeps all promises."""

    acts = {"get": Act.SLOTS_VIEW, "patch": Act.SLOTS_EDIT, "delete": Act.SLOTS_EDIT}
    resource = TEMPLATES

    def patch(self, request: Request, ref: str) -> Response:
        """Change the given fields, and the future slots without orders.

        Ask for the effect first: it names the slots with promises.
        """
        row = by_ref(TEMPLATES.visible_to(self.principal), ref)
        with_orders = params.yes_no_param(request, "with_orders") or False
        values = self.shape_in(shapes_slots.SlotTemplateIn, partial=True)
        changed = services.change_template(
            template=row,
            version=expected_version(request),
            with_orders=with_orders,
            **_resolve(self.principal, values),
        )
        return self.shape_out(shapes_slots.SlotTemplateOut, changed, ETag=etag(changed))


class SlotTemplateEffectView(RetailerAPIView):
    """The effect of a change of a template, before it is made."""

    acts = {"post": Act.SLOTS_EDIT}

    @extend_schema(
        operation_id="slot_templates_effect",
        summary="Return the effect of a change of a slot template",
        request=shapes_slots.SlotTemplateChangeIn,
        responses=shapes_slots.EffectOut,
    )
    def post(self, request: Request, ref: str) -> Response:
        """Return what a change of these fields would do, with the promises that it touches.

        Nothing is changed.
        """
        row = by_ref(TEMPLATES.visible_to(self.principal), ref)
        values = self.shape_in(shapes_slots.SlotTemplateChangeIn, partial=True)
        before = services.edit_template(row, **_resolve(self.principal, values))
        return self.shape_out(shapes_slots.EffectOut, selectors.template_effect(row, before))


class HubCalendarView(RetailerAPIView):
    """The public holidays of a hub."""

    acts = {"get": Act.SLOTS_VIEW, "patch": Act.SLOTS_EDIT}

    @extend_schema(
        operation_id="hub_calendar_get",
        summary="Return the public holidays of a hub",
        responses=shapes_slots.HubCalendarOut,
    )
    def get(self, request: Request, ref: str) -> Response:
        """Return the country and the region of a hub's public holidays, with the next ones."""
        return self._calendar_of(by_ref(visible(self.principal, hubs(), "public_id"), ref))

    @extend_schema(
        operation_id="hub_calendar_change",
        summary="Set the country and the region of a hub's public holidays",
        request=shapes_slots.HubCalendarIn,
        responses=shapes_slots.HubCalendarOut,
        parameters=[IF_MATCH],
    )
    def patch(self, request: Request, ref: str) -> Response:
        """Set the country and the region. Slots on holidays follow; promises are kept.

        Another country without a region means the whole country.
        """
        hub = by_ref(visible(self.principal, hubs(), "public_id"), ref)
        values = self.shape_in(shapes_slots.HubCalendarIn, partial=True)
        row = selectors.calendar_row(hub)
        values.setdefault("country", row.country)
        values.setdefault(
            "subdivision", row.subdivision if values["country"] == row.country else ""
        )
        services.set_calendar(hub=hub, version=expected_version(request), **values)
        return self._calendar_of(hub)

    def _calendar_of(self, hub: Hub) -> Response:
        row = selectors.calendar_row(hub)
        calendar = selectors.calendar(hub, language=get_language() or "en", count=_HOLIDAYS)
        shown = {
            "hub": hub.public_id,
            "country": row.country,
            "subdivision": row.subdivision,
            "holidays": [{"date": date, "name": name} for date, name in calendar.holidays],
            "version": row.version,
        }
        return self.shape_out(shapes_slots.HubCalendarOut, shown, ETag=etag(row))


class SlotTemplateNextView(RetailerAPIView):
    """The next windows of a template."""

    acts = {"get": Act.SLOTS_VIEW}

    @extend_schema(operation_id="slot_templates_next", responses=shapes_slots.NextWindowsOut)
    def get(self, request: Request, ref: str) -> Response:
        """Return the next five windows that the template gives, and what it leaves out."""
        template = by_ref(TEMPLATES.visible_to(self.principal), ref)
        return self.shape_out(shapes_slots.NextWindowsOut, selectors.next_windows(template))


@described
class BlackoutsView(ResourceListView):
    """The list of blackouts."""

    acts = {"get": Act.SLOTS_VIEW, "post": Act.SLOTS_EDIT}
    resource = BLACKOUTS

    def get(self, request: Request) -> Response:
        """List blackouts, the newest first; those of all hubs are in everybody's list."""
        rows = by_external_id(request, _seen_blackouts(self.principal))
        return cursor_page(request, _filter_blackouts(request, rows), shapes_slots.BlackoutOut)

    def post(self, request: Request) -> Response:
        """Add a blackout. Without a hub it holds for all hubs."""
        values = _resolve(self.principal, self.shape_in(shapes_slots.BlackoutIn))
        if values.get("hub") is None:
            _refuse_all_hubs(self.principal)
        row = services.add_blackout(**values)
        location = f"{request.path}{row.public_id}/"
        return self.shape_out(shapes_slots.BlackoutOut, row, 201, ETag=etag(row), Location=location)


def _seen_blackouts(principal: Principal) -> Rows:
    """Return the blackouts of the principal's hubs and those of all hubs."""
    rows = selectors.blackouts()
    own = visible(principal, rows)
    return rows.filter(Q(pk__in=own.values("pk")) | Q(hub__isnull=True))


@described
class BlackoutView(ResourceView):
    """The view of one blackout. Changing one of all hubs needs access to all hubs."""

    acts = {"get": Act.SLOTS_VIEW, "patch": Act.SLOTS_EDIT, "delete": Act.SLOTS_EDIT}
    resource = BLACKOUTS

    def get(self, request: Request, ref: str) -> Response:
        """Return a blackout."""
        row: Blackout = by_ref(_seen_blackouts(self.principal), ref)
        return self.shape_out(shapes_slots.BlackoutOut, row, ETag=etag(row))


class SlotsView(RetailerAPIView):
    """The list of slots."""

    acts = {"get": Act.SLOTS_VIEW}

    @extend_schema(
        operation_id="slots_list",
        parameters=[
            finding.HUB,
            _SINCE,
            _UNTIL,
            _OPTION,
            OpenApiParameter("state", OpenApiTypes.STR, description="`open` or `closed`."),
        ],
        responses=page_of(shapes_slots.SlotOut),
    )
    def get(self, request: Request) -> Response:
        """List slots by their opening, the earliest first."""
        rows = _filter(request, visible(self.principal, selectors.slots()))
        since, until = params.date_param(request, "since"), params.date_param(request, "until")
        states = params.words_param(request, "state", _STATES)
        rows = rows.filter(service_date__gte=since) if since else rows
        rows = rows.filter(service_date__lte=until) if until else rows
        rows = rows.filter(state__in=states) if states else rows
        return cursor_page(request, rows, shapes_slots.SlotOut, order=("opens_at", "public_id"))


class SlotView(RetailerAPIView):
    """The view of one slot."""

    acts = {"get": Act.SLOTS_VIEW, "patch": Act.SLOTS_EDIT}

    @extend_schema(operation_id="slots_get", responses=shapes_slots.SlotOut)
    def get(self, request: Request, public_id: str) -> Response:
        """Return a slot."""
        slot = fetch(visible(self.principal, selectors.slots()), public_id)
        return self.shape_out(shapes_slots.SlotOut, slot, ETag=etag(slot))

    @extend_schema(
        operation_id="slots_change",
        request=shapes_slots.SlotIn,
        responses=shapes_slots.SlotOut,
        parameters=[IF_MATCH],
    )
    def patch(self, request: Request, public_id: str) -> Response:
        """Open or close a slot, or change its capacity or prices. No promise changes."""
        slot = fetch(visible(self.principal, selectors.slots()), public_id)
        values = self.shape_in(shapes_slots.SlotIn, partial=True)
        changed = services.change_slot(slot=slot, version=expected_version(request), **values)
        return self.shape_out(shapes_slots.SlotOut, changed, ETag=etag(changed))
