"""The board's socket, ``/ws/v1/board/?hub=hub_…&date=YYYY-MM-DD``: a snapshot, then the changes.

The snapshot's ``seq`` is the day's revision. Each change of a plan adds one to it, so a client that
sees a jump has missed a frame and asks for a new snapshot. Frames: ``snapshot`` {plans, job,
positions}, ``plan``, ``job``, ``positions`` once a second while vehicles move, and ``replies``
{unanswered} from the threads with shoppers.
"""

from __future__ import annotations

import datetime as dt
from typing import Any
from urllib.parse import parse_qs

from dispatch.console.board.handlers import GROUP, REPLIES, plan_data
from dispatch.fleet.models import Hub
from dispatch.live.selectors import places_of_day
from dispatch.live.services import POSITIONS
from dispatch.planning.selectors import board_data, lists
from lastmile.core import clock
from lastmile.core.errors import NotFound
from lastmile.core.jobs import job_out
from tenants.consumers import RetailerConsumer
from tenants.permissions import Act


class Board(RetailerConsumer):
    """The connection of an open board."""

    act = Act.PLANS_VIEW

    def groups_joined(self) -> list[tuple[str, ...]]:
        """Return the groups of the hub's day and replies; none without a valid date."""
        date = self._date()
        hub = self.hub() or ""
        if date is None:
            return []
        day = date.isoformat()
        return [(GROUP, hub, day), (POSITIONS, hub, day), (REPLIES, hub)]

    def hub(self) -> str | None:
        """Return the hub's id from the address; if it is missing, an id that no hub has."""
        return self._query_value("hub") or "hub_"

    def snapshot(self) -> tuple[int | None, Any]:
        """Return the day's revision, its plan versions and its planning job."""
        date = self._date()
        hub = Hub.objects.filter(public_id=self.hub()).first()
        if hub is None or date is None:
            raise NotFound("Name a hub and a date: ?hub=hub_…&date=2026-11-23.")
        # Read first: a change that happens meanwhile is then sent again instead of being missed.
        revision = board_data.revision(hub, date)
        job = board_data.job_of_day(hub, date)
        return revision, {
            "hub": hub.public_id,
            "service_date": date.isoformat(),
            "plans": [plan_data(plan) for plan in lists.versions(hub, date)],
            "job": None if job is None else job_out(job),
            "sent_at": clock.now(),
            "positions": [place.as_json() for place in places_of_day(hub.public_id, date)],
        }

    def _query_value(self, name: str) -> str:
        query = parse_qs(self.scope.get("query_string", b"").decode("ascii", "replace"))
        return query.get(name, [""])[0].replace("\x00", "")[:40]

    def _date(self) -> dt.date | None:
        return clock.read_date(self._query_value("date"))
