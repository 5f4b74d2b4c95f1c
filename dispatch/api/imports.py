"""API views of order imports: upload a file, follow its operation, read the result."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
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
from lastmile.core.http.downloads import csv_download
from lastmile.core.http.fields import DateField, InstantField, ModelOut
from lastmile.core.openapi import page_of
from tenants.permissions import Act, RetailerAPIView, visible


class OrderImportIn(serializers.Serializer[Any]):
    """A file of orders, CSV or XLSX."""

    file = serializers.FileField(allow_empty_file=True)
    dry_run = serializers.BooleanField(
        default=False, help_text="true: preview the result and change nothing."
    )
    hub = serializers.CharField(
        default="", allow_blank=True, max_length=80,
        help_text="Hub for rows without a hub: its `id` or `external_id:…`. Empty: by zone, or "
        "the nearest hub.",
    )  # fmt: skip
    service_date = DateField(
        default=None, allow_null=True, help_text="Service date for rows without a date."
    )


class OrderImportOut(ModelOut[ImportBatch]):
    """An import with its state, its counts and its operation."""

    id = serializers.CharField(source="public_id")
    hub = serializers.CharField(source="hub.public_id", default=None)
    operation = serializers.CharField(source="job")
    problem = serializers.SerializerMethodField()
    changes = serializers.DictField(
        child=serializers.IntegerField(),
        help_text="Number of orders whose field the file changes, by field name.",
    )
    to_tell = serializers.JSONField(
        help_text="Whom the orders concern: `new_window`, `changed_window` and `without_window`, "
        "each by the shopper's contacts (`phone`, `email`, `both`, `neither`) with `orders` and "
        "`people`; `history` counts orders that are over."
    )
    created_at = InstantField()
    finished_at = InstantField(allow_null=True)

    class Meta:
        model = ImportBatch
        fields: tuple[str, ...] = (
            "id", "filename", "size_bytes", "sha256", "dry_run", "hub", "service_date", "state",
            "operation", "problem", "unknown_headings", "rows_count", "created_count",
            "updated_count", "unchanged_count", "refused_count", "needs_pin_count",
            "warned_count", "changes", "to_tell", "created_at", "finished_at",
        )  # fmt: skip
        read_only_fields = fields

    def get_problem(self, batch: ImportBatch) -> str:
        """Return why the whole file could not be read, in the reader's language; else empty."""
        return selectors.file_problem(batch)


class RowWarningOut(serializers.Serializer[Any]):
    """A warning about a row that was imported."""

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
        """Return the first hundred warnings, in the reader's language."""
        return [
            {"row": row, "external_id": order, "detail": detail}
            for row, order, detail in selectors.warnings(batch)
        ]


class RefusedRowOut(serializers.Serializer[Any]):
    """A row that was refused, with its errors."""

    row = serializers.IntegerField()
    cells = serializers.ListField(child=serializers.CharField())
    faults = serializers.ListField(child=serializers.CharField())


class RefusedRowsOut(serializers.Serializer[Any]):
    """The first hundred refused rows and the count of all; the CSV download contains all."""

    items = RefusedRowOut(many=True)
    count = serializers.IntegerField()


class OrderImportsView(RetailerAPIView):
    """The list of order imports."""

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
        """Upload a file of orders. A job reads it; `operations/{operation}/` shows its progress."""
        data = self.shape_in(OrderImportIn)
        hub = None
        if data["hub"]:
            active = visible(self.principal, Hub.objects.filter(active=True), "public_id")
            hub = by_ref(active, data["hub"])
        batch = services.receive_file(
            content=data["file"].read(),
            filename=data["file"].name,
            dry_run=data["dry_run"],
            hub=hub,
            service_date=data["service_date"],
            hubs_scope=self.principal.hubs,
        )
        where = {"Location": reverse("api:operation", args=[batch.job])}
        return self.shape_out(OrderImportOut, batch, 202, **where)


class OrderImportView(RetailerAPIView):
    """The view of one order import."""

    acts = {"get": Act.ORDERS_VIEW}

    @extend_schema(operation_id="order_imports_get", responses=OrderImportDetailOut)
    def get(self, request: Request, public_id: str) -> Response:
        """Return an import."""
        batch = selectors.get_batch(public_id, self.principal.hubs)
        return self.shape_out(OrderImportDetailOut, batch)


class RefusedRowsView(RetailerAPIView):
    """The view of the refused rows of an import."""

    acts = {"get": Act.ORDERS_VIEW}

    @extend_schema(operation_id="order_imports_refused", responses=RefusedRowsOut)
    def get(self, request: Request, public_id: str) -> Response:
        """Return the first hundred refused rows, each with the reasons."""
        batch = selectors.get_batch(public_id, self.principal.hubs)
        items = [
            {"row": number, "cells": cells, "faults": faults}
            for number, cells, faults in selectors.refused_rows(batch)
        ]
        return self.shape_out(RefusedRowsOut, {"items": items, "count": batch.refused_count})


class RefusedFileView(RetailerAPIView):
    """The view that downloads the refused rows of an import as a CSV file."""

    acts = {"get": Act.ORDERS_VIEW}

    @extend_schema(
        operation_id="order_imports_refused_file",
        responses={(200, "text/csv"): OpenApiTypes.STR},
    )
    def get(self, request: Request, public_id: str) -> HttpResponse:
        """Download the refused rows as CSV: the sender's own columns, and the reasons.

        Correct the rows and upload the file again.
        """
        batch = selectors.get_batch(public_id, self.principal.hubs)
        return csv_download(selectors.refused_csv(batch), f"refused-{batch.public_id}.csv")
