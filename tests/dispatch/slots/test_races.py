"""A slice of the campaign `slots_races`: shoppers, cancels, orders and expiring holds at once."""

from __future__ import annotations

import random
import threading

import pytest
from django.db import connections
from django.db.models import F

from dispatch.slots import rolls
from dispatch.slots.errors import SlotFull
from dispatch.slots.models import Hold, Slot
from dispatch.slots.services import keep_hold, release_hold, use_choice
from lastmile.core.tenancy import RetailerRef, retailer_context
from tests.dispatch.conftest import EVE, SetClock
from tests.dispatch.helpers import race
from tests.dispatch.slots.booking import curbside, minutes, take_place, taken
from tests.dispatch.slots.test_windows import hub_with_van, order_at, visits
from tests.factories import make_slot

SHOPPERS, SEATS, ROUNDS = 12, 4, 3


class Watch:
    """A thread that compares the counts of all slots with their capacities all the time."""

    def __init__(self, ref: RetailerRef) -> None:
        self.excess, self.looks = 0, 0
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self._look, args=(ref,))
        self.thread.start()

    def _look(self, ref: RetailerRef) -> None:
        with retailer_context(ref):
            while not self.stop.is_set():
                over = Slot.objects.filter(taken_orders__gt=F("capacity_orders"))
                self.excess = max(self.excess, over.count())
                self.looks += 1
        connections.close_all()

    def end(self) -> int:
        """Stop; return the greatest number of slots that were above their capacity."""
        self.stop.set()
        self.thread.join()
        assert self.looks > 0
        return self.excess


@pytest.mark.parametrize("option", ["curbside", "window"])
def test_no_slot_is_oversold_while_shoppers_cancel_order_and_let_holds_expire(
    fresh_db: str,
    retailer: RetailerRef,
    clock: SetClock,
    option: str,
    request: pytest.FixtureRequest,
) -> None:
    hub = hub_with_van()
    slot = (
        make_slot(hub=hub, capacity_orders=SEATS)
        if option == "window"
        else curbside(hub=hub, capacity_orders=SEATS)
    )
    draws = [random.Random(f"{option} {n}") for n in range(SHOPPERS)]
    promised = 0
    watch = Watch(retailer)
    request.addfinalizer(watch.end)  # also after a failure, before its database goes
    for attempt in range(ROUNDS):

        def act(n: int, turn: int = attempt) -> str:
            hold = take_place(slot, session=f"ses_{turn}_{n}")
            fate = draws[n].choice(["release", "order", "expire"])
            if fate == "release":
                release_hold(hold=hold)
            if fate == "order":
                choice = keep_hold(hold=hold, minutes=30)
                use_choice(order=order_at(hub), choice_id=choice.public_id)
            return fate

        answers = race(retailer, act, SHOPPERS)
        faults = [
            it for it in answers if isinstance(it, Exception) and not isinstance(it, SlotFull)
        ]
        assert not faults, faults
        promised += answers.count("order")
        clock(EVE + minutes(16 * (attempt + 1)))
    assert watch.end() == 0
    assert promised == Hold.objects.filter(state="promised").count() <= SEATS
    assert taken(slot) >= promised
    assert not any(rolls.invariants().values())
    if option == "window":
        placed = set(
            Hold.objects.filter(state="promised").values_list("order__public_id", flat=True)
        )
        assert placed <= set(visits(hub))
