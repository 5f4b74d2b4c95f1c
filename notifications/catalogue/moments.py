"""The moments: every occasion that is worth a message, declared in one place.

A moment is added together with the code that records its event. ``applies`` and ``still_true`` name
functions in ``notifications.rules``. Its texts are in ``catalogue/defaults``, one file
for each language.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from notifications.catalogue.in_lockers import locker_moments
from notifications.catalogue.kinds import Audience, ChannelKey, Moment, Priority, Timing
from notifications.catalogue.variables import (
    AGREED,
    CAUSE,
    CHANNEL,
    CODE,
    DAY,
    FOR_SHOPPERS,
    FOR_STAFF,
    HUB,
    LATE_MINUTES,
    MINUTES,
    NEEDED_LINK,
    ORDERS,
    PERCENT,
    PLANNED,
    REASON,
    REFUSED,
    RESULT,
    SCOPE,
    SHOP,
    STOPS_BEFORE,
    TIMES,
)

_MINUTE_S: Final = 60
_HOUR_S: Final = 3600
_EIGHTEEN: Final = 18 * 60
#: The channels of codes: those that reach the phone or mailbox at once and need no set-up.
_CODE_CHANNELS: Final = (ChannelKey.SMS, ChannelKey.EMAIL)
#: The channels of notes to a contact that may be somebody else's by now: no push to a device.
_CONTACT_CHANNELS: Final = (ChannelKey.WHATSAPP, ChannelKey.SMS, ChannelKey.EMAIL)
_BY_EMAIL: Final = (ChannelKey.EMAIL,)
_RULES: Final = "notifications.rules.occasions"
_WAY: Final = "notifications.rules.on_the_way"

_INVITATIONS: Final = ("choose_invitation", "choose_reminder")
PROMISES: Final = ("promise_confirmed", "promise_changed", "promise_superseded")
_BEFORE_THE_DOOR: Final = (*_INVITATIONS, *PROMISES, "day_before", "tried_again")
_ON_THE_WAY: Final = ("out_for_delivery", "delayed", "near", "arriving")

_PROMISE_TIMING: Final = Timing(gather_s=_MINUTE_S, not_after="window_opens", not_after_s=0)
_PROMISE_VARIABLES: Final = {**FOR_SHOPPERS, **AGREED}

MOMENTS: Final[tuple[Moment, ...]] = (
    Moment(
        key="out_for_delivery",
        event=("order.out",),
        replaces=_BEFORE_THE_DOOR,
        audience=Audience.SHOPPER,
        timing=Timing(not_after="window_closes", not_after_s=0),
        priority=Priority.NOW,
        group="delivery",
        variables={**FOR_SHOPPERS, **AGREED, **PLANNED},
        applies=f"{_RULES}.is_out",
        still_true=f"{_RULES}.still_out",
    ),
    Moment(
        key="delayed",
        event=("arrival.late",),
        replaces=(*_BEFORE_THE_DOOR, *_ON_THE_WAY),
        audience=Audience.SHOPPER,
        timing=Timing(gather_s=_MINUTE_S, not_after_s=_HOUR_S),
        priority=Priority.NOW,
        group="delivery",
        variables={
            **FOR_SHOPPERS,
            **AGREED,
            **PLANNED,
            "stops_before": STOPS_BEFORE,
            "late_minutes": LATE_MINUTES,
        },
        applies=f"{_WAY}.is_delayed",
        still_true=f"{_WAY}.still_delayed",
    ),
    Moment(
        key="near",
        event=("arrival.changed",),
        replaces=(*_BEFORE_THE_DOOR, *_ON_THE_WAY),
        audience=Audience.SHOPPER,
        timing=Timing(not_after_s=20 * _MINUTE_S),
        priority=Priority.NOW,
        group="delivery",
        variables={**FOR_SHOPPERS, **AGREED, **PLANNED, "stops_before": STOPS_BEFORE},
        applies=f"{_WAY}.is_near",
        still_true=f"{_WAY}.still_coming",
    ),
    Moment(
        key="arriving",
        event=("arrival.changed",),
        replaces=(*_BEFORE_THE_DOOR, *_ON_THE_WAY),
        audience=Audience.SHOPPER,
        timing=Timing(not_after_s=10 * _MINUTE_S),
        priority=Priority.NOW,
        group="delivery",
        variables={**FOR_SHOPPERS, **AGREED, **PLANNED},
        applies=f"{_WAY}.is_arriving",
        still_true=f"{_WAY}.still_coming",
    ),
    Moment(
        key="choose_invitation",
        event=("order.placed", "order.waiting", "order.ready"),
        replaces=_INVITATIONS,
        audience=Audience.SHOPPER,
        timing=Timing(gather_s=_MINUTE_S, not_after_s=48 * _HOUR_S),
        priority=Priority.LOW,
        group="choice",
        variables={**FOR_SHOPPERS, "link": NEEDED_LINK},
        applies=f"{_RULES}.is_to_choose",
        still_true=f"{_RULES}.still_to_choose",
    ),
    Moment(
        key="choose_reminder",
        event=("order.placed", "order.waiting", "order.ready"),
        audience=Audience.SHOPPER,
        timing=Timing(send="after", lead_s=24 * _HOUR_S, not_after_s=48 * _HOUR_S),
        priority=Priority.LOW,
        group="choice",
        variables={**FOR_SHOPPERS, "link": NEEDED_LINK},
        applies=f"{_RULES}.is_to_choose",
        still_true=f"{_RULES}.still_to_choose",
    ),
    Moment(
        key="promise_confirmed",
        event=("order.promised", "order.planned"),
        replaces=_BEFORE_THE_DOOR,
        audience=Audience.SHOPPER,
        timing=_PROMISE_TIMING,
        priority=Priority.NORMAL,
        group="delivery",
        variables=_PROMISE_VARIABLES,
        applies=f"{_RULES}.is_confirmed",
        still_true=f"{_RULES}.still_promised",
    ),
    Moment(
        key="promise_changed",
        event=("order.promised",),
        replaces=_BEFORE_THE_DOOR,
        audience=Audience.SHOPPER,
        timing=_PROMISE_TIMING,
        priority=Priority.NORMAL,
        group="delivery",
        variables=_PROMISE_VARIABLES,
        applies=f"{_RULES}.is_changed_by_shopper",
        still_true=f"{_RULES}.still_promised",
        takes_over=("promise_confirmed",),
    ),
    Moment(
        key="promise_superseded",
        event=("order.promised",),
        replaces=_BEFORE_THE_DOOR,
        audience=Audience.SHOPPER,
        timing=_PROMISE_TIMING,
        priority=Priority.NORMAL,
        group="delivery",
        variables=_PROMISE_VARIABLES,
        applies=f"{_RULES}.is_changed_by_shop",
        still_true=f"{_RULES}.still_promised",
        takes_over=("promise_confirmed",),
    ),
    Moment(
        key="place_changed",
        event=("order.promised",),
        audience=Audience.OLD_CONTACT,
        timing=Timing(not_after_s=24 * _HOUR_S),
        priority=Priority.NOW,
        group="security",
        channels=_CONTACT_CHANNELS,
        variables=_PROMISE_VARIABLES,
        applies=f"{_RULES}.is_redirected",
        still_true=f"{_RULES}.still_redirected",
    ),
    Moment(
        key="day_before",
        event=("order.promised",),
        replaces=("day_before",),
        audience=Audience.SHOPPER,
        timing=Timing(
            send="day_before",
            minute=_EIGHTEEN,
            not_after="day_before",
            not_after_s=22 * _HOUR_S,
        ),
        priority=Priority.LOW,
        group="delivery",
        variables=_PROMISE_VARIABLES,
        applies=f"{_RULES}.is_days_ahead",
        still_true=f"{_RULES}.still_promised",
    ),
    Moment(
        key="delivered",
        event=("order.delivered", "proof.checked"),
        replaces=(*_BEFORE_THE_DOOR, *_ON_THE_WAY, "failed"),
        audience=Audience.SHOPPER,
        timing=Timing(not_after_s=4 * _HOUR_S),
        priority=Priority.NOW,
        group="delivery",
        variables={**FOR_SHOPPERS, "place": AGREED["place"]},
        applies=f"{_RULES}.is_told_delivered",
        still_true=f"{_RULES}.still_delivered",
    ),
    *locker_moments(_BEFORE_THE_DOOR, _ON_THE_WAY),
    Moment(
        key="return_collected",
        event=("order.loaded",),
        replaces=(*_BEFORE_THE_DOOR, *_ON_THE_WAY, "failed"),
        audience=Audience.SHOPPER,
        timing=Timing(not_after_s=4 * _HOUR_S),
        priority=Priority.NOW,
        group="delivery",
        variables=FOR_SHOPPERS,
        applies=f"{_RULES}.is_collected_return",
        still_true=f"{_RULES}.still_collected_return",
    ),
    Moment(
        key="failed",
        event=("order.failed",),
        replaces=(*_BEFORE_THE_DOOR, *_ON_THE_WAY, "delivered"),
        audience=Audience.SHOPPER,
        timing=Timing(not_after_s=4 * _HOUR_S),
        priority=Priority.NOW,
        group="delivery",
        variables={**FOR_SHOPPERS, "reason": REASON},
        applies=f"{_RULES}.is_failed",
        still_true=f"{_RULES}.still_failed",
    ),
    Moment(
        key="tried_again",
        event=("order.ready",),
        replaces=(*_BEFORE_THE_DOOR, "failed"),
        audience=Audience.SHOPPER,
        timing=Timing(gather_s=_MINUTE_S, not_after_s=4 * _HOUR_S),
        priority=Priority.NOW,
        group="delivery",
        variables={**FOR_SHOPPERS, **AGREED, "times": TIMES},
        applies=f"{_RULES}.is_tried_again",
        still_true=f"{_RULES}.still_tried_again",
    ),
    Moment(
        key="cancelled",
        event=("order.cancelled",),
        replaces=(*_BEFORE_THE_DOOR, *_ON_THE_WAY, "failed"),
        audience=Audience.SHOPPER,
        timing=Timing(gather_s=_MINUTE_S, not_after_s=24 * _HOUR_S),
        priority=Priority.NORMAL,
        group="delivery",
        variables={**FOR_SHOPPERS, "cause": CAUSE},
        applies=f"{_RULES}.is_cancelled",
        still_true=f"{_RULES}.still_cancelled",
    ),
    Moment(
        key="rating",
        event=("order.delivered",),
        audience=Audience.SHOPPER,
        timing=Timing(send="after", lead_s=2 * _HOUR_S, not_after_s=48 * _HOUR_S),
        priority=Priority.LOW,
        group="after",
        variables={**FOR_SHOPPERS, "link": NEEDED_LINK},
        applies=f"{_RULES}.is_delivered",
        still_true=f"{_RULES}.still_told_delivered",
    ),
    Moment(
        key="step_up_code",
        event=(),
        audience=Audience.SHOPPER,
        timing=Timing(not_after_s=10 * _MINUTE_S, quiet=False),
        priority=Priority.CODE,
        group="security",
        channels=_CODE_CHANNELS,
        variables={"shop": SHOP, "code": CODE, "minutes": MINUTES},
    ),
    Moment(
        key="stop_explained",
        event=(),
        audience=Audience.SHOPPER,
        timing=Timing(not_after_s=12 * _HOUR_S, quiet=False),
        priority=Priority.NOW,
        group="answer",
        channels=_CONTACT_CHANNELS,
        variables={"shop": SHOP, "link": NEEDED_LINK},
    ),
    Moment(
        key="step_up_used",
        event=("order.step_up_confirmed",),
        audience=Audience.OLD_CONTACT,
        timing=Timing(not_after_s=24 * _HOUR_S),
        priority=Priority.NOW,
        group="security",
        channels=_CONTACT_CHANNELS,
        variables=FOR_SHOPPERS,
    ),
    Moment(
        key="import_ended",
        event=("import.done", "import.failed"),
        audience=Audience.ACTOR,
        timing=Timing(not_after_s=12 * _HOUR_S),
        priority=Priority.LOW,
        group="staff",
        channels=_BY_EMAIL,
        variables={**FOR_STAFF, "orders": ORDERS, "refused": REFUSED, "result": RESULT},
    ),
    Moment(
        key="nothing_planned",
        event=("day.unplanned",),
        audience=Audience.STAFF_OF_HUB,
        timing=Timing(not_after="event", not_after_s=6 * _HOUR_S),
        priority=Priority.NORMAL,
        group="staff",
        channels=_BY_EMAIL,
        variables={**FOR_STAFF, "hub": HUB, "day": DAY, "orders": ORDERS},
        still_true=f"{_RULES}.still_unplanned",
    ),
    Moment(
        key="budget_reached",
        event=("budget.reached",),
        audience=Audience.MANAGERS,
        timing=Timing(not_after_s=12 * _HOUR_S),
        priority=Priority.NORMAL,
        group="staff",
        channels=_BY_EMAIL,
        variables={**FOR_STAFF, "percent": PERCENT, "scope": SCOPE},
    ),
    Moment(
        key="channel_paused",
        event=("channel.paused",),
        audience=Audience.MANAGERS,
        timing=Timing(not_after_s=12 * _HOUR_S),
        priority=Priority.NORMAL,
        group="staff",
        channels=_BY_EMAIL,
        variables={**FOR_STAFF, "channel": CHANNEL},
        still_true=f"{_RULES}.still_paused",
    ),
)
BY_KEY: Final[Mapping[str, Moment]] = {moment.key: moment for moment in MOMENTS}
#: Groups of moments for members; shoppers cannot end them, and they are written in LANGUAGES.
FOR_MEMBERS: Final = frozenset({"staff"})


def moments_of(kind: str) -> tuple[Moment, ...]:
    """Return the moments that an event kind starts, in the order of the catalogue."""
    return tuple(moment for moment in MOMENTS if kind in moment.event)


def event_kinds() -> tuple[str, ...]:
    """Return every event kind that starts a moment, sorted."""
    return tuple(sorted({kind for moment in MOMENTS for kind in moment.event}))
