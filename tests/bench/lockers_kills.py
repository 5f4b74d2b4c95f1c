"""Kill -9 of web, workers and PostgreSQL in the middle of 200 deposits and collections.

Four banks of 50 compartments, each with a simulated cabinet that calls the installation by
HTTP. At each bank one caller reserves for an order, deposits as a courier, and collects as a
shopper; of every ten parcels one stays inside. Each call is repeated with its Idempotency-Key
until it is answered, and a cabinet works on without the server. In the end the server must have
each entry of the cabinets' own journals once, and say of each compartment what is behind its door.
"""

from __future__ import annotations

import datetime as dt
import json
import time
import uuid
from collections import Counter
from collections.abc import Mapping
from typing import Any, Final

import httpx
import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from lastmile.embedded.folders import Folders
from lockers.simulator.cabinet import Cabinet
from lockers.simulator.hardware import Hardware
from lockers.simulator.link import HttpTransport
from lockers.simulator.memory import Memory
from tests.bench.installation import (
    Installation,
    RetailerApi,
    running_installation,
    wait_until,
)
from tests.bench.kills import Caller, kill, whole

BANKS, BOXES = 4, 50
STAYS: Final = 10  # one parcel of ten is not collected
ROUNDS: Final = (("web",), ("worker",), ("postgres",), ("web", "worker", "postgres"))
PACE_S: Final = 0.4
HEAL_S, END_S = 120.0, 900.0
SCHEMA = "t_lockers"
DAY = "2026-11-25"
Json = dict[str, Any]

_BANKS = """
import json
from lastmile.core.geo import Point
from lastmile.core.tenancy import retailer_context
from dispatch.fleet import services as fleet
from lockers import services
from lockers.fitting import Size

with retailer_context({schema!r}):
    hub = fleet.add_hub(name="Centre", zone="Europe/Lisbon", lat=38.72, lon=-9.14)
    banks = []
    for n in range({banks}):
        bank = services.add_bank(draft=services.BankDraft(
            name=f"Bank {{n}}", hub=hub, point=Point(lat=38.72 + n / 1000, lon=-9.14),
            zone="Europe/Lisbon", country="PT"))
        inside = Size(width_mm=380, height_mm=80, depth_mm=640)
        services.add_compartments(bank=bank, drafts=[
            services.CompartmentDraft(number=str(n), inside=inside)
            for n in range(1, {boxes} + 1)])
        token = services.make_token(bank=bank)
        banks.append([bank.public_id, token.secret])
    print(json.dumps([hub.public_id, banks]))
"""


class WrittenCabinet(Cabinet):
    """A cabinet that keeps all it ever wrote, beside the entries that are not sent yet."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        self.written: list[Json] = []
        super().__init__(*arguments, **named)

    def _write(self, kind: str, **data: Any) -> None:
        super()._write(kind, **data)
        self.written.append(self.state["journal"][-1])


class Bank(Caller):
    """The courier, the shoppers and the cabinet of one bank."""

    def __init__(self, api: RetailerApi, hub: str, bank: str, cabinet: WrittenCabinet) -> None:
        super().__init__(api, lambda _caller, _turn: None)
        self.hub, self.bank, self.cabinet = hub, bank, cabinet
        self.stays: dict[str, str] = {}  # order -> reservation
        self.collected: dict[str, str] = {}
        self.fault: BaseException | None = None

    def run(self) -> None:
        """Bring each parcel, and collect all but one of ten."""
        try:
            for turn in range(BOXES):
                self._one(turn)
            wait_until(self.cabinet.sync, HEAL_S)
        except BaseException as fault:  # noqa: BLE001 - raised again by the campaign's thread
            self.fault = fault

    def _one(self, turn: int) -> None:
        order = self._sure("/orders/", json={
            "hub": self.hub, "service_date": DAY, "shopper": {"name": f"Shopper {turn}"},
            "place": {"text": f"Rua {turn}", "lat": 38.72 + turn * 1e-5, "lon": -9.14},
            "parcels": [{"weight_g": 1000}],
        })["id"]  # fmt: skip
        reservation = self._sure("/locker-reservations/", json={
            "bank": self.bank, "order": order, "width_mm": 300, "height_mm": 60, "depth_mm": 200,
        })["id"]  # fmt: skip
        wait_until(lambda: self.cabinet.sync() and self._knows(reservation), HEAL_S)
        box = self._open(reservation, "courier")
        self.cabinet.hardware.put(box, order)
        self.cabinet.close(box)
        if turn % STAYS == 0:
            self.stays[order] = reservation
            self.cabinet.sync()
            return
        self.cabinet.sync()  # without an answer the code below is refused until it is repeated
        box = self._open(reservation, "shopper")
        assert self.cabinet.hardware.take(box) == [order]
        self.cabinet.close(box)
        self.cabinet.sync()
        self.collected[order] = reservation
        time.sleep(PACE_S)

    def _knows(self, reservation: str) -> bool:
        return reservation in self.cabinet.state["known"]

    def _open(self, reservation: str, role: str) -> str:
        """Type the code of a role; it is asked for until the server has it, and shown once."""
        pin = self._code(reservation, role)
        while not pin:
            self.repeats += 1
            time.sleep(0.2)
            self.cabinet.sync()
            pin = self._code(reservation, role)
        outcome = self.cabinet.type_pin(pin)
        assert outcome.word == "opened", outcome
        return outcome.box

    def _code(self, reservation: str, role: str) -> str:
        """Return the code of a role; empty if it is not known yet or no answer came."""
        try:
            answer = self.api.http.post(
                f"/locker-reservations/{reservation}/codes/", json={"role": role},
                headers={"Idempotency-Key": uuid.uuid4().hex}, timeout=15,
            )  # fmt: skip
        except httpx.HTTPError:
            return ""
        assert answer.status_code in {201, 409, 429, 502, 503, 504}, answer.text
        return str(answer.json().get("pin") or "")

    def _sure(self, path: str, **sent: Any) -> Json:
        body = self.until_acknowledged(path, **sent)
        assert body is not None
        return body


def run() -> str:
    """Kill while the parcels come and go. Raises when ledger and cabinets differ."""
    with running_installation() as installation:
        api = installation.open(SCHEMA, "Europe/Lisbon")
        script = _BANKS.format(schema=SCHEMA, banks=BANKS, boxes=BOXES)
        lines = installation.command("shell", script=script).strip().splitlines()
        hub, tokens = json.loads(lines[-1])
        wait_until(lambda: whole(installation), HEAL_S)
        banks = [_bank(installation, api, hub, *one) for one in tokens]
        for bank in banks:
            bank.start()
        heals: dict[str, float] = {}
        kills = 0
        while any(bank.is_alive() for bank in banks):
            names = ROUNDS[kills % len(ROUNDS)]
            took = kill(installation, list(names))
            kills += 1
            heals[" + ".join(names)] = max(took, heals.get(" + ".join(names), 0.0))
        for bank in banks:
            bank.join(END_S)
            if bank.fault is not None:
                raise bank.fault
        assert kills >= len(ROUNDS), f"only {kills} kills: lower PACE_S"
        entries = _judge(installation, banks)
        assert not installation.command_json("invariants", "--all")["broken"]
    healed = ", ".join(f"{name} {seconds:.1f} s" for name, seconds in heals.items())
    repeats = sum(bank.repeats for bank in banks)
    return (
        f"{BANKS * BOXES} deposits and {sum(len(b.collected) for b in banks)} collections at "
        f"{BANKS} cabinets, {kills} rounds of kill -9 (slowest until whole: {healed}), {repeats} "
        f"calls repeated: all {entries:,} entries of the cabinets' journals recorded once and in "
        f"order, each compartment known as it is behind its door, each order delivered or waiting "
        f"as its parcel is, each deposit and collection told once; invariants hold"
    )


def _bank(
    installation: Installation, api: RetailerApi, hub: str, bank: str, token: str
) -> Bank:  # fmt: skip
    domain = str(api.http.headers["Host"])
    key = str(api.http.headers["Authorization"]).removeprefix("Bearer ")
    cabinet = WrittenCabinet(
        Memory(), Hardware.with_doors(*(str(n) for n in range(1, BOXES + 1))),
        HttpTransport(f"http://127.0.0.1:{installation.port}", domain),
        clock=lambda: dt.datetime.now(dt.UTC), uptime_s=time.monotonic,
    )  # fmt: skip
    assert cabinet.provision(token)
    return Bank(RetailerApi(installation.port, domain, key, SCHEMA), hub, bank, cabinet)


def _judge(installation: Installation, banks: list[Bank]) -> int:
    """Compare the server with the cabinets; return the number of entries. Raises if not equal."""
    with psycopg.connect(
        host=str(Folders(installation.var).run), user="postgres", dbname="lastmile",
        row_factory=dict_row, options=f"-c search_path={SCHEMA},public",
    ) as line:  # fmt: skip
        for bank in banks:
            device = bank.cabinet.state["device"]
            recorded = [(row["seq"], row["kind"], row["result"]) for row in line.execute(
                "SELECT e.seq, e.kind, e.result FROM lockers_journalentry e "
                "JOIN lockers_lockerdevice d ON d.id = e.device_id "
                "WHERE d.public_id = %s ORDER BY e.seq", [device],
            )]  # fmt: skip
            wrote = [(entry["seq"], entry["kind"]) for entry in bank.cabinet.written]
            assert [(seq, kind) for seq, kind, _result in recorded] == wrote, bank.bank
            assert not {r for _seq, _kind, r in recorded} & {"waiting", "refused"}, bank.bank
            contents = {row["number"]: row["state"] for row in line.execute(
                "SELECT c.number, c.state FROM lockers_compartment c "
                "JOIN lockers_lockerbank b ON b.id = c.bank_id WHERE b.public_id = %s",
                [bank.bank],
            )}  # fmt: skip
            doors = bank.cabinet.hardware.doors
            assert contents == {
                number: "occupied" if door.parcels else "empty" for number, door in doors.items()
            }, bank.bank
            wanted = dict.fromkeys(bank.collected, "delivered") | dict.fromkeys(
                bank.stays, "awaiting_collection"
            )
            _compare(line, "orders_order", wanted)
            states = dict.fromkeys(bank.collected.values(), "collected")
            states |= dict.fromkeys(bank.stays.values(), "ready")
            _compare(line, "lockers_lockerreservation", states)
        events = Counter(
            (row["subject"], row["kind"]) for row in line.execute(
                "SELECT subject, kind FROM core_event WHERE kind = ANY(%s)",
                [["locker.parcel.deposited", "locker.parcel.collected"]],
            )
        )  # fmt: skip
    rows = [row for bank in banks for row in (*bank.collected.values(), *bank.stays.values())]
    taken = [row for bank in banks for row in bank.collected.values()]
    assert events == Counter(
        [(row, "locker.parcel.deposited") for row in rows]
        + [(row, "locker.parcel.collected") for row in taken]
    )
    return sum(len(bank.cabinet.written) for bank in banks)


def _compare(line: psycopg.Connection[Any], table: str, wanted: Mapping[str, str]) -> None:
    """Compare the states of rows with what they should be. Raises at a difference."""
    question = sql.SQL("SELECT public_id, state FROM {} WHERE public_id = ANY(%s)")
    rows = line.execute(question.format(sql.Identifier(table)), [list(wanted)])
    states = {row["public_id"]: row["state"] for row in rows}
    assert states == wanted, {key: (states.get(key), wanted[key]) for key in wanted
                              if states.get(key) != wanted[key]}  # fmt: skip
