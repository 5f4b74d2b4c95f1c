"""Tells what is only requested: a promise or a time that a dispatcher still has to confirm.

This is so only where the retailer's policy wants a dispatcher's yes to changes of a published plan.
"""

from __future__ import annotations

import datetime as dt

from django.db.models import Q

from dispatch.orders.models import Option, Order
from dispatch.planning.models import Plan
from dispatch.planning.policy import planning_policy
from dispatch.planning.selectors.late import waits_for_dispatcher
from dispatch.planning.states import PUBLISHED


def is_requested(order: Order) -> bool:
    """Return True if the promise of an order still needs a dispatcher's yes."""
    return waits_for_dispatcher(order)


def would_be_requested(
    *, hub: str, service_date: dt.date, option: str, order: Order | None = None
) -> bool:
    """Return True if a promise on this day would still need a dispatcher's yes.

    So it is if the day's plan is published, unless the goods are collected. It is also so if the
    order has a stop in a published plan, because that plan changes too. ``hub`` is a public id.
    """
    if planning_policy().publish_late_changes:
        return False
    touched = Q()
    if option == Option.WINDOW:
        touched |= Q(hub__public_id=hub, service_date=service_date)
    if order is not None:
        touched |= Q(stops__order=order)
    return bool(touched) and Plan.objects.filter(touched, status=PUBLISHED).exists()
