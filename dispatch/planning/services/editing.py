"""Edits of a draft by hand: move an order, remove it, set a sequence, undo.

The server recomputes all times and figures. An edit may break a promise: it is stored, and every
violation is named. Each edit locks the plan's row and checks the version that the editor has
seen, so that two editors do not overwrite each other.
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
class OpenDraft:
    """A locked draft that is ready to edit: its problem, its day and its arrangement."""

    plan: Plan
    problem: Problem
    day: Day
    arrangement: Arrangement


def move_stop(*, plan: Plan, version: int | None, order: str, shift: str, position: int) -> Plan:
    """Move an order (public id) to a position (from 1) of a shift's route; it may be unserved.

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
    """Remove an order (public id) from its route, so that it is unserved "by hand".

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
    """Put the orders of a route in another sequence.

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
    """Undo the last edit that is not undone yet.

    Locks: the plan. Records: plan.edited. Raises: PlanNotDraft, PlanMoved, NothingToUndo.
    """
    with transaction.atomic():
        draft = _open_draft(plan, version)
        last = draft.plan.edits.filter(undone=False).order_by("-number").first()
        if last is None:
            raise NothingToUndo(_("There is nothing to undo."))
        last.undone = True
        last.save(update_fields=["undone"])
        by_hand = set(_removed_by_hand(draft.plan) if last.by_hand is None else last.by_hand)
        return _rearrange(
            draft, last.before, by_hand - _served_orders(last.before), "undo", {"edit": last.number}
        )


def _edit(
    plan: Plan, version: int | None, act: str, details: Mapping[str, Any], change: Change
) -> Plan:
    with transaction.atomic():
        draft = _open_draft(plan, version)
        orders = {o.order for o in draft.day.orders}
        shifts = {s.shift for s in draft.day.shifts}
        after = change(draft.arrangement, orders, shifts)
        number = draft.plan.edits.count() + 1
        removed = _removed_by_hand(draft.plan)
        PlanEdit.objects.create(
            plan=draft.plan,
            number=number,
            act=act,
            actor=current_actor(),
            facts=dict(details),
            before=draft.arrangement,
            after=after,
            by_hand=sorted(removed),
        )
        by_hand = (removed | _served_orders(draft.arrangement)) - _served_orders(after)
        return _rearrange(draft, after, by_hand, act, {**details, "edit": number})


def _open_draft(plan: Plan, version: int | None) -> OpenDraft:
    present = lock_plan(plan, version)
    if present.status != DRAFT:
        raise PlanNotDraft(
            _("This plan is not a draft, so it cannot be changed. Make a new draft from it."),
            data={"status": present.status},
        )
    problem = unpack(bytes(present.input.problem))
    points = [Point(lat=lat, lon=lon) for lat, lon in present.input.points]
    day = read_planned_day(present.hub, present.service_date, problem, points)
    return OpenDraft(present, problem, day, arrangement_of(present, problem))


def _rearrange(
    draft: OpenDraft, after: Arrangement, by_hand: set[str], act: str, details: Mapping[str, Any]
) -> Plan:
    """Recompute the plan with the arrangement ``after`` and store it.

    The orders of ``by_hand`` get the reason "by hand", other unserved orders the solver's reason.
    """
    plan, problem = draft.plan, draft.problem
    solution = evaluate(problem, after)
    timed = time_plan(problem, solution, draft.day, _unchanged_lines(draft, after))
    unserved = tuple(
        (order, "by_hand", {})
        if draft.day.orders[order].order in by_hand
        else (order, reason, params)
        for order, reason, params in timed.unserved
    )
    plan.version += 1
    write_rows(plan, draft.day, timed.with_unserved(unserved))
    facts = EditedFacts(**plan_figures(plan), act=act, **details)
    record(EDITED, facts, subject=plan.public_id, lane=Lane.PERSON)
    return plan


def _unchanged_lines(draft: OpenDraft, after: Arrangement) -> dict[str, Any]:
    """Return the geometry of each route whose sequence has not changed, by shift."""
    rows = draft.plan.routes.values_list("shift__public_id", "geometry")
    return {shift: line for shift, line in rows if after[shift] == draft.arrangement[shift]}


def _served_orders(arrangement: Arrangement) -> set[str]:
    return {order for orders in arrangement.values() for order in orders}


def _removed_by_hand(plan: Plan) -> set[str]:
    """Return the orders that a person removed from their routes, as stored in the plan now."""
    rows = Unserved.objects.filter(plan=plan, reason="by_hand")
    return set(rows.values_list("order__public_id", flat=True))
