"""The tables of positions: the history in partitions by day, and the last one of each run."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from dispatch.live.models.runs import Run


class Position(models.Model):
    """A measured place of a vehicle at work. Rows are only added; whole days are dropped.

    The table is partitioned by ``day``, the service date of the run. ``source`` is the public id
    of the device or API key that sent it, and ``client_id`` the UUID that the sender gave to it.
    The foreign key is not checked by the database, because that costs a look-up for each row.
    ``flags`` is a ``points.PointFlag``.
    """

    pk = models.CompositePrimaryKey("day", "source", "client_id")
    day = models.DateField()
    source = models.CharField(max_length=28)
    client_id = models.UUIDField()
    run = models.ForeignKey(
        Run, on_delete=models.DO_NOTHING, related_name="positions", db_constraint=False
    )
    at = models.DateTimeField()
    received_at = models.DateTimeField()
    lat = models.FloatField()
    lon = models.FloatField()
    accuracy_m = models.FloatField(null=True)
    speed_mps = models.FloatField(null=True)
    heading_deg = models.SmallIntegerField(null=True)
    flags = models.SmallIntegerField(default=0)

    class Meta:
        ordering = ("at", "client_id")
        indexes = (models.Index(name="position_of_run", fields=["run", "at"]),)
        constraints = (
            models.CheckConstraint(
                name="position_on_earth",
                condition=Q(lat__gte=-90, lat__lte=90, lon__gte=-180, lon__lte=180),
            ),
        )

    def __str__(self) -> str:
        return f"{self.source} {self.client_id}"


class LastPosition(models.Model):
    """The newest valid position of a run, one row for each run.

    ``received_at`` is when this row was last changed.
    """

    run = models.OneToOneField(
        Run, primary_key=True, on_delete=models.CASCADE, related_name="last_position"
    )
    source = models.CharField(max_length=28)
    at = models.DateTimeField()
    received_at = models.DateTimeField()
    lat = models.FloatField()
    lon = models.FloatField()
    accuracy_m = models.FloatField(null=True)
    speed_mps = models.FloatField(null=True)
    heading_deg = models.SmallIntegerField(null=True)

    class Meta:
        indexes = (models.Index(name="last_position_changed", fields=["received_at"]),)
        constraints = (
            models.CheckConstraint(
                name="last_position_on_earth",
                condition=Q(lat__gte=-90, lat__lte=90, lon__gte=-180, lon__lte=180),
            ),
        )

    def __str__(self) -> str:
        return f"{self.run_id} {self.at}"
