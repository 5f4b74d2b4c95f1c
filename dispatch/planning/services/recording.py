"""The facts that the events of plans carry: ids and figures."""

from __future__ import annotations

from typing import Any

from dispatch.planning.events import PlanFacts
from dispatch.planning.models import Plan


def plan_facts(plan: Plan) -> PlanFacts:
    """Return the facts of a plan for its events."""
    return PlanFacts(**plan_figures(plan))


def plan_figures(plan: Plan) -> dict[str, Any]:
    """Return the facts of a plan by name. The event of an edit adds further facts."""
    return {
        "hub": plan.hub.public_id,
        "service_date": plan.service_date,
        "number": plan.number,
        "status": plan.status,
        "version": plan.version,
        "orders": plan.orders_count,
        "unserved": plan.unserved_count,
        "violations": plan.violations_count,
        "cost_minor": plan.cost_minor,
        "currency": plan.currency,
        "distance_m": plan.distance_m,
        "co2_g": plan.co2_g,
    }
