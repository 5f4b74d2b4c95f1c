"""Many shoppers want the last place at once, by HTTP: exactly one gets it, nobody gets an error."""

from __future__ import annotations

from collections import Counter

import pytest

from dispatch.slots.models import Choice, Hold
from lastmile.core.tenancy import RetailerRef
from tests.dispatch.helpers import race
from tests.dispatch.slots.booking import take_place
from tests.factories import make_hub, make_slot
from tests.portal.choice.shop import Shop, curbside, hub_with_van, taken

THREADS = 8


@pytest.mark.parametrize("option", ["curbside", "window"])
def test_the_last_place_is_held_once_and_every_loser_reads_slot_full(
    fresh_db: str, shop: Shop, retailer: RetailerRef, option: str
) -> None:
    hub = hub_with_van() if option == "window" else make_hub()
    slot = make_slot(hub=hub, capacity_orders=1) if option == "window" else curbside(hub, 10, 1)
    spare = curbside(hub, 15, capacity=40)
    sessions = [shop.ask() for _client in range(THREADS)]
    answers = race(retailer, lambda n: shop.try_hold(sessions[n], slot.public_id), THREADS)
    statuses = Counter(answer.status_code for answer in answers)
    assert statuses == {201: 1, 409: THREADS - 1}
    for answer in answers:
        if answer.status_code == 409:
            problem = answer.json()
            assert problem["code"] == "slot_full"
            assert [near["offer"] for near in problem["alternatives"]] == [spare.public_id]
    assert taken(slot) == Hold.objects.filter(slot=slot).count() == 1


def test_two_tabs_of_one_session_end_with_one_place(
    fresh_db: str, shop: Shop, retailer: RetailerRef
) -> None:
    hub = make_hub()
    slots = [curbside(hub, hour, capacity=10) for hour in (8, 10, 12, 14)]
    session = shop.ask()
    shop.hold(session, slots[0].public_id)
    race(retailer, lambda n: shop.try_hold(session, slots[n].public_id), 4)
    assert sum(taken(slot) for slot in slots) == 1
    held = shop.read(session)["hold"]
    race(retailer, lambda _n: shop.try_confirm(held), 4)
    assert Choice.objects.filter(state="waiting").count() == 1
    assert sum(taken(slot) for slot in slots) == 1


def test_two_confirms_of_one_session_at_once_leave_one_waiting_choice(
    fresh_db: str, shop: Shop, retailer: RetailerRef
) -> None:
    hub = make_hub()
    slots = [curbside(hub, hour, capacity=10) for hour in (8, 10)]
    for _round in range(4):
        session = shop.ask()
        holds = [
            {"id": take_place(slot, session=session["id"], caller="checkout").public_id}
            for slot in slots
        ]
        answers = race(retailer, lambda n, held=holds: shop.try_confirm(held[n]), 2)
        assert {answer.status_code for answer in answers} == {201}
        choices = Choice.objects.filter(session=session["id"])
        assert sorted(choices.values_list("state", flat=True)) == ["cancelled", "waiting"]
    assert sum(taken(slot) for slot in slots) == 4


def test_one_key_sent_twice_at_once_takes_one_place(
    fresh_db: str, shop: Shop, retailer: RetailerRef
) -> None:
    slot = curbside(make_hub(), 10, capacity=10)
    session = shop.ask()
    body = {"session": session["id"], "offer": slot.public_id}

    def send(_n: int) -> int:
        answer = shop.call("post", "/api/v1/holds/", body, idempotency_key="once")
        status: int = answer.status_code
        return status

    assert set(race(retailer, send, 4)) <= {201, 409}
    assert send(0) == 201
    assert (taken(slot), Hold.objects.count()) == (1, 1)
