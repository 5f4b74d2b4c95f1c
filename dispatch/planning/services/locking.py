"""The locks that the services of planning share: the plan's row and the next plan number."""

from __future__ import annotations

import datetime as dt

from django.db.models import Max
from django.utils.translation import gettext as _

from dispatch.fleet.models import Hub
from dispatch.planning.errors import PlanMoved
from dispatch.planning.models import Plan


def next_number(hub: Hub, service_date: dt.date) -> int:
    """Return the next plan number of a hub's day. The lock on the hub keeps numbers unique."""
    Hub.objects.select_for_update(no_key=True).get(pk=hub.pk)
    highest = Plan.objects.filter(hub=hub, service_date=service_date).aggregate(n=Max("number"))
    return int(highest["n"] or 0) + 1


def lock_plan(plan: Plan, version: int | None = None) -> Plan:
    """Lock the plan and return its present row. Raises PlanMoved if its version has changed."""
    present = Plan.objects.select_for_update(of=("self",)).select_related("hub").get(pk=plan.pk)
    refuse_moved(present, version)
    return present


def refuse_moved(plan: Plan, version: int | None) -> None:
    """Raise PlanMoved if ``version`` is given and differs from the plan's version."""
    if version is not None and plan.version != version:
        raise PlanMoved(
            _("Someone else changed this plan. Reload it and make your change again."),
            data={"version": plan.version, "status": plan.status},
        )
