"""Budgets: exact, counted once, given back once, and alerts at 50, 80 and 100 per cent."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Sequence

import pytest
from django.db import connections, transaction

from dispatch.orders.models import Order
from lastmile.core.models import Event
from lastmile.core.tenancy import RetailerRef, retailer_context
from notifications.models import BudgetUse, Contact, Message
from notifications.rules import Ruling, Verdict
from notifications.services.budgets import (
    forget_budgets,
    give_back_budget,
    reserve_budget,
)
from tests.dispatch.conftest import SetClock, clock
from tests.factories import make_hub, make_order
from tests.notifications.making import make_contact, make_message, set_policy

__all__ = ["clock"]
ABROAD = "+18765551234"  # Jamaica shares +1 with other countries


def used() -> dict[str, int]:
    return dict(BudgetUse.objects.values_list("scope", "used"))


def reserve(
    contact: Contact | None, order: Order | None = None, segments: int = 1, **columns: object
) -> Ruling | None:
    message = make_message(contact=contact, order=order, **columns)
    with transaction.atomic():
        return reserve_budget(message=message, order=order, contact=contact, segments=segments)


@pytest.fixture
def contact(retailer: RetailerRef) -> Contact:
    make_hub(zone="Europe/Lisbon")
    return make_contact()


def test_a_message_counts_in_each_of_its_budgets(contact: Contact) -> None:
    assert reserve(contact, make_order(), segments=3) is None
    assert used() == {"retailer": 3, "number": 1, "order": 1}


def test_a_country_without_a_hub_has_a_budget_of_its_own(contact: Contact) -> None:
    assert reserve(make_contact(ABROAD), segments=2) is None
    assert used() == {"retailer": 2, "number": 1, "dial": 2}


def test_mail_counts_in_the_caps_only(contact: Contact) -> None:
    mail = make_contact("ana@example.org", "email")
    assert reserve(mail, segments=0, channel="email") is None
    assert used() == {"number": 1}


def test_a_full_budget_names_itself_and_counts_nothing_anywhere(contact: Contact) -> None:
    set_policy(segments_day=5, foreign_segments_day=3)
    assert reserve(contact, segments=3) is None
    refused = reserve(contact, segments=3)
    assert refused is not None
    assert (refused.verdict, refused.reason) == (Verdict.NEXT_CHANNEL, "budget")
    assert refused.params == {"scope": "retailer", "most": 5}
    assert used() == {"retailer": 3, "number": 1}
    foreign = reserve(make_contact(ABROAD), segments=4)
    assert foreign is not None
    assert foreign.params == {"scope": "dial", "most": 3}
    assert used() == {"retailer": 3, "number": 1}
    assert reserve(contact, segments=2) is None, "exactly the rest still fits"


def test_a_cap_ends_the_intent_and_urgent_messages_have_more(contact: Contact) -> None:
    set_policy(per_number_day=2, per_order=3)
    order = make_order()
    assert [reserve(contact), reserve(contact)] == [None, None]
    refused = reserve(contact)
    assert refused is not None
    assert (refused.verdict, refused.reason) == (Verdict.SKIP, "cap")
    assert refused.params == {"scope": "number", "most": 2}
    assert [reserve(contact, order, priority=1) for _n in range(3)] == [None] * 3
    full = reserve(contact, order, priority=1)
    assert full is not None
    assert full.params == {"scope": "order", "most": 3}
    assert reserve(contact, order, priority=0) is None, "a code is no message about an order"
    assert used()["number"] == 6


def test_a_message_is_counted_once_however_many_calls_it_needs(contact: Contact) -> None:
    message = make_message(contact=contact)
    for _call in range(3):
        with transaction.atomic():
            again = Message.objects.get(pk=message.pk)
            assert reserve_budget(message=again, order=None, contact=contact, segments=2) is None
    assert used() == {"retailer": 2, "number": 1}


def reserve_again(message: Message, contact: Contact, segments: int) -> Ruling | None:
    with transaction.atomic():
        again = Message.objects.get(pk=message.pk)
        ruling = reserve_budget(message=again, order=None, contact=contact, segments=segments)
        if ruling is None:
            Message.objects.filter(pk=message.pk).update(contact=contact)
        return ruling


def test_a_text_that_changes_between_two_calls_moves_its_budgets_by_the_difference(
    contact: Contact,
) -> None:
    set_policy(segments_day=4)
    message = make_message(contact=contact)
    for segments, expected in ((2, 2), (4, 4), (1, 1), (3, 3)):
        assert reserve_again(message, contact, segments) is None
        assert used() == {"retailer": expected, "number": 1}
    refused = reserve_again(message, contact, 5)
    assert refused is not None
    assert refused.params == {"scope": "retailer", "most": 4}
    message.refresh_from_db()
    assert (message.segments_counted, used()["retailer"]) == (3, 3), "a refused change is none"
    give_back_budget(message=message)
    assert used() == {"retailer": 0, "number": 0}


def test_a_contact_that_changes_between_two_calls_takes_the_counts_along(contact: Contact) -> None:
    message = make_message(contact=contact)
    assert reserve_again(message, contact, 2) is None
    abroad = make_contact(ABROAD)
    assert reserve_again(message, abroad, 2) is None
    rows = BudgetUse.objects.order_by("scope", "used").values_list("scope", "used")
    assert list(rows) == [("dial", 2), ("number", 0), ("number", 1), ("retailer", 2)]
    message.refresh_from_db()
    message.contact = contact  # the last check put in a newer one, and then a rule refused
    give_back_budget(message=message)
    assert not BudgetUse.objects.filter(used__gt=0).exists()


def test_what_is_given_back_is_given_back_once(contact: Contact) -> None:
    message = make_message(contact=contact)
    with transaction.atomic():
        reserve_budget(message=message, order=None, contact=contact, segments=2)
    assert reserve(contact) is None
    stale = Message.objects.get(pk=message.pk)
    give_back_budget(message=message)
    give_back_budget(message=message)
    give_back_budget(message=stale)
    assert used() == {"retailer": 1, "number": 1}
    message.refresh_from_db()
    assert message.counted_on is None


def test_managers_are_told_once_at_50_80_and_100_per_cent(contact: Contact) -> None:
    set_policy(segments_day=10, per_number_day=50)
    for _n in range(12):
        reserve(contact)
    alerts = Event.objects.filter(kind="budget.reached").order_by("pk")
    assert [event.data["percent"] for event in alerts] == [50, 80, 100]
    assert {event.data["scope"] for event in alerts} == {"retailer"}


def test_a_budget_that_cannot_be_used_up_to_the_end_is_told_as_full(contact: Contact) -> None:
    set_policy(segments_day=10, per_number_day=50)
    assert reserve(contact, segments=9) is None
    assert reserve(contact, segments=2) is not None
    alerts = Event.objects.filter(kind="budget.reached").order_by("pk")
    assert [event.data["percent"] for event in alerts] == [80, 100]


def test_a_budget_of_nothing_refuses_everything(contact: Contact) -> None:
    set_policy(segments_day=0)
    refused = reserve(contact)
    assert refused is not None
    assert refused.reason == "budget"
    assert used() == {}


def test_the_next_day_of_the_retailer_begins_with_nothing(
    contact: Contact, clock: SetClock
) -> None:
    set_policy(segments_day=1)
    clock(dt.datetime(2026, 12, 1, 22, 0, tzinfo=dt.UTC))
    assert reserve(contact) is None
    assert reserve(contact) is not None
    clock(dt.datetime(2026, 12, 3, 1, 0, tzinfo=dt.UTC))
    assert reserve(contact) is None
    clock(dt.datetime(2028, 12, 3, 1, 0, tzinfo=dt.UTC))
    assert forget_budgets() == {"budget_counts": 4}
    assert used() == {}


def test_no_number_is_stored_with_a_budget(contact: Contact) -> None:
    reserve(contact)
    stored = str(list(BudgetUse.objects.values_list()))
    assert contact.address[1:] not in stored
    assert contact.public_id not in stored


def test_two_retailers_do_not_share_a_budget(contact: Contact, other: RetailerRef) -> None:
    set_policy(segments_day=1)
    assert reserve(contact) is None
    with retailer_context(other):
        assert reserve(make_contact("+56961234567")) is None
        assert used() == {"retailer": 1, "number": 1}


def test_senders_at_once_use_exactly_the_budget(fresh_db: str, retailer: RetailerRef) -> None:
    make_hub(zone="Europe/Lisbon")
    contact = make_contact()
    set_policy(segments_day=40, per_number_day=50)
    messages = [make_message(contact=contact) for _n in range(60)]
    results: list[bool] = []
    gate = threading.Barrier(12)

    def send(share: Sequence[Message]) -> None:
        try:
            with retailer_context(retailer.schema):
                gate.wait()
                for message in share:
                    with transaction.atomic():
                        ruling = reserve_budget(
                            message=message, order=None, contact=contact, segments=1
                        )
                    results.append(ruling is None)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=send, args=(messages[n::12],)) for n in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results.count(True) == 40
    assert used() == {"retailer": 40, "number": 40}
    assert Message.objects.filter(counted_on__isnull=False).count() == 40
