"""Explains why a hub and a zone have no slot at all on some days."""

from __future__ import annotations

import datetime as dt

from dispatch.fleet.models import Hub, Zone
from dispatch.slots.opening import HubRules, active_templates, wanted_slots
from dispatch.slots.policy import slots_policy
from dispatch.slots.selectors.free import slots_for
from lastmile.core import clock


def why_no_slots(hub: Hub, zone: Zone | None, since: dt.date, until: dt.date) -> tuple[str, ...]:
    """Return the codes of the causes for days on which no slot can be looked at, both included.

    ``past``: the days are over. ``too_far``: they are further ahead than shoppers can book.
    ``no_template``: no active template serves the zone. ``no_date``: no template names these days.
    ``blackout``, ``holiday``, ``hub_closed`` and ``no_such_time``: that closes every window.
    ``not_open``: templates want slots that are not open yet. ``passed``: all have begun.
    """
    today = clock.local_date(clock.now(), hub.zone)
    furthest = today + dt.timedelta(days=slots_policy().days_ahead)
    if until < today:
        return ("past",)
    if since > furthest:
        return ("too_far",)
    first, last = max(since, today), min(until, furthest)
    if slots_for(hub, zone, first, last).exists():
        return ("passed",)
    serving = {None} if zone is None else {None, zone.pk}
    rows = [row for row in active_templates(hub) if row.zone_id in serving]
    if not rows:
        return ("no_template",)
    wanted, absent = wanted_slots(HubRules.read(hub), rows, first, last)
    if any(one.occurrence.opens_at > clock.now() for one in wanted.values()):
        return ("not_open",)
    if wanted:
        return ("passed",)
    return tuple(sorted(set(absent.values()))) or ("no_date",)
