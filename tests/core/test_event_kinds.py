"""Event kinds: how facts are stored and read, and which values a payload may not contain."""

from __future__ import annotations

import dataclasses
import datetime as dt
import io
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from dispatch.orders.events import MOVED, ReadyFacts
from dispatch.orders.states import OrderState
from lastmile.core.events import DomainEvent, Lane
from lastmile.core.events_reference import PAGE, reference
from lastmile.core.kinds import (
    DECLARED,
    FieldDoc,
    Kind,
    NewerFacts,
    example_of,
    fields_of,
    is_plain,
)
from lastmile.core.wiring import kind_table
from tenants.events import RETAILER
from tenants.states import VERBS
from tests.architecture.source import Module, modules, offences

KINDS = kind_table()
# Words in a field's name that hint at personal data or a secret.
FORBIDDEN = re.compile(
    r"(^|_)(name|names|phone|tel|email|mail|address|street|house_number|postcode|city|unit|text"
    r"|note|notes|comment|message|detail|secret|token|password|pickup_code|otp|lat|lon)($|_)|^pin$"
)
ID = re.compile(r"[a-z]{3}_[0-9a-z]{20}")
WORD = re.compile(r"[a-z][a-z0-9_.]*|[A-Z]{3}|")  # a code, a currency, or empty
TYPES = {str, int, float, bool, dt.date, dt.datetime}


@dataclass(frozen=True, slots=True, kw_only=True)
class ParcelFacts:
    """The facts of a test event: a parcel was weighed."""

    from_: Annotated[str, FieldDoc("State before.", "new")]
    at: Annotated[dt.datetime | None, FieldDoc("When.", "2026-11-29T10:00:00+00:00")]
    day: Annotated[dt.date, FieldDoc("Day.", "2026-11-29")]
    weights_g: Annotated[tuple[int, ...], FieldDoc("Grams.", [5, 7])]
    note: Annotated[str | None, FieldDoc("A word.", "ok")] = None


@pytest.fixture
def parcel() -> Any:
    kind = Kind("parcel.weighed", facts=ParcelFacts)
    yield kind
    DECLARED.remove(kind)


def event(data: Mapping[str, Any], version: int = 1, kind: str = "parcel.weighed") -> DomainEvent:
    return DomainEvent(
        public_id="evt_1", kind=kind, subject="prc_1", actor="system",
        occurred_at=dt.datetime(2026, 11, 29, tzinfo=dt.UTC), data=data, position=1,
        lane=Lane.BULK, version=version,
    )  # fmt: skip


FACTS = ParcelFacts(
    from_="new",
    at=dt.datetime(2026, 11, 29, 10, tzinfo=dt.UTC),
    day=dt.date(2026, 11, 29),
    weights_g=(5, 7),
)
STORED = {
    "from": "new", "at": "2026-11-29T10:00:00+00:00", "day": "2026-11-29", "weights_g": [5, 7],
}  # fmt: skip


def test_facts_are_stored_as_json_and_read_back_as_they_were(parcel: Kind[ParcelFacts]) -> None:
    assert parcel.encode(FACTS) == STORED
    assert parcel.read(event(STORED)) == FACTS


def test_null_is_stored_and_a_default_is_left_out(parcel: Kind[ParcelFacts]) -> None:
    without = dataclasses.replace(FACTS, at=None)
    assert parcel.encode(without) == {**STORED, "at": None}
    facts = dataclasses.replace(FACTS, note="")
    assert parcel.encode(facts) == {**STORED, "note": ""}
    assert parcel.read(event(STORED | {"note": ""})) == facts


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"note": "ring twice"}, "is a text"),
        ({"note": "ada@example.org"}, "is a text"),
        ({"note": "x" * 81}, "is a text"),
        ({"at": dt.datetime(2026, 11, 29)}, "needs a time zone"),
        ({"weights_g": ({"a": 1},)}, "a fact is an id"),
    ],
)
def test_values_that_are_not_facts_are_refused(
    parcel: Kind[ParcelFacts], change: dict[str, Any], message: str
) -> None:
    with pytest.raises((TypeError, ValueError), match=message):
        parcel.encode(dataclasses.replace(FACTS, **change))


def test_facts_of_another_kind_are_refused(parcel: Kind[Any]) -> None:
    with pytest.raises(TypeError, match="carries ParcelFacts"):
        parcel.encode(ReadyFacts(from_="placed"))
    with pytest.raises(ValueError, match=r"not parcel\.weighed"):
        parcel.read(event(STORED, kind="parcel.lost"))
    with pytest.raises(ValueError, match="has no day"):
        parcel.read(event({k: v for k, v in STORED.items() if k != "day"}))


def test_an_old_event_is_upgraded_when_read_and_not_changed() -> None:
    def split(data: Mapping[str, Any]) -> dict[str, Any]:
        return {**data, "weights_g": [data["weight_g"]]}

    def rename(data: Mapping[str, Any]) -> dict[str, Any]:
        return {**data, "from": data["before"]}

    kind = Kind("parcel.weighed", facts=ParcelFacts, version=3, upgrades={1: split, 2: rename})
    DECLARED.remove(kind)
    first = {"before": "new", "at": None, "day": "2026-11-29", "weight_g": 5}
    original = dict(first)
    read = kind.read(event(first, version=1))
    assert (read.from_, read.weights_g) == ("new", (5,))
    assert first == original
    second = {"before": "new", "at": None, "day": "2026-11-29", "weights_g": [1, 2]}
    assert kind.read(event(second, version=2)).weights_g == (1, 2)


def test_a_newer_event_raises_an_error(parcel: Kind[ParcelFacts]) -> None:
    with pytest.raises(NewerFacts, match=r"written at version 2; this program knows version 1"):
        parcel.read(event(STORED, version=2))


def test_a_version_without_its_upgrade_cannot_be_declared() -> None:
    count = len(DECLARED)
    with pytest.raises(ValueError, match="one upgrade for each version"):
        Kind("parcel.weighed", facts=ParcelFacts, version=2)
    assert len(DECLARED) == count


# --- declarations of the apps ----------------------------------------------------------------
@pytest.mark.parametrize("name", sorted(KINDS))
def test_facts_are_frozen_and_slotted_and_each_field_is_documented(name: str) -> None:
    facts = KINDS[name].facts
    assert facts.__dataclass_params__.frozen
    assert "__slots__" in vars(facts)
    assert (facts.__doc__ or "").strip().endswith(".")
    assert [field.name for field in fields_of(facts) if field.doc is None] == []


@pytest.mark.parametrize("name", sorted(KINDS))
def test_the_examples_are_facts_that_can_be_stored(name: str) -> None:
    kind = KINDS[name]
    example = example_of(kind.facts)
    assert kind.encode(kind.read(event(example, kind.version, name))) == example


@pytest.mark.parametrize("name", sorted(KINDS))
def test_a_payload_never_holds_names_addresses_texts_or_codes(name: str) -> None:
    for field in fields_of(KINDS[name].facts):
        assert field.type in TYPES, f"{name}: {field.name} is {field.type}"
        assert not FORBIDDEN.search(field.name), f"{name}: {field.name}"
        if field.type is str:
            assert field.doc is not None
            examples = field.doc.example if field.many else [field.doc.example]
            for text in examples:
                assert ID.fullmatch(text) or WORD.fullmatch(text), f"{name}: {field.name}: {text}"


def test_a_text_is_not_plain() -> None:
    assert not is_plain("Ada Lovelace")
    assert not is_plain("+56 9 1234 5678")
    assert is_plain("import:imp_3w7y1c5f9j2n6r0t4x8z")


def test_each_state_of_an_order_and_each_verb_of_a_retailer_has_its_kind() -> None:
    assert set(MOVED) == {state.value for state in OrderState}
    assert set(RETAILER) == set(VERBS.values())


def kinds_made_elsewhere(module: Module) -> Any:
    if re.search(r"\bKind\(\s*f?\"", module.text):
        yield "makes a Kind"


def test_kinds_are_declared_only_in_events_modules() -> None:
    elsewhere = tuple(
        m
        for m in modules()
        if not m.path.endswith("/events.py") and m.path != "lastmile/core/kinds.py"
    )
    assert offences(kinds_made_elsewhere, elsewhere) == []


# --- reference page and OpenAPI document -----------------------------------------------------
def test_the_reference_page_is_current() -> None:
    assert PAGE.read_text(encoding="utf-8") == reference(), "run events_reference --write"
    call_command("events_reference", stdout=io.StringIO())


def test_an_outdated_reference_page_is_reported_and_can_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = tmp_path / "events.md"
    monkeypatch.setattr("lastmile.core.management.commands.events_reference.PAGE", page)
    page.write_text("# Events\n", encoding="utf-8")
    with pytest.raises(CommandError, match="is outdated"):
        call_command("events_reference", stdout=io.StringIO())
    call_command("events_reference", "--write", stdout=io.StringIO())
    assert page.read_text(encoding="utf-8") == reference()


def test_the_api_document_has_a_webhook_for_each_public_kind_and_no_other(client: Client) -> None:
    answer = client.get("/api/v1/schema/", headers={"accept": "application/json"})
    webhooks = answer.json()["webhooks"]
    assert set(webhooks) == {name for name, kind in KINDS.items() if kind.public}
    assert "order.promised" in webhooks
    assert "job.finished" not in webhooks
    for name, hook in webhooks.items():
        body = hook["post"]["requestBody"]["content"]["application/json"]
        data = body["schema"]["properties"]["data"]["properties"]["data"]
        example = body["example"]["data"]["data"]
        assert set(data["required"]) <= set(example) <= set(data["properties"]), name
        assert body["example"]["type"] == name
