"""The rows L01 to L11 of the field situations, each as a test."""

from __future__ import annotations

import datetime as dt
import random

import pytest

from dispatch.live.models import Incident
from lastmile.core.models import Event
from lastmile.core.tenancy import RetailerRef
from lockers import codes, services
from lockers.errors import NoFreeCompartment
from lockers.models import (
    CodeGrant,
    Compartment,
    JournalEntry,
    LockerCommand,
    LockerDevice,
    LockerReservation,
)
from lockers.rolls import invariants
from lockers.services.sweeping import look_after_lockers
from lockers.simulator.hardware import Fault, Hardware
from lockers.states import CodeRole
from tests.dispatch.conftest import SetClock
from tests.factories.live import at
from tests.factories.lockers import (
    Station,
    make_bank,
    make_reservation,
    make_station,
    pin_of,
)
from tests.lockers.power import fail_at

LONG_AGO = dt.datetime(1970, 1, 1, tzinfo=dt.UTC) - at(8)
AHEAD = dt.datetime(2036, 2, 7, tzinfo=dt.UTC) - at(8)
LAST_WEEK = dt.timedelta(days=-7)


@pytest.fixture
def station(retailer: RetailerRef, clock: SetClock) -> Station:
    """Return a cabinet with two doors that is online at eight o'clock."""
    clock(at(8))
    return make_station(retailer, make_bank(2))


def reserve(station: Station) -> tuple[LockerReservation, str]:
    """Reserve at the bank of a cabinet; return the reservation and its courier's PIN."""
    row = make_reservation(station.bank)
    assert station.cabinet.sync()
    return row, pin_of(row, "courier")


def state(row: LockerReservation) -> str:
    return LockerReservation.objects.get(pk=row.pk).state


def box_of(station: Station, number: str) -> Compartment:
    return Compartment.objects.get(bank=station.bank, number=number)


def incidents() -> list[str]:
    return list(Incident.objects.order_by("pk").values_list("kind", flat=True))


def all_is_well() -> None:
    assert {name: rows for name, rows in invariants().items() if rows} == {}


def test_l01_a_pulse_without_an_open_door_is_no_opening_and_no_deposit(station: Station) -> None:
    """L01: a command is done only when the sensor reports open; another opening is forced."""
    row, courier = reserve(station)
    station.hardware.doors["2"].fault = Fault.STUCK
    command = services.send_command(
        bank=station.bank, kind="open", compartment=box_of(station, "2")
    )
    station.cabinet.sync()
    station.cabinet.sync()
    command.refresh_from_db()
    assert (command.state, command.failure) == ("failed", "open_not_detected")
    assert station.cabinet.type_pin(courier).word == "not_opened"
    station.cabinet._write("deposited", box="2", reservation=row.public_id, generation=1)
    station.cabinet.sync()
    entry = JournalEntry.objects.get(kind="deposited")
    assert (state(row), entry.result, entry.problem) == (
        "hard_held", "disputed", "open_not_detected"
    )  # fmt: skip
    station.cabinet.force("1")
    station.cabinet.sync()
    assert (box_of(station, "1").state, incidents()) == ("unknown", ["locker_forced"])
    assert Event.objects.filter(kind="locker.door.forced").count() == 1
    all_is_well()


def test_l01_a_command_is_done_when_the_sensor_reports_open(station: Station) -> None:
    """L01: the usual case."""
    command = services.send_command(
        bank=station.bank, kind="open", compartment=box_of(station, "1")
    )
    station.cabinet.sync()
    assert LockerCommand.objects.get(pk=command.pk).state == "delivered"
    station.cabinet.sync()
    assert LockerCommand.objects.get(pk=command.pk).state == "done"
    assert box_of(station, "1").door == "open"


def test_l02_a_broken_sensor_locks_nobody_out_and_its_box_gets_no_new_parcel(
    station: Station,
) -> None:
    """L02: a valid open always pulses; two disagreements make the box unknown."""
    row, courier = reserve(station)
    number = station.deposit(courier)
    station.cabinet.sync()
    station.cabinet.sync()
    door = station.hardware.doors[number]
    door.fault = Fault.SAYS_OPEN
    shopper = pin_of(row)
    for _time in range(2):
        pulses = door.pulses
        assert station.cabinet.type_pin(shopper).word == "opened"
        assert door.pulses == pulses + 1
        door.is_open = True
        station.cabinet.close(number)
        station.cabinet.sync()
    assert (box_of(station, number).state, state(row)) == ("unknown", "ready")
    assert station.collect(shopper) == ["p"]
    station.cabinet.sync()
    assert (box_of(station, number).state, state(row)) == ("unknown", "collected")
    make_reservation(station.bank)
    with pytest.raises(NoFreeCompartment):
        make_reservation(station.bank)
    all_is_well()


def test_l03_a_command_that_is_too_old_is_never_executed(station: Station, clock: SetClock) -> None:
    """L03: after 60 seconds a command is expired, at the server and at the cabinet."""
    command = services.send_command(
        bank=station.bank, kind="open", compartment=box_of(station, "1")
    )
    clock(at(8, 1) + dt.timedelta(seconds=1))
    station.cabinet.sync()
    look_after_lockers()
    command.refresh_from_db()
    assert (command.state, station.hardware.doors["1"].pulses) == ("expired", 0)
    late = {
        "command": "lcm_late", "kind": "open", "box": "1",
        "expires_at": at(8, 1).isoformat(),
    }  # fmt: skip
    station.cabinet._execute(late)  # it waited in the network
    assert station.hardware.doors["1"].pulses == 0
    assert station.cabinet.state["journal"][-1]["result"] == "expired"


def test_l03_no_command_runs_again_after_a_restart(station: Station) -> None:
    """L03: the server hands a command out until it hears of its end; it runs once."""
    services.send_command(bank=station.bank, kind="open", compartment=box_of(station, "1"))
    assert station.cabinet.report()
    for _time in range(3):
        station.restart()
        assert station.cabinet.report()  # the journal stays unsent
    assert station.hardware.doors["1"].pulses == 1


def test_l04_a_power_failure_at_any_step_leaves_no_relay_on_and_no_command_open(
    retailer: RetailerRef, clock: SetClock
) -> None:
    """L04: killed at each step between command and answer (the campaign does it 1,000 times)."""
    clock(at(8))
    station = make_station(retailer, make_bank(1))
    killed = sum(fail_at(station, "1", step) for step in range(1, 25))
    assert killed > 10
    all_is_well()


@pytest.mark.parametrize("wrong", [LONG_AGO, AHEAD, LAST_WEEK])
def test_l05_a_cabinet_with_a_wrong_clock_opens_for_parcels_inside_and_is_right_again(
    station: Station, clock: SetClock, wrong: dt.timedelta
) -> None:
    """L05: it boots in 1970, 2036 or last week, without a network."""
    inside, courier = reserve(station)
    station.deposit(courier)
    station.cabinet.sync()
    station.cabinet.sync()
    _waiting, other = reserve(station)
    shopper = pin_of(inside)
    station.wire.is_cut, station.skew = True, wrong
    station.restart()
    assert station.cabinet.type_pin(other).word == "wrong"
    assert station.collect(shopper) == ["p"]
    assert {entry["clock"] for entry in station.cabinet.state["journal"]} == {"unknown"}
    station.wire.is_cut = False
    assert station.cabinet.sync()
    assert state(inside) == "collected"
    entry = JournalEntry.objects.get(kind="collected")
    assert entry.clock_skew
    assert abs(entry.occurred_at - (at(8) + wrong)) < dt.timedelta(minutes=1)
    ended = LockerReservation.objects.get(pk=inside.pk).ended_at
    assert ended is not None
    assert abs(ended - at(8)) < dt.timedelta(minutes=1)
    assert abs(station.cabinet.now() - at(8)) < dt.timedelta(minutes=1)
    assert station.cabinet.type_pin(other).word == "opened"
    all_is_well()


def test_l06_a_revoked_code_is_pending_until_the_cabinet_confirms(station: Station) -> None:
    """L06: staff see which codes may still open what; after the confirmation it opens nothing."""
    row, courier = reserve(station)
    station.wire.is_cut = True
    services.cancel_reservation(reservation=row, cause="test")
    (pending,) = services.grants_that_may_open(station.bank)
    assert (pending.state, pending.role, pending.reservation) == ("ending", "courier", row)
    assert pending.expires_at == row.deposit_by
    station.wire.is_cut = False
    assert station.cabinet.sync()
    assert CodeGrant.objects.get().state == "ending"  # told, and not confirmed yet
    assert station.cabinet.sync()
    grant = CodeGrant.objects.get()
    assert (grant.state, grant.confirmed_at is not None) == ("ended", True)
    assert services.grants_that_may_open(station.bank) == []
    assert station.cabinet.type_pin(courier).word == "wrong"


def test_l07_no_two_live_codes_of_a_bank_are_equal() -> None:
    """L07: 100,000 codes of 500 live reservations, all roles together."""
    key, draw = bytes(range(32)), random.Random(7)
    live: dict[str, list[str]] = {}
    taken: set[str] = set()
    count = avoided = 0
    while count < 100_000:
        name = f"rsv_{count}"
        generation = codes.fresh_generation(key, name, above=0, taken=taken)
        avoided += generation > 1
        fresh = list(codes.pins(key, name, generation).values())
        assert not taken & set(fresh)
        live[name] = fresh
        taken.update(fresh)
        count += len(fresh)
        if len(live) > 500:
            taken.difference_update(live.pop(draw.choice(list(live))))
        assert len(taken) == 4 * len(live)
    assert avoided > 5  # without the look at the others some would have been equal


def test_l07_the_server_chooses_generations_that_differ_at_one_bank(
    retailer: RetailerRef, clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """L07: with few possible codes, all live ones still differ, at the cabinet too."""
    clock(at(8))
    monkeypatch.setattr(codes, "_SPACE", 400)
    station = make_station(retailer, make_bank(12))
    rows = [make_reservation(station.bank) for _n in range(12)]
    station.cabinet.sync()
    key = bytes.fromhex(station.cabinet.state["code_key"])
    known = station.cabinet.state["known"]
    pins = [
        codes.pin(key, row.public_id, role, known[row.public_id]["generation"])
        for row in rows
        for role in CodeRole
    ]
    assert len(set(pins)) == 48
    assert pins[0] == pin_of(rows[0], "courier")


def test_l09_an_old_key_is_refused_for_ever_and_staff_see_who_tried(
    retailer: RetailerRef, station: Station
) -> None:
    """L09: also after the third provisioning of the same bank."""
    old = station
    for _time in range(2):
        newer = Station(retailer, station.bank)
        newer.provision()
        assert newer.cabinet.sync()
        answer = old.cabinet.send("heartbeats", {})
        assert (answer.status, answer.json()["code"]) == (401, "device_refused")
        assert newer.cabinet.sync()
        old = newer
    answer = station.cabinet.send("heartbeats", {})
    assert answer.status == 401
    device = LockerDevice.objects.get(public_id=station.cabinet.state["device"])
    assert (device.state, device.refusals) == ("replaced", 2)
    assert (device.refused_code, bool(device.refused_from)) == ("device_replaced", True)


def test_l10_two_couriers_at_one_bank_never_get_one_box(
    retailer: RetailerRef, clock: SetClock
) -> None:
    """L10: 1,000 interleavings at the cabinet; one of the couriers is offline, with tokens only."""
    clock(at(8))
    station = make_station(retailer, make_bank(4))
    rows = [make_reservation(station.bank) for _n in range(4)]
    shown = [services.show_code(reservation=row, role="courier") for row in rows]
    known = {row.public_id: row for row in rows[:2]}
    assert station.cabinet.sync()
    for row in rows[2:]:  # count after the last message of the cabinet
        del station.cabinet.state["known"][row.public_id]
    station.cabinet._save()
    station.wire.is_cut = True
    original, numbers = station.memory.copy(), list(station.hardware.doors)
    waits = 0
    for seed in range(1000):
        draw = random.Random(seed)
        station.memory = original.copy()
        station.hardware = Hardware.with_doors(*numbers)
        cabinet = station.restart()
        cabinet.clock_known = True  # it was not switched off
        left = {"online": [0, 1], "offline": [2, 3]}
        door: dict[str, str] = {}
        for _step in range(60):
            who = draw.choice(sorted(left))
            if who in door:
                number = door.pop(who)
                station.hardware.put(number, f"{who}{left[who][0]}")
                left[who].pop(0)
                cabinet.close(number)
            elif left[who]:
                code = shown[left[who][0]]
                outcome = (
                    cabinet.type_pin(code.pin) if who == "online" else cabinet.scan(code.token)
                )
                if outcome.word == "wait":
                    waits += 1
                    assert outcome.box in door.values()
                else:
                    assert outcome.word == "opened"
                    assert outcome.box not in door.values()
                    door[who] = outcome.box
        assert all(len(one.parcels) <= 1 for one in station.hardware.doors.values())
        assert sum(len(one.parcels) for one in station.hardware.doors.values()) == 4 - sum(
            map(len, left.values())
        )
    assert waits > 100
    assert known


def test_l11_a_door_that_is_left_open_is_told_once_until_it_is_closed(
    station: Station,
) -> None:
    """L11: the box is offered again only after it is closed and known to be empty."""
    _row, courier = reserve(station)
    assert station.cabinet.type_pin(courier).word == "opened"
    for _time in range(3):
        station.cabinet.note_left_open("2")
        station.cabinet._write("left_open", box="2")  # a cabinet that repeats itself
        station.cabinet.sync()
    assert Event.objects.filter(kind="locker.door.left_open").count() == 1
    box = box_of(station, "2")
    assert (box.state, box.door, box.left_open_at is not None) == ("unknown", "open", True)
    station.cabinet.close("2")
    station.cabinet.sync()
    box.refresh_from_db()
    assert (box.state, box.door, box.left_open_at) == ("empty", "closed", None)
    assert Event.objects.filter(kind="locker.door.closed").count() == 1
    all_is_well()
