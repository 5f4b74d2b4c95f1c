"""The event handlers of planning: they clean up when a job has ended."""

from __future__ import annotations

from dispatch.planning.search.parts import delete_all_parts
from lastmile.core.events import DomainEvent


def on_solve_ended(event: DomainEvent) -> None:
    """Delete the parts of an ended planning job, in case its worker died before it could."""
    delete_all_parts(event.subject)
