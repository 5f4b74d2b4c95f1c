"""Locks that the acts on plans share: the plan's row, and the next number of a hub's day."""

from __future__ import annotations

import datetime as dt

from django.db.models import Max
from django.utils.translation import gettext as _

from dispatch.fleet.models import Hub
from dispatch.planning.errors import PlanMoved
from dispatch.planning.models import Plan


def next_number(hub: Hub, service_date: dt.date) -> int:
    """Return the next plan number of a hub's day; the hub's row is locked, so no two get one."""
    Hub.objects.select_for_update(no_key=True).get(pk=hub.pk)
    found = Plan.objects.filter(hub=hub, service_date=service_date).aggregate(n=Max("number"))
    return int(found["n"] or 0) + 1


def lock_plan(plan: Plan, version: int | None = None) -> Plan:
    """Return the plan as it stands, locked. Raises PlanMoved when ``version`` is not its own."""
    present = Plan.objects.select_for_update(of=("self",)).select_related("hub").get(pk=plan.pk)
    refuse_moved(present, version)
    return present


def refuse_moved(plan: Plan, version: int | None) -> None:
    """Raise PlanMoved when ``version`` is given and is not the plan's own."""
    if version is not None and plan.version != version:
        raise PlanMoved(
            _("Somebody changed this plan meanwhile. Look at it as it is now and repeat your act."),
            data={"version": plan.version, "status": plan.status},
        )
