"""Receives an order file and queues the job that reads it; imports the file of a preview."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from django.conf import settings
from django.db import transaction
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from dispatch.fleet.models import Hub
from dispatch.intake.events import RECEIVED, ReceivedFacts
from dispatch.intake.models import ENDED, JOB, ImportBatch, ImportFile
from lastmile.core import jobs
from lastmile.core.actor import current_actor
from lastmile.core.clock import now
from lastmile.core.errors import Conflict, FieldProblem, Invalid, TooLarge
from lastmile.core.events import record

FILES_KEPT = dt.timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewFile:
    """A file to import. ``kind`` is the kind of the job that reads it.

    ``hubs_scope`` are the hubs (public ids) of a sender limited to hubs; ``hub`` must then be one
    of them.
    """

    content: bytes
    filename: str
    kind: str = JOB
    dry_run: bool = False
    hub: Hub | None = None
    service_date: dt.date | None = None
    hubs_scope: Collection[str] | None = None
    options: Mapping[str, str] = field(default_factory=dict)


def receive_file(
    *,
    content: bytes,
    filename: str,
    dry_run: bool = False,
    hub: Hub | None = None,
    service_date: dt.date | None = None,
    hubs_scope: Collection[str] | None = None,
) -> ImportBatch:
    """Store an order file and queue the job that reads it.

    ``hubs_scope`` are the hubs (public ids) of a sender limited to hubs; ``hub`` must then be one
    of them. Locks: nothing. Records: import.received. Raises: TooLarge, Invalid.
    """
    return receive(
        NewFile(
            content=content,
            filename=filename,
            dry_run=dry_run,
            hub=hub,
            service_date=service_date,
            hubs_scope=hubs_scope,
        )
    )


def receive(file: NewFile) -> ImportBatch:
    """Store a file of any kind and queue the job that reads it.

    Locks: nothing. Records: import.received for a file of orders. Raises: TooLarge, Invalid.
    """
    refuse_foreign_hub(file.hub, file.hubs_scope)
    content = file.content
    if len(content) > settings.LIMIT_IMPORT_BYTES:
        raise TooLarge(
            _(
                "The file has %(found)s MB, more than the limit of %(most)s MB. Split it into "
                "smaller files."
            )
            % {
                "found": round(len(content) / 1e6, 1),
                "most": round(settings.LIMIT_IMPORT_BYTES / 1e6, 1),
            }
        )
    batch = ImportBatch(
        kind=file.kind,
        options=dict(file.options),
        filename=file.filename.replace("\x00", "")[-255:] or "file",
        sha256=hashlib.sha256(content).hexdigest(),
        size_bytes=len(content),
        dry_run=file.dry_run,
        hub=file.hub,
        service_date=file.service_date,
    )
    with transaction.atomic():
        return queue(batch, content, file.hubs_scope)


@transaction.atomic
def import_previewed(
    *, preview: ImportBatch, hubs_scope: Collection[str] | None = None
) -> ImportBatch:
    """Import the file of a preview; a second call returns the same import.

    Locks: the preview. Records: import.received. Raises: Conflict if ``preview`` is not a
    successful preview or its file is deleted; Invalid for a hub that is not the caller's.
    """
    refuse_foreign_hub(preview.hub, hubs_scope)
    row = ImportBatch.objects.select_for_update(no_key=True).get(pk=preview.pk)
    existing = ImportBatch.objects.filter(rehearsal=row).first()
    if existing is not None:
        return existing
    if not row.dry_run or row.state != ImportBatch.State.DONE:
        raise Conflict(_("Only a successful preview can be imported. Choose the file again."))
    file = ImportFile.objects.filter(batch=row).first()
    if file is None:
        raise Conflict(_("The file of this preview is no longer stored. Choose it again."))
    batch = ImportBatch(
        kind=row.kind,
        options=row.options,
        filename=row.filename,
        sha256=row.sha256,
        size_bytes=row.size_bytes,
        hub=row.hub,
        service_date=row.service_date,
        rehearsal=row,
    )
    return queue(batch, bytes(file.content), hubs_scope, file.corrections)


def forget_files() -> int:
    """Delete after a day the files of previews, of imports with refused rows, and of stopped ones.

    Locks: nothing. Records: nothing. Raises: nothing of its own.
    """
    old = ImportFile.objects.filter(created_at__lt=now() - FILES_KEPT)
    ended = jobs.jobs().filter(state__in=ENDED)
    return old.filter(batch__job__in=ended.values("public_id")).delete()[0]


def refuse_foreign_hub(hub: Hub | None, hubs_scope: Collection[str] | None) -> None:
    """Raise Invalid if a sender who is limited to hubs names none of them."""
    if hubs_scope is not None and (hub is None or hub.public_id not in hubs_scope):
        raise Invalid(
            _("Choose one of your hubs for this file."),
            errors=[FieldProblem("/hub", _("Choose one of your hubs."), "required")],
        )


def queue(
    batch: ImportBatch,
    content: bytes,
    hubs_scope: Collection[str] | None,
    corrections: Mapping[str, Mapping[str, str]] | None = None,
) -> ImportBatch:
    """Store an import with its file, and queue the job that reads it. Call it in a transaction."""
    batch.actor = current_actor()
    batch.language = get_language() or settings.LANGUAGE_CODE
    batch.hubs_scope = None if hubs_scope is None else sorted(hubs_scope)
    batch.save()
    ImportFile.objects.create(batch=batch, content=content, corrections=corrections or {})
    job = jobs.enqueue(
        batch.kind,
        subject=batch.public_id,
        hub=batch.hub.public_id if batch.hub else "",
        payload={"batch": batch.public_id},
    )
    batch.job = job.public_id
    batch.save(update_fields=["job"])
    if batch.kind == JOB:
        record(RECEIVED, ReceivedFacts(dry_run=batch.dry_run), subject=batch.public_id)
    return batch
