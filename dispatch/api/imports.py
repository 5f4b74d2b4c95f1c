"""REST v1: order-imports. A file goes in; its operation says how far it is, itself what came."""

from __future__ import annotations

from typing import Any

from django.http import StreamingHttpResponse
from django.urls import reverse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from dispatch.fleet.models import Hub
from dispatch.intake import selectors, services
from dispatch.intake.models import ImportBatch
from lastmile.core.http import by_ref, cursor_page
from lastmile.core.http.fields import DateField, InstantField, ModelOut
from lastmile.core.openapi import page_of
from tenants.permissions import Act, RetailerAPIView, visible


class OrderImportIn(serializers.Serializer[Any]):
    """A file of orders, CSV or XLSX."""

    file = serializers.FileField(allow_empty_file=True)
    dry_run = serializers.BooleanField(
        default=False, help_text="Say what would happen, and change nothing."
    )
    hub = serializers.CharField(
        default="", allow_blank=True, max_length=80,
        help_text="Id or `external_id:…` of the hub of rows that name none; else zone or distance.",
    )  # fmt: skip
    service_date = DateField(
        default=None, allow_null=True, help_text="The date of rows that have none."
    )


class OrderImportOut(ModelOut[ImportBatch]):
    """An import: its state, its counts, and its operation."""

    id = serializers.CharField(source="public_id")
    hub = serializers.CharField(source="hub.public_id", default=None)
    operation = serializers.CharField(source="job")
    problem = serializers.SerializerMethodField()
    changes = serializers.DictField(
        child=serializers.IntegerField(), help_text="Field: orders in which the file changes it."
    )
    created_at = InstantField()
    finished_at = InstantField(allow_null=True)

    class Meta:
        model = ImportBatch
        fields: tuple[str, ...] = (
            "id", "filename", "size_bytes", "sha256", "dry_run", "hub", "service_date", "state",
            "operation", "problem", "unknown_headings", "rows_count", "created_count",
            "updated_count", "unchanged_count", "refused_count", "needs_pin_count",
            "warned_count", "changes", "created_at", "finished_at",
        )  # fmt: skip
        read_only_fields = fields

    def get_problem(self, batch: ImportBatch) -> str:
        """Why the whole file could not be read, in the reader's language; else empty."""
        return selectors.file_problem(batch)


class RowWarningOut(serializers.Serializer[Any]):
    """What the sender should know of a row that was taken."""

    row = serializers.IntegerField()
    external_id = serializers.CharField()
    detail = serializers.CharField()


class OrderImportDetailOut(OrderImportOut):
    """An import with its first hundred warnings."""

    warnings = serializers.SerializerMethodField()

    class Meta(OrderImportOut.Meta):
        fields = (*OrderImportOut.Meta.fields, "warnings")
        read_only_fields = fields

    @extend_schema_field(RowWarningOut(many=True))
    def get_warnings(self, batch: ImportBatch) -> list[dict[str, Any]]:
        """The first hundred warnings, in the reader's language."""
        return [
            {"row": row, "external_id": order, "detail": detail}
            for row, order, detail in selectors.warnings(batch)
        ]


class RefusedRowOut(serializers.Serializer[Any]):
    """A row that became no order."""

    row = serializers.IntegerField()
    cells = serializers.ListField(child=serializers.CharField())
    faults = serializers.ListField(child=serializers.CharField())


class RefusedRowsOut(serializers.Serializer[Any]):
    """The first hundred refused rows; the download has them all."""

    items = RefusedRowOut(many=True)
    count = serializers.IntegerField()


class OrderImportsView(RetailerAPIView):
    """Order files."""

    acts = {"get": Act.ORDERS_VIEW, "post": Act.ORDERS_IMPORT}
    parser_classes = [MultiPartParser]

    @extend_schema(operation_id="order_imports_list", responses=page_of(OrderImportOut))
    def get(self, request: Request) -> Response:
        """List imports, newest first."""
        return cursor_page(request, selectors.batches(self.principal.hubs), OrderImportOut)

    @extend_schema(
        operation_id="order_imports_create",
        request={"multipart/form-data": OrderImportIn},
        responses={202: OrderImportOut},
    )
    def post(self, request: Request) -> Response:
        """Hand in a file. It is read as a job; ask `operations/{operation}/` how far it is."""
        asked = self.shape_in(OrderImportIn)
        hub = None
        if asked["hub"]:
            active = visible(self.principal, Hub.objects.filter(active=True), "public_id")
            hub = by_ref(active, asked["hub"])
        batch = services.receive_file(
            content=asked["file"].read(),
            filename=asked["file"].name,
            dry_run=asked["dry_run"],
            hub=hub,
            service_date=asked["service_date"],
            hubs_scope=self.principal.hubs,
        )
        where = {"Location": reverse("api:operation", args=[batch.job])}
        return self.shape_out(OrderImportOut, batch, 202, **where)


class OrderImportView(RetailerAPIView):
    """One import."""

    acts = {"get": Act.ORDERS_VIEW}

    @extend_schema(operation_id="order_imports_get", responses=OrderImportDetailOut)
    def get(self, request: Request, public_id: str) -> Response:
        """Return an import."""
        batch = selectors.get_batch(public_id, self.principal.hubs)
        return self.shape_out(OrderImportDetailOut, batch)


class RefusedRowsView(RetailerAPIView):
    """The refused rows of one import."""

    acts = {"get": Act.ORDERS_VIEW}

    @extend_schema(operation_id="order_imports_refused", responses=RefusedRowsOut)
    def get(self, request: Request, public_id: str) -> Response:
        """Return the first hundred refused rows, each with its faults in words."""
        batch = selectors.get_batch(public_id, self.principal.hubs)
        items = [
            {"row": number, "cells": cells, "faults": faults}
            for number, cells, faults in selectors.refused_rows(batch)
        ]
        return self.shape_out(RefusedRowsOut, {"items": items, "count": batch.refused_count})


class RefusedFileView(RetailerAPIView):
    """The refused rows of one import as a file."""

    acts = {"get": Act.ORDERS_VIEW}

    @extend_schema(
        operation_id="order_imports_refused_file",
        responses={(200, "text/csv"): OpenApiTypes.STR},
    )
    def get(self, request: Request, public_id: str) -> StreamingHttpResponse:
        """Download the refused rows in the sender's own columns, with why; mend and send again."""
        batch = selectors.get_batch(public_id, self.principal.hubs)
        return StreamingHttpResponse(
            list(selectors.refused_csv(batch)),
            content_type="text/csv; charset=utf-8",
            headers={
                "Content-Disposition": f'attachment; filename="refused-{batch.public_id}.csv"'
            },
        )
