"""Deliveries that the relay leases for its own process: the same guarantees as for all others."""

from __future__ import annotations

import time
from typing import Any

import pytest
from django.db import transaction
from django.db.models.functions import Now

from lastmile.core import relay
from lastmile.core.events import Lane, record
from lastmile.core.models import Delivery, DeliveryState
from lastmile.core.outbox import relay_some
from lastmile.core.relay import deliver_batch, deliver_here, relay_batch
from lastmile.core.tasks import relay as relay_task
from lastmile.core.tenancy import RetailerRef
from lastmile.worklist.models import WorkPointer
from tests.core import kinds, wired
from tests.core.test_events_delivery import PLACED, make_due
from tests.core.test_many_at_once import Killed, groups, many
from tests.drain import drain

__all__ = ["many"]  # a fixture

Hints = list[tuple[str, dict[str, Any]]]


def place(*subjects: str, lane: Lane = Lane.PERSON) -> None:
    with transaction.atomic():
        for subject in subjects:
            record(kinds.PLACED, kinds.NO_FACTS, subject=subject, lane=lane)


def states() -> set[tuple[str, int]]:
    return set(Delivery.objects.values_list("state", "attempts"))


def leased_here() -> Any:
    return relay_some(lambda _handler, lane, _count: lane == Lane.PERSON)


def test_the_relays_process_runs_few_events_of_a_person_at_once_in_their_order(
    many: None, shop: RetailerRef, hints: Hints
) -> None:
    place("ord_0", "ord_1", "ord_0")
    hints.clear()
    relay_task(schema=shop.schema)
    assert groups == [["ord_0", "ord_1", "ord_0"]]
    assert wired.traces() == ["ord_0", "ord_1", "ord_0"]
    assert set(Delivery.objects.filter(lane=Lane.PERSON).values_list("state", "attempts")) == {
        (DeliveryState.DONE, 1)
    }
    assert not WorkPointer.objects.filter(kind="deliver.person").exists(), "nothing is left"
    assert not [task for task, _kwargs in hints if task == "core.deliver"]


def test_bulk_events_are_left_to_a_worker(shop: RetailerRef, hints: Hints) -> None:
    place("ord_0", lane=Lane.BULK)
    relay_task(schema=shop.schema)
    assert wired.traces() == []
    assert states() == {(DeliveryState.WAITING, 0)}
    assert "core.deliver" in [task for task, _kwargs in hints]


def test_new_deliveries_do_not_overtake_those_of_a_handler_that_wait(
    shop: RetailerRef, hints: Hints
) -> None:
    place("ord_0")
    relay_batch()  # waits for a worker
    place("ord_1")
    relay_task(schema=shop.schema)
    assert wired.traces() == []
    assert deliver_batch(PLACED, Lane.PERSON) == 2
    assert wired.traces() == ["ord_0", "ord_1"]


def test_only_the_event_that_failed_of_a_leased_group_waits_and_runs_alone(
    many: None, shop: RetailerRef, hints: Hints, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = wired.on_placed

    def picky(event: Any) -> None:
        if event.subject == "ord_1":
            raise ValueError("not this one")
        real(event)

    place("ord_0", "ord_1", "ord_2")
    with monkeypatch.context() as patch:
        patch.setattr(wired, "on_placed", picky)
        relay_task(schema=shop.schema)
    assert wired.traces() == ["ord_0", "ord_2"]
    bad = Delivery.objects.get(state=DeliveryState.WAITING, lane=Lane.PERSON)
    assert (bad.event.subject, bad.attempts, bad.error) == ("ord_1", 1, "ValueError: not this one")
    assert WorkPointer.objects.filter(kind="deliver.person").exists(), "it is tried again"
    groups.clear()
    make_due()
    assert deliver_batch(PLACED, Lane.PERSON) == 1
    assert wired.traces() == ["ord_0", "ord_2", "ord_1"]
    assert groups == [], "alone"


def test_after_a_kill_the_leased_deliveries_run_once_each_when_their_lease_has_run_out(
    shop: RetailerRef, hints: Hints, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = wired.on_placed

    def kills(event: Any) -> None:
        if event.subject == "ord_1":
            raise Killed
        real(event)

    place("ord_0", "ord_1", "ord_2")
    with monkeypatch.context() as patch:
        patch.setattr(wired, "on_placed", kills)
        with pytest.raises(Killed):
            relay_task(schema=shop.schema)
    assert deliver_batch(PLACED, Lane.PERSON) == 0, "they are leased"
    pointer = WorkPointer.objects.get(kind="deliver.person")
    lasts = Delivery.objects.filter(state=DeliveryState.LEASED)
    assert lasts.count() == 2
    assert all(pointer.due_at >= one.due_at for one in lasts), "somebody looks after them then"
    make_due()
    drain()
    assert sorted(wired.traces()) == ["ord_0", "ord_1", "ord_2"]


def test_leased_deliveries_that_are_not_started_in_time_wait_again(
    many: None, shop: RetailerRef
) -> None:
    place("ord_0", "ord_1")
    deliver_here(leased_here(), until=time.monotonic() - 1)
    assert groups == []
    assert states() == {(DeliveryState.WAITING, 0)}
    drain()
    assert wired.traces() == ["ord_0", "ord_1"]


def test_a_process_whose_lease_ran_out_runs_nothing_twice(many: None, shop: RetailerRef) -> None:
    place("ord_0", "ord_1")
    relayed = leased_here()
    Delivery.objects.update(due_at=Now())
    while relay.deliver_batch(PLACED, Lane.PERSON):
        pass
    deliver_here(relayed)
    assert sorted(wired.traces()) == ["ord_0", "ord_1"]


def test_a_persons_events_are_run_at_once_also_in_a_batch_with_many_others(
    many: None, shop: RetailerRef, hints: Hints
) -> None:
    place(*(f"ord_{number}" for number in range(60)), lane=Lane.BULK)
    place("ord_60")
    relay_task(schema=shop.schema)
    assert wired.traces() == ["ord_60"]
    lanes = [kwargs["lane"] for task, kwargs in hints if task == "core.deliver"]
    assert lanes == [Lane.BULK]
