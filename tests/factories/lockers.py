"""Lockers for tests: banks with compartments, reservations, and simulated cabinets."""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Mapping, Sequence
from typing import Any

from django.test import Client

from lastmile.core import clock
from lastmile.core.geo import Point
from lastmile.core.tenancy import RetailerRef
from lockers import services
from lockers.fitting import Size
from lockers.models import LockerBank, LockerReservation
from lockers.simulator.cabinet import Cabinet
from lockers.simulator.hardware import Hardware
from lockers.simulator.link import Answer, Offline
from lockers.simulator.memory import Memory
from tests.factories.fleet import LAT, LON, make_hub

SMALL = Size(width_mm=380, height_mm=80, depth_mm=640)
MEDIUM = Size(width_mm=380, height_mm=190, depth_mm=640)
LARGE = Size(width_mm=380, height_mm=400, depth_mm=640)
SHELF = Size(width_mm=600, height_mm=400, depth_mm=500)
PARCEL = Size(width_mm=300, height_mm=60, depth_mm=200)
_numbers = itertools.count(1)


def make_bank(boxes: int | Sequence[Size] = 2, *, large: int = 0, **fields: Any) -> LockerBank:
    """Add a bank with small compartments, numbered from 1, and then large ones; door 1 is low.

    If ``boxes`` is the size of each, no door is low. ``lat`` and ``lon`` say where the bank is.
    """
    has_low = isinstance(boxes, int)
    lat, lon = fields.pop("lat", LAT), fields.pop("lon", LON)
    values: dict[str, Any] = {
        "name": f"Bank {next(_numbers)}", "point": Point(lat=lat, lon=lon),
        "zone": "Europe/Lisbon", "country": "PT", "capabilities": ["low_doors"] if has_low else [],
    }  # fmt: skip
    values |= fields
    hub = values.pop("hub", None) or make_hub()
    bank = services.add_bank(draft=services.BankDraft(hub=hub, **values))
    small = [SMALL] * boxes if isinstance(boxes, int) else list(boxes)
    drafts = [
        services.CompartmentDraft(number=str(n), inside=size, low=has_low and n == 1)
        for n, size in enumerate([*small, *[LARGE] * large], start=1)
    ]
    services.add_compartments(bank=bank, drafts=drafts)
    return bank


def make_counter(places: int = 3, **fields: Any) -> LockerBank:
    """Add the counter of a hub with places B1, B2 and so on."""
    bank = make_bank(0, kind="counter", **fields)
    drafts = [services.CompartmentDraft(number=f"B{n}", inside=SHELF) for n in range(1, places + 1)]
    services.add_compartments(bank=bank, drafts=drafts)
    return bank


def make_reservation(bank: LockerBank, **fields: Any) -> LockerReservation:
    """Reserve for a small parcel; ``fields`` are those of the draft."""
    size = fields.pop("size", PARCEL)
    low_door = fields.pop("low_door", False)
    need = services.Need(size=size, low_door=low_door)
    return services.reserve(draft=services.ReservationDraft(bank=bank, need=need, **fields))


class Wire:
    """The way from a simulated cabinet to the server of the test, which can be cut."""

    def __init__(self, ref: RetailerRef) -> None:
        self.browser = Client(headers={"host": ref.domain})
        self.is_cut = False
        self.loses_answers = False
        self.sent: list[tuple[str, dict[str, str], bytes]] = []

    def send(self, path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Send a call through the whole stack of the server."""
        if self.is_cut:
            raise Offline("The network is cut.")
        self.sent.append((path, dict(headers), body))
        answer = self.browser.post(
            path, body, content_type="application/json", headers=dict(headers)
        )
        if self.loses_answers:
            raise Offline("The answer was lost.")
        kept = {name.lower(): value for name, value in answer.headers.items()}
        return Answer(answer.status_code, kept, answer.content)


class Station:
    """A simulated cabinet of a bank, with its wire, its doors and its clock."""

    def __init__(self, ref: RetailerRef, bank: LockerBank, memory: Memory | None = None) -> None:
        self.bank = bank
        self.wire = Wire(ref)
        self.memory = memory or Memory()
        numbers = bank.compartments.values_list("number", flat=True)
        self.hardware = Hardware.with_doors(*numbers)
        self.skew = dt.timedelta(0)
        self.uptime = 0.0
        self.cabinet = self._start()

    def _start(self) -> Cabinet:
        return Cabinet(
            self.memory, self.hardware, self.wire, clock=lambda: clock.real_now() + self.skew,
            uptime_s=lambda: self.uptime,
        )  # fmt: skip

    def restart(self) -> Cabinet:
        """Switch the cabinet off and on again."""
        self.cabinet = self._start()
        return self.cabinet

    def provision(self) -> Cabinet:
        """Give the cabinet its keys."""
        token = services.make_token(bank=self.bank)
        assert self.cabinet.provision(token.secret)
        return self.cabinet

    def clone(self, ref: RetailerRef) -> Station:
        """Return a second cabinet with the same identity."""
        return Station(ref, self.bank, self.memory.copy())

    def deposit(self, pin: str, parcel: str = "p") -> str:
        """Type a courier's PIN, put the parcel in and close the door; return the door."""
        outcome = self.cabinet.type_pin(pin)
        assert outcome.word == "opened", outcome
        self.hardware.put(outcome.box, parcel)
        self.cabinet.close(outcome.box)
        return outcome.box

    def collect(self, pin: str) -> list[str]:
        """Type a PIN, take what is inside and close the door; return what was inside."""
        outcome = self.cabinet.type_pin(pin)
        assert outcome.word == "opened", outcome
        taken = self.hardware.take(outcome.box)
        self.cabinet.close(outcome.box)
        return taken


def make_station(ref: RetailerRef, bank: LockerBank) -> Station:
    """Return a provisioned cabinet that has sent its first report."""
    station = Station(ref, bank)
    station.provision()
    assert station.cabinet.sync()
    return station


def pin_of(reservation: LockerReservation, role: str = "shopper") -> str:
    """Return the PIN of a role."""
    return services.show_code(reservation=reservation, role=role).pin
