"""What orders refuses."""

from __future__ import annotations

from lastmile.core.errors import Conflict, Invalid


class OrderUnderWay(Conflict):
    """The order is already planned, on the road or ended; this change comes too late."""

    code = "order_under_way"


class MoveNotAllowed(Conflict):
    """The order cannot go from its state to the one asked for."""

    code = "move_not_allowed"


class UnknownHub(Invalid):
    """The order names a hub that the retailer does not have, or that is closed."""

    code = "unknown_hub"
