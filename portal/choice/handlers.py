"""The event handlers of choosing: an order has come for a choice of lockers."""

from __future__ import annotations

from lastmile.core.events import DomainEvent
from portal.choice.models import LockerHold
from portal.choice.services.taking import take_lockers


def on_choice_used(event: DomainEvent) -> None:
    """Take the compartments of a choice for its order."""
    rows = LockerHold.objects.select_related("bank__hub", "choice__order")
    hold = rows.filter(choice__public_id=event.subject).first()
    if hold is not None and hold.choice is not None and hold.choice.order is not None:
        take_lockers(hold=hold, order=hold.choice.order)
