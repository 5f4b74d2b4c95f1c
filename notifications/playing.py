"""The demo shopper Ana: six orders that move one public step at a time, at any hour of any day.

So her phone fills while somebody looks. Each step is a call to a public service of orders, as a
shop, a shopper or a driver would make it. Only demo retailers on localhost are played.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from django.db import transaction

from dispatch.fleet.models import Hub
from dispatch.orders import services
from dispatch.orders.demo import SOURCE, drafts_of, is_usual
from dispatch.orders.demo.cast import SHOPS, Shop
from dispatch.orders.drafts import AttemptDraft, PromiseDraft, ShopperDraft
from dispatch.orders.models import Cause, Option, Order, Reason
from dispatch.orders.states import ENDED, OrderState
from lastmile.core import clock
from lastmile.core.demo import Demo
from lastmile.core.errors import DomainError
from lastmile.core.tenancy import current_retailer

#: Numbers that begin with 90 belong to no operator in Chile, and the domain is reserved.
PHONE: Final = "+56900001234"
EMAIL: Final = "ana@shopper.example"
NAME: Final = "Ana Rojas"
#: Time between the end of Ana's orders and her next ones.
REST: Final = dt.timedelta(hours=3)
_MINUTES: Final = 5  # windows open at full five minutes
_SOON: Final = dt.timedelta(minutes=4)
_WINDOW: Final = dt.timedelta(hours=2)
_LATER: Final = dt.timedelta(minutes=30)
_PRICE_MINOR: Final = 2_990
_DRAWN: Final = 12  # orders drawn; six usual ones of them are taken
_DOOR: Final = dt.timedelta(minutes=2)


def prefix(shop: Shop) -> str:
    """Return the first part of the external ids of Ana's orders."""
    return f"{shop.code}-ANA-"


# --- the steps ------------------------------------------------------------------------------------
def _promise(order: Order, cause: Cause, *, after: dt.timedelta = dt.timedelta(0)) -> None:
    """Promise a window of two hours that opens in some minutes."""
    date_free = order.state in {OrderState.PLACED, OrderState.READY}
    opens_at = _next_mark(clock.now() + _SOON + after)
    draft = PromiseDraft(
        opens_at=opens_at,
        closes_at=opens_at + _WINDOW,
        cause=cause,
        service_date=None if date_free else order.service_date,
        option=Option.WINDOW,
        price_minor=_PRICE_MINOR,
        currency=current_retailer().currency,
    )
    services.set_promise(order=order, draft=draft)


def _next_mark(instant: dt.datetime) -> dt.datetime:
    """Return the next full five minutes."""
    whole = instant.replace(minute=instant.minute - instant.minute % _MINUTES, second=0)
    return whole.replace(microsecond=0) + dt.timedelta(minutes=_MINUTES)


def _choose(order: Order) -> None:
    _promise(order, Cause.CHOICE)


def _change(order: Order) -> None:
    _promise(order, Cause.SHOPPER, after=_LATER)


def _supersede(order: Order) -> None:
    _promise(order, Cause.DISPATCHER, after=_LATER)


def _promise_again(order: Order) -> None:
    _promise(order, Cause.FAILED_ATTEMPT)


@transaction.atomic
def _send_out(order: Order) -> None:
    """Mark the order as out. If no plan of the day contains it, it is planned in the same step."""
    if order.state != OrderState.PLANNED:
        services.mark_planned(orders=[order.pk], plan="")
    services.mark_out(orders=[order.pk])


def _attempt(order: Order, outcome: str, reason: str = "") -> None:
    now = clock.now()
    draft = AttemptDraft(outcome=outcome, reason=reason, arrived_at=now - _DOOR, departed_at=now)
    services.record_attempt(order=order, draft=draft)


def _deliver(order: Order) -> None:
    _attempt(order, "delivered")


def _fail(order: Order) -> None:
    _attempt(order, "failed", Reason.NOT_HOME.value)


def _try_again(order: Order) -> None:
    services.try_again(order=order)


def _cancel(order: Order) -> None:
    services.cancel_order(order=order, cause=Cause.SHOPPER)


def _is_soon(order: Order) -> bool:
    """Return True from ten minutes before the promised window opens."""
    return order.promise is None or clock.now() >= order.promise.opens_at - dt.timedelta(minutes=10)


def _is_open(order: Order) -> bool:
    """Return True from the moment when the promised window opens."""
    return order.promise is None or clock.now() >= order.promise.opens_at


def _at_once(_order: Order) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Step:
    """A step of an order: the act, the states before it, and when it may be done.

    ``promises`` and ``attempts`` are the numbers that the order has at least before the step.
    """

    act: Callable[[Order], None]
    states: frozenset[str]
    promises: int
    attempts: int = 0
    due: Callable[[Order], bool] = _at_once


_OPEN = frozenset({OrderState.PLACED.value, OrderState.READY.value})
# A window of today is soon planned: a late order is added to the day's published plan.
_READY = frozenset({OrderState.READY.value, OrderState.PLANNED.value})
_OUT = frozenset({OrderState.OUT.value})
_FAILED = frozenset({OrderState.FAILED.value})
_CHOSEN = Step(_choose, _OPEN, promises=0)


def _round(promises: int, attempts: int = 0) -> tuple[Step, Step]:
    """Return the steps of a round that delivers: out, then delivered."""
    return (
        Step(_send_out, _READY, promises, attempts, due=_is_soon),
        Step(_deliver, _OUT, promises, attempts, due=_is_open),
    )


#: What happens to each of Ana's six orders. An order takes the first step that fits.
STORIES: Final[Sequence[tuple[Step, ...]]] = (
    (_CHOSEN, *_round(1)),
    (_CHOSEN, Step(_supersede, _READY, 1), *_round(2)),
    (
        _CHOSEN,
        Step(_send_out, _READY, 1, due=_is_soon),
        Step(_fail, _OUT, 1, due=_is_open),
        Step(_try_again, _FAILED, 1, 1),
        Step(_promise_again, _READY, 1, 1),
        *_round(2, 1),
    ),
    (_CHOSEN, Step(_change, _READY, 1), *_round(2)),
    (_CHOSEN, Step(_cancel, _READY, 1)),
    (_CHOSEN, *_round(1)),
)


# --- the play -------------------------------------------------------------------------------------
def place_orders_of_ana(demo: Demo) -> int:
    """Place Ana's next six orders; return how many were placed.

    Locks: nothing. Records: order.placed. Raises: nothing; a refused order is not counted.
    """
    shop = SHOPS.get(current_retailer().schema)
    if shop is None or not Hub.objects.filter(active=True).exists():
        return 0
    count = len(STORIES)
    number = Order.objects.filter(external_id__startswith=prefix(shop)).count()
    date = clock.local_date(clock.now(), current_retailer().zone)
    drawn = drafts_of(shop, date, replace(demo, orders=_DRAWN))
    usual = [draft for draft in drawn if is_usual(draft) and not draft.skills]
    drafts = [
        replace(
            usual[n % len(usual)],
            external_id=f"{prefix(shop)}{number + n + 1:03d}",
            shopper=ShopperDraft(name=NAME, phone=PHONE, email=EMAIL, language=shop.language),
            service_date=None,
            window=None,
            handover="attended",
        )
        for n in range(count)
        if usual
    ]
    placed = services.place_orders(drafts, source=SOURCE)
    return sum(answer.status == "placed" for answer in placed)


def play() -> str:
    """Do the next step of one of Ana's orders; return its id, "" if nothing is due now.

    The order whose last change is the longest ago goes first. When all stories have ended, her
    next orders come after a rest of three hours. Locks, Records: as the services of orders.
    Raises: nothing; a step that somebody else has made impossible is left out.
    """
    shop = SHOPS.get(current_retailer().schema)
    if shop is None:
        return ""
    rows = Order.objects.filter(external_id__startswith=prefix(shop)).order_by("updated_at", "pk")
    going = rows.exclude(state__in=[state.value for state in ENDED])
    left = [
        (order, step)
        for order in going.select_related("promise", "hub")
        if (step := next_step(order)) is not None
    ]
    for order, step in left:
        if step.due(order) and _is_done(step, order):
            return order.public_id
    last = rows.last()
    if last is not None and not left and clock.now() >= last.updated_at + REST:
        place_orders_of_ana(Demo())
    return ""


def next_step(order: Order) -> Step | None:
    """Return the step that an order's story has next, None at its end.

    Promises that somebody else gave count too: the step furthest in the story that fits is next.
    """
    promises, attempts = order.promises.count(), order.attempts.count()
    fitting = [
        step
        for step in STORIES[_number(order) % len(STORIES)]
        if order.state in step.states and step.promises <= promises and step.attempts <= attempts
    ]
    return max(fitting, key=lambda step: (step.attempts, step.promises), default=None)


def _number(order: Order) -> int:
    """Return the place of an order among Ana's orders, from 0."""
    return int((order.external_id or "1").rsplit("-", 1)[-1]) - 1


def _is_done(step: Step, order: Order) -> bool:
    try:
        step.act(order)
    except DomainError:
        return False
    return True
