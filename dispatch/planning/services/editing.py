"""Changing a draft by hand: move, take off, put in sequence, undo. The server recomputes it all.

An edit may break a promise: it is timed all the same, and every violation is named. Who edits
holds the plan's row; a second editor with an old version is told, and nothing is lost.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from dispatch.planning.errors import NothingToUndo, PlanNotDraft
from dispatch.planning.events import EDITED, EditedFacts
from dispatch.planning.models import Plan, PlanEdit, Unserved
from dispatch.planning.problem import arrangement as arranging
from dispatch.planning.problem.arrangement import Arrangement
from dispatch.planning.problem.day import Day, read_planned_day
from dispatch.planning.problem.keep import unpack
from dispatch.planning.problem.store import write_rows
from dispatch.planning.problem.timetable import time_plan
from dispatch.planning.selectors.spots import arrangement_of
from dispatch.planning.services.locking import lock_plan
from dispatch.planning.services.recording import plan_figures
from dispatch.planning.states import DRAFT
from dispatch.solver.model.problem import Problem
from dispatch.solver.placing.insertion import evaluate
from lastmile.core.actor import current_actor
from lastmile.core.events import Lane, record
from lastmile.core.geo import Point

Change = Callable[[Arrangement, set[str], set[str]], Arrangement]


@dataclass(frozen=True, slots=True)
class Bench:
    """A locked draft laid out for work: its problem, its day, who carries what."""

    plan: Plan
    problem: Problem
    day: Day
    arrangement: Arrangement


def move_stop(*, plan: Plan, version: int | None, order: str, shift: str, position: int) -> Plan:
    """Put an order (public id) at a position (from 1) of a shift's route, from wherever it is.

    Locks: the plan. Records: plan.edited. Raises: PlanNotDraft, PlanMoved, OrderNotInPlan,
    RouteNotInPlan.
    """
    return _edit(
        plan,
        version,
        "move",
        {"order": order, "shift": shift, "position": position},
        lambda now, orders, _shifts: arranging.move(now, order, shift, position, orders),
    )


def take_off(*, plan: Plan, version: int | None, order: str) -> Plan:
    """Take an order off its route, so that it is unserved "by hand".

    Locks: the plan. Records: plan.edited. Raises: PlanNotDraft, PlanMoved, OrderNotInPlan.
    """
    return _edit(
        plan,
        version,
        "take_off",
        {"order": order},
        lambda now, orders, _shifts: arranging.remove(now, order, orders),
    )


def put_in_sequence(*, plan: Plan, version: int | None, shift: str, orders: Sequence[str]) -> Plan:
    """Give a route's orders another sequence.

    Locks: the plan. Records: plan.edited. Raises: PlanNotDraft, PlanMoved, OrderNotInPlan,
    RouteNotInPlan.
    """
    return _edit(
        plan,
        version,
        "sequence",
        {"shift": shift},
        lambda now, _orders, _shifts: arranging.sequence(now, shift, orders),
    )


def undo(*, plan: Plan, version: int | None) -> Plan:
    """Take the last edit back that is not undone.

    Locks: the plan. Records: plan.edited. Raises: PlanNotDraft, PlanMoved, NothingToUndo.
    """
    with transaction.atomic():
        bench = _lay_out(plan, version)
        last = bench.plan.edits.filter(undone=False).order_by("-number").first()
        if last is None:
            raise NothingToUndo(_("There is no edit left to undo."))
        last.undone = True
        last.save(update_fields=["undone"])
        by_hand = set(_marked(bench.plan) if last.by_hand is None else last.by_hand)
        return _rearrange(
            bench, last.before, by_hand - _carried(last.before), "undo", {"edit": last.number}
        )


def _edit(
    plan: Plan, version: int | None, act: str, said: Mapping[str, Any], change: Change
) -> Plan:
    with transaction.atomic():
        bench = _lay_out(plan, version)
        orders = {o.order for o in bench.day.orders}
        shifts = {s.shift for s in bench.day.shifts}
        after = change(bench.arrangement, orders, shifts)
        number = bench.plan.edits.count() + 1
        marked = _marked(bench.plan)
        PlanEdit.objects.create(
            plan=bench.plan,
            number=number,
            act=act,
            actor=current_actor(),
            facts=dict(said),
            before=bench.arrangement,
            after=after,
            by_hand=sorted(marked),
        )
        by_hand = (marked | _carried(bench.arrangement)) - _carried(after)
        return _rearrange(bench, after, by_hand, act, {**said, "edit": number})


def _lay_out(plan: Plan, version: int | None) -> Bench:
    present = lock_plan(plan, version)
    if present.status != DRAFT:
        raise PlanNotDraft(
            _("This plan is %(status)s and does not change. Make a new draft from it.")
            % {"status": present.get_status_display()},
            data={"status": present.status},
        )
    problem = unpack(bytes(present.input.problem))
    points = [Point(lat=lat, lon=lon) for lat, lon in present.input.points]
    day = read_planned_day(present.hub, present.service_date, problem, points)
    return Bench(present, problem, day, arrangement_of(present, problem))


def _rearrange(
    bench: Bench, after: Arrangement, by_hand: set[str], act: str, said: Mapping[str, Any]
) -> Plan:
    """Time the plan anew; orders ``by_hand`` are left out by a person, others for their reason."""
    plan, problem = bench.plan, bench.problem
    solution = evaluate(problem, after)
    timed = time_plan(problem, solution, bench.day, _lines_that_hold(bench, after))
    unserved = tuple(
        (order, "by_hand", {}) if bench.day.orders[order].order in by_hand else (order, why, said_)
        for order, why, said_ in timed.unserved
    )
    plan.version += 1
    write_rows(plan, bench.day, timed.with_unserved(unserved))
    facts = EditedFacts(**plan_figures(plan), act=act, **said)
    record(EDITED, facts, subject=plan.public_id, lane=Lane.PERSON)
    return plan


def _lines_that_hold(bench: Bench, after: Arrangement) -> dict[str, Any]:
    """Geometries of the routes whose sequence is as it was: streets are searched for the rest."""
    rows = bench.plan.routes.values_list("shift__public_id", "geometry")
    return {shift: line for shift, line in rows if after[shift] == bench.arrangement[shift]}


def _carried(arrangement: Arrangement) -> set[str]:
    return {order for orders in arrangement.values() for order in orders}


def _marked(plan: Plan) -> set[str]:
    """Orders that a person took off, as the plan says now."""
    rows = Unserved.objects.filter(plan=plan, reason="by_hand")
    return set(rows.values_list("order__public_id", flat=True))
