"""The tables of imports: the import, its file while it is needed, its refused rows, and columns."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from dispatch.fleet.models import Hub
from lastmile.core.bases import PublicIdField, Timestamped
from lastmile.core.clock import now

JOB = "intake.import"
ENDED = ("succeeded", "failed", "cancelled")  # final states of a job
# Problems of a file whose columns a person can match.
CAN_BE_MATCHED = frozenset({"no_order_id", "no_place"})


class ImportBatch(Timestamped):
    """An import of a file, or its preview (``dry_run``), which changes nothing.

    ``kind`` is the kind of the job that reads the file; packages above read files of their own.
    ``options`` are what the sender chose for such a file. ``rehearsal`` is the preview whose file
    was then imported.
    """

    class State(models.TextChoices):
        RECEIVED = "received"
        DONE = "done"
        FAILED = "failed"

    public_id = PublicIdField("imp")
    kind = models.CharField(max_length=32, default=JOB)
    options = models.JSONField(default=dict)
    filename = models.CharField(max_length=255)
    sha256 = models.CharField(max_length=64)
    size_bytes = models.PositiveIntegerField()
    dry_run = models.BooleanField(default=False)
    hub = models.ForeignKey(
        Hub,
        null=True,
        on_delete=models.PROTECT,
        related_name="+",
        help_text="the hub of every row that names none; empty: by zone, else the nearest",
    )
    service_date = models.DateField(null=True, help_text="the date of every row that has none")
    actor = models.CharField(max_length=64)
    hubs_scope = models.JSONField(
        null=True, help_text="hub ids its sender may place orders for; null: all"
    )
    language = models.CharField(max_length=35, help_text="in which its refusals are worded")
    rehearsal = models.OneToOneField(
        "self",
        null=True,
        on_delete=models.SET_NULL,
        related_name="followed_by",
        help_text="the dry run whose file was then brought in",
    )
    job = models.CharField(max_length=32, default="")
    state = models.CharField(max_length=10, choices=State, default=State.RECEIVED)
    problem_code = models.CharField(max_length=40, default="")
    problem_params = models.JSONField(default=dict)
    unknown_headings = models.JSONField(default=list)
    headings = models.JSONField(default=list)
    warnings = models.JSONField(
        default=list, help_text="the first ones: [{row, order, column, code, params}]"
    )
    changes = models.JSONField(default=dict, help_text="field -> orders in which it changed")
    to_tell = models.JSONField(
        default=dict, help_text="what happened -> contacts -> {orders, people} (services.to_tell)"
    )

    rows_count = models.PositiveIntegerField(default=0)
    created_count = models.PositiveIntegerField(default=0)
    updated_count = models.PositiveIntegerField(default=0)
    unchanged_count = models.PositiveIntegerField(default=0)
    refused_count = models.PositiveIntegerField(default=0)
    needs_pin_count = models.PositiveIntegerField(default=0)
    warned_count = models.PositiveIntegerField(default=0)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(name="imports_of_kind", fields=["kind", "-created_at", "-id"])]
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=["received", "done", "failed"]), name="import_state_known"
            ),
            models.CheckConstraint(
                condition=Q(state="received") | Q(finished_at__isnull=False),
                name="import_end_has_time",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.public_id} {self.filename}"


class ImportFile(models.Model):
    """The bytes of an order file, stored until its import has ended, so that no file is lost.

    The file of a preview is stored for a day, so that it can be imported without sending it again.
    So is the file of an import with refused rows, so that they can be corrected. ``corrections``
    are the cells that a person corrected: {row: {position: text}}.

    ``sketch`` is the data of the preview's map: {spots: [[lon, lat, state of the order]], hubs:
    [[name of the hub, how it was chosen, number of orders]]}.
    """

    batch = models.OneToOneField(ImportBatch, on_delete=models.CASCADE, related_name="file")
    content = models.BinaryField()
    sketch = models.JSONField(default=dict)
    corrections = models.JSONField(default=dict)
    created_at = models.DateTimeField(default=now)

    def __str__(self) -> str:
        return f"file of batch {self.batch_id}"


class RefusedRow(models.Model):
    """A refused row: its original cells, and its faults as codes with parameters."""

    batch = models.ForeignKey(ImportBatch, on_delete=models.CASCADE, related_name="refused")
    number = models.PositiveIntegerField()
    cells = models.JSONField()
    faults = models.JSONField(help_text="[{column, code, params}]")

    class Meta:
        ordering = ["batch", "number"]
        constraints = [
            models.UniqueConstraint(fields=["batch", "number"], name="refused_row_once"),
        ]

    def __str__(self) -> str:
        return f"row {self.number}"


class ColumnMatch(Timestamped):
    """The columns that a person chose for the headings of a kind of file, for all files with them.

    ``key`` is made from the headings (``parse.matching.key_of``). ``columns`` are {label of a
    heading: name of its column, "" if it is not used}.
    """

    kind = models.CharField(max_length=32, default=JOB)
    key = models.CharField(max_length=64)
    columns = models.JSONField()
    actor = models.CharField(max_length=64)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["kind", "key"], name="column_match_once"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.key[:8]}"
