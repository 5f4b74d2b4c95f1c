"""Calculates the times of a run and of its visits from its acts, and its lateness. PURE.

The result depends on the set of acts and not on the order in which they came.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from dispatch.live.acts import AT_DOOR, NOT_AT_WORK, ActKind

Span = tuple[dt.datetime, dt.datetime]  # the first and the last time of a kind
#: How an arrival is known. Values are stored.
ARRIVED_TAP: Final = "tap"
ARRIVED_POSITION: Final = "position"
_ORDER_OF_KINDS = {str(kind): place for place, kind in enumerate(ActKind)}


@dataclass(frozen=True, slots=True, kw_only=True)
class RunTimes:
    """The true times of a run; None for what has not happened."""

    started_at: dt.datetime | None
    left_at: dt.datetime | None = None
    back_at: dt.datetime | None = None
    ended_at: dt.datetime | None = None


def run_times(spans: Mapping[str, Span]) -> RunTimes:
    """Return the times of a run from the first and last time of each kind of act.

    Any act of work proves that the shift began, and any act at a stop that the vehicle had left.
    A vehicle that goes out again is not back, and a driver who goes on has not ended.
    """
    work = {kind: span for kind, span in spans.items() if kind not in NOT_AT_WORK}
    if not work:
        return RunTimes(started_at=None)
    road = [work[kind] for kind in work if kind in AT_DOOR or kind == ActKind.LEFT_HUB]
    left = work.get(ActKind.LEFT_HUB)
    left_at = left[0] if left else min((first for first, _last in road), default=None)
    back = work.get(ActKind.BACK_AT_HUB)
    back_at = None
    if back and left_at is not None and back[1] >= max(last for _first, last in road):
        back_at = back[1]
    ended = work.get(ActKind.SHIFT_ENDED)
    latest = max(last for _first, last in work.values())
    return RunTimes(
        started_at=min(first for first, _last in work.values()),
        left_at=left_at,
        back_at=back_at,
        ended_at=ended[1] if ended and ended[1] >= latest else None,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitAct:
    """An act at one stop, as far as the visit needs it."""

    kind: str
    at: dt.datetime
    outcome: str = ""
    reason: str = ""
    counts: bool = True  # False: it is kept, and an incident says why it has no effect
    far_m: int | None = None  # metres from the door, if it was told far from it


@dataclass(frozen=True, slots=True)
class Stood:
    """The stay at a door by the positions; ``until_at`` is None while the vehicle is there."""

    from_at: dt.datetime
    until_at: dt.datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitState:
    """The state of one visit: arrival, departure, outcome and the reason of a failure.

    ``arrived_from`` is tap if the driver told of the arrival, position if the positions show it.
    """

    arrived_at: dt.datetime | None = None
    arrived_from: str = ""
    arrived_far_m: int | None = None
    departed_at: dt.datetime | None = None
    outcome: str = ""
    reason: str = ""


def visit_state(acts: Iterable[VisitAct], stood: Stood | None = None) -> VisitState:
    """Return the state of a visit from its acts, in any order.

    The last outcome counts. A correction changes the outcome, not the departure. A driver who came
    back to a stop arrived at it again. Without an arrival that the driver told of, the stay at the
    door by the positions is the arrival. A stay that is over and has no outcome is none.
    """
    ordered = sorted(acts, key=lambda act: (act.at, _ORDER_OF_KINDS.get(act.kind, 0), act.outcome))
    arrivals = [act for act in ordered if act.kind == ActKind.ARRIVED]
    endings = [act for act in ordered if act.outcome and act.counts]
    if not endings:
        is_there = stood is not None and stood.until_at is None
        return _arrived(arrivals, stood if is_there else None, VisitState())
    last = endings[-1]
    doors = _without_repeats(act for act in endings if act.kind != ActKind.CORRECTED)
    departed_at = doors[-1].at if doors else last.at
    since = doors[-2].at if len(doors) > 1 else None
    here = [act for act in arrivals if _is_between(act.at, since, departed_at)]
    is_of_visit = stood is not None and _is_between(stood.from_at, since, departed_at)
    ended = VisitState(departed_at=departed_at, outcome=last.outcome, reason=last.reason)
    return _arrived(here, stood if is_of_visit else None, ended)


def _is_between(at: dt.datetime, since: dt.datetime | None, until: dt.datetime) -> bool:
    return at <= until and (since is None or at > since)


def _arrived(taps: Sequence[VisitAct], stood: Stood | None, state: VisitState) -> VisitState:
    """Return the state with the first arrival that was told, else with that of the positions."""
    if taps:
        return replace(
            state, arrived_at=taps[0].at, arrived_from=ARRIVED_TAP, arrived_far_m=taps[0].far_m
        )
    if stood is not None:
        return replace(state, arrived_at=stood.from_at, arrived_from=ARRIVED_POSITION)
    return state


def _without_repeats(endings: Iterable[VisitAct]) -> list[VisitAct]:
    """Return the endings without those that say the same as the one before."""
    kept: list[VisitAct] = []
    for act in endings:
        if not kept or (kept[-1].outcome, kept[-1].reason) != (act.outcome, act.reason):
            kept.append(act)
    return kept


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedStop:
    """A stop of a route as planned.

    ``slack_s`` is how much later it may begin before a promise behind it, or the end of the shift,
    is missed. Orders with the same ``common`` place are one stop; "" is a stop of its own.
    """

    order: str
    arrives_at: dt.datetime
    starts_at: dt.datetime
    departs_at: dt.datetime
    slack_s: int
    common: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """The distance of a run along its route in stops, and its lateness against the plan.

    Parameters
    ----------
    stops, done, failed : int
        The stops of the route, those with all goods handed over or picked up, and those at which an
        order failed.
    behind_s : int
        Seconds behind the plan; negative when ahead of it.
    slack_s : int, optional
        What is left of the slack of the next stop; negative when a promise behind it, or the end of
        the shift, is missed. None without a next stop.
    next_order : str
        The order of the next stop, or of the one where the vehicle is; "" without one.
    next_planned_at : datetime, optional
        When its service was planned to begin.
    is_there : bool
        True if the vehicle is at that stop.
    """

    stops: int
    done: int
    failed: int
    behind_s: int
    slack_s: int | None
    next_order: str = ""
    next_planned_at: dt.datetime | None = None
    is_there: bool = False


def standing(
    stops: Sequence[PlannedStop],
    visits: Mapping[str, VisitState],
    *,
    planned_start: dt.datetime,
    left_at: dt.datetime | None,
    now: dt.datetime,
) -> Standing:
    """Compare a run with its route at an instant.

    The last arrival or departure says how late the vehicle is. Time that passes without an act
    counts too: a vehicle is at least as late as the planned arrival at its next stop is past.
    Waiting before the next stop takes up lateness.
    """
    states = [(stop, visits.get(stop.order, VisitState())) for stop in stops]
    outcomes: dict[str, list[str]] = {}
    for stop, state in states:
        outcomes.setdefault(stop.common or stop.order, []).append(state.outcome)
    behind = (left_at or now) - planned_start
    if left_at is None:
        behind = max(behind, dt.timedelta())
    since = left_at or planned_start
    for stop, state in states:
        for real, planned in (
            (state.arrived_at, stop.arrives_at),
            (state.departed_at, stop.departs_at),
        ):
            if real is not None and real >= since:
                since, behind = real, real - planned
    here = [row for row in states if row[1].arrived_at and not row[1].outcome]
    to_come = here or [row for row in states if not row[1].outcome]
    slack = None
    if to_come:
        stop, state = to_come[0]
        if state.arrived_at is not None:
            behind = max(state.arrived_at - stop.arrives_at, now - stop.departs_at)
            late = max(state.arrived_at - stop.starts_at, now - stop.departs_at)
        else:
            behind = max(behind, now - stop.arrives_at)
            late = stop.arrives_at + behind - stop.starts_at
        slack = stop.slack_s - max(0, round(late.total_seconds()))
    return Standing(
        stops=len(outcomes),
        done=sum(all(group) and "failed" not in group for group in outcomes.values()),
        failed=sum("failed" in group for group in outcomes.values()),
        behind_s=round(behind.total_seconds()),
        slack_s=slack,
        next_order=to_come[0][0].order if to_come else "",
        next_planned_at=to_come[0][0].starts_at if to_come else None,
        is_there=bool(here),
    )
