"""The words of the delivery page: the answer in one sentence, the steps, the place."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace

from django.utils.functional import Promise as Lazy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from dispatch.orders.models import Option, Promise
from dispatch.orders.states import OPEN, OrderState
from dispatch.orders.wording import (
    clock_words,
    failure_reason,
    for_day,
    handover_line,
    on_day,
    window_line,
    window_texts,
)
from dispatch.planning.arrival import ArrivalRange
from lastmile.core import clock, formatting
from portal.shopper.changes import Rights
from portal.tracking.live_words import stops_away
from portal.tracking.lockers import collect_by_of
from portal.tracking.selectors import TrackedOrder
from portal.tracking.timeline import Step

Words = str | Lazy
S = OrderState

_LATER: Words = gettext_lazy(
    "This is later than we agreed. We are sorry. Contact the shop if it does not suit you."
)
#: Reasons with which perhaps nobody was at the door.
_AWAY = frozenset({"address_not_found", "no_time", "parcel_missing", "vehicle_broke_down"})
#: Codes of steps with a time window.
_WINDOWS = ("window", "window_changed")
#: Code of a step -> icon, tone and text; %(…)s are filled from the facts of the step.
STEPS: dict[str, tuple[str, str, Words]] = {
    "ordered": ("package", "", gettext_lazy("We received your order")),
    "window": ("calendar-days", "active", gettext_lazy("Time agreed: %(window)s")),
    "window_changed": ("calendar-days", "active", gettext_lazy("Time changed to %(window)s")),
    "window_requested": ("clock", "active", gettext_lazy("Time requested: %(window)s")),
    "instructions": ("pencil", "", gettext_lazy("Your instructions were saved")),
    "ready": ("circle-dot", "", gettext_lazy("Ready")),
    "planned": ("route", "active", gettext_lazy("On the plan of a driver")),
    "loaded": ("package-check", "active", gettext_lazy("In the vehicle")),
    "out": ("truck", "active", gettext_lazy("On its way")),
    "out_return": ("truck", "active", gettext_lazy("On our way to you")),
    "ordered_return": ("package", "", gettext_lazy("You requested the pickup")),
    "on_the_way": ("car", "active", gettext_lazy("You told us that you are on your way")),
    "here": ("map-pin", "active", gettext_lazy("You told us that you are here")),
    "awaiting_collection": ("inbox", "active", gettext_lazy("Ready for you to collect")),
    "delivered": ("circle-check", "ok", gettext_lazy("Delivered")),
    "reported": ("clock", "active", gettext_lazy("The driver reported the delivery")),
    "picked_up": ("circle-check", "ok", gettext_lazy("We picked up your return")),
    "failed": ("circle-x", "failed", gettext_lazy("We were there, but %(reason)s")),
    "failed_away": ("circle-x", "failed", gettext_lazy("It did not work: %(reason)s")),
    "again": ("refresh-cw", "", gettext_lazy("We will try again")),
    "returned": ("undo-2", "", gettext_lazy("Back at the shop")),
    "cancelled": ("ban", "failed", gettext_lazy("Cancelled")),
    "cancelled_by_you": ("ban", "failed", gettext_lazy("You cancelled it")),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The answer at the top of the page: one sentence, its icon and tone, and a note below it."""

    sentence: str
    icon: str
    tone: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepLine:
    """A line of the timeline as text, with its icon, its tone and the time."""

    icon: str
    tone: str
    text: str
    at: dt.datetime


def answer_of(delivery: TrackedOrder, rights: Rights) -> Answer:
    """Return the answer to “where is my order”: one sentence that comes first on the page."""
    state, steps = delivery.state, delivery.timeline
    if state == S.CANCELLED:
        words = (
            _("This return was cancelled, so we do not pick it up.")
            if delivery.is_return
            else _("This delivery was cancelled.")
        )
        return Answer(sentence=words, icon="ban", tone="failed")
    if delivery.is_unchecked:
        return Answer(
            sentence=_("The driver has reported the delivery."),
            icon="clock",
            tone="active",
            note=_("We are checking it. This page then says when it was delivered."),
        )
    if state == S.DELIVERED:
        return Answer(sentence=_delivered(delivery), icon="circle-check", tone="ok")
    if state == S.RETURNED and delivery.is_return:
        return Answer(sentence=_("Your return is at the shop."), icon="circle-check", tone="ok")
    if state == S.RETURNED:
        note = _("Contact the shop if you still want it.")
        return Answer(
            sentence=_("Your order went back to the shop."), icon="undo-2", tone="failed", note=note
        )
    if state == S.FAILED:
        failed = steps.last("failed")
        reason = _reason(failed) if failed else ""
        sentence = (
            _("We could not deliver: %(reason)s.") % {"reason": reason}
            if not delivery.is_return
            else _("We could not pick up your return: %(reason)s.") % {"reason": reason}
        )
        return Answer(sentence=sentence, icon="circle-x", tone="failed")
    if state == S.AWAITING_COLLECTION:
        return _awaiting(delivery)
    if state == S.LOADED and delivery.is_return:
        sentence = _("We picked up your return and bring it to the shop.")
        return Answer(sentence=sentence, icon="circle-check", tone="ok")
    if rights.time.possible and delivery.promise is None and delivery.order.service_date is None:
        return Answer(sentence=_choose(delivery), icon="calendar-days", tone="active")
    promise = delivery.promise
    if promise is not None and promise.option == Option.LOCKER and not delivery.is_requested:
        return _to_locker(delivery, promise)
    return _coming(delivery)


def _choose(delivery: TrackedOrder) -> str:
    if delivery.is_return:
        return _("Choose when we may pick up your return.")
    return _("Choose when we may come.")


def _coming(delivery: TrackedOrder) -> Answer:
    """Return the answer for goods that are still to come, the most exact time first."""
    on_road = delivery.state == S.OUT
    icon = "truck" if on_road else "calendar-days"
    if on_road and delivery.approach is not None and delivery.approach.is_here:
        return Answer(sentence=_("The driver is at your address."), icon="map-pin", tone="active")
    if delivery.arrival is not None and delivery.is_live:
        return _live(delivery, delivery.arrival)
    if delivery.arrival is not None:
        return _planned(delivery, delivery.arrival, icon)
    promise, order = delivery.promise, delivery.order
    if promise is not None:
        texts = {"day": for_day(clock.local_date(promise.opens_at, delivery.zone), delivery.zone)}
        texts |= window_texts(promise.opens_at, promise.closes_at)
        if delivery.is_requested:
            return _requested(delivery, promise, texts)
        overdue = _overdue(delivery)
        if overdue and not on_road:
            return _was_planned(delivery, promise, overdue)
        if promise.option != Option.WINDOW:
            text = _("You collect your order %(day)s, between %(from)s and %(to)s.")
            texts["day"] = on_day(clock.local_date(promise.opens_at, delivery.zone), delivery.zone)
        elif delivery.is_return:
            text = _("We pick up your return %(day)s, between %(from)s and %(to)s.")
            texts["day"] = on_day(clock.local_date(promise.opens_at, delivery.zone), delivery.zone)
        elif on_road:
            text = _("Your order is on its way. We agreed on %(day)s, between %(from)s and %(to)s.")
        else:
            text = _("Your delivery is planned for %(day)s, between %(from)s and %(to)s.")
        note = overdue or _replanned(delivery) or _where(delivery)
        return Answer(sentence=text % texts, icon=icon, tone="active", note=note)
    if order.service_date is not None:
        return _on_date(delivery, order.service_date, icon)
    if delivery.state in OPEN:
        return Answer(
            sentence=_("We received your order. The day is not fixed yet."), icon="package"
        )
    text = (
        _("We are on our way to pick up your return.")
        if delivery.is_return
        else _("Your order is on its way.")
    )
    return Answer(sentence=text, icon=icon, tone="active")


def _to_locker(delivery: TrackedOrder, promise: Promise) -> Answer:
    """Return the answer for goods on their way to a locker."""
    texts = {
        "day": on_day(clock.local_date(promise.closes_at, delivery.zone), delivery.zone),
        "time": clock_words(promise.closes_at),
    }
    if promise.closes_at <= clock.now():
        text = _("Your order was to be in the locker %(day)s by %(time)s.")
        note = _("It is not there yet. We tell you as soon as it is.")
        return Answer(sentence=text % texts, icon="clock-alert", tone="risk", note=note)
    text = _("Your order will be in the locker %(day)s by %(time)s.")
    return Answer(sentence=text % texts, icon="inbox", tone="active", note=_where(delivery))


def _where(delivery: TrackedOrder) -> str:
    """Return the place of a promised pickup, because without it nobody can set out."""
    if not delivery.is_collected:
        return ""
    return _("Collect it here: %(place)s") % {"place": handover_line(delivery.order)}


def _was_planned(delivery: TrackedOrder, promise: Promise, note: str) -> Answer:
    """Return the answer for a time that has passed without a recorded delivery."""
    texts = {"day": for_day(clock.local_date(promise.opens_at, delivery.zone), delivery.zone)}
    texts |= window_texts(promise.opens_at, promise.closes_at)
    if promise.option != Option.WINDOW:
        text = _("Your pickup was planned for %(day)s, between %(from)s and %(to)s.")
    else:
        text = _passed(delivery)
    return Answer(sentence=text % texts, icon="clock-alert", tone="risk", note=note)


def _requested(delivery: TrackedOrder, promise: Promise, texts: dict[str, str]) -> Answer:
    """Return the answer for a time that a dispatcher still has to confirm."""
    on = on_day(clock.local_date(promise.opens_at, delivery.zone), delivery.zone)
    if promise.option != Option.WINDOW:
        text = _("You asked to collect your order %(day)s, between %(from)s and %(to)s.")
        texts["day"] = on
    elif delivery.is_return:
        text = _("You requested the pickup of your return %(day)s, between %(from)s and %(to)s.")
        texts["day"] = on
    else:
        text = _("You requested your delivery for %(day)s, between %(from)s and %(to)s.")
    note = _overdue(delivery) or _(
        "This time is requested and not promised yet. This page says when the shop has confirmed it."
    )
    return Answer(sentence=text % texts, icon="clock", tone="active", note=note)


def _on_date(delivery: TrackedOrder, date: dt.date, icon: str) -> Answer:
    """Return the answer for goods with a day, but without a time."""
    note = _overdue(delivery)
    if delivery.is_return:
        day = on_day(date, delivery.zone)
        planned = _("We pick up your return %(day)s.")
        missed = _("The pickup of your return was planned for %(day)s.")
        day = for_day(date, delivery.zone) if note else day
    else:
        day = for_day(date, delivery.zone)
        planned = _("Your delivery is planned for %(day)s.")
        missed = _("Your delivery was planned for %(day)s.")
    text = missed if note else planned
    return Answer(sentence=text % {"day": day}, icon=icon, tone="active", note=note)


def _planned(delivery: TrackedOrder, arrival: ArrivalRange, icon: str) -> Answer:
    """Return the answer with the planned arrival as a range."""
    day = clock.local_date(arrival.low_at, delivery.zone)
    texts = {"day": on_day(day, delivery.zone), **window_texts(arrival.low_at, arrival.high_at)}
    note = _overdue(delivery)
    if note:
        texts["day"] = for_day(day, delivery.zone)
        text = _passed(delivery)
    elif delivery.is_return:
        text = _(
            "We should be with you %(day)s between %(from)s and %(to)s to pick up your return."
        )
    elif delivery.state == S.OUT:
        text = _("On its way: it should arrive %(day)s between %(from)s and %(to)s.")
    else:
        text = _("Your order should arrive %(day)s between %(from)s and %(to)s.")
    if arrival.is_late and not note:
        note = str(_LATER)
    tone = "risk" if note else "active"
    return Answer(sentence=text % texts, icon=icon, tone=tone, note=note)


def _live(delivery: TrackedOrder, arrival: ArrivalRange) -> Answer:
    """Return the answer while the vehicle is on the road: the range and the stops before."""
    texts = {"stops": "", **window_texts(arrival.low_at, arrival.high_at)}
    before = delivery.approach.stops_before if delivery.approach else None
    note = _overdue(delivery)
    if note:
        texts["day"] = for_day(clock.local_date(arrival.low_at, delivery.zone), delivery.zone)
        text = _passed(delivery)
    elif before is None:
        text = _("Arriving between %(from)s and %(to)s.")
    else:
        text = _("Arriving between %(from)s and %(to)s, %(stops)s.")
        texts["stops"] = stops_away(before)
    if arrival.is_late and not note:
        note = str(_LATER)
    return Answer(sentence=text % texts, icon="truck", tone="risk" if note else "active", note=note)


def _passed(delivery: TrackedOrder) -> str:
    """Return the sentence for a planned time that has passed."""
    if delivery.is_return:
        return _("The pickup of your return was planned for %(day)s, between %(from)s and %(to)s.")
    if delivery.state == S.OUT:
        return _("On its way: it was planned for %(day)s, between %(from)s and %(to)s.")
    return _("Your delivery was planned for %(day)s, between %(from)s and %(to)s.")


def _replanned(delivery: TrackedOrder) -> str:
    """Return a note while the published plan is older than what was agreed."""
    if not delivery.is_replanned:
        return ""
    return _("The driver's plan is being updated to what we agreed.")


def _overdue(delivery: TrackedOrder) -> str:
    """Return a note if the last time that the page names has passed without a recorded delivery."""
    promise = delivery.promise
    end = delivery.arrival.high_at if delivery.arrival else None
    if promise is not None:
        end = max(end or promise.closes_at, promise.closes_at)
    if end is None:
        today, date = clock.local_date(clock.now(), delivery.zone), delivery.order.service_date
        is_over = date is not None and date < today
    else:
        is_over = end <= clock.now()
    if not is_over:
        return ""
    if delivery.is_collected:
        return _("This time has passed. Contact the shop if you still want to collect it.")
    if delivery.is_return:
        return _(
            "This time has passed and no pickup is recorded yet. Contact the shop if you wait."
        )
    return _("This time has passed and no delivery is recorded yet. Contact the shop if you wait.")


def _delivered(delivery: TrackedOrder) -> str:
    step = delivery.timeline.last("delivered")
    at = step.at if step else delivery.order.updated_at
    texts = {"day": on_day(clock.local_date(at, delivery.zone), delivery.zone)}
    texts["time"] = clock_words(at)
    if delivery.is_collected:
        return _("You collected your order %(day)s at %(time)s.") % texts
    return _("Delivered %(day)s at %(time)s.") % texts


def _awaiting(delivery: TrackedOrder) -> Answer:
    promise = delivery.promise
    place = handover_line(delivery.order)
    sentence = _("Your order is ready. Collect it at %(place)s.") % {"place": place}
    note = ""
    until = collect_by_of(delivery.lockers)
    if until is not None:
        note = _("It waits for you until %(when)s.") % {"when": formatting.day_and_time(until)}
    elif delivery.lockers:
        sentence = _("Your order is at %(place)s.") % {"place": place}
        note = _("See below what you can do.")
    elif promise is not None and promise.option in {Option.CURBSIDE, Option.HUB}:
        texts = {"day": on_day(clock.local_date(promise.opens_at, delivery.zone), delivery.zone)}
        texts |= window_texts(promise.opens_at, promise.closes_at)
        note = _("We agreed on: %(day)s, between %(from)s and %(to)s.") % texts
        note = _overdue(delivery) or note
    return Answer(sentence=sentence, icon="inbox", tone="active", note=note)


def step_lines(delivery: TrackedOrder) -> list[StepLine]:
    """Return the lines of the timeline, the newest first."""
    requested = delivery.timeline.last(*_WINDOWS) if delivery.is_requested else None
    unchecked = delivery.timeline.last("delivered") if delivery.is_unchecked else None
    return [
        _step_line(
            replace(step, code="reported") if step is unchecked else step,
            is_return=delivery.is_return,
            is_requested=step is requested,
        )
        for step in reversed(delivery.timeline.steps)
    ]


def _step_line(step: Step, *, is_return: bool, is_requested: bool) -> StepLine:
    code = step.code
    if is_requested:
        code = "window_requested"
    elif code == "cancelled" and step.data.get("cause") == "shopper":
        code = "cancelled_by_you"
    elif code == "failed" and str(step.data.get("reason") or "") in _AWAY:
        code = "failed_away"
    elif is_return and f"{code}_return" in STEPS:
        code = f"{code}_return"
    icon, tone, text = STEPS[code]
    facts = {"window": "", "reason": _reason(step)}
    if step.code in _WINDOWS:
        opens, closes = (
            dt.datetime.fromisoformat(str(step.data[name])) for name in ("opens_at", "closes_at")
        )
        facts["window"] = window_line(opens, closes)
    return StepLine(icon=icon, tone=tone, text=str(text) % facts, at=step.at)


def _reason(step: Step) -> str:
    return failure_reason(str(step.data.get("reason") or ""))
