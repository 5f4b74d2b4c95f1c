"""The event handlers of choosing: an order has come for a choice of lockers."""

from __future__ import annotations

from lastmile.core.events import DomainEvent
from lastmile.core.tenancy import current_schema
from lastmile.worklist.services import point
from portal.choice.models import LockerHold
from portal.choice.services.taking import POINTER


def on_choice_used(event: DomainEvent) -> None:
    """Point to the compartments of a choice, which a task takes for its order at once.

    The promise was made with the order, so that no other event may follow from here.
    """
    if LockerHold.objects.filter(choice__public_id=event.subject, order=None).exists():
        point(schema=current_schema(), kind=POINTER)
