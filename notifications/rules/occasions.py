"""The conditions of the moments: does an event start one, and is it still true at the send?

``applies`` functions get the event and the order as it is now. They run in the handler, so they
also see what happened after the event. ``still_true`` functions run just before the call to the
provider; they return "" or the name of the rule that keeps the message from being sent.
"""

from __future__ import annotations

import datetime as dt
from typing import Final

from django.db.models import Q

from dispatch.fleet.models import Hub
from dispatch.live.policy import AfterFailed, failed_policy
from dispatch.live.selectors.proof import is_delivery_unchecked, is_proof_open
from dispatch.orders.handovers import needs_person
from dispatch.orders.models import Cause, Direction, Option, Order, Promise
from dispatch.orders.states import ENDED, OrderState
from dispatch.orders.wording import zone_of
from dispatch.planning.models import Plan
from dispatch.planning.policy import planning_policy
from dispatch.planning.selectors.late import waits_for_dispatcher
from dispatch.planning.selectors.unplanned import orders_without_plan
from dispatch.slots.models import Slot
from dispatch.slots.states import SlotState
from lastmile.core import clock
from lastmile.core.events import DomainEvent
from lockers.selectors import has_bank_near
from notifications.models import AccountState, ChannelAccount, Message
from notifications.states import MessageState

NO_LONGER_TRUE: Final = "no_longer_true"
#: A reminder that is due so soon after its promise tells nothing new.
LEAST_BEFORE_REMINDER: Final = dt.timedelta(hours=6)
#: Promises within this time are one message; see the timing of the moments.
GATHERED: Final = dt.timedelta(minutes=1)
_BY_SHOPPER: Final = (Cause.SHOPPER, Cause.CHOICE)
S = OrderState


def unless(is_true: bool) -> str:
    """Return "" if a message is still true, else the name of the rule that keeps it back."""
    return "" if is_true else NO_LONGER_TRUE


# The choice of a time.


def is_to_choose(event: DomainEvent, order: Order) -> bool:
    """Return True if the shopper has to choose a time, can do so, and was not invited before."""
    if event.kind == "order.ready" and event.data.get("from") == S.FAILED:
        return _chooses_again(order)  # else the moment tried_again tells it
    return _can_choose(order) and not _was_told(order, ("choose_invitation",), event)


def _chooses_again(order: Order) -> bool:
    """Return True if the retailer lets shoppers of failed orders choose, and this one can."""
    return failed_policy().after_failed == AfterFailed.OPTION and _can_choose(order)


def still_to_choose(message: Message, order: Order) -> str:
    """Return "" while the shopper of an order still has to choose, and can."""
    return unless(_can_choose(order))


def _can_choose(order: Order) -> bool:
    """Return True if an order waits for a choice, and its hub has a slot or a locker near it."""
    if not order.to_choose or order.state == S.NEEDS_PIN or order.hub is None:
        return False
    now = clock.now()
    if order.service_date is not None and order.service_date < clock.local_date(
        now, zone_of(order)
    ):
        return False
    slots = Slot.objects.filter(hub=order.hub_id, state=SlotState.OPEN, book_until_at__gt=now)
    if order.direction == Direction.RETURN:
        return slots.filter(option=Option.WINDOW).exists()
    return slots.exists() or _has_locker(order)


def _has_locker(order: Order) -> bool:
    """Return True if a bank of lockers or a counter is near, and the order may wait there."""
    door = order.door.point
    if order.hub is None or door is None or needs_person(order):
        return False
    return has_bank_near(order.hub, door)


def _was_told(order: Order, moments: tuple[str, ...], event: DomainEvent) -> bool:
    """Return True if another event made a message of these moments that was not skipped."""
    rows = Message.objects.filter(order=order, moment__in=moments)
    skipped = Q(state=MessageState.SKIPPED)
    return rows.exclude(skipped).exclude(origin=event.public_id).exists()


def _last_told(order: Order, event: DomainEvent) -> str:
    """Return the last outcome that other events told: delivered, failed or "".

    After a correction the shopper is told again, also what was told before the correction.
    """
    rows = Message.objects.filter(order=order, moment__in=("delivered", "failed"))
    rows = rows.exclude(state=MessageState.SKIPPED).exclude(origin=event.public_id)
    return rows.order_by("-made_at", "-pk").values_list("moment", flat=True).first() or ""


# Promises.


def is_confirmed(event: DomainEvent, order: Order) -> bool:
    """Return True for the first promise of an order, and when a requested one is confirmed."""
    if event.kind == "order.planned":
        return _is_granted(event, order)
    promise = _promise_of(event, order)
    if promise is None or _repeats(promise):
        return False
    return _is_first(promise) and not _is_redirect(promise)


def is_changed_by_shopper(event: DomainEvent, order: Order) -> bool:
    """Return True if the shopper has a new promise that he or she asked for.

    A delivery to another address is told by the moment place_changed.
    """
    promise = _changed_promise_of(event, order)
    if promise is None or _is_first(promise) or _is_redirect(promise):
        return False
    return promise.cause in _BY_SHOPPER


def is_changed_by_shop(event: DomainEvent, order: Order) -> bool:
    """Return True if the retailer gave the shopper a new promise that differs from the old one."""
    promise = _changed_promise_of(event, order)
    if promise is None or _is_first(promise):
        return False
    return promise.cause not in _BY_SHOPPER


def still_promised(message: Message, order: Order) -> str:
    """Return "" while an order has a promise that is ahead and that no attempt has used."""
    promise = order.promise
    is_waiting = OrderState(order.state) not in {*ENDED, S.FAILED, S.AWAITING_COLLECTION}
    return unless(promise is not None and is_waiting and promise.opens_at > clock.now())


def is_days_ahead(event: DomainEvent, order: Order) -> bool:
    """Return True if the evening before a promised day is far enough for a reminder.

    A promise that says the same as the one before keeps the reminder that waits.
    """
    promise = _promise_of(event, order)
    if promise is None or _repeats(promise):
        return False
    zone = zone_of(order)
    day = clock.local_date(promise.opens_at, zone) - dt.timedelta(days=1)
    reminder_at = dt.datetime.combine(day, dt.time(18), clock.zone(zone))
    return reminder_at - clock.now() >= LEAST_BEFORE_REMINDER


def is_redirected(event: DomainEvent, order: Order) -> bool:
    """Return True if the shopper's page sent the goods to another address."""
    promise = _changed_promise_of(event, order)
    return promise is not None and promise.cause in _BY_SHOPPER and _is_redirect(promise)


def still_redirected(message: Message, order: Order) -> str:
    """Return "" while the goods go to another address than the order's own."""
    promise = order.promise
    is_open = OrderState(order.state) not in ENDED
    return unless(is_open and promise is not None and promise.elsewhere and promise.to_door)


def _promise_of(event: DomainEvent, order: Order) -> Promise | None:
    """Return the promise of an event if it still holds for the shopper.

    It also holds if later ones changed nothing that the shopper reads: a corrected address, for
    example. Bulk events are handled late, so later promises may exist when the event is handled.
    """
    promise = order.promise
    while promise is not None and promise.public_id != event.data.get("promise"):
        promise = promise.supersedes if _repeats(promise) else None
    return promise


def _repeats(promise: Promise) -> bool:
    """Return True if a promise tells the shopper the same as the one before it."""
    before = promise.supersedes
    return before is not None and promise.same_for_shopper(before)


def _changed_promise_of(event: DomainEvent, order: Order) -> Promise | None:
    """Return the promise of an event if it tells the shopper something new."""
    promise = _promise_of(event, order)
    if promise is None or promise.supersedes is None:
        return None
    return None if _repeats(promise) else promise


def _is_first(promise: Promise) -> bool:
    """Return True for the first promise, and for one that followed it within the gathering time.

    Its shopper was never told an earlier one, so nothing has changed.
    """
    before = promise.supersedes
    while before is not None:
        if promise.made_at - before.made_at > GATHERED:
            return False
        promise, before = before, before.supersedes
    return True


def promise_moment(order: Order) -> str:
    """Return the moment that tells the present promise of an order, "" without a promise."""
    promise = order.promise
    if promise is None:
        return ""
    if _is_first(promise):
        return "promise_confirmed"
    return "promise_changed" if promise.cause in _BY_SHOPPER else "promise_superseded"


def _is_redirect(promise: Promise) -> bool:
    """Return True if a promise brings the goods to another door than the promise before."""
    before = promise.supersedes
    if before is None or not promise.to_door or not promise.elsewhere:
        return False
    return promise.place_id != before.place_id


def _is_granted(event: DomainEvent, order: Order) -> bool:
    """Return True if a dispatcher confirmed what the shopper had only requested.

    The promise was made while a plan of its day was published, and no earlier event of a plan has
    told the shopper since.
    """
    promise, hub, date = order.promise, order.hub, order.service_date
    if planning_policy().publish_late_changes or promise is None or hub is None or date is None:
        return False
    if waits_for_dispatcher(order):
        return False
    plans = Plan.objects.filter(hub=hub, service_date=date)
    if not plans.filter(published_at__lte=promise.made_at).exists():
        return False
    earlier = Message.objects.filter(order=order, moment="promise_confirmed", values__granted=1)
    return not earlier.filter(made_at__gte=promise.made_at).exclude(origin=event.public_id).exists()


# On the way, and after.


def is_out(event: DomainEvent, order: Order) -> bool:
    """Return True while an order is still on its way."""
    return order.state == S.OUT


def still_out(message: Message, order: Order) -> str:
    """Return "" while an order is still on its way."""
    return unless(order.state == S.OUT)


def is_delivered(event: DomainEvent, order: Order) -> bool:
    """Return True if a vehicle brought the goods; who collects them at a counter has them."""
    is_brought = order.promise is None or order.promise.to_door
    return order.state == S.DELIVERED and is_brought


def is_told_delivered(event: DomainEvent, order: Order) -> bool:
    """Return True if the goods were brought, their proof is checked, and nobody was told.

    A photo that waits for its check, or a doubt that staff looks at, holds the message back. A
    photo that does not arrive in time holds it back no longer.
    """
    if not is_delivered(event, order) or _last_told(order, event) == "delivered":
        return False
    is_late = event.kind == "proof.checked" and not event.data.get("complete", True)
    return is_late or not is_proof_open(order)


def still_delivered(message: Message, order: Order) -> str:
    """Return "" if an order is delivered."""
    return unless(order.state == S.DELIVERED)


def still_told_delivered(message: Message, order: Order) -> str:
    """Return "" if an order is delivered and its shopper may be told."""
    return unless(order.state == S.DELIVERED and not is_delivery_unchecked(order))


def is_collected_return(event: DomainEvent, order: Order) -> bool:
    """Return True if a return is in the vehicle."""
    return order.direction == Direction.RETURN and order.state in {S.LOADED, S.RETURNED}


def still_collected_return(message: Message, order: Order) -> str:
    """Return "" if a return is in the vehicle or at the hub."""
    return unless(order.state in {S.LOADED, S.RETURNED})


def is_failed(event: DomainEvent, order: Order) -> bool:
    """Return True if the last attempt failed and nothing has been decided yet."""
    return order.state == S.FAILED


def still_failed(message: Message, order: Order) -> str:
    """Return "" if the last attempt failed and nothing has been decided yet."""
    return unless(order.state == S.FAILED)


def is_tried_again(event: DomainEvent, order: Order) -> bool:
    """Return True if a failed order got a new day."""
    if event.data.get("from") != S.FAILED or _chooses_again(order):
        return False
    return not still_tried_again(Message(), order)


def still_tried_again(message: Message, order: Order) -> str:
    """Return "" while an order that failed waits for a day that is not over."""
    waits = order.state in {S.READY, S.PLANNED, S.LOADED} and order.attempts.exists()
    today = clock.local_date(clock.now(), zone_of(order))
    return unless(waits and order.service_date is not None and order.service_date >= today)


def is_cancelled(event: DomainEvent, order: Order) -> bool:
    """Return True if an order is cancelled."""
    return order.state == S.CANCELLED


def still_cancelled(message: Message, order: Order) -> str:
    """Return "" if an order is cancelled."""
    return unless(order.state == S.CANCELLED)


# Staff.


def still_unplanned(message: Message, order: Order | None) -> str:
    """Return "" while the day of a message has open orders and no published plan."""
    values = message.values
    hub = Hub.objects.filter(public_id=str(values.get("hub"))).first()
    date = dt.date.fromisoformat(str(values.get("day")))
    return unless(hub is not None and orders_without_plan(hub, date) > 0)


def still_paused(message: Message, order: Order | None) -> str:
    """Return "" while the account of a message is paused."""
    channel = str(message.values.get("channel"))
    return unless(
        ChannelAccount.objects.filter(channel=channel, state=AccountState.PAUSED).exists()
    )
