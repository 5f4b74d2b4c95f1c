"""The documents for makers of cabinets agree with the code. No database."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.urls import resolve

from lockers import codes, journal, signing
from lockers.api.shapes_reports import MOST_EVENTS
from lockers.device_api import views
from lockers.journal import BadEntry, EntryKind, read_entry
from lockers.states import OF_COURIER, OF_NETWORK, CommandKind

ROOT = Path(__file__).resolve().parents[2]
GUIDE = (ROOT / "lastmile/docs/lockers.md").read_text(encoding="utf-8")
TOOLS: dict[str, Any] = yaml.safe_load(
    (ROOT / "lastmile/docs/lockers.asyncapi.yaml").read_text(encoding="utf-8")
)
SCHEMAS, MESSAGES = TOOLS["components"]["schemas"], TOOLS["components"]["messages"]
KEY = bytes(range(32))


def references(value: Any) -> list[str]:
    if isinstance(value, dict):
        own = [value["$ref"]] if "$ref" in value else []
        return own + [one for inner in value.values() for one in references(inner)]
    return [one for inner in value for one in references(inner)] if isinstance(value, list) else []


def test_each_reference_of_the_document_leads_somewhere() -> None:
    assert references(TOOLS)
    for reference in references(TOOLS):
        place: Any = TOOLS
        for name in reference.removeprefix("#/").split("/"):
            place = place[name]
        assert place


@pytest.mark.parametrize(
    ("channel", "view"),
    [("devices", views.claim), ("journal", views.journal), ("heartbeats", views.heartbeat)],
)
def test_each_channel_is_an_address_that_cabinets_call(channel: str, view: Any) -> None:
    address = TOOLS["channels"][channel]["address"]
    assert resolve(address.replace("{bank}", "bnk_1")).func is view
    assert address in GUIDE


def test_entries_have_the_kinds_and_members_that_the_server_takes() -> None:
    entry = SCHEMAS["entry"]["properties"]
    assert entry["kind"]["enum"] == [kind.value for kind in EntryKind]
    assert set(entry) == journal._ALLOWED
    assert set(entry["clock"]["enum"]) == journal.CLOCKS
    assert MESSAGES["entries"]["payload"]["properties"]["entries"]["maxItems"] == (
        journal.MOST_ENTRIES
    )
    kinds = re.findall(r"^\| `(\w+)` \|", GUIDE.split("## 3.")[1].split("## 4.")[0], re.MULTILINE)
    assert kinds == [kind.value for kind in EntryKind]
    assert read_entry({"seq": 1, "kind": "boot", "at": "2026-11-30T12:00:00Z"}).seq == 1
    for missing in SCHEMAS["entry"]["required"]:
        whole = {"seq": 1, "kind": "boot", "at": "2026-11-30T12:00:00Z"}
        with pytest.raises(BadEntry):
            read_entry({name: value for name, value in whole.items() if name != missing})


def test_reports_commands_and_headers_are_those_of_the_server() -> None:
    assert set(MESSAGES["report"]["payload"]["properties"]) == set(views._REPORT)
    command = MESSAGES["news"]["payload"]["properties"]["commands"]["items"]["properties"]
    assert set(command["kind"]["enum"]) == {kind.value for kind in CommandKind}
    signed = [
        signing.DEVICE_ID, signing.DEVICE_SEQ, signing.DEVICE_TIME, signing.DEVICE_SIGNATURE,
    ]  # fmt: skip
    assert SCHEMAS["signedHeaders"]["required"] == signed
    assert set(SCHEMAS["answerHeaders"]["properties"]) == {
        signing.SERVER_TIME, signing.SERVER_SIGNATURE,
    }  # fmt: skip


def test_the_examples_of_codes_and_signatures_are_right() -> None:
    reservation = "rsv_0000000000000000001a"
    for role in ("shopper", "courier"):
        assert f"`{codes.pin(KEY, reservation, role, 1)}`" in GUIDE
    signature = signing.sign(
        KEY,
        method="POST",
        path="/api/v1/locker-banks/bnk_0000000000000000001a/journal/",
        seq=7,
        time="2026-11-30T12:00:00.000+00:00",
        body=b'{"entries":[]}',
    )
    assert f"`{signature}`" in GUIDE


def test_the_kinds_of_events_by_rest_are_those_of_the_server() -> None:
    section = GUIDE.split("## 9.")[1]
    table = {
        word
        for line in section.splitlines()
        if line.startswith("| `")
        for word in re.findall(r"`(\w+)`", line.split("|")[1])
    }
    assert table - {"reason"} == {kind.value for kind in OF_NETWORK}
    kinds = section.split("in the same form:")[1].split(".")[0]
    assert set(re.findall(r"`(\w+)`", kinds)) == {kind.value for kind in OF_COURIER}
    assert f"{MOST_EVENTS} events" in section
