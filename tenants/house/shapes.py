"""The shapes of requests and answers of the operator's API."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from lastmile.core.http.fields import InstantField, ModelOut
from lastmile.core.jobs import job_out
from lastmile.core.openapi import example
from tenants.models import Retailer, Status
from tenants.policy import UNITS


class RetailerOut(ModelOut[Retailer]):
    """A retailer, without its members and orders."""

    id = serializers.CharField(source="public_id")
    schema = serializers.CharField(source="schema_name")
    domain = serializers.SerializerMethodField()
    status = serializers.ChoiceField(choices=Status.values)
    created_at = InstantField()

    class Meta:
        model = Retailer
        fields = (
            *("id", "schema", "name", "domain", "status", "zone", "currency", "language"),
            *("units", "is_demo", "version", "created_at"),
        )
        read_only_fields = fields

    def get_domain(self, row: Retailer) -> str:
        """Return the host name, "" for a closed retailer."""
        return getattr(row, "primary_domain", None) or ""


@example(
    schema="t_acme",
    domain="acme",
    name="Acme",
    zone="America/Santiago",
    currency="CLP",
    language="es",
)
class OpenRetailerIn(serializers.Serializer[Any]):
    """The values of a retailer to open."""

    schema = serializers.CharField(max_length=48, help_text="Name of its schema, such as t_acme.")
    domain = serializers.CharField(
        max_length=253, help_text="Host name; a single word is added in front of BASE_DOMAIN."
    )
    name = serializers.CharField(max_length=120)
    zone = serializers.CharField(max_length=64, help_text="IANA time zone.")
    currency = serializers.CharField(max_length=3, help_text="ISO 4217.")
    language = serializers.CharField(max_length=16, default="en")
    units = serializers.ChoiceField(choices=UNITS, default="metric")


@example(confirm="t_acme")
class CloseRetailerIn(serializers.Serializer[Any]):
    """The confirmation that closing a retailer needs."""

    confirm = serializers.CharField(max_length=48, help_text="The name of the schema.")
    drop = serializers.BooleanField(
        default=False, help_text="Delete the tables instead of keeping them under another name."
    )


class OpeningOut(serializers.Serializer[Any]):
    """The retailer that is being opened, and the operation that opens it."""

    retailer = RetailerOut()
    operation = serializers.SerializerMethodField()

    def get_operation(self, pair: dict[str, Any]) -> dict[str, Any]:
        """Return the job in the shape of /operations/."""
        return job_out(pair["job"])
