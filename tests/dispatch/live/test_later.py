"""Proofs that are given later, corrections, and the shoppers who are told again."""

from __future__ import annotations

from typing import Any

import pytest
from django.conf import settings

from dispatch.live.models import Device, DriverAct, Incident, Photo, Proof
from dispatch.live.policy import ProofPolicy
from dispatch.live.selectors.custody import custody_of
from dispatch.live.selectors.days import day_of
from dispatch.live.services import receive_piece
from dispatch.orders.links import shopper_link, shopper_secret
from dispatch.orders.models import Order
from dispatch.orders.services import try_again
from lastmile.core.models import DerivedSecret
from lastmile.core.tenancy import RetailerRef
from notifications.models import Message
from tenants.people.services import set_section
from tenants.permissions import Role
from tenants.sections import section_of
from tests.dispatch.conftest import SetClock
from tests.dispatch.live.pictures import door, jpeg, sha
from tests.drain import drain
from tests.factories import make_hub
from tests.factories.fleet import make_driver, make_shift, make_vehicle
from tests.factories.live import act, at, make_day, make_phone, publish, send
from tests.notifications.making import switch_on
from tests.notifications.one_day import send_due
from tests.people import add_member, logged_in

pytestmark = pytest.mark.usefixtures("retailer")
NAME = {"kind": "name", "text": "Ana", "how": "typed"}


@pytest.fixture(autouse=True)
def _storage(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "STORAGE_FOLDER", tmp_path)


def day(clock: SetClock) -> tuple[Device, Order]:
    """Return a phone and an order that needs the name of its receiver."""
    set_section(section=section_of(ProofPolicy), policy=ProofPolicy(name_if_attended=True))
    clock(at(9))
    shift, (order, *_rest) = make_day()
    assert shift.driver is not None
    order.shopper.email = "ana@example.org"
    order.shopper.save()
    return make_phone(shift.driver), order


def incidents() -> list[tuple[str, str, str]]:
    rows = Incident.objects.order_by("pk")
    return list(rows.values_list("kind", "state", "settled_how"))


def test_r11_a_missing_proof_is_given_later_and_the_incident_is_over(clock: SetClock) -> None:
    phone, order = day(clock)
    send(phone, act("delivered", at(9), order))
    assert incidents() == [("proof_missing", "open", "")]
    clock(at(9, 40))
    (answer,) = send(phone, act("proof_added", at(9, 40), order, proofs=[NAME]))
    assert (answer.status, answer.incident) == ("stored", None)
    assert incidents() == [("proof_missing", "settled", "proof_given")]
    assert Proof.objects.get().act.kind == "proof_added"
    journal = DriverAct.objects.filter(order=order).order_by("happened_at")
    assert list(journal.values_list("kind", flat=True)) == ["delivered", "proof_added"]
    assert order.attempts.count() == 1


def test_a_proof_of_an_earlier_visit_is_none_of_the_next_one(clock: SetClock) -> None:
    phone, order = day(clock)
    send(phone, act("delivered", at(9), order, proofs=[NAME]))
    send(phone, act("corrected", at(9, 5), order, outcome="failed", reason="not_home"))
    send(phone, act("back_at_hub", at(9, 20)), act("shift_ended", at(9, 25)))
    try_again(order=Order.objects.get(pk=order.pk))
    hub = phone.driver.hub
    again = make_shift(vehicle=make_vehicle(hub=hub), driver=make_driver(hub=hub))
    publish(hub, {again: [Order.objects.get(pk=order.pk)]})
    assert again.driver is not None
    clock(at(11))
    other = make_phone(again.driver)
    assert [stop.proof_given for stop in day_of(driver=other.driver, at=at(11)).stops] == [()]
    send(other, act("delivered", at(11), order))
    assert ("proof_missing", "open", "") in incidents()


def test_r11_after_the_retailers_time_a_proof_has_no_effect_and_staff_is_told(
    clock: SetClock,
) -> None:
    phone, order = day(clock)
    send(phone, act("delivered", at(9), order))
    clock(at(12))
    send(phone, act("proof_added", at(10, 1), order, proofs=[NAME]))
    assert not Proof.objects.exists()
    assert [(kind, state) for kind, state, _how in incidents()] == [
        ("proof_missing", "open"), ("corrected_too_late", "open"),
    ]  # fmt: skip


def test_a_proof_of_a_visit_that_was_no_delivery_has_no_effect(clock: SetClock) -> None:
    phone, order = day(clock)
    send(phone, act("failed", at(9), order, reason="not_home"))
    (empty,) = send(phone, act("proof_added", at(9, 1), order, proofs=[]))
    assert empty.status == "rejected"
    send(phone, act("proof_added", at(9, 2), order, proofs=[NAME]))
    assert not Proof.objects.exists()
    assert "order_not_on_route" in {kind for kind, _state, _how in incidents()}


def outcomes_sent(order: Order) -> list[str]:
    """Send what is due; return the outcomes that were sent to the shopper, the first one first."""
    send_due()
    rows = Message.objects.filter(order=order, moment__in=("delivered", "failed"))
    sent = rows.filter(state__in=("accepted", "delivered")).order_by("pk")
    return list(sent.values_list("moment", flat=True))


def test_r11_whoever_was_told_the_first_outcome_is_told_the_second_and_the_third(
    clock: SetClock,
) -> None:
    phone, order = day(clock)
    switch_on("email")
    send(phone, act("delivered", at(9), order, proofs=[NAME]))
    drain()
    assert outcomes_sent(order) == ["delivered"]
    clock(at(9, 10))
    send(phone, act("corrected", at(9, 10), order, outcome="failed", reason="not_home"))
    drain()
    assert outcomes_sent(order) == ["delivered", "failed"]
    clock(at(9, 20))
    send(phone, act("corrected", at(9, 20), order, outcome="delivered"))
    drain()
    assert outcomes_sent(order) == ["delivered", "failed", "delivered"]
    ((*_steps, last),) = [parcel.steps for parcel in custody_of(order)]
    assert last.kind == "handed_over"


def test_r11_an_outcome_that_was_corrected_before_it_was_sent_is_told_once(
    clock: SetClock,
) -> None:
    phone, order = day(clock)
    switch_on("email")
    send(phone, act("delivered", at(9), order, proofs=[NAME]))
    drain()
    send(phone, act("corrected", at(9, 1), order, outcome="failed", reason="not_home"))
    drain()
    send(phone, act("corrected", at(9, 2), order, outcome="delivered"))
    drain()
    assert outcomes_sent(order) == ["delivered"]


def test_r11_the_shoppers_link_lives_on_after_a_delivery_was_corrected(clock: SetClock) -> None:
    phone, order = day(clock)
    assert shopper_link(order)
    secret = DerivedSecret.objects.get(subject=order.public_id)
    assert shopper_secret(order)
    send(phone, act("delivered", at(9), order, proofs=[NAME]))
    drain()
    secret.refresh_from_db()
    assert secret.expires_at is not None
    send(phone, act("corrected", at(9, 5), order, outcome="failed", reason="not_home"))
    drain()
    secret.refresh_from_db()
    assert secret.expires_at is None


def test_a_defect_of_the_vehicle_has_a_photo_that_staff_of_the_hub_sees(
    retailer: RetailerRef, clock: SetClock
) -> None:
    phone, _order = day(clock)
    content = jpeg(door(7))
    photo = {"kind": "photo", "sha256": sha(content), "size": len(content)}
    send(
        phone,
        act("shift_started", at(8)),
        act("vehicle_checked", at(8, 5), ok=False, note="Left mirror", proofs=[photo, NAME]),
    )
    receive_piece(device=phone, sha256=sha(content), offset=0, piece=content)
    drain()
    assert incidents() == [("vehicle_defect", "open", "")], "a defect is no doubtful proof"
    desk = logged_in(retailer, add_member(Role.DISPATCHER))
    page = desk.get("/console/incidents/").content.decode()
    incident, kept = Incident.objects.get(), Photo.objects.get()
    address = f"/console/incidents/{incident.public_id}/photos/{kept.public_id}/"
    assert address in page
    assert sha(desk.get(address).content) == kept.kept_sha256
    elsewhere = logged_in(retailer, add_member(Role.DISPATCHER, hubs=[make_hub().public_id]))
    assert elsewhere.get(address).status_code == 404
