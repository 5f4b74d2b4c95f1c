"""API views of banks, compartments, provisioning and commands."""

from __future__ import annotations

from django.urls import reverse
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from dispatch.fleet.selectors import hubs
from lastmile.core.geo import Point
from lastmile.core.http import by_external_id, by_ref, cursor_page, etag, fetch, named_in_body
from lastmile.core.idempotency import secret_once
from lastmile.core.openapi import page_of
from lockers import selectors, services
from lockers.api import near, shapes
from lockers.fitting import Size
from lockers.models import LockerBank
from tenants.permissions import Act, RetailerAPIView, visible

_EXTERNAL_ID = OpenApiParameter(
    "external_id", str, description="Your own ID; the list then has one item or none."
)


class BankAPIView(RetailerAPIView):
    """The base of views under one bank."""

    def bank(self, ref: str) -> LockerBank:
        """Return the bank of the address. Raises NotFound."""
        return by_ref(selectors.banks_of(self.principal), ref)


class LockerBanksView(BankAPIView):
    """The list of banks, and adding one."""

    acts = {"get": Act.LOCKERS_VIEW, "post": Act.LOCKERS_EDIT}

    @extend_schema(
        operation_id="locker_banks_list",
        parameters=[_EXTERNAL_ID, *near.PARAMETERS],
        responses=page_of(shapes.LockerBankOut),
    )
    def get(self, request: Request) -> Response:
        """List the banks of lockers, newest first; with `near`, the nearest active banks first."""
        if near.is_search(request):
            return near.near_page(request, self.principal)
        rows = by_external_id(request, selectors.banks_of(self.principal))
        return cursor_page(request, rows, shapes.LockerBankOut)

    @extend_schema(
        operation_id="locker_banks_add",
        request=shapes.LockerBankIn,
        responses={201: shapes.LockerBankOut},
    )
    def post(self, request: Request) -> Response:
        """Add a bank of lockers."""
        data = self.shape_in(shapes.LockerBankIn)
        hub = named_in_body(visible(self.principal, hubs(), "public_id"), data.pop("hub"), "hub")
        point = Point(lat=data.pop("lat"), lon=data.pop("lon"))
        data["external_id"] = data.get("external_id") or None
        row = services.add_bank(draft=services.BankDraft(hub=hub, point=point, **data))
        return self.shape_out(
            shapes.LockerBankOut,
            row,
            201,
            ETag=etag(row),
            Location=f"{request.path}{row.public_id}/",
        )


class LockerBankView(BankAPIView):
    """The view of one bank."""

    acts = {"get": Act.LOCKERS_VIEW}

    @extend_schema(operation_id="locker_banks_get", responses=shapes.LockerBankOut)
    def get(self, request: Request, ref: str) -> Response:
        """Return a bank."""
        row = self.bank(ref)
        return self.shape_out(shapes.LockerBankOut, row, ETag=etag(row))


class AvailabilityView(BankAPIView):
    """The counts of a bank's compartments."""

    acts = {"get": Act.LOCKERS_VIEW}

    @extend_schema(operation_id="locker_banks_availability", responses=shapes.AvailabilityOut)
    def get(self, request: Request, ref: str) -> Response:
        """Return how many compartments are free, held, occupied, unknown and blocked now."""
        counts = selectors.boxes_by_state(self.bank(ref))
        return self.shape_out(shapes.AvailabilityOut, counts)


class BankCompartmentsView(BankAPIView):
    """The compartments of a bank."""

    acts = {"get": Act.LOCKERS_VIEW, "post": Act.LOCKERS_EDIT}

    @extend_schema(
        operation_id="locker_banks_compartments", responses=page_of(shapes.CompartmentOut)
    )
    def get(self, request: Request, ref: str) -> Response:
        """List the compartments of a bank."""
        rows = selectors.compartments_of(self.principal).filter(bank=self.bank(ref))
        return cursor_page(request, rows, shapes.CompartmentOut)

    @extend_schema(
        operation_id="locker_banks_compartments_add",
        request=shapes.CompartmentsIn,
        responses={201: shapes.CompartmentsOut},
    )
    def post(self, request: Request, ref: str) -> Response:
        """Add compartments to a bank. They count as empty."""
        items = self.shape_in(shapes.CompartmentsIn)["compartments"]
        drafts = [
            services.CompartmentDraft(
                inside=Size(
                    width_mm=item.pop("width_mm"),
                    height_mm=item.pop("height_mm"),
                    depth_mm=item.pop("depth_mm"),
                ),
                **item,
            )
            for item in items
        ]
        rows = services.add_compartments(bank=self.bank(ref), drafts=drafts)
        return self.shape_out(shapes.CompartmentsOut, {"items": rows}, 201)


class CompartmentsView(RetailerAPIView):
    """The list of all compartments."""

    acts = {"get": Act.LOCKERS_VIEW}

    @extend_schema(operation_id="compartments_list", responses=page_of(shapes.CompartmentOut))
    def get(self, request: Request) -> Response:
        """List the compartments of all banks."""
        return cursor_page(
            request, selectors.compartments_of(self.principal), shapes.CompartmentOut
        )


class ProvisioningTokensView(BankAPIView):
    """Making a token for a cabinet."""

    acts = {"post": Act.LOCKERS_EDIT}

    @extend_schema(
        operation_id="locker_banks_provision",
        request=None,
        responses={201: shapes.ProvisioningTokenOut},
    )
    def post(self, request: Request, ref: str) -> Response:
        """Make a token with which a cabinet gets its key: once, within 15 minutes."""
        new = services.make_token(bank=self.bank(ref))
        return secret_once(self.shape_out(shapes.ProvisioningTokenOut, new, 201), "token")


class BankCommandsView(BankAPIView):
    """Sending a command to the cabinet of a bank."""

    acts = {"post": Act.LOCKERS_COMMAND}

    @extend_schema(
        operation_id="locker_banks_command",
        request=shapes.LockerCommandIn,
        responses={202: shapes.LockerCommandOut},
    )
    def post(self, request: Request, ref: str) -> Response:
        """Send a command. It is executed within 60 seconds or expires; look at it by its id."""
        bank = self.bank(ref)
        data = self.shape_in(shapes.LockerCommandIn)
        boxes = selectors.compartments_of(self.principal).filter(bank=bank)
        named = data.get("compartment")
        box = named_in_body(boxes, named, "compartment") if named else None
        row = services.send_command(
            bank=bank, kind=data["kind"], compartment=box, why=data.get("why", "")
        )
        where = reverse("api:locker-command", args=[row.public_id])
        return self.shape_out(shapes.LockerCommandOut, row, 202, Location=where)


class LockerCommandsView(RetailerAPIView):
    """The list of commands."""

    acts = {"get": Act.LOCKERS_VIEW}

    @extend_schema(operation_id="locker_commands_list", responses=page_of(shapes.LockerCommandOut))
    def get(self, request: Request) -> Response:
        """List the commands to cabinets, newest first."""
        rows = selectors.commands_of(self.principal)
        return cursor_page(request, rows, shapes.LockerCommandOut, order=("-made_at", "-public_id"))


class LockerCommandView(RetailerAPIView):
    """The view of one command."""

    acts = {"get": Act.LOCKERS_VIEW}

    @extend_schema(operation_id="locker_commands_get", responses=shapes.LockerCommandOut)
    def get(self, request: Request, public_id: str) -> Response:
        """Return a command with its state: queued, delivered, done, failed or expired."""
        row = fetch(selectors.commands_of(self.principal), public_id)
        return self.shape_out(shapes.LockerCommandOut, row)
