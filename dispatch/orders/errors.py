"""The errors of orders."""

from __future__ import annotations

from lastmile.core.errors import Conflict, Invalid
from lastmile.core.statuses import status_of


def status_word(state: str) -> str:
    """Return the word that pages show for a state, in the reader's language."""
    return str(status_of(state).word)


class OrderUnderWay(Conflict):
    """The order is already planned, on the road or ended, so this change is too late."""

    code = "order_under_way"


class NoAccessCode(Conflict):
    """The order has no access code, or it was deleted because the order ended."""

    code = "no_access_code"


class LinkEnded(Conflict):
    """The link of the shopper was ended, or its order ended long ago, so reading it makes none."""

    code = "link_ended"


class MoveNotAllowed(Conflict):
    """The order cannot move from its present state to the requested state."""

    code = "move_not_allowed"


class UnknownHub(Invalid):
    """The order names a hub that does not exist or is closed."""

    code = "unknown_hub"
