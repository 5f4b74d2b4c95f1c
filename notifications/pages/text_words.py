"""The words of the pages about texts: groups, languages, and when each moment is told."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from django.utils.functional import Promise as Lazy
from django.utils.translation import gettext as _g
from django.utils.translation import gettext_lazy as _

from lastmile.core import formatting
from notifications.catalogue.kinds import Moment, Timing

Words = str | Lazy
_HOUR_S: Final = 3600
GROUPS: Final[Mapping[str, Words]] = {
    "choice": _("Choice of a time"),
    "delivery": _("Delivery"),
    "after": _("After the delivery"),
    "security": _("Security"),
    "staff": _("For your team"),
}
LANGUAGE_NAMES: Final[Mapping[str, Words]] = {
    "en": _("English"),
    "es": _("Spanish"),
    "ar": _("Arabic"),
}
_ABOUT: Final[Mapping[str, Words]] = {
    "choose_invitation": _("An order has no time yet and its shopper can choose one."),
    "choose_reminder": _("The shopper has not chosen a time yet."),
    "promise_confirmed": _("An order has its first time, or a requested time was confirmed."),
    "promise_changed": _("The shopper changed the time."),
    "promise_superseded": _("You or a file changed the time."),
    "day_before": _("The evening before the delivery."),
    "out_for_delivery": _("The vehicle has left the hub with the order."),
    "delayed": _("The vehicle is expected after the agreed time window."),
    "near": _("Few stops or minutes are left before the shopper's stop."),
    "arriving": _("The driver is on the way to this shopper."),
    "delivered": _("The driver has delivered the order."),
    "locker_ready": _("The cabinet reported that the parcel is in the locker."),
    "locker_reminder": _("The parcel still waits in the locker: after 24, 48 and 66 hours."),
    "locker_expired": _("The time to collect it has passed, and it is still in the locker."),
    "locker_lost": _("The locker cannot take the order. Its shopper has to choose again."),
    "locker_moved": _("The order goes to another locker than before."),
    "return_collected": _("The driver has picked up the return."),
    "failed": _("An attempt failed; the text says why."),
    "tried_again": _("A failed order got a new day."),
    "cancelled": _("The order was cancelled."),
    "rating": _("Some time after the delivery."),
    "step_up_code": _("The shopper wants a change that needs a code."),
    "step_up_used": _("A code confirmed a change. The old contact is told."),
    "stop_explained": _("A shopper wrote CANCEL. The delivery is not cancelled."),
    "place_changed": _("The shopper's page sent the order to another address."),
    "import_ended": _("A file of orders was read. The member who sent it is told."),
    "nothing_planned": _("At 18:00 tomorrow has orders and no published plan."),
    "budget_reached": _("50, 80 or 100 per cent of a budget of messages are used."),
    "channel_paused": _("The provider of a channel refuses your messages."),
}
_ENDS: Final[Mapping[str, Words]] = {
    "window_opens": _("Not sent any more when the time window has begun."),
    "window_closes": _("Not sent any more when the time window is over."),
    "day_before": _("Not sent any more late in the evening."),
    "day_ends": _("Not sent any more when the day is over."),
}


def description_of(key: str) -> Words:
    """Return the occasion of a moment as a sentence."""
    return _ABOUT[key]


def timing_of(moment: Moment) -> str:
    """Return when a moment is sent, and until when, as sentences."""
    timing = moment.timing
    end = _ENDS.get(timing.not_after)
    if end is None:
        hours = max(1, round(timing.not_after_s / _HOUR_S))
        end = _g("Not sent any more after %(hours)s h.") % {"hours": formatting.number(hours)}
        if timing.not_after_s < _HOUR_S:
            minutes = formatting.number(timing.not_after_s // 60)
            end = _g("Not sent any more after %(minutes)s min.") % {"minutes": minutes}
    return f"{_begin(timing)} {end}"


def _begin(timing: Timing) -> str:
    if timing.send == "day_before":
        return _g("Sent at %(time)s on the day before.") % {
            "time": formatting.time_of_minute(timing.minute)
        }
    if timing.send == "after":
        hours = formatting.number(timing.lead_s // _HOUR_S)
        return _g("Sent after %(hours)s h.") % {"hours": hours}
    if timing.gather_s:
        return _g("Sent after a minute, so that several changes are one message.")
    return _g("Sent at once.")
