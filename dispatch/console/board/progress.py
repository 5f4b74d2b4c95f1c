"""The progress of routes as the board shows it: what is done, and how late, in colour and word.

Late against the plan is not late against the promise. The status is about the promises; the words
beside it say how far the route is behind its plan, and how much slack is left.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from dispatch.live import selectors
from dispatch.live.driving import ARRIVED_POSITION, ARRIVED_TAP, Standing
from dispatch.live.selectors import ExpectedArrival, RouteProgress, VisitLine
from dispatch.live.states import RunState
from dispatch.live.words import REASONS
from dispatch.planning.models import Plan, Route
from dispatch.planning.states import DRAFT, PUBLISHED
from lastmile.core import clock, formatting

#: From this lateness on the board says "behind". Below it, lateness is noise. Chosen.
NOTICED_S: Final = 5 * 60
#: Slack below this is shown as a risk. Chosen: about one stop.
THIN_SLACK_S: Final = 10 * 60


_NO_VISIT: Final = VisitLine(order="", arrived_at=None, departed_at=None, outcome="", reason="")


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgressCard:
    """The progress of one route: a status with its reason, and what is done.

    ``status`` is a code of the statuses: on_time, promises_kept, at_risk or late. ``next`` says
    when the vehicle is expected at its next stop.
    """

    status: str
    lateness: str
    done: str
    left: str
    next: str = ""
    visits: Mapping[str, VisitCard] = field(default_factory=dict)

    @property
    def orders_done(self) -> str:
        """Public ids of the orders with goods handed over or picked up, separated by spaces."""
        return self._orders(is_failed=False)

    @property
    def orders_failed(self) -> str:
        """Public ids of the orders whose visit failed, separated by spaces."""
        return self._orders(is_failed=True)

    def _orders(self, *, is_failed: bool) -> str:
        return " ".join(
            order
            for order, visit in self.visits.items()
            if visit.outcome and (visit.outcome == "failed") == is_failed
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitCard:
    """The arrival and the outcome at one stop, with their true times.

    ``by_position`` is True if the driver did not tell of the arrival. ``far`` is the distance from
    the door of an arrival that was told far from it. ``stay`` is the stay by the positions when
    it says more than the arrival does.
    """

    outcome: str
    reason: str
    arrived_at: dt.datetime | None
    departed_at: dt.datetime | None
    by_position: bool = False
    far: str = ""
    stay: str = ""


def progress_cards(plan: Plan, routes: Sequence[Route]) -> dict[int, ProgressCard]:
    """Return the cards of routes whose run has begun or is overdue, by pk of the route.

    Times are written in the active time zone.
    """
    if plan.status not in {DRAFT, PUBLISHED}:
        return {}
    at = clock.now()
    runs = selectors.progress_of_day(plan.hub, plan.service_date)
    wanted = {route.shift_id for route in routes}
    runs = {pk: run for pk, run in runs.items() if pk in wanted}
    standings = selectors.standings(plan, runs, at) if runs else {}
    is_driven = bool(runs) and plan.status == PUBLISHED
    arrivals = selectors.arrivals_of_day(plan.hub, plan.service_date) if is_driven else {}
    cards: dict[int, ProgressCard] = {}
    for route in routes:
        run, standing = runs.get(route.shift_id), standings.get(route.shift_id)
        if run is not None and standing is not None:
            cards[route.pk] = _card(route, run, standing, arrivals.get(route.shift_id, []))
        elif plan.status == PUBLISHED and _is_overdue(route, at):
            cards[route.pk] = _overdue(route, at)
    return cards


def _is_overdue(route: Route, at: dt.datetime) -> bool:
    late = dt.timedelta(seconds=NOTICED_S)
    return route.starts_at + late < at < route.ends_at


def _overdue(route: Route, at: dt.datetime) -> ProgressCard:
    minutes = _minutes((at - route.starts_at).total_seconds())
    return ProgressCard(
        status="at_risk",
        lateness=_("not started, %(time)s behind") % {"time": minutes},
        done="",
        left=_("planned %(time)s") % {"time": formatting.time(route.starts_at)},
    )


def _card(
    route: Route, run: RouteProgress, standing: Standing, arrivals: Sequence[ExpectedArrival]
) -> ProgressCard:
    arrivals = [one for one in arrivals if run.visits.get(one.order, _NO_VISIT).outcome == ""]
    status, lateness = _lateness(run, standing, arrivals)
    return ProgressCard(
        status=status,
        lateness=lateness,
        done=_done(standing),
        left=_left(route, run),
        next=_next(standing, arrivals),
        visits={order: _visit(line) for order, line in run.visits.items()},
    )


def _visit(line: VisitLine) -> VisitCard:
    return VisitCard(
        outcome=line.outcome,
        reason=str(REASONS.get(line.reason, line.reason)),
        arrived_at=line.arrived_at,
        departed_at=line.departed_at,
        by_position=line.arrived_from == ARRIVED_POSITION,
        far="" if line.arrived_far_m is None else formatting.distance(line.arrived_far_m),
        stay=_stay(line),
    )


def _stay(line: VisitLine) -> str:
    """Return the stay at the door by the positions, if it is over, or is not the arrival."""
    if line.stood_from_at is None:
        return ""
    begin = formatting.time(line.stood_from_at)
    if line.stood_until_at is not None:
        return f"{begin} – {formatting.time(line.stood_until_at)}"
    return begin if line.arrived_from == ARRIVED_TAP else ""


def _next(standing: Standing, arrivals: Sequence[ExpectedArrival]) -> str:
    """Return when the vehicle is expected at its next stop."""
    to_come = [one for one in arrivals if not (standing.is_there and one.stops_before == 0)]
    if not to_come:
        return ""
    return _("next stop %(low)s to %(high)s") % {
        "low": formatting.time(to_come[0].low_at), "high": formatting.time(to_come[0].high_at)
    }  # fmt: skip


def _times(standing: Standing, arrivals: Sequence[ExpectedArrival]) -> tuple[int, int | None]:
    """Return the seconds behind the plan and of slack, from the expected arrivals if there are any.

    The slack is that of the promise that breaks first. Without promises it is that of the plan.
    """
    behind, slack = standing.behind_s, standing.slack_s
    first = arrivals[0] if arrivals else None
    planned_at = standing.next_planned_at
    if first and planned_at and first.order == standing.next_order and not standing.is_there:
        behind = round((first.expected_at - planned_at).total_seconds())
    slacks = [one.slack_s for one in arrivals if one.slack_s is not None]
    return behind, min(slacks, default=slack)


def _lateness(
    run: RouteProgress, standing: Standing, arrivals: Sequence[ExpectedArrival]
) -> tuple[str, str]:
    """Return the status, which is about the promises, and the words for how late a run is."""
    behind, slack = _times(standing, arrivals)
    if slack is None or run.state in {RunState.BACK, RunState.ENDED}:
        return "", ""  # nothing is left to be late for
    if slack < 0:
        return "late", _("%(time)s too late for what was promised") % {"time": _minutes(-slack)}
    if behind >= NOTICED_S:
        words = _("%(behind)s behind the plan, %(slack)s slack left") % {
            "behind": _minutes(behind), "slack": _minutes(slack)
        }  # fmt: skip
        return ("at_risk" if slack < THIN_SLACK_S else "promises_kept"), words
    if slack < THIN_SLACK_S and arrivals:
        return "at_risk", _("%(slack)s slack left") % {"slack": _minutes(slack)}
    if behind <= -NOTICED_S:
        return "on_time", _("%(time)s ahead of the plan") % {"time": _minutes(-behind)}
    return "on_time", ""


def _done(standing: Standing) -> str:
    words = ngettext(
        "%(done)s of %(stops)s stop done", "%(done)s of %(stops)s stops done", standing.stops
    ) % {"done": formatting.number(standing.done), "stops": formatting.number(standing.stops)}
    if not standing.failed:
        return words
    failed = ngettext("%(n)s failed", "%(n)s failed", standing.failed) % {
        "n": formatting.number(standing.failed)
    }
    return f"{words}, {failed}"


def _left(route: Route, run: RouteProgress) -> str:
    """Return when the vehicle really left, came back and ended, beside the planned time."""
    planned = formatting.time(route.starts_at)
    if run.ended_at is not None:
        return _("ended %(time)s") % {"time": formatting.time(run.ended_at)}
    if run.back_at is not None:
        return _("back %(time)s, planned %(planned)s") % {
            "time": formatting.time(run.back_at), "planned": formatting.time(route.ends_at)
        }  # fmt: skip
    if run.left_at is not None:
        return _("left %(time)s, planned %(planned)s") % {
            "time": formatting.time(run.left_at), "planned": planned
        }  # fmt: skip
    return _("at the hub since %(time)s, leaves %(planned)s") % {
        "time": formatting.time(run.started_at), "planned": planned
    }  # fmt: skip


def _minutes(seconds: float) -> str:
    """Return seconds in whole minutes, at least one."""
    return formatting.duration(max(60, round(abs(seconds) / 60) * 60))
