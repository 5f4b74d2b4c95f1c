"""The socket of the driver's app, ``/ws/v1/driver/``: it tells that the day has changed.

Frames: ``snapshot`` and ``day``, both without content. The app then asks for its day, which has
everything. The app also asks every minute, so a lost frame is no lost change.
"""

from __future__ import annotations

from typing import Any

from dispatch.live.handlers import GROUP
from lastmile.core.sockets import Caller
from tenants.consumers import RetailerConsumer
from tenants.people.sockets import access_group
from tenants.permissions import Act


class DriverSocket(RetailerConsumer):
    """The connection of an open app."""

    act = Act.DRIVER_VIEW
    caller = Caller.DRIVER

    def groups_joined(self) -> list[tuple[str, ...]]:
        """Return the group of the driver."""
        return [(GROUP, self.principal.public_id)]

    def own_groups(self) -> list[str]:
        """Return also the group that hears when the log-in of this phone ends."""
        return [*super().own_groups(), access_group(self.scope["credential"].session_key)]

    def snapshot(self) -> tuple[int | None, Any]:
        """Return nothing: the app asks for its day whenever it connects."""
        return None, {}
