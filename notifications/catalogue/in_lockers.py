"""The moments of orders in lockers. The code is in none of them: the link leads to it."""

from __future__ import annotations

from typing import Final

from notifications.catalogue.kinds import Audience, Moment, Priority, Timing
from notifications.catalogue.variables import AGREED, COLLECT_BY, FOR_SHOPPERS, NEEDED_LINK

_MINUTE_S: Final = 60
_HOUR_S: Final = 3600
_LOCKERS: Final = "notifications.rules.in_lockers"
_IN_LOCKER: Final = ("locker_ready", "locker_reminder", "locker_expired")
_LOCKER_VARIABLES: Final = {
    **FOR_SHOPPERS,
    "link": NEEDED_LINK,
    "place": AGREED["place"],
    "collect_by": COLLECT_BY,
}


def locker_moments(before: tuple[str, ...], on_the_way: tuple[str, ...]) -> tuple[Moment, ...]:
    """Return the moments of lockers; they replace moments ``before`` the door and on the way."""
    return (
        Moment(
            key="locker_ready",
            event=("locker.parcel.ready",),
            replaces=(*before, *on_the_way, *_IN_LOCKER, "locker_moved"),
            audience=Audience.SHOPPER,
            timing=Timing(gather_s=_MINUTE_S, not_after_s=24 * _HOUR_S),
            priority=Priority.NOW,
            group="delivery",
            variables=_LOCKER_VARIABLES,
            applies=f"{_LOCKERS}.is_ready",
            still_true=f"{_LOCKERS}.still_ready",
        ),
        Moment(
            key="locker_reminder",
            event=("locker.parcel.reminder_due",),
            replaces=_IN_LOCKER,
            audience=Audience.SHOPPER,
            timing=Timing(gather_s=_MINUTE_S, not_after_s=12 * _HOUR_S),
            priority=Priority.NORMAL,
            group="delivery",
            variables=_LOCKER_VARIABLES,
            applies=f"{_LOCKERS}.is_ready",
            still_true=f"{_LOCKERS}.still_ready",
        ),
        Moment(
            key="locker_expired",
            event=("locker.parcel.collect_expired",),
            replaces=_IN_LOCKER,
            audience=Audience.SHOPPER,
            timing=Timing(gather_s=_MINUTE_S, not_after_s=24 * _HOUR_S),
            priority=Priority.NOW,
            group="delivery",
            variables=_LOCKER_VARIABLES,
            applies=f"{_LOCKERS}.is_expired",
            still_true=f"{_LOCKERS}.still_expired",
        ),
        _lost(before),
        Moment(
            key="locker_moved",
            event=("locker.reservation.moved",),
            replaces=(*before, "locker_moved"),
            audience=Audience.SHOPPER,
            timing=Timing(gather_s=_MINUTE_S, not_after_s=24 * _HOUR_S),
            priority=Priority.NOW,
            group="delivery",
            variables={**FOR_SHOPPERS, **AGREED},
            applies=f"{_LOCKERS}.is_moved",
            still_true=f"{_LOCKERS}.still_in_locker",
        ),
    )


def _lost(before: tuple[str, ...]) -> Moment:
    """Return the moment of a bank that takes an order no more: its shopper chooses again."""
    return Moment(
        key="locker_lost",
        event=(
            "locker.reservation.rejected",
            "locker.reservation.expired",
            "order.stop_changed",
        ),
        replaces=(*before, "locker_moved", "locker_lost"),
        audience=Audience.SHOPPER,
        timing=Timing(gather_s=_MINUTE_S, not_after_s=24 * _HOUR_S),
        priority=Priority.NOW,
        group="delivery",
        variables={**FOR_SHOPPERS, "link": NEEDED_LINK, "place": AGREED["place"]},
        applies=f"{_LOCKERS}.is_lost",
        still_true=f"{_LOCKERS}.still_lost",
    )
