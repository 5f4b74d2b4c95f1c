"""Makes the successor of a plan whose day has lost all its orders: a draft without routes.

A published plan never changes (ADR 0005). So the stop of the last order that leaves a day goes
away like any other stop: by a newer version, which has no routes.
"""

from __future__ import annotations

from dataclasses import replace

from dispatch.planning.models import Plan, TentativeVisit
from dispatch.planning.problem.build import Built, Travel, build_open
from dispatch.planning.problem.store import TimedPlan
from dispatch.planning.services.drafting import SolvedDay, draft_plan
from dispatch.planning.services.situation import Situation
from dispatch.solver.model.problem import TravelTable
from lastmile.core.jobs import Lease

ENGINE = "redispatch"


def draft_without_orders(job: Lease, situation: Situation) -> Plan:
    """Write a draft without routes that is based on the plan of an empty day.

    Live holds keep their present places.
    Locks: the hub. Records: plan.drafted. Raises: nothing.
    """
    day = situation.day
    solved = SolvedDay(
        day=day,
        built=build_open(day) if day.shifts else _as_before(situation),
        timed=TimedPlan(routes=()),
        read_at=situation.at,
        engine=ENGINE,
        searched_by="",
        seed=0,
        work=(),
        seconds=0.0,
        based_on=situation.plan,
        holds=_routes_of_holds(situation),
    )
    with job.fenced():
        return draft_plan(job, situation.plan.hub, solved)


def _as_before(situation: Situation) -> Built:
    """Return the problem of the plan without its visits, for a day without a shift."""
    plan, problem = situation.plan, situation.basis.problem
    hub_only = tuple(
        TravelTable(table.name, table.duration_s[:1, :1], table.distance_m[:1, :1])
        for table in problem.profiles
    )
    travel = Travel(plan.travel_source, plan.travel_note, plan.travel_params, plan.network)
    empty = replace(problem, profiles=hub_only, visits=())
    return Built(empty, plan.origin_at, travel)


def _routes_of_holds(situation: Situation) -> dict[str, list[str]]:
    """Return the live holds in the sequence in which vans would visit them, by shift."""
    rows = TentativeVisit.objects.filter(key__in=[hold.visit.order for hold in situation.holds])
    routes: dict[str, list[str]] = {}
    for key, shift in rows.order_by("rank").values_list("key", "shift__public_id"):
        if shift is not None:
            routes.setdefault(shift, []).append(key)
    return routes
