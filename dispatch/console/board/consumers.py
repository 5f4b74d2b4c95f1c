"""``/ws/v1/board/?hub=hub_…&date=YYYY-MM-DD``: the day's plans as they stand, then what changes.

The snapshot's ``seq`` is the day's revision; each act on a plan adds one, so a jump is a gap and
the client asks again. Frames: ``snapshot`` {plans, job}, ``plan``, ``job``.
"""

from __future__ import annotations

import datetime as dt
from typing import Any
from urllib.parse import parse_qs

from dispatch.console.board.handlers import GROUP, plan_data
from dispatch.fleet.models import Hub
from dispatch.planning.selectors import board_data, lists
from lastmile.core import clock
from lastmile.core.errors import NotFound
from lastmile.core.jobs import job_out
from tenants.consumers import RetailerConsumer
from tenants.permissions import Act


class Board(RetailerConsumer):
    """One open board."""

    act = Act.PLANS_VIEW

    def groups_joined(self) -> list[tuple[str, ...]]:
        """The group of the hub's day; none when the address names no day."""
        date = self._date()
        return [] if date is None else [(GROUP, self.hub() or "", date.isoformat())]

    def hub(self) -> str | None:
        """The hub that the address names; without one the socket is about none that exists."""
        return self._said("hub") or "hub_"

    def snapshot(self) -> tuple[int | None, Any]:
        """The versions of the day and the job that plans it."""
        date = self._date()
        hub = Hub.objects.filter(public_id=self.hub()).first()
        if hub is None or date is None:
            raise NotFound("Name a hub and a date: ?hub=hub_…&date=2026-11-23.")
        revision = board_data.revision(hub, date)  # read first: a later act is sent again
        job = board_data.job_of_day(hub, date)
        return revision, {
            "hub": hub.public_id,
            "service_date": date.isoformat(),
            "plans": [plan_data(plan) for plan in lists.versions(hub, date)],
            "job": None if job is None else job_out(job),
        }

    def _said(self, name: str) -> str:
        query = parse_qs(self.scope.get("query_string", b"").decode("ascii", "replace"))
        return query.get(name, [""])[0].replace("\x00", "")[:40]

    def _date(self) -> dt.date | None:
        return clock.read_date(self._said("date"))
