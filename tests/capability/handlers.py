"""The handlers of events about remarks.

Each handler runs once per event and reads the present data from the database.
"""

from __future__ import annotations

from lastmile.core import jobs
from lastmile.core.events import DomainEvent
from lastmile.core.sockets import broadcast
from tests.capability.events import ADDED
from tests.capability.models import Remark

GROUP = "remarks"


def ask_translation(event: DomainEvent) -> None:
    """Enqueue the job that translates the remark, because a handler must not call other systems."""
    order = ADDED.read(event).order
    jobs.enqueue(
        "remarks.translate",
        subject=event.subject,
        payload={"order": order},
        dedupe_key=f"remarks.translate:{event.subject}",
    )


def tell_open_pages(event: DomainEvent) -> None:
    """Send the new remark to the open pages."""
    broadcast(GROUP, kind="remark", seq=event.position, data={"remark": event.subject})


def on_translated(event: DomainEvent) -> None:
    """Send the finished translation to the open pages; ``event.subject`` is the job."""
    job = jobs.job_by_id(event.subject)
    remark = Remark.objects.filter(public_id=job.subject).first()
    if remark is not None and remark.translated:
        broadcast(GROUP, kind="translated", seq=None, data={"remark": remark.public_id})
