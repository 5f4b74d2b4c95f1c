"""What the events of plans say: ids and figures."""

from __future__ import annotations

from dispatch.planning.models import Plan


def facts(plan: Plan) -> dict[str, object]:
    """Ids and figures of a plan for its events: no names, no addresses."""
    return {
        "hub": plan.hub.public_id,
        "service_date": plan.service_date.isoformat(),
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
