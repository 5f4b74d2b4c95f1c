"""The errors of slots, holds and choices. Each message states cause and remedy."""

from __future__ import annotations

from lastmile.core.errors import Conflict, Invalid


class SlotFull(Conflict):
    """The slot has no free place; ``data["alternatives"]`` may name other slots."""

    code = "slot_full"


class SlotPassed(Conflict):
    """The cut-off or the lead time of the slot is over."""

    code = "slot_passed"


class SlotClosed(Conflict):
    """The slot was closed after it was offered."""

    code = "slot_closed"


class TooManyHolds(Conflict):
    """The session already holds the greatest number of places."""

    code = "too_many_holds"


class HoldEnded(Conflict):
    """The hold was released or its time is over, and its place no longer fits."""

    code = "hold_ended"


class ChoiceGone(Conflict):
    """The choice expired or was cancelled; ``data["alternatives"]`` names the nearest offers."""

    code = "choice_gone"


class PriceChanged(Conflict):
    """The price changed after it was shown; ``data`` has the old and the new price."""

    code = "price_changed"


class TooLate(Conflict):
    """The order can no longer be changed in this way."""

    code = "too_late"


class OrderMoved(Conflict):
    """The order moved to other days again and again while it was promised."""

    code = "order_moved"
    retryable = True


class OutsideEveryZone(Invalid):
    """No hub delivers to this address."""

    code = "outside_every_zone"


class AddressUnknown(Invalid):
    """The address was not found on the map with certainty."""

    code = "address_unknown"


class OtherCurrency(Invalid):
    """The value of the basket is in another currency than the prices."""

    code = "other_currency"


class ChoiceDiffers(Conflict):
    """The order is not the delivery that was chosen: other goods, another address or hub."""

    code = "choice_differs"
