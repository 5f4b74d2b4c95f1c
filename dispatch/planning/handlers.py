"""What planning tidies up when something ends elsewhere."""

from __future__ import annotations

from dispatch.planning.parts import take_away_all
from dispatch.planning.services import JOB
from lastmile.core.events import DomainEvent


def on_job_finished(event: DomainEvent) -> None:
    """Take the parts of a plan's job away, in case its worker died before it could."""
    if event.data.get("kind") == JOB:
        take_away_all(event.subject)
