"""The courier's part of the driver's app: its values in the day, and another door at once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from dispatch.orders.models import Order
from lastmile.core.tenancy import RetailerRef
from lockers.models import Compartment, LockerReservation
from tests.dispatch.conftest import SetClock
from tests.dispatch.driver.test_views import Phone
from tests.factories.fleet import make_driver, make_hub
from tests.factories.lockers import make_bank, make_reservation
from tests.factories.orders import make_order
from tests.lockers.courier.test_acts import Round, make_round

OTHER = "/driver/lockers/other-door/"


def phone_of(retailer: RetailerRef, it: Round) -> Phone:
    phone = Phone(retailer)
    phone.log_in(it.phone.driver)
    assert phone.day().status_code == 200
    return phone


def ask(phone: Phone, **body: Any) -> Any:
    return phone.browser.post(
        OTHER, json.dumps(body), content_type="application/json",
        headers={"X-CSRFToken": phone.token},
    )  # fmt: skip


def test_the_day_shows_a_bank_as_one_place_with_its_doors_and_codes(
    retailer: RetailerRef, clock: SetClock
) -> None:
    it = make_round(clock)
    phone = phone_of(retailer, it)
    answer = phone.day()
    day = answer.json()
    assert {stop["common"] for stop in day["stops"]} == {it.bank.public_id}
    assert {stop["address"] for stop in day["stops"]} == {it.bank.place_text}
    (bank,) = day["parts"]["lockers"]["banks"]
    assert [len(parcel["pin"]) for parcel in bank["puts_in"]] == [8, 8]
    again = phone.day(**{"If-None-Match": answer.headers["ETag"]})
    assert again.status_code == 304, "nothing has changed, so nothing is sent"


def test_another_door_is_given_at_once_with_its_code(
    retailer: RetailerRef, clock: SetClock
) -> None:
    it = make_round(clock)
    row = it.row()
    assert row.compartment is not None
    answer = ask(
        phone_of(retailer, it), reservation=row.public_id, door=row.compartment.number,
        problem="broken",
    )  # fmt: skip
    assert answer.status_code == 200, answer.content
    other = answer.json()
    assert other["door"] not in {"", row.compartment.number}
    assert len(other["pin"]) == 8
    assert it.row().compartment == Compartment.objects.get(bank=it.bank, number=other["door"])


def test_without_another_door_the_answer_says_so_and_the_door_is_marked(
    retailer: RetailerRef, clock: SetClock
) -> None:
    it = make_round(clock, orders=1, boxes=1, large=0)
    row = it.row()
    answer = ask(phone_of(retailer, it), reservation=row.public_id, door="1", problem="broken")
    assert (answer.status_code, answer.json()["code"]) == (409, "no_free_compartment")
    assert Compartment.objects.get(bank=it.bank).state == "blocked"
    assert it.row().state == "hard_held"


def test_a_malformed_question_is_refused_and_changes_nothing(
    retailer: RetailerRef, clock: SetClock
) -> None:
    it = make_round(clock)
    phone = phone_of(retailer, it)
    row = it.row()
    for body in ({}, {"reservation": 1, "door": "1", "problem": "broken"},
                 {"reservation": row.public_id, "door": "2", "problem": "angry"}):  # fmt: skip
        assert ask(phone, **body).status_code == 422
    assert it.row().compartment == row.compartment


def test_a_driver_of_another_hub_and_a_stranger_get_nothing(
    retailer: RetailerRef, clock: SetClock
) -> None:
    it = make_round(clock)
    hub = make_hub()
    bank = make_bank(2, hub=hub)
    other = make_order(hub=hub.public_id)
    make_reservation(bank, order=other)
    foreign = LockerReservation.objects.get(order=Order.objects.get(pk=other.pk))
    assert foreign.compartment is not None
    body = {
        "reservation": foreign.public_id,
        "door": foreign.compartment.number,
        "problem": "broken",
    }
    assert ask(phone_of(retailer, it), **body).status_code == 404
    stranger = Phone(retailer)
    stranger.log_in(make_driver(hub=hub))
    stranger.day()
    stranger.browser.cookies.clear()
    assert ask(stranger, **body).status_code in {401, 403}
    assert LockerReservation.objects.get(pk=foreign.pk).compartment == foreign.compartment


def test_the_phone_keeps_the_script_for_work_without_a_network(retailer: RetailerRef) -> None:
    worker = Phone(retailer).browser.get("/driver/sw.js").content.decode()
    (line,) = [line for line in worker.splitlines() if line.startswith("const OTHER_FILES")]
    files = json.loads(line.removeprefix("const OTHER_FILES = ").rstrip(";"))
    assert files == ["lockers/courier.js"]
    assert all(Path("lockers/static", name).exists() for name in files)
