"""The tasks of messages: the pump, and the hint that starts one."""

from __future__ import annotations

from lastmile.core.hints import publish
from lastmile.core.tasks import house_task, retailer_task
from notifications.services.pointing import (
    HINT_EXPIRES_S,
    PUMP_QUEUE,
    PUMP_TASK,
    hint,
)
from notifications.services.sending import Pump


@house_task(PUMP_TASK, queue=PUMP_QUEUE, time_limit=360, soft_time_limit=330)
def pump() -> None:
    """Send the due messages of all retailers until none is left.

    One task sees several retailers, as in ``core.fair_queue``: a call of one retailer that hangs
    must not keep the others waiting. After 20 seconds the next task goes on.
    """
    if Pump().run():
        publish(PUMP_TASK, queue=PUMP_QUEUE, expires=HINT_EXPIRES_S)


@retailer_task("notifications.hint", queue="hot")
def start_pump() -> None:
    """Start a pump for the retailer's due messages; the sweep uses it when a hint was lost."""
    hint()
