"""The progress of routes as the board shows it: what is done, and how late, in colour and word."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from dispatch.live import selectors
from dispatch.live.driving import Standing
from dispatch.live.selectors import RouteProgress, VisitLine
from dispatch.live.states import RunState
from dispatch.live.words import REASONS
from dispatch.planning.models import Plan, Route
from dispatch.planning.states import DRAFT, PUBLISHED
from lastmile.core import clock, formatting

#: From this lateness on the board says "behind". Below it, lateness is noise. Chosen.
NOTICED_S: Final = 5 * 60
#: Slack below this is shown as a risk. Chosen: about one stop.
THIN_SLACK_S: Final = 10 * 60


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgressCard:
    """The progress of one route: a status with its reason, and what is done.

    ``status`` is a code of the statuses: on_time, at_risk or late.
    """

    status: str
    lateness: str
    done: str
    left: str
    visits: Mapping[str, VisitCard] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitCard:
    """The arrival and the outcome at one stop, with their true times."""

    outcome: str
    reason: str
    arrived_at: dt.datetime | None
    departed_at: dt.datetime | None


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
    cards: dict[int, ProgressCard] = {}
    for route in routes:
        run, standing = runs.get(route.shift_id), standings.get(route.shift_id)
        if run is not None and standing is not None:
            cards[route.pk] = _card(route, run, standing)
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


def _card(route: Route, run: RouteProgress, standing: Standing) -> ProgressCard:
    status, lateness = _lateness(run, standing)
    return ProgressCard(
        status=status,
        lateness=lateness,
        done=_done(standing),
        left=_left(route, run),
        visits={order: _visit(line) for order, line in run.visits.items()},
    )


def _visit(line: VisitLine) -> VisitCard:
    return VisitCard(
        outcome=line.outcome,
        reason=str(REASONS.get(line.reason, line.reason)),
        arrived_at=line.arrived_at,
        departed_at=line.departed_at,
    )


def _lateness(run: RouteProgress, standing: Standing) -> tuple[str, str]:
    """Return the status and the words for how late a run is."""
    behind, slack = standing.behind_s, standing.slack_s
    if slack is None or run.state in {RunState.BACK, RunState.ENDED}:
        return "", ""  # nothing is left to be late for
    if slack < 0:
        return "late", _("%(time)s too late for what was promised") % {"time": _minutes(-slack)}
    if behind >= NOTICED_S:
        words = _("%(behind)s behind, %(slack)s slack left") % {
            "behind": _minutes(behind), "slack": _minutes(slack)
        }  # fmt: skip
        return ("at_risk" if slack < THIN_SLACK_S else "on_time"), words
    if behind <= -NOTICED_S:
        return "on_time", _("%(time)s ahead") % {"time": _minutes(-behind)}
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
