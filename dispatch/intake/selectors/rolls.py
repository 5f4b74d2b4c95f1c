"""The functions of intake for the commands ``ledger`` and ``invariants``."""

from __future__ import annotations

from collections.abc import Mapping

from django.db.models import Count, F, QuerySet

from dispatch.intake.models import CAN_BE_MATCHED, ENDED, ImportBatch, ImportFile
from lastmile.core.jobs import jobs


def ledger() -> Mapping[str, object]:
    """Return the ledger of intake: every import with its state."""
    return {"imports": dict(ImportBatch.objects.order_by("pk").values_list("public_id", "state"))}


def invariants() -> Mapping[str, list[str]]:
    """Return for each invariant the ids of the imports that break it; empty lists when all hold."""
    batches = ImportBatch.objects.all()
    received = ImportBatch.State.RECEIVED
    stopped = jobs().filter(state__in=ENDED).values("public_id")
    return {
        "an import that has not ended still has its file": _ids(
            batches.filter(state=received, file__isnull=True).exclude(job__in=stopped)
        ),
        "an import that has ended keeps a file only to be read again": sorted(
            ImportFile.objects.exclude(batch__state=received)
            .exclude(batch__state=ImportBatch.State.DONE, batch__dry_run=True)
            .exclude(batch__state=ImportBatch.State.DONE, batch__refused_count__gt=0)
            .exclude(batch__problem_code__in=CAN_BE_MATCHED, batch__dry_run=True)
            .values_list("batch__public_id", flat=True)
        ),
        "an import counts the rows it refused": _ids(
            batches.filter(state=ImportBatch.State.DONE)
            .annotate(n=Count("refused"))
            .exclude(n=F("refused_count"))
        ),
    }


def _ids(rows: QuerySet[ImportBatch]) -> list[str]:
    return sorted(rows.values_list("public_id", flat=True))
