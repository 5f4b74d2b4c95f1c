"""The conformance kit passes the simulated cabinet, and fails each cabinet that has a flaw."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import pytest

from lockers.conformance import __main__ as command
from lockers.conformance.checks import CHECKS
from lockers.conformance.hands import Person
from lockers.conformance.kit import Kit
from lockers.conformance.report import Result, is_passed, run_checks
from lockers.conformance.server import KitServer
from lockers.simulator.flaws import FLAWS
from lockers.simulator.link import HttpTransport
from lockers.simulator.station import ShownCabinet, Station

#: The check that must fail for a flaw.
FAILS = {
    "unsigned": "answer_forged",
    "replays": "answer_replayed",
    "keeps_clock": "clock_wrong",
    "needs_network": "pin_offline",
    "no_lock_out": "lock_out",
    "runs_again": "command_once",
    "runs_late": "command_late",
    "keeps_codes": "codes_ended",
    "forgets_numbers": "restart",
    "loses_entries": "lost_answer",
    "always_deposited": "empty_deposit",
}


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
    assert station.provision(server.world.token)
    kit = Kit(server, OwnHands(station), wait_s=2.0)
    return {one.name: one for one in run_checks(kit, only=frozenset(only))}


def test_the_simulated_cabinet_passes_every_check(server: KitServer) -> None:
    results = run(server, ShownCabinet)
    assert [one for one in results.values() if one.result != "passed"] == []
    assert list(results) == [check.name for check in CHECKS]


@pytest.mark.parametrize("flaw", sorted(FLAWS))
def test_a_cabinet_with_a_flaw_fails_its_check_with_a_remedy(server: KitServer, flaw: str) -> None:
    kind = type("Flawed", (FLAWS[flaw], ShownCabinet), {})
    result = run(server, kind, FAILS[flaw])[FAILS[flaw]]
    assert result.result == "failed"
    assert result.actual
    assert result.remedy


def test_every_flaw_has_its_check_and_every_check_says_what_to_do() -> None:
    assert set(FAILS) == set(FLAWS)
    names = [check.name for check in CHECKS]
    assert set(FAILS.values()) <= set(names)
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
