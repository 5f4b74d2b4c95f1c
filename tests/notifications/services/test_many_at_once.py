"""Events that are told many at once get exactly the rows that they get one by one."""

from __future__ import annotations

import contextlib
import datetime as dt
import random
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from dispatch.fleet.models import Hub
from dispatch.orders import services
from dispatch.orders.drafts import PromiseDraft, ShopperDraft
from dispatch.orders.models import Cause, Order
from lastmile.core.actor import acting_as
from lastmile.core.clock import now
from lastmile.core.errors import DomainError
from lastmile.core.events import DomainEvent, as_domain_event
from lastmile.core.models import Delivery, DeliveryState, Event, Lane
from lastmile.core.relay import deliver_batch, relay_batch
from lastmile.core.tenancy import RetailerRef
from lastmile.worklist.models import WorkPointer
from notifications import handlers
from notifications.catalogue.moments import event_kinds
from notifications.models import Contact, Message
from notifications.services import intents, opt_out, set_preferences
from notifications.services.pointing import SEND
from tests.dispatch.conftest import EVE, SetClock
from tests.dispatch.orders.actions import attempt, out
from tests.drain import drain
from tests.factories import make_hub, make_order, make_window
from tests.factories.orders import DAY
from tests.notifications.making import make_contact, make_sent, set_policy, switch_on

Handle = Callable[[Sequence[DomainEvent]], None]
TELL = "notifications.handlers.on_event"
PHONES = [f"+35191000000{n}" for n in range(4)]
COLUMNS = (
    "hub_id", "priority", "language", "zone", "values", "state", "reason", "reason_params",
    "passed_over", "made_at", "send_at", "not_after", "ended_at", "secret", "calls",
)  # fmt: skip
LANGUAGES = ["", "pt", "en", "ar"]


class Undone(Exception):
    """Undoes everything of one way, so that the other begins with the same rows."""


class Killed(BaseException):
    """An exception that simulates the kill of a worker: no code after it runs."""


def one_by_one(events: Sequence[DomainEvent]) -> None:
    for event in events:
        with acting_as(event.actor):
            handlers.on_event(event)


def in_groups_of(size: int) -> Handle:
    def handle(events: Sequence[DomainEvent]) -> None:
        for first in range(0, len(events), size):
            handlers.on_events(events[first : first + size])

    return handle


class Stream:
    """A stream of facts about a few orders, the same ones for the same seed."""

    def __init__(self, seed: int, patch: pytest.MonkeyPatch) -> None:
        self.chance = random.Random(seed)
        self.at = EVE - dt.timedelta(days=2)
        patch.setattr("lastmile.core.clock.real_now", lambda: self.at)
        self.orders: list[int] = []
        self.hub = Hub.objects.get().public_id

    def act(self) -> None:
        """Do one act, by one of three members; an act that is refused changes nothing."""
        acts = [self.place] * 2 + [self.promise] * 4 + [self.go_out, self.attempt, self.cancel]
        self.at += dt.timedelta(seconds=self.chance.choice([0, 5, 50, 700, 9000]))
        act = self.chance.choice(acts) if self.orders else self.place
        actor = self.chance.choice(["system", "mbr_ana", "mbr_bo"])
        with contextlib.suppress(DomainError), transaction.atomic(), acting_as(actor):
            act()

    def place(self) -> None:
        number = len(self.orders)
        shopper = ShopperDraft(
            name=f"Shopper {number}",
            phone=self.chance.choice([*PHONES, ""]),
            email=self.chance.choice(["", "ana@shop.example", f"s{number}@shop.example"]),
            language=self.chance.choice(LANGUAGES),
        )
        window = self.chance.choice([None, make_window(8 + number % 4, 20)])
        order = make_order(external_id=f"S{number}", hub=self.hub, shopper=shopper, window=window)
        self.orders.append(order.pk)

    def one(self) -> Order:
        return Order.objects.get(pk=self.chance.choice(self.orders))

    def promise(self) -> None:
        opens, cause = self.chance.randint(8, 15), self.chance.choice(["shopper", "dispatcher"])
        window = make_window(opens, opens + 2)
        draft = PromiseDraft(
            opens_at=window.opens_at, closes_at=window.closes_at, cause=Cause(cause)
        )
        services.set_promise(order=self.one(), draft=draft)

    def go_out(self) -> None:
        out(self.one())

    def attempt(self) -> None:
        outcome = self.chance.choice(["delivered", "failed"])
        reason = {"reason": "not_home"} if outcome == "failed" else {}
        attempt(self.one(), outcome=outcome, **reason)

    def cancel(self) -> None:
        services.cancel_order(order=self.one(), cause=Cause.SHOPPER)


def told_events() -> list[DomainEvent]:
    """Relay, and return the events that are not handled yet, in order."""
    while relay_batch()[0]:
        pass
    open_ = Delivery.objects.filter(handler=TELL, state=DeliveryState.WAITING)
    events = [one.event for one in open_.select_related("event").order_by("event__position")]
    Delivery.objects.all().update(state=DeliveryState.DONE)
    return [as_domain_event(event) for event in events]


def rows() -> dict[str, Any]:
    """Return all that was written, with names that are the same in both ways."""
    names = dict(Order.objects.values_list("public_id", "external_id"))
    names |= dict(Order.objects.values_list("shopper__public_id", "external_id"))
    names |= {one: f"event {at}" for one, at in Event.objects.values_list("public_id", "position")}
    messages, keys = [], {}
    for row in Message.objects.select_related("contact", "order"):
        key = (names.get(row.origin, row.origin), row.moment, names[row.recipient], row.channel)
        keys[row.public_id] = key
        where = [row.order and row.order.external_id]
        where += [row.contact.kind, row.contact.address] if row.contact else []
        messages.append([key, where, *(getattr(row, name) for name in COLUMNS)])
    ended = Event.objects.filter(kind="message.ended")
    ends = [
        (keys[one.subject], one.actor, one.data | {"order": names[one.data["order"]]})
        for one in ended
    ]
    contacts = Contact.objects.values_list("kind", "digest", "language", "erased_at")
    return {
        "messages": sorted(messages, key=repr),
        "ends": sorted(ends, key=repr),
        "contacts": sorted(contacts, key=repr),
    }


def outcome(seed: int, patch: pytest.MonkeyPatch, handle: Handle) -> dict[str, Any]:
    """Let a stream happen, handled now and then; return what was written, and undo it."""
    written: dict[str, Any] = {}
    with contextlib.suppress(Undone), transaction.atomic():
        stream = Stream(seed, patch)
        for _ in range(7):
            for _ in range(stream.chance.randint(1, 9)):
                stream.act()
            handle(told_events())
            due = Message.objects.filter(state="waiting", send_at__lte=now()).order_by(
                "order__external_id", "moment", "send_at"
            )
            for row in [row for row in due if stream.chance.random() < 0.5]:
                sent = {"provider_id": row.public_id, "accepted_at": now()}
                Message.objects.filter(pk=row.pk).update(state="accepted", **sent)
        written = rows()
        raise Undone
    return written


@pytest.fixture
def shop(retailer: RetailerRef, clock: SetClock) -> RetailerRef:
    """Return a retailer with two channels, low caps, an opt-out and a preference."""
    make_hub()
    switch_on("sms", "email")
    set_policy(per_number_day=2, per_order=4)
    opt_out(contact=make_contact(PHONES[0]), channel="sms", by="word")
    wishes = {"delivery": False}
    set_preferences(contact=make_contact(PHONES[1]), channel="sms", groups=wishes)
    return retailer


@pytest.mark.parametrize("seed", range(6))
def test_random_streams_write_the_same_rows_in_groups_as_one_by_one(
    seed: int, shop: RetailerRef, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = outcome(seed, monkeypatch, one_by_one)
    assert len(expected["messages"]) > 5
    assert "superseded" in str(expected["messages"])
    assert outcome(seed, monkeypatch, in_groups_of(3 + seed)) == expected
    assert outcome(seed, monkeypatch, in_groups_of(100)) == expected


def _promised(count: int) -> list[Order]:
    return [make_order(window=make_window(), external_id=f"K{n}") for n in range(count)]


def test_events_of_one_order_in_one_group_supersede_each_other(
    shop: RetailerRef, clock: SetClock
) -> None:
    clock(EVE - dt.timedelta(days=2))
    order = make_order(window=make_window())
    for opens in (10, 13):
        window = make_window(opens, opens + 2)
        draft = PromiseDraft(
            opens_at=window.opens_at, closes_at=window.closes_at, cause=Cause.SHOPPER
        )
        services.set_promise(order=order, draft=draft)
    handlers.on_events(told_events())
    waiting = Message.objects.filter(order=order, state="waiting").order_by("pk")
    assert [row.moment for row in waiting] == ["promise_confirmed", "day_before"]


def test_a_cap_counts_the_same_in_a_group(shop: RetailerRef, clock: SetClock) -> None:
    shopper = ShopperDraft(name="Ana", phone=PHONES[3])
    contact = make_contact(PHONES[3])
    for _n in range(6):
        make_sent(contact=contact)
    orders = [make_order(window=make_window(), shopper=shopper) for _n in range(3)]
    clock(dt.datetime.combine(DAY, dt.time(10), dt.UTC))
    for order in orders:
        out(order)
    handlers.on_events(told_events())
    outs = Message.objects.filter(moment="out_for_delivery", order__in=orders)
    assert {(row.state, row.reason) for row in outs} == {("skipped", "cap")}
    assert outs.count() == 3


def test_the_same_events_again_write_nothing(shop: RetailerRef, clock: SetClock) -> None:
    clock(EVE - dt.timedelta(days=2))
    _promised(4)
    events = told_events()
    handlers.on_events(events)
    before = rows()
    handlers.on_events(events)
    assert rows() == before
    assert before["messages"]


def test_a_group_costs_few_statements(shop: RetailerRef, clock: SetClock) -> None:
    clock(EVE - dt.timedelta(days=2))

    def statements_for(count: int) -> int:
        for order in [make_order(window=make_window()) for _n in range(count)]:
            out(order)
        events = [event for event in told_events() if event.kind == "order.out"]
        with CaptureQueriesContext(connection) as caught:
            handlers.on_events(events)
        return len(caught)

    statements_for(1)  # what is read once in a process
    assert statements_for(20) <= statements_for(2) + 1
    assert Message.objects.filter(moment="out_for_delivery").count() == 23


def test_a_group_that_fails_in_the_middle_is_told_one_by_one_but_for_the_bad_one(
    fresh_db: str, retailer: RetailerRef, clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock(EVE - dt.timedelta(days=2))
    make_hub()
    switch_on("sms")
    orders = _promised(5)
    real = intents.times_of

    def fails(*args: Any, order: Order, **more: Any) -> Any:
        if order.pk == orders[2].pk:
            raise ValueError("bad")
        return real(*args, order=order, **more)

    with monkeypatch.context() as patch:
        patch.setattr(intents, "times_of", fails)
        relay_batch()
        while deliver_batch(TELL, Lane.PERSON) + deliver_batch(TELL, Lane.BULK):
            pass
    rows_of_all = Message.objects.filter(moment="promise_confirmed")
    assert sorted(rows_of_all.values_list("order__external_id", flat=True)) == [
        "K0",
        "K1",
        "K3",
        "K4",
    ]
    held = Delivery.objects.filter(handler=TELL).exclude(state=DeliveryState.DONE)
    assert {(one.event.subject, one.error) for one in held} == {
        (orders[2].public_id, "ValueError: bad")
    }


@pytest.mark.parametrize("place", ["skip_waiting", "contacts_of", "wake", "record_ends"])
def test_a_worker_killed_in_the_middle_of_a_group_writes_each_message_once(
    place: str,
    fresh_db: str,
    retailer: RetailerRef,
    clock: SetClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock(EVE - dt.timedelta(days=2))
    make_hub()
    switch_on("sms")
    orders = _promised(3)
    drain()
    before = set(Message.objects.values_list("pk", "state"))
    clock(EVE - dt.timedelta(days=2) + dt.timedelta(minutes=5))
    for order in orders:
        out(order)
    relay_batch()

    def kill(*_args: Any, **_more: Any) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(intents, place, kill)
        with pytest.raises(Killed):
            deliver_batch(TELL, Lane.PERSON) + deliver_batch(TELL, Lane.BULK)
    assert set(Message.objects.values_list("pk", "state")) == before, "nothing of the group is kept"
    Delivery.objects.exclude(state=DeliveryState.DONE).update(due_at=now() - dt.timedelta(days=9))
    drain()
    outs = Message.objects.filter(moment="out_for_delivery")
    assert sorted(outs.values_list("order__external_id", flat=True)) == ["K0", "K1", "K2"]
    replaced = Message.objects.filter(moment="promise_confirmed")
    assert {(row.state, row.reason) for row in replaced} == {("skipped", "superseded")}
    ends = Event.objects.filter(kind="message.ended").values_list("subject", flat=True)
    assert len(set(ends)) == len(ends)
    assert WorkPointer.objects.filter(kind=SEND).exists()


def test_every_event_of_the_catalogue_may_come_in_a_group(shop: RetailerRef) -> None:
    at = now()
    events = [
        DomainEvent(
            public_id=f"evt_{number}", kind=kind, subject="ord_gone", actor="system",
            occurred_at=at, data={}, position=number, lane=Lane.BULK,
        )
        for number, kind in enumerate(event_kinds())
    ]  # fmt: skip
    handlers.on_events(events)
    assert not Message.objects.exists()


def test_a_message_keeps_why_the_channels_before_its_own_could_not_be_used(
    retailer: RetailerRef, clock: SetClock
) -> None:
    switch_on("email")
    shopper = ShopperDraft(name="Ana", phone=PHONES[0])
    order = make_order(hub=make_hub().public_id, shopper=shopper, window=make_window(8, 20))
    clock(EVE)
    out(order)
    drain()
    sent = Message.objects.get(moment="out_for_delivery")
    assert (sent.channel, sent.state, sent.reason) == ("email", "skipped", "no_email")
    assert ["sms", "no_channel"] in sent.passed_over
