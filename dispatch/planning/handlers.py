"""What planning tidies up when something ends elsewhere."""

from __future__ import annotations

from dispatch.planning.search.parts import take_away_all
from lastmile.core.events import DomainEvent


def on_solve_ended(event: DomainEvent) -> None:
    """Take the parts of a plan's job away, in case its worker died before it could."""
    take_away_all(event.subject)
