"""The simulated cabinet with its page: doors, troubles, and a restart that loses nothing."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator, Mapping
from http.client import HTTPConnection
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from lastmile.core.demo import Demo
from lastmile.core.tenancy import RetailerRef
from lockers import demo_cabinets as lockers_demo
from lockers import services
from lockers.models import LockerBank, LockerDevice
from lockers.simulator.link import Answer
from lockers.simulator.page import PageServer
from lockers.simulator.station import Station
from lockers.simulator.texts import EN, ES
from lockers.states import DeviceState
from tests.factories.fleet import make_hub
from tests.factories.lockers import Wire, make_bank, make_reservation, pin_of

pytestmark = pytest.mark.django_db


class Nowhere:
    """A transport that must not be used."""

    def send(self, path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        raise AssertionError("The page alone needs no server.")


@pytest.fixture
def server() -> Iterator[PageServer]:
    station = Station(("1", "2"), None, Nowhere())
    one = PageServer(station, 'A "bank" & more', 0)
    Thread(target=one.serve_forever, daemon=True).start()
    yield one
    one.shutdown()
    one.server_close()


def ask(server: PageServer, method: str, path: str, body: str = "", **headers: str) -> Any:
    line = HTTPConnection("127.0.0.1", server.own_port, timeout=10)
    line.request(method, path, body or None, headers)
    answer = line.getresponse()
    text = answer.read().decode()
    line.close()
    return answer.status, text


def test_a_parcel_goes_in_and_out_by_the_acts_of_the_page(retailer: RetailerRef) -> None:
    bank = make_bank(2)
    station = Station(("1", "2"), None, Wire(retailer))
    assert station.provision(services.make_token(bank=bank).secret)
    row = make_reservation(bank)
    screen = station.act("type", {"code": pin_of(row, "courier")})
    assert screen["word"] == "opened"
    box = {"box": screen["box"]}
    assert [station.act(act, box)["word"] for act in ("put", "close")] == ["put", "closed"]
    row.refresh_from_db()
    assert row.state == "ready"
    station.act("network", {"on": "0"})
    assert station.act("type", {"code": pin_of(row)})["word"] == "opened"
    assert [station.act(act, box)["word"] for act in ("take", "close")] == ["taken", "closed"]
    row.refresh_from_db()
    assert row.state == "ready"  # the network is cut
    station.act("network", {"on": "1"})
    row.refresh_from_db()
    assert row.state == "collected"


def test_doors_parcels_and_keys_survive_the_end_of_the_program(
    retailer: RetailerRef, tmp_path: Path
) -> None:
    bank = make_bank(2)
    file = tmp_path / "cabinet.json"
    token = services.make_token(bank=bank).secret
    station = Station(("1", "2"), file, Wire(retailer))
    assert station.provision(token)
    row = make_reservation(bank)
    box = {"box": station.act("type", {"code": pin_of(row, "courier")})["box"]}
    station.act("put", box)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    again = Station(("1", "2"), file, Wire(retailer))
    assert again.provision(token)  # used before: it is not sent a second time
    assert again.act("close", box)["word"] == "closed"
    row.refresh_from_db()
    assert row.state == "ready"
    assert LockerDevice.objects.filter(bank=bank).count() == 1


def test_a_message_sent_twice_is_refused_and_a_second_cabinet_stops_both(
    retailer: RetailerRef,
) -> None:
    bank = make_bank(2)
    station = Station(("1", "2"), None, Wire(retailer))
    assert station.provision(services.make_token(bank=bank).secret)
    assert station.tick()
    assert station.act("replay", {})["word"] == "replay_refused"
    assert station.act("twin", {})["word"] == "twin_stopped"
    assert bank.devices.get().state == DeviceState.CONFLICT


def test_the_page_escapes_its_title_and_speaks_two_languages(server: PageServer) -> None:
    status, page = ask(server, "GET", "/?lang=es")
    assert status == 200
    assert "A &quot;bank&quot; &amp; more" in page
    assert ES["enter"] in page
    assert EN["enter"] in ask(server, "GET", "/", **{"Accept-Language": "de,en;q=0.5"})[1]
    assert set(EN) == set(ES)


def test_the_page_takes_acts_from_itself_only(server: PageServer) -> None:
    act = json.dumps({"act": "force", "box": "1"})
    own = f"http://localhost:{server.own_port}"
    assert ask(server, "POST", "/act", act)[0] == 403
    assert ask(server, "POST", "/act", act, Origin="http://evil.example")[0] == 403
    assert ask(server, "GET", "/state", Host="evil.example")[0] == 404
    assert not server.station.hardware.doors["1"].is_open
    status, text = ask(server, "POST", "/act", act, Origin=own)
    assert (status, json.loads(text)["state"]["doors"][0]["open"]) == (200, True)
    odd = ask(server, "POST", "/act", json.dumps({"act": "put", "box": "9"}), Origin=own)
    assert json.loads(odd[1])["said"] == {"word": "not_possible"}


def test_the_demo_gives_its_simulator_a_token_once_and_replaces_no_other_cabinet(
    retailer: RetailerRef, tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.VAR = tmp_path
    plan = lockers_demo.BANKS["verdura"]
    monkeypatch.setitem(lockers_demo.BANKS, retailer.schema, plan)  # type: ignore[misc]
    make_hub(external_id=plan.hub)
    lockers_demo.seed_demo(Demo())
    assert stat.S_IMODE(lockers_demo.lockers_file().stat().st_mode) == 0o600
    one = json.loads(lockers_demo.lockers_file().read_text())["cabinets"][0]
    station = Station(tuple(one["doors"]), Path(one["memory"]), Wire(retailer))
    station.cabinet.firmware = lockers_demo.DEMO_FIRMWARE
    assert station.provision(one["token"])
    lockers_demo.seed_demo(Demo())
    assert json.loads(lockers_demo.lockers_file().read_text())["cabinets"][0]["token"] == ""
    Path(one["memory"]).unlink()
    lockers_demo.seed_demo(Demo())  # its keys are lost
    assert json.loads(lockers_demo.lockers_file().read_text())["cabinets"][0]["token"]
    bank = LockerBank.objects.get(external_id=plan.id)
    services.claim_token(secret=services.make_token(bank=bank).secret, firmware="real 1.0")
    lockers_demo.seed_demo(Demo())
    assert json.loads(lockers_demo.lockers_file().read_text())["cabinets"][0]["token"] == ""
    assert LockerBank.objects.count() == 2


def test_the_files_of_the_page_are_served(server: PageServer) -> None:
    for name in ("cabinet.css", "cabinet.js"):
        assert ask(server, "GET", f"/{name}")[0] == 200
    assert ask(server, "GET", "/../station.py")[0] == 404
