"""Many events at once: the same guarantees as one by one, and one bad event holds no other."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from django.db import transaction
from django.db.models.functions import Now

from lastmile import switchboard
from lastmile.core import relay
from lastmile.core.events import DomainEvent, Lane, record
from lastmile.core.models import Delivery, DeliveryState
from lastmile.core.relay import deliver_batch, relay_batch
from lastmile.core.tenancy import RetailerRef
from lastmile.core.wiring import DeliverAlone, problems
from tests.core import kinds, wired
from tests.core.test_events_delivery import PLACED, make_due, owe
from tests.drain import drain

groups: list[list[str]] = []


class Killed(BaseException):
    """An exception that simulates the kill of a worker: no code after it runs."""


def on_many(events: Sequence[DomainEvent]) -> None:
    """Record a trace for each event."""
    groups.append([event.subject for event in events])
    for event in events:
        wired.on_placed(event)


@pytest.fixture
def many(shop: RetailerRef, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the handler of placed orders take many events at once."""
    groups.clear()
    monkeypatch.setattr(wired, "MANY", {PLACED: f"{__name__}.on_many"}, raising=False)


def test_new_events_come_in_groups_in_their_order(many: None) -> None:
    owe("order.placed", 120)
    assert deliver_batch(PLACED, Lane.BULK) == 100
    assert [len(group) for group in groups] == [50, 50]
    drain()
    subjects = [f"ord_{n}" for n in range(120)]
    assert [one for group in groups for one in group] == subjects
    assert wired.traces() == subjects
    assert set(Delivery.objects.values_list("state", "attempts")) == {(DeliveryState.DONE, 1)}


def test_a_handler_that_is_not_named_gets_each_event_alone(many: None) -> None:
    owe("order.twice", 3)
    drain()
    assert groups == [["ord_0", "ord_1", "ord_2"]]
    assert sorted(wired.traces()) == sorted(
        f"ord_{n}{more}" for n in range(3) for more in ("", "/too")
    )


def on_many_but_two(events: Sequence[DomainEvent]) -> None:
    """Name two events that must run alone."""
    named = [event.public_id for event in events if event.subject in {"ord_1", "ord_3"}]
    if named:
        raise DeliverAlone(named)
    on_many(events)


def test_events_that_a_function_names_run_alone_and_the_others_together(
    many: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wired, "MANY", {PLACED: f"{__name__}.on_many_but_two"})
    owe("order.placed", 5)
    assert deliver_batch(PLACED, Lane.BULK) == 5
    assert groups == [["ord_0", "ord_2", "ord_4"]]
    assert sorted(wired.traces()) == [f"ord_{n}" for n in range(5)], "each once"
    assert set(Delivery.objects.values_list("state", "attempts")) == {(DeliveryState.DONE, 1)}


def test_one_bad_event_of_a_group_holds_no_other(
    many: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = wired.on_placed

    def picky(event: DomainEvent) -> None:
        real(event)
        if event.subject == "ord_1":
            raise ValueError("not this one")

    monkeypatch.setattr(wired, "on_placed", picky)
    owe("order.placed", 4)
    assert deliver_batch(PLACED, Lane.BULK) == 4
    assert wired.traces() == ["ord_0", "ord_2", "ord_3"]
    (bad,) = Delivery.objects.exclude(state=DeliveryState.DONE).select_related("event")
    assert (bad.event.subject, bad.state, bad.attempts) == ("ord_1", DeliveryState.WAITING, 1)
    assert bad.error == "ValueError: not this one"
    for _ in range(relay.MAX_ATTEMPTS):
        make_due()
        deliver_batch(PLACED, Lane.BULK)
    assert Delivery.objects.get(pk=bad.pk).state == DeliveryState.DEAD
    assert wired.traces() == ["ord_0", "ord_2", "ord_3"]


def test_a_kill_within_a_group_leaves_nothing_and_then_each_runs_alone_and_once(
    many: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = wired.on_placed

    def kills(event: DomainEvent) -> None:
        if event.subject == "ord_2":
            raise Killed
        real(event)

    owe("order.placed", 4)
    with monkeypatch.context() as patch:
        patch.setattr(wired, "on_placed", kills)
        with pytest.raises(Killed):
            deliver_batch(PLACED, Lane.BULK)
    assert wired.traces() == []
    assert set(Delivery.objects.values_list("state", flat=True)) == {DeliveryState.LEASED}
    make_due()  # the lease of the killed worker has run out
    drain()
    assert sorted(wired.traces()) == [f"ord_{n}" for n in range(4)]
    assert groups == [["ord_0", "ord_1", "ord_2", "ord_3"]], "no second group: the killer is alone"


def test_a_group_that_lost_a_lease_does_nothing_twice(
    many: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    owe("order.placed", 3)
    real = relay._lease

    def lease_and_lose(*arguments: object) -> object:
        leased, pointer = real(*arguments)  # type: ignore[arg-type]
        taken = Delivery.objects.filter(pk=leased[1].pk)
        taken.update(state=DeliveryState.WAITING, lease_token=None, due_at=Now())
        return leased, pointer

    with monkeypatch.context() as patch:
        patch.setattr(relay, "_lease", lease_and_lose)
        deliver_batch(PLACED, Lane.BULK)
    assert wired.traces() == ["ord_0", "ord_2"]
    assert groups == []
    drain()
    assert wired.traces() == ["ord_0", "ord_2", "ord_1"]


def test_a_group_is_not_started_after_its_time(many: None) -> None:
    owe("order.placed", 60)
    assert deliver_batch(PLACED, Lane.BULK, until=float("-inf")) == 60
    assert groups == []
    assert set(Delivery.objects.values_list("state", "attempts")) == {(DeliveryState.WAITING, 0)}


def test_events_of_both_lanes_are_never_in_one_group(many: None) -> None:
    with transaction.atomic():
        for number in range(4):
            lane = Lane.PERSON if number % 2 else Lane.BULK
            record(kinds.PLACED, kinds.NO_FACTS, subject=f"ord_{number}", lane=lane)
    relay_batch()
    assert deliver_batch(PLACED, Lane.PERSON) == 2
    assert groups == [["ord_1", "ord_3"]]


def test_each_name_of_many_is_a_handler() -> None:
    handlers = {path for paths in switchboard.HANDLERS.values() for path in paths}
    assert set(switchboard.MANY) <= handlers


def test_a_name_of_many_must_resolve(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(switchboard, "MANY", {PLACED: "tests.nowhere.f"})
    (problem,) = problems()
    assert "does not resolve" in problem
