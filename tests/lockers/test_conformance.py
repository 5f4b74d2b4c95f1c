"""The conformance kit passes the simulated cabinet, and fails each cabinet that has a flaw."""

from __future__ import annotations

import http.client
import itertools
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import pytest

from lockers.conformance import __main__ as command
from lockers.conformance.checks import CHECKS
from lockers.conformance.hands import Person, Rig
from lockers.conformance.kit import Kit
from lockers.conformance.report import Result, is_passed, run_checks
from lockers.conformance.server import KitServer
from lockers.simulator.flaws import FLAWS
from lockers.simulator.link import HttpTransport
from lockers.simulator.station import ShownCabinet, Station

#: The checks that must fail for a flaw.
FAILS = {
    "wrong_token": ("provisioning",),
    "wrong_key": ("signature",),
    "hides_opening": ("deposit",),
    "always_deposited": ("empty_deposit",),
    "needs_network": ("pin_offline",),
    "never_offline": ("pin_offline",),
    "old_tokens": ("token_offline",),
    "loses_entries": ("lost_answer",),
    "keeps_clock": ("clock_wrong",),
    "unsigned": ("clock_forged", "answer_forged"),
    "runs_again": ("command_once",),
    "runs_late": ("command_late",),
    "replays": ("answer_replayed",),
    "keeps_number": ("number_refused",),
    "keeps_codes": ("codes_ended",),
    "ignores_drops": ("dropped",),
    "hides_force": ("forced",),
    "forgets_numbers": ("restart", "numbers_grow"),
    "forgets_commands": ("restart",),
    "no_lock_out": ("lock_out",),
    "hides_lock_out": ("lock_out",),
    "leaves_gaps": ("journal_whole",),
}
#: A check that needs what another one did before it.
NEEDS = {"leaves_gaps": ("forced",)}


class OwnHands:
    """Hands that work a simulated cabinet in this process."""

    def __init__(self, station: Station) -> None:
        self.station = station

    def type_pin(self, pin: str) -> str:
        outcome = self.station.cabinet.type_pin(pin)
        return outcome.box if outcome.word == "opened" else ""

    def scan(self, token: str) -> str:
        outcome = self.station.cabinet.scan(token)
        return outcome.box if outcome.word == "opened" else ""

    def put(self, box: str) -> None:
        self.station.hardware.put(box, "parcel")

    def take(self, box: str) -> None:
        self.station.hardware.take(box)

    def close(self, box: str) -> None:
        self.station.cabinet.close(box)

    def force(self, box: str) -> None:
        self.station.cabinet.force(box)

    def restart(self) -> None:
        self.station.act("restart", {})

    def nudge(self) -> None:
        self.station.cabinet.sync()


@pytest.fixture
def server() -> Iterator[KitServer]:
    one = KitServer()
    Thread(target=one.serve_forever, daemon=True).start()
    yield one
    one.shutdown()
    one.server_close()


def run(server: KitServer, kind: type[ShownCabinet], *only: str) -> dict[str, Result]:
    transport = HttpTransport(f"http://127.0.0.1:{server.own_port}")
    station = Station(server.world.boxes, None, transport, kind)
    assert station.provision(server.world.token) or issubclass(kind, FLAWS["wrong_token"])
    kit = Kit(server, OwnHands(station), wait_s=2.0)
    return {one.name: one for one in run_checks(kit, only=frozenset(only))}


def test_the_simulated_cabinet_passes_every_check(server: KitServer) -> None:
    results = run(server, ShownCabinet)
    assert [one for one in results.values() if one.result != "passed"] == []
    assert list(results) == [check.name for check in CHECKS]


@pytest.mark.parametrize("flaw", sorted(FLAWS))
def test_a_cabinet_with_a_flaw_fails_its_checks_with_a_remedy(server: KitServer, flaw: str) -> None:
    kind = type("Flawed", (FLAWS[flaw], ShownCabinet), {})
    results = run(server, kind, *NEEDS.get(flaw, ()), *FAILS[flaw])
    for name in FAILS[flaw]:
        assert results[name].result == "failed", results[name]
        assert results[name].actual
        assert results[name].remedy
    assert all(results[name].result == "passed" for name in NEEDS.get(flaw, ()))


def test_every_check_can_fail_and_says_what_to_do() -> None:
    assert set(FAILS) == set(FLAWS)
    names = [check.name for check in CHECKS]
    assert {name for failing in FAILS.values() for name in failing} == set(names)
    assert len(set(names)) == len(names)
    assert all(check.wanted and check.remedy for check in CHECKS)


def test_without_keys_the_other_checks_are_skipped(server: KitServer) -> None:
    prompts: list[str] = []
    kit = Kit(server, Person(lambda text: prompts.append(text) or ""), wait_s=0.1)
    results = run_checks(kit)
    assert not is_passed(results)
    assert [one.result for one in results] == ["failed", *["skipped"] * (len(CHECKS) - 1)]
    assert prompts == []


@pytest.mark.parametrize(("flaw", "status"), [("", 0), ("no_lock_out", 1)])
def test_the_command_works_a_cabinet_by_a_program_and_reports_as_json(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], flaw: str, status: int
) -> None:
    rig = f"{sys.executable} -m lockers.simulator {{url}} --token {{token}} --doors {{doors}}"
    rig += f" --flaw {flaw}" if flaw else ""
    report = tmp_path / "report.json"
    argv = ["--port", "0", "--rig", rig, "--only", "deposit,lock_out", "--wait", "10"]
    assert command.main([*argv, "--json", str(report)]) == status
    written = json.loads(report.read_text())
    assert written["passed"] is (status == 0)
    assert [one["name"] for one in written["checks"]] == [
        "provisioning", "signature", "deposit", "lock_out",
    ]  # fmt: skip
    shown = capsys.readouterr().out
    assert "passed   deposit" in shown
    assert ("remedy: " in shown) is (status == 1)


def test_a_failed_check_leaves_nothing_behind_for_the_next_one(server: KitServer) -> None:
    kind = type("Flawed", (FLAWS["keeps_clock"], ShownCabinet), {})
    results = run(server, kind, "clock_wrong", "command_once")
    assert [results[name].result for name in ("clock_wrong", "command_once")] == [
        "failed",
        "passed",
    ]


@pytest.mark.parametrize(
    ("program", "cause"),
    [
        ("import time; time.sleep(60)", "did not answer"),
        ("input()", "has ended"),
        ("print('x'); import sys; sys.stdout.close(); input()", "has ended"),
    ],
)
def test_a_program_that_is_silent_or_ends_is_told_in_one_sentence(
    server: KitServer, program: str, cause: str
) -> None:
    rig = Rig(f'{sys.executable} -c "{program}"', answer_s=1.0)
    try:
        results = run_checks(Kit(server, rig, wait_s=5.0))
    finally:
        rig.end()
    assert results[0].result == "failed"
    assert cause in results[0].actual
    assert {one.result for one in results[1:]} == {"skipped"}


def test_a_closed_terminal_ends_the_checks_in_one_sentence(server: KitServer) -> None:
    def closed(_text: str) -> str:
        raise EOFError

    station = Station(
        server.world.boxes, None, HttpTransport(f"http://127.0.0.1:{server.own_port}"), ShownCabinet
    )
    assert station.provision(server.world.token)
    hands = Person(closed)
    hands.nudge = station.cabinet.sync  # type: ignore[method-assign,assignment]
    results = run_checks(Kit(server, hands, wait_s=2.0))
    assert [one.result for one in results[:4]] == ["passed", "passed", "failed", "skipped"]
    assert "the terminal was closed" in results[2].actual


def test_odd_calls_are_told_and_stop_no_check(server: KitServer) -> None:
    odd = [
        {"Content-Length": "many"},
        {"X-Device-Seq": "9" * 30, "X-Device-Time": "2026-11-30T12:00:00"},
        {"X-Device-Time": "never", "X-Device-Signature": "é".encode().decode("latin-1")},
    ]
    for path in ("locker-devices/", f"locker-banks/{server.world.bank}/journal/", "other/"):
        for headers, body in itertools.product(odd, (b"", b"[]", b"{" * 20_000, b"\xff")):
            call = http.client.HTTPConnection("127.0.0.1", server.own_port, timeout=5)
            call.putrequest("POST", f"/api/v1/{path}")
            for name, value in ({"Content-Length": str(len(body))} | headers).items():
                call.putheader(name, value)
            call.endheaders(body if "Content-Length" not in headers else None)
            assert call.getresponse().status in {401, 404, 422}
            call.close()
    assert all(fault.startswith("a call to /api/v1/other/") for fault in server.world.faults)


def test_the_address_that_is_printed_can_be_reached() -> None:
    assert command.address_for("127.0.0.1") == "127.0.0.1"
    assert command.address_for("0.0.0.0") not in {"0.0.0.0", ""}


def test_a_kit_that_cannot_start_says_why(
    server: KitServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.main(["--port", str(server.own_port)]) == 2
    assert command.main(["--port", "0", "--json", str(tmp_path / "no" / "x.json")]) == 2
    assert command.main(["--port", "0", "--rig", "/no/such/program {url} {other}"]) == 2
    errors = capsys.readouterr().err.splitlines()
    assert [line.partition(":")[0] for line in errors] == [
        "The kit cannot start",
        "The kit cannot start",
        "The kit cannot work the cabinet",
    ]
