"""What follows an event about a remark. Each handler runs once for an event, and reads anew."""

from __future__ import annotations

from lastmile.core import jobs
from lastmile.core.events import DomainEvent
from lastmile.core.sockets import broadcast
from tests.capability.events import ADDED
from tests.capability.models import Remark

GROUP = "remarks"


def ask_translation(event: DomainEvent) -> None:
    """Have the remark translated; a job calls the outside, a handler never does."""
    order = ADDED.read(event).order
    jobs.enqueue(
        "remarks.translate",
        subject=event.subject,
        payload={"order": order},
        dedupe_key=f"remarks.translate:{event.subject}",
    )


def tell_open_pages(event: DomainEvent) -> None:
    """Tell pages that are open that there is one more."""
    broadcast(GROUP, kind="remark", seq=event.position, data={"remark": event.subject})


def on_translated(event: DomainEvent) -> None:
    """Tell open pages that a translation is there; ``event.subject`` is the job."""
    job = jobs.job_by_id(event.subject)
    remark = Remark.objects.filter(public_id=job.subject).first()
    if remark is not None and remark.translated:
        broadcast(GROUP, kind="translated", seq=None, data={"remark": remark.public_id})
