"""The websocket ``/ws/v1/remarks/``: first the number of remarks, then each new remark."""

from __future__ import annotations

from typing import Any

from lastmile.core.models import Event
from tenants.consumers import RetailerConsumer
from tenants.permissions import Act
from tests.capability.handlers import GROUP
from tests.capability.models import Remark


class Remarks(RetailerConsumer):
    """The connection of an open page of remarks."""

    act = Act.ORDERS_VIEW

    def groups_joined(self) -> list[tuple[str, ...]]:
        """Return the group that receives the retailer's remarks."""
        return [(GROUP,)]

    def snapshot(self) -> tuple[int | None, Any]:
        """Return the position of the last event and the number of remarks."""
        last = Event.objects.filter(kind="remark.added").exclude(position=None).last()
        return (last.position if last else 0), {"remarks": Remark.objects.count()}
