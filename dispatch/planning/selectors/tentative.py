"""Reads tentative plans: what is unplaced, and whether the rows keep every rule."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

from dispatch.orders.selectors import to_plan
from dispatch.planning.models import TentativeDay
from dispatch.planning.problem.departed import departed_routes
from dispatch.planning.problem.tentative import build_state, read_arranged
from dispatch.solver.placing.insertion import evaluate
from dispatch.solver.referee.check import check


def broken_rules(row: TentativeDay, at: dt.datetime) -> list[str]:
    """Return what is wrong with the rows of a tentative plan at an instant; [] if nothing is.

    The referee checks every route that has not left. The visits must be the orders to plan and
    the live holds; expired holds may still be there.
    """
    return [*_broken_routes(row, at), *_wrong_content(row, at), *_wrong_ranks(row)]


def _broken_routes(row: TentativeDay, at: dt.datetime) -> Iterator[str]:
    arranged = read_arranged(row, at)
    if not arranged.day.shifts:
        return
    problem = build_state(arranged.day, at).problem
    for violation in check(problem, evaluate(problem, arranged.sequences)):
        yield f"{violation.kind.value} {violation.vehicle} {violation.visit}: {violation.detail}"


def _wrong_content(row: TentativeDay, at: dt.datetime) -> Iterator[str]:
    visits = {visit.key: visit for visit in row.visits.all()}
    orders = set(to_plan(row.hub, row.service_date).values_list("public_id", flat=True))
    for key in sorted(orders - visits.keys()):
        yield f"missing {key}"
    for key, visit in sorted(visits.items()):
        if visit.expires_at is None and key not in orders:
            yield f"not to plan {key}"
    departed = departed_routes(row.base_plan, at)
    for visit in visits.values():
        gone = departed.get(visit.shift_id) if visit.shift_id is not None else None
        if gone is not None and visit.key not in gone.orders:
            yield f"on a route that has left {visit.key}"


def _wrong_ranks(row: TentativeDay) -> Iterator[str]:
    routes: dict[int, list[int]] = {}
    for shift, rank in row.visits.exclude(shift=None).values_list("shift_id", "rank"):
        routes.setdefault(shift, []).append(rank)
    for shift, ranks in routes.items():
        if sorted(ranks) != list(range(len(ranks))):
            yield f"ranks of shift {shift}: {sorted(ranks)}"
