"""Retailer and Domain: the shared tables, which hold no people and no orders."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower

from lastmile.core.bases import PublicIdField, Timestamped


class Status(models.TextChoices):
    """The status of a retailer; `states.py` has the allowed changes."""

    OPENING = "opening"
    ACTIVE = "active"
    SUSPENDED = "suspended"
    CLOSING = "closing"
    CLOSED = "closed"


class Retailer(Timestamped):
    """A retailer and its policy; its members, orders and events are in its own schema."""

    public_id = PublicIdField("ret")
    # The commands of django_tenants need this name.
    schema_name = models.CharField(max_length=48, unique=True)
    name = models.CharField(max_length=120)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.OPENING)
    zone = models.CharField(max_length=64)
    currency = models.CharField(max_length=3)
    language = models.CharField(max_length=16)
    units = models.CharField(max_length=8)
    brand = models.JSONField(default=dict)
    is_demo = models.BooleanField(default=False)  # only on a laptop; start-up refuses it elsewhere
    # A sandbox can have its own clock: the time it showed at a real instant, and its rate.
    is_sandbox = models.BooleanField(default=False)
    clock_set_at = models.DateTimeField(null=True)
    clock_shows = models.DateTimeField(null=True)
    clock_rate = models.FloatField(default=1.0)
    version = models.PositiveIntegerField(default=1)

    class Meta:
        constraints = (
            models.CheckConstraint(
                name="retailer_schema_lower", condition=Q(schema_name=Lower("schema_name"))
            ),
            models.CheckConstraint(
                name="retailer_status_known", condition=Q(status__in=Status.values)
            ),
            models.CheckConstraint(
                name="retailer_clock_real_unless_sandbox",
                condition=Q(clock_set_at__isnull=True, clock_shows__isnull=True, clock_rate=1.0)
                | Q(
                    is_sandbox=True,
                    clock_set_at__isnull=False,
                    clock_shows__isnull=False,
                    clock_rate__gt=0,
                ),
            ),
        )
        indexes = (models.Index(fields=("status", "schema_name"), name="retailer_by_status"),)

    def __str__(self) -> str:
        return self.schema_name


class Domain(models.Model):
    """A host name of a retailer. Links use the primary one."""

    retailer = models.ForeignKey(Retailer, on_delete=models.CASCADE, related_name="domains")
    domain = models.CharField(max_length=253, unique=True)
    is_primary = models.BooleanField(default=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                name="domain_one_primary", fields=("retailer",), condition=Q(is_primary=True)
            ),
            models.CheckConstraint(name="domain_lower", condition=Q(domain=Lower("domain"))),
        )

    def __str__(self) -> str:
        return self.domain
