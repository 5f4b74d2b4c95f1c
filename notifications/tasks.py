"""The tasks of messages: the pump, the hint that starts one, and the demo's shopper."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from typing import Final

from django.conf import settings

from lastmile.core.hints import publish
from lastmile.core.tasks import house_task, retailer_task
from lastmile.core.tenancy import ACTIVE, current_schema, find_retailer, retailer_context
from lastmile.worklist.selectors import seen
from lastmile.worklist.services import clear
from notifications import playing
from notifications.services.pointing import (
    HINT_EXPIRES_S,
    PUMP_QUEUE,
    PUMP_TASK,
    hint,
)
from notifications.services.reports import BATCH, REPORTS, TAKE_TASK, take_reports
from notifications.services.sending import Pump
from tenants.selectors import demos

log = logging.getLogger(__name__)

TAKE_S: Final = 10.0  # then another task goes on


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


@house_task(TAKE_TASK, queue="hot")
def take_all_reports(*, schemas: Sequence[str]) -> None:
    """Take the reports of providers that these retailers have kept.

    One task serves all retailers that had reports within a moment, because a task costs more than
    the few reports of one. A fault at one of them holds up nobody else: the sweep comes back to
    it.
    """
    for schema in schemas:
        ref = find_retailer(schema)
        if ref is None or ref.status != ACTIVE:
            continue
        try:
            with retailer_context(ref):
                _take_due()
        except Exception as fault:  # noqa: BLE001 - one retailer must not stop the others
            log.error("The reports of %s wait: %s", schema, type(fault).__name__)


@retailer_task("notifications.take_reports_left", queue="hot")
def take_reports_left() -> None:
    """Take the reports of one retailer whose hint was lost; the sweep uses it."""
    pointers = seen(current_schema(), REPORTS)
    if _take_due():
        clear(pointer_ids=pointers)


def _take_due() -> bool:
    """Take the reports of a retailer that are due; return True if none is left."""
    until = time.monotonic() + TAKE_S
    while take_reports() >= BATCH:
        if time.monotonic() >= until:
            return False
    return True
