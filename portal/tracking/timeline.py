"""The timeline of an order as its shopper reads it, computed from recorded events.

Events can arrive late and in any order: a driver's phone was offline, a courier reports twice. So
the timeline depends on when things happened and never on the order in which they were recorded.
A final state is left only by an event that may leave it; other later events are not shown.

The module is PURE.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from dispatch.orders.states import ENDED, OrderState, corrections_from, moves_from

S = OrderState
#: Event kind -> the state of the order after it.
STATE_AFTER: Final[Mapping[str, OrderState]] = {
    "order.needs_pin": S.NEEDS_PIN,
    "order.waiting": S.PLACED,
    "order.ready": S.READY,
    "order.planned": S.PLANNED,
    "order.loaded": S.LOADED,
    "order.out": S.OUT,
    "order.awaiting_collection": S.AWAITING_COLLECTION,
    "order.delivered": S.DELIVERED,
    "order.failed": S.FAILED,
    "order.returned": S.RETURNED,
    "order.cancelled": S.CANCELLED,
}
#: Outcome of an attempt -> the state of the order after it.
STATE_AFTER_ATTEMPT: Final[Mapping[str, OrderState]] = {
    "delivered": S.DELIVERED,
    "deposited": S.AWAITING_COLLECTION,
    "picked_up": S.LOADED,
    "failed": S.FAILED,
}
#: The usual order of events that have the same time, such as the moves of one transaction.
_RANK: Final = {
    kind: rank
    for rank, kind in enumerate(
        (
            "order.placed",
            "order.needs_pin",
            "order.waiting",
            "order.pinned",
            "order.ready",
            "order.promised",
            "order.changed",
            "order.planned",
            "order.loaded",
            "order.out",
            "curbside.on_the_way",
            "curbside.arrived",
            "attempt.recorded",
            "order.awaiting_collection",
            "order.failed",
            "order.delivered",
            "order.returned",
            "order.cancelled",
        )
    )
}
#: After a failed attempt these moves need a new start (order.ready) first.
_BEFORE_AN_ATTEMPT: Final = frozenset({S.PLANNED, S.LOADED, S.OUT})
#: Fields of an order whose change a shopper wants to see.
_INSTRUCTIONS: Final = frozenset({"notes", "handover", "access"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """An event of an order: its kind, when it happened, and its facts."""

    kind: str
    at: dt.datetime
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A line of the timeline: its code, when it happened, and the facts that its text needs.

    The codes are ``ordered``, ``window``, ``window_changed``, ``instructions``, ``planned``,
    ``loaded``, ``out``, ``on_the_way``, ``here``, ``awaiting_collection``, ``delivered``,
    ``picked_up``, ``failed``, ``again``, ``returned`` and ``cancelled``.
    """

    code: str
    at: dt.datetime
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """The steps of an order, oldest first, and the state that they lead to."""

    steps: tuple[Step, ...]
    state: OrderState | None

    def last(self, *codes: str) -> Step | None:
        """Return the last step with one of these codes; None without one."""
        return next((step for step in reversed(self.steps) if step.code in codes), None)


def timeline_of(happenings: Iterable[Happening], *, is_return: bool = False) -> Timeline:
    """Return the timeline of an order from its events, which may come in any order."""
    reader = _Reader(is_return)
    for happening in _in_order(happenings):
        reader.read(happening)
    return Timeline(steps=tuple(reader.steps), state=reader.state)


def _in_order(happenings: Iterable[Happening]) -> list[Happening]:
    """Return the events by time; events of the same time in their usual order.

    A move that an attempt caused is recorded when the driver's phone has sent the attempt. It
    happened when the attempt did, so it gets that time, and the attempt's own event is not needed.
    """
    everything = list(happenings)
    attempts = {
        str(one.data.get("attempt")): one for one in everything if one.kind == "attempt.recorded"
    }
    moved = set()
    result = []
    for one in everything:
        attempt = attempts.get(str(one.data.get("attempt")))
        if attempt is not None and one.kind in STATE_AFTER:
            moved.add(str(one.data["attempt"]))
            one = Happening(kind=one.kind, at=attempt.at, data={**one.data})
        result.append(one)
    shown = [
        one
        for one in result
        if one.kind != "attempt.recorded" or str(one.data.get("attempt")) not in moved
    ]
    unique = {_key(one): one for one in shown}
    return [unique[key] for key in sorted(unique)]


def _key(one: Happening) -> tuple[float, int, str, str]:
    rank = _RANK.get(one.kind, len(_RANK))
    return one.at.timestamp(), rank, one.kind, json.dumps(one.data, sort_keys=True, default=str)


class _Reader:
    """Reads events in the order in which they happened, and collects the steps."""

    def __init__(self, is_return: bool) -> None:
        self.is_return = is_return
        self.state: OrderState | None = None
        self.steps: list[Step] = []
        self.promised = False

    def read(self, one: Happening) -> None:
        """Add the step of an event, unless the order had ended and the event cannot change that."""
        to = STATE_AFTER.get(one.kind)
        if one.kind == "attempt.recorded":
            to = STATE_AFTER_ATTEMPT.get(str(one.data.get("outcome")))
        before = self.state
        if self._comes_too_late(to, has_attempt="attempt" in one.data) or (
            to is not None and to == before
        ):
            return
        if to is not None:
            self.state = to
        elif one.kind == "order.placed":
            self.state = _state(one.data.get("state"))
        self._add(one, to, before)

    def _comes_too_late(self, to: OrderState | None, *, has_attempt: bool) -> bool:
        """Return True if the order has ended or failed, and the event tells nothing new.

        A report such as “out” that comes after the end cannot follow the last state. A driver's
        correction of the outcome can.
        """
        if self.state in ENDED:
            may_follow = moves_from(self.state, is_return=self.is_return)
            if has_attempt:
                may_follow |= corrections_from(self.state, is_return=self.is_return)
            return to not in may_follow
        return self.state == S.FAILED and to in _BEFORE_AN_ATTEMPT

    def _add(self, one: Happening, to: OrderState | None, before: OrderState | None) -> None:
        if to == S.READY:
            self._ready(one, before)
        elif one.kind == "order.promised":
            code = "window_changed" if self.promised else "window"
            self.promised = True
            self.steps.append(Step(code=code, at=one.at, data=one.data))
        elif one.kind == "order.changed":
            if _INSTRUCTIONS & set(one.data.get("changed") or ()):
                self.steps.append(Step(code="instructions", at=one.at))
        elif code := self._code(one.kind, to):
            self.steps.append(Step(code=code, at=one.at, data=one.data))

    def _ready(self, one: Happening, before: OrderState | None) -> None:
        """Read a move to ready: the order left its plan, or it will be tried again."""
        if before == S.PLANNED:
            last = max(n for n, step in enumerate(self.steps) if step.code == "planned")
            del self.steps[last]
        elif before in {S.FAILED, S.AWAITING_COLLECTION}:
            self.steps.append(Step(code="again", at=one.at, data=one.data))

    def _code(self, kind: str, to: OrderState | None) -> str:
        if to == S.LOADED and self.is_return:
            return "picked_up"
        if to is not None:
            return "" if to in {S.NEEDS_PIN, S.PLACED} else to.value
        return {
            "order.placed": "ordered",
            "curbside.on_the_way": "on_the_way",
            "curbside.arrived": "here",
        }.get(kind, "")


def _state(raw: object) -> OrderState | None:
    return S(raw) if raw in {state.value for state in S} else None
