"""The device plane: replay, clocks, clones, disputes, silence, lock-out."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest

from dispatch.live.models import Incident
from dispatch.orders.models import Order
from dispatch.orders.services import cancel_order
from lastmile.core.errors import NotAllowed, TooMany
from lastmile.core.tenancy import RetailerRef
from lockers import codes, services
from lockers.errors import NoFreeCompartment, ReservationRefused
from lockers.models import JournalEntry, LockerBank, LockerDevice, LockerReservation
from lockers.rolls import invariants
from lockers.services.sweeping import look_after_lockers
from lockers.states import CodeRole
from tests.dispatch.conftest import SetClock
from tests.dispatch.helpers import race
from tests.factories.live import at
from tests.factories.lockers import make_bank, make_reservation, make_station, pin_of
from tests.factories.orders import make_order


def state(row: LockerReservation) -> str:
    return LockerReservation.objects.get(pk=row.pk).state


def all_is_well() -> None:
    assert {name: rows for name, rows in invariants().items() if rows} == {}


def test_a_replayed_message_is_always_refused(retailer: RetailerRef, clock: SetClock) -> None:
    clock(at(8))
    station = make_station(retailer, make_bank(1))
    row = make_reservation(station.bank)
    station.cabinet.sync()
    station.deposit(pin_of(row, "courier"))
    station.cabinet.sync()
    sent = [one for one in station.wire.sent if "X-Device-Seq" in one[1]]
    before = list(JournalEntry.objects.values_list("seq", flat=True))
    for path, headers, body in sent:
        answer = station.wire.send(path, headers, body)
        assert (answer.status, answer.json()["code"]) == (409, "seq_replayed")
    assert list(JournalEntry.objects.values_list("seq", flat=True)) == before
    assert station.cabinet.sync()
    clock(at(8, 6))
    answer = station.wire.send(*sent[0])
    assert (answer.status, answer.json()["code"]) == (401, "clock_wrong")


def test_a_lost_answer_and_a_repeated_upload_have_one_effect(
    retailer: RetailerRef, clock: SetClock
) -> None:
    clock(at(8))
    station = make_station(retailer, make_bank(1))
    row = make_reservation(station.bank)
    station.cabinet.sync()
    station.deposit(pin_of(row, "courier"))
    station.wire.loses_answers = True
    assert not station.cabinet.sync()
    station.wire.loses_answers = False
    assert state(row) == "ready"
    assert station.cabinet.sync()
    assert JournalEntry.objects.filter(kind="deposited").count() == 1
    all_is_well()


def test_entries_above_a_gap_wait_for_it(retailer: RetailerRef, clock: SetClock) -> None:
    clock(at(8))
    station = make_station(retailer, make_bank(1))
    row = make_reservation(station.bank)
    station.cabinet.sync()
    station.deposit(pin_of(row, "courier"))
    entries = list(station.cabinet.state["journal"])
    answer = station.cabinet.send("journal", {"entries": entries[1:]})
    assert answer.json()["acked_seq"] == entries[0]["seq"] - 1
    assert state(row) == "hard_held"
    all_is_well()
    answer = station.cabinet.send("journal", {"entries": entries[:1]})
    assert answer.json()["acked_seq"] == entries[-1]["seq"]
    assert state(row) == "ready"
    all_is_well()


def test_a_time_more_than_five_minutes_off_gets_the_signed_time_and_the_journal_comes_in(
    retailer: RetailerRef, clock: SetClock
) -> None:
    clock(at(8))
    station = make_station(retailer, make_bank(1))
    row = make_reservation(station.bank)
    station.cabinet.sync()
    station.skew = dt.timedelta(hours=2)  # the clock jumped, and the cabinet does not know
    station.deposit(pin_of(row, "courier"))
    assert station.cabinet.sync()
    statuses = [entry.clock_skew for entry in JournalEntry.objects.filter(kind="deposited")]
    assert (state(row), statuses) == ("ready", [True])
    entry = JournalEntry.objects.get(kind="deposited")
    assert abs(entry.occurred_at - at(10)) < dt.timedelta(minutes=1)
    changed = row.changes.get(after="deposited")
    assert changed.clock_skew
    assert changed.occurred_at == entry.occurred_at
    deposited = LockerReservation.objects.get(pk=row.pk).deposited_at
    assert deposited is not None
    assert abs(deposited - at(8)) < dt.timedelta(minutes=1)
    assert abs(station.cabinet.now() - at(8)) < dt.timedelta(minutes=1)


@pytest.mark.parametrize("by", ["message", "entry"])
def test_two_cabinets_with_one_identity_both_go_offline_and_staff_are_told(
    retailer: RetailerRef, clock: SetClock, by: str
) -> None:
    clock(at(8))
    station = make_station(retailer, make_bank(2))
    clone = station.clone(retailer)
    clone.uptime = 99.0
    if by == "message":
        assert station.cabinet.sync()
        assert not clone.cabinet.sync()
    else:
        station.cabinet.force("1")
        assert station.cabinet.sync()
        clone.cabinet.state["message_seq"] += 10
        clone.cabinet.force("2")
        assert not clone.cabinet.sync()
    assert LockerDevice.objects.get().state == "conflict"
    assert LockerBank.objects.get().state == "offline"
    assert "locker_two_cabinets" in Incident.objects.values_list("kind", flat=True)
    assert not station.cabinet.sync()
    assert not clone.cabinet.sync()
    with pytest.raises(ReservationRefused) as refused:
        make_reservation(station.bank)
    assert refused.value.data["reason"] == "site_offline"
    station.provision()
    assert station.cabinet.sync()
    assert LockerBank.objects.get().state == "online"
    assert not clone.cabinet.sync()


def test_a_deposit_after_a_cancel_is_a_dispute_and_never_a_double_free(
    retailer: RetailerRef, clock: SetClock
) -> None:
    clock(at(8))
    station = make_station(retailer, make_bank(2))
    order = make_order()
    row = make_reservation(station.bank, order=order)
    station.cabinet.sync()
    courier = pin_of(row, "courier")
    station.wire.is_cut = True
    services.cancel_reservation(reservation=row, cause="shopper")
    other = make_reservation(station.bank)
    assert other.compartment == row.compartment  # it was free again, as far as we knew
    number = station.deposit(courier)
    station.wire.is_cut = False
    assert station.cabinet.sync()
    row.refresh_from_db()
    other.refresh_from_db()
    assert (row.state, row.compartment.number if row.compartment else "") == ("disputed", number)
    assert other.state == "hard_held"
    assert other.compartment is not None
    assert other.compartment.number != number
    incident = Incident.objects.get()
    assert (incident.kind, incident.params["why"]) == ("locker_dispute", "deposit_after_end")
    assert Order.objects.get(pk=order.pk).state == "ready"
    all_is_well()


def test_a_parcel_of_a_cancelled_order_is_a_dispute(retailer: RetailerRef, clock: SetClock) -> None:
    clock(at(8))
    station = make_station(retailer, make_bank(1))
    order = make_order()
    row = make_reservation(station.bank, order=order)
    station.cabinet.sync()
    cancel_order(order=order)
    station.deposit(pin_of(row, "courier"))
    station.cabinet.sync()
    assert state(row) == "disputed"
    assert Incident.objects.get().params["why"] == "order_ended"
    all_is_well()


def test_a_silent_cabinet_is_degraded_then_offline_and_nobody_is_told_ready(
    retailer: RetailerRef, clock: SetClock
) -> None:
    clock(at(8))
    station = make_station(retailer, make_bank(4))
    hard = make_reservation(station.bank)
    station.cabinet.sync()
    station.wire.is_cut = True
    assert not station.cabinet.sync()
    station.deposit(pin_of(hard, "courier"))
    clock(at(8, 4))
    look_after_lockers()
    assert LockerBank.objects.get().state == "degraded"
    with pytest.raises(ReservationRefused):
        make_reservation(station.bank, mode="soft")
    assert make_reservation(station.bank).state == "hard_held"
    clock(at(8, 11))
    look_after_lockers()
    assert LockerBank.objects.get().state == "offline"
    with pytest.raises(ReservationRefused):
        make_reservation(station.bank)
    clock(at(8) + dt.timedelta(hours=80))
    look_after_lockers()
    assert state(hard) == "hard_held"  # its parcel may be inside, and nobody was told of it
    station.wire.is_cut = False
    assert station.cabinet.sync()
    assert (state(hard), LockerBank.objects.get().state) == ("ready", "online")
    assert JournalEntry.objects.get(kind="deposited").offline
    all_is_well()


def test_a_pin_works_without_a_network_and_five_wrong_ones_lock_the_keypad(
    retailer: RetailerRef, clock: SetClock
) -> None:
    clock(at(8))
    station = make_station(retailer, make_bank(1))
    row = make_reservation(station.bank)
    token = services.show_code(reservation=row, role="courier").token
    station.wire.is_cut = True  # the cabinet never heard of the reservation
    outcome = station.cabinet.scan(token)
    assert outcome.word == "opened"
    station.hardware.put(outcome.box, "p")
    station.cabinet.close(outcome.box)
    key = bytes.fromhex(station.cabinet.state["code_key"])
    shopper = codes.pin(key, row.public_id, CodeRole.SHOPPER, row.generation)
    assert [station.cabinet.type_pin("00000000").word for _n in range(6)] == [
        *["wrong"] * 5, "locked",
    ]  # fmt: skip
    assert station.cabinet.type_pin(shopper).word == "locked"
    station.restart()
    assert station.cabinet.type_pin(shopper).word == "locked"  # a restart unlocks nothing
    station.uptime = 601
    assert station.collect(shopper) == ["p"]
    station.wire.is_cut = False
    assert station.cabinet.sync()
    assert state(row) == "collected"


def test_of_a_hundred_wrong_pins_at_once_five_are_evaluated(
    fresh_db: str, retailer: RetailerRef, clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock(at(8))
    bank = make_bank(1)
    make_reservation(bank)
    evaluated: list[str] = []
    match: Callable[..., Any] = codes.match

    def counted(key: bytes, typed: str, *rest: Any) -> Any:
        evaluated.append(typed)
        return match(key, typed, *rest)

    monkeypatch.setattr(codes, "match", counted)

    def guess(_n: int) -> str:
        try:
            services.check_pin(bank=bank, typed="00000000", roles=frozenset(CodeRole))
        except (NotAllowed, TooMany) as refused:
            return refused.code
        return "opened"

    results = race(retailer, guess, 100)
    assert len(evaluated) == 5
    assert sorted({str(one) for one in results}) == ["not_allowed", "too_many"]


def test_twelve_clients_get_three_compartments_once_each(
    fresh_db: str, retailer: RetailerRef, clock: SetClock
) -> None:
    """A slice of the campaign `lockers`."""
    clock(at(8))
    bank = make_bank(3)

    def reserve(_n: int) -> str:
        try:
            return make_reservation(bank).public_id
        except NoFreeCompartment as refused:
            return refused.code

    for _round in range(3):
        results = race(retailer, reserve, 12)
        got = [one for one in results if str(one).startswith("rsv_")]
        assert (len(got), len(set(got))) == (3, 3), results
        for row in LockerReservation.objects.filter(public_id__in=got):
            services.cancel_reservation(reservation=row, cause="test")
        all_is_well()
