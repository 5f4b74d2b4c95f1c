"""The errors of choosing. Each message states cause and remedy."""

from __future__ import annotations

from lastmile.core.errors import Conflict, Invalid


class OfferUnknown(Invalid):
    """The offer is not in the last answer of the session."""

    code = "offer_unknown"


class TooLargeForVehicles(Invalid):
    """No vehicle of the hub can carry the goods."""

    code = "too_large_for_vehicles"


class BasketChanged(Conflict):
    """The goods changed after the place was held, so the place may be too small."""

    code = "basket_changed"


class DayChanging(Conflict):
    """Other bookings changed the day during each try to book a time on it."""

    code = "day_changing"
    retryable = True


class SessionChanged(Conflict):
    """Another call changed the session at the same time."""

    code = "session_changed"
    retryable = True


class LockerGone(Conflict):
    """The bank of lockers can no longer take the parcels; ``data`` has the reason."""

    code = "locker_gone"
