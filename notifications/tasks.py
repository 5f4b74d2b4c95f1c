"""The tasks of messages: the pump, the hint that starts one, and the demo's shopper."""

from __future__ import annotations

from django.conf import settings

from lastmile.core.hints import publish
from lastmile.core.tasks import house_task, retailer_task
from lastmile.core.tenancy import ACTIVE, find_retailer, retailer_context
from notifications import playing
from notifications.services.pointing import (
    HINT_EXPIRES_S,
    PUMP_QUEUE,
    PUMP_TASK,
    hint,
)
from notifications.services.sending import Pump
from tenants.selectors import demos


@house_task(PUMP_TASK, queue=PUMP_QUEUE, time_limit=360, soft_time_limit=330)
def pump() -> None:
    """Send the due messages of all retailers until none is left.

    One task sees several retailers, as in ``core.fair_queue``: a call of one retailer that hangs
    must not keep the others waiting. After 20 seconds the next task goes on.
    """
    if Pump().run():
        publish(PUMP_TASK, queue=PUMP_QUEUE, expires=HINT_EXPIRES_S)


@house_task("notifications.play_demo", queue="default")
def play_demo() -> int:
    """Move one order of the demo shopper in each demo retailer; only on localhost."""
    moved = 0
    for schema in demos() if settings.LOCAL else ():
        ref = find_retailer(schema)
        if ref is not None and ref.status == ACTIVE:
            with retailer_context(ref):
                moved += bool(playing.play())
    return moved


@retailer_task("notifications.hint", queue="hot")
def start_pump() -> None:
    """Start a pump for the retailer's due messages; the sweep uses it when a hint was lost."""
    hint()
