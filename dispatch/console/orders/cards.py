"""Rows for the page of an order: what drivers did, and what follows a failed attempt."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from django.utils.translation import gettext as _

from dispatch.console import incident_words
from dispatch.console.orders import words
from dispatch.console.words import day_words
from dispatch.live.models import DriverAct, Incident
from dispatch.live.selectors import acts_of
from dispatch.live.states import Result
from dispatch.live.words import ACTS, REASONS
from dispatch.orders.models import Attempt, Order
from dispatch.orders.states import OrderState
from lastmile.core import formatting

MOST_ACTS = 100
#: An act that reached the server later than this shows both times. Chosen.
NOTICED: Final = dt.timedelta(minutes=2)
_ICONS: Final = {
    "arrived": ("map-pin", "active"),
    "delivered": ("circle-check", "ok"),
    "picked_up": ("undo-2", "ok"),
    "failed": ("circle-x", "failed"),
    "corrected": ("pencil", "active"),
    "note": ("message-square", ""),
    "code_looked": ("key-round", ""),
}
S = OrderState


@dataclass(frozen=True, slots=True, kw_only=True)
class ActLine:
    """An act of a driver as a line: who, what, when, why, and the incident that it opened.

    ``recorded_at`` is None if the act was recorded when it happened. ``far`` is the distance from
    the door of an arrival that was told far from it.
    """

    icon: str
    tone: str
    what: str
    reason: str
    note: str
    who: str
    happened_at: dt.datetime
    recorded_at: dt.datetime | None
    clock_corrected: bool
    counts: bool
    far: str
    incident: Incident | None
    incident_title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptLine:
    """An attempt with the reason of its failure and what happens next."""

    attempt: Attempt
    reason: str
    follows: str


def act_lines(order: Order) -> list[ActLine]:
    """Return what drivers did with an order, the newest first."""
    rows = acts_of(order).prefetch_related("incidents").order_by("-happened_at", "-id")
    return [_act_line(act) for act in rows[:MOST_ACTS]]


def _act_line(act: DriverAct) -> ActLine:
    icon, tone = _ICONS.get(act.kind, ("circle", ""))
    what = str(ACTS.get(act.kind, act.kind))
    if act.kind == "corrected":
        outcome = str(act.data.get("outcome", ""))
        what = _("Corrected to “%(outcome)s”") % {"outcome": ACTS.get(outcome, outcome)}
    reason = str(act.data.get("reason") or "")
    incident = next(iter(act.incidents.all()), None)
    is_late = act.recorded_at - act.happened_at > NOTICED
    return ActLine(
        icon=icon,
        tone=tone,
        what=what,
        reason=str(REASONS.get(reason, reason)),
        note=act.note or "",
        who=act.driver.name,
        happened_at=act.happened_at,
        recorded_at=act.recorded_at if is_late else None,
        clock_corrected=act.clock_corrected,
        counts=act.result != Result.REJECTED and act.data.get("counts", True),
        far="" if act.data.get("far_m") is None else formatting.distance(int(act.data["far_m"])),
        incident=incident,
        incident_title=incident_words.title_of(incident.kind) if incident else "",
    )


def attempt_lines(order: Order, attempts: Iterable[Attempt]) -> list[AttemptLine]:
    """Return the attempts of an order, with what follows each failed one."""
    rows = list(attempts)
    return [
        AttemptLine(
            attempt=row,
            reason=str(words.REASONS.get(row.reason, "")),
            follows=_follows(order, is_last=row == rows[-1]) if row.outcome == "failed" else "",
        )
        for row in rows
    ]


def _follows(order: Order, *, is_last: bool) -> str:
    """Return what happens after a failed attempt, from the present state of the order."""
    if not is_last:
        return _("It was tried again.")
    state = S(order.state)
    if state in {S.PLANNED, S.LOADED, S.OUT, S.READY, S.PLACED}:
        return _("It is tried again on %(date)s.") % {"date": day_words(order.service_date)} \
            if order.service_date else _("It is tried again. It has no date yet.")  # fmt: skip
    return {
        S.FAILED: _("Nothing is planned yet. Choose “Try again”, or mark it as returned."),
        S.DELIVERED: _("The driver corrected it: the order is delivered."),
        S.RETURNED: _("The goods are back at the hub."),
        S.CANCELLED: _("The order was cancelled."),
        S.AWAITING_COLLECTION: _("The shopper collects it."),
    }.get(state, "")
