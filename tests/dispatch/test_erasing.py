"""Tests of erasing a shopper: no personal data stays in the schema, but counts and prices do."""

from __future__ import annotations

import datetime as dt
import io
import json
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection, transaction

from dispatch.intake.models import ImportBatch, ImportFile, RefusedRow
from dispatch.intake.services import receive_file
from dispatch.orders.addresses import plain
from dispatch.orders.drafts import PlaceDraft, ShopperDraft
from dispatch.orders.models import Order, Place, Shopper
from dispatch.orders.services import cancel_order, set_pin
from dispatch.planning.boards import folder_of
from dispatch.planning.models import PlanInput, Route
from dispatch.planning.services import request_plan
from lastmile.core.erasing import Person
from lastmile.core.events import timeline
from lastmile.core.jobs import enqueue
from lastmile.core.models import Delivery, IdempotencyRecord, Job, JobState
from lastmile.core.relay import relay_batch
from lastmile.core.runner import run_job
from lastmile.core.tenancy import RetailerRef, retailer_context
from tenants.people.models import AuditEntry
from tenants.people.services import audit
from tests.dispatch.conftest import SetClock
from tests.dispatch.orders.actions import attempt, out
from tests.factories import make_hub, make_order
from tests.factories.fleet import LAT, LON, make_driver, make_shift, make_vehicle
from tests.factories.orders import DAY, make_window
from tests.people import key_client

NAME, EMAIL, PHONE = "Zacarías Quintanilla", "Zaca.Q@Example.org", "+351912345678"
STREET, NOTES = "Travessa dos Jerónimos 77", 'Ring at Quintanilla\'s, «two» "dogs"\nback door'
HOME = PlaceDraft(
    text=f"{STREET}, 3º esq, 1400-123 Lisboa", street="Travessa dos Jerónimos", house_number="77",
    unit="3º esq (porta azul)", postcode="1400-123", city="Lisboa", lat=LAT + 0.0012345,
    lon=LON - 0.0023456,
)  # fmt: skip
#: Personal data to look for in every table, in any case, without accents and inside JSON.
TRACES = [
    NAME,
    "Quintanilla",
    EMAIL,
    PHONE,
    "912345678",
    STREET,
    "Jerónimos",
    "1400-123",
    "porta azul",
]
EXACT = [f"{HOME.lat}", f"{HOME.lon}"]


def dump() -> dict[str, str]:
    """Return all data of the present schema as text, by table."""
    tables = {}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_name FROM information_schema.tables WHERE table_schema = current_schema()"
        )
        for (table,) in cursor.fetchall():
            cursor.execute(f"SELECT to_jsonb(t)::text FROM {table} t")
            tables[table] = "\n".join(
                json.dumps(json.loads(row), ensure_ascii=False) for (row,) in cursor
            )
    tables["intake_importfile"] = "\n".join(
        bytes(row).decode() for row in ImportFile.objects.values_list("content", flat=True)
    )
    for row in PlanInput.objects.all():
        with np.load(io.BytesIO(bytes(row.problem))) as arrays:
            tables["planning_planinput"] += arrays["problem"].tobytes().decode()
    return tables


def named_in(tables: dict[str, str], traces: list[str] = TRACES) -> set[str]:
    return {
        table
        for table, text in tables.items()
        for trace in traces
        if plain(trace) in plain(text) or trace.casefold() in text.casefold()
    }


def person_of(order: Order) -> str:
    return Shopper.objects.get(pk=order.shopper_id).public_id


@pytest.fixture
def lived(retailer: RetailerRef, clock: SetClock) -> Order:
    """A delivered order of Zacarías, with his data in every table that can contain it."""
    hub = make_hub()
    make_shift(vehicle=make_vehicle(hub=hub), driver=make_driver(hub=hub))
    client = key_client(retailer)
    body = {
        "external_id": "Z-1", "hub": hub.public_id, "service_date": DAY.isoformat(),
        "shopper": {"name": NAME, "phone": PHONE, "email": EMAIL},
        "place": {name: getattr(HOME, name) for name in (
            "text", "street", "house_number", "unit", "postcode", "city", "lat", "lon")},
        "notes": NOTES, "value_minor": 4200, "currency": "EUR",
        "parcels": [{"weight_g": 900, "volume_cm3": 1000}],
    }  # fmt: skip
    answer = client.post("/api/v1/orders/", body)
    assert answer.status_code == 201, answer.content
    order = Order.objects.get(external_id="Z-1")
    make_order(hub=hub.public_id)
    plan = request_plan(hub=hub, service_date=DAY, seconds=1)
    assert run_job(plan.public_id) == JobState.SUCCEEDED
    attempt(out(order))
    # A file in preview, and a refused row.
    lines = f"order;name;phone;address;weight_g\nZ-2;{NAME};912 345 678;{STREET};no weight\n"
    batch = receive_file(content=lines.encode(), filename=f"{NAME}.csv", dry_run=True, hub=hub)
    assert run_job(batch.job) == JobState.SUCCEEDED
    RefusedRow.objects.get_or_create(
        batch=batch, number=77,
        defaults={"cells": ["Z-9", "x", f"call {PHONE[4:7]} {PHONE[7:10]} {PHONE[10:]}"],
                  "faults": [{"column": "name", "code": "refused", "params": {"raw": NAME}}]},
    )  # fmt: skip
    ImportBatch.objects.update(refused_count=RefusedRow.objects.count())
    with transaction.atomic():
        audit("order.change", order.public_id, {"notes": (NOTES, f"for {NAME}")})
    job = enqueue("retailer.open", subject="ret_nobody", payload={"said": f"{NAME}, {EMAIL}"})
    Job.objects.filter(pk=job.pk).update(detail=f"{NAME} could not be reached at {EMAIL}.")
    relay_batch()
    Delivery.objects.update(error=f"KeyError: '{EMAIL}'")
    return Order.objects.get(pk=order.pk)


def erase(*argv: str, schema: str = "t1") -> dict[str, Any]:
    output = io.StringIO()
    call_command("erase_shopper", "--schema", schema, *argv, "--json", stdout=output)
    result: dict[str, Any] = json.loads(output.getvalue())
    return result


def test_nothing_in_the_schema_names_an_erased_shopper(lived: Order) -> None:
    before = dump()
    assert named_in(before) >= {
        "orders_shopper", "orders_place", "orders_order", "core_idempotencyrecord", "core_job",
        "people_auditentry", "intake_importbatch", "intake_importfile", "intake_refusedrow",
    } | ({"core_delivery"} if before["core_delivery"] else set())  # fmt: skip
    assert named_in(before, EXACT) >= {"orders_place", "planning_planinput"}
    result = erase("--email", EMAIL.lower())
    assert named_in(dump()) == set()
    assert named_in(dump(), EXACT) == set()
    assert result["orders"] == [lived.public_id]
    assert result["erased"]["shoppers"] == 1
    assert NAME not in json.dumps(result, ensure_ascii=False)


def test_counts_prices_and_promises_stay(lived: Order) -> None:
    unchanged = (
        "state",
        "value_minor",
        "currency",
        "weight_g",
        "parcel_count",
        "service_date",
        "external_id",
    )
    before = {name: getattr(lived, name) for name in unchanged}
    rows = {model: model.objects.count() for model in (Order, Shopper, Place, Route, RefusedRow)}
    cost = list(Route.objects.values_list("distance_m", "travel_s", "cost_distance_minor"))
    batch = ImportBatch.objects.values("refused_count", "rows_count", "created_count").get()
    erase("--phone", "912 345 678")
    after = Order.objects.get(pk=lived.pk)
    assert {name: getattr(after, name) for name in unchanged} == before
    assert {model: model.objects.count() for model in rows} == rows
    assert list(Route.objects.values_list("distance_m", "travel_s", "cost_distance_minor")) == cost
    assert ImportBatch.objects.values("refused_count", "rows_count", "created_count").get() == batch
    assert after.place.city == "Lisboa"
    assert (after.place.lat, after.place.lon) == (38.72, -9.14)
    assert after.attempts.count() == 1
    call_command("invariants", "--schema", "t1", stdout=io.StringIO())


def test_travel_files_with_the_exact_address_are_removed_after_the_commit(
    lived: Order,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    django_capture_on_commit_callbacks: Callable[..., Any],
) -> None:
    monkeypatch.setattr(settings, "DAYS_FOLDER", tmp_path)
    assert lived.hub is not None
    folder, other = folder_of(lived.hub.public_id), folder_of("hub_other")
    next_day = DAY + dt.timedelta(days=1)
    kept = [folder / f"{next_day}@straight.van-free", other / f"{DAY}@straight.van-free"]
    files = [folder / f"{DAY}@porto@1.van-08", folder / f"{DAY}@straight.van-free", *kept]
    for path in files:
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_bytes(np.array([HOME.lat, HOME.lon]).tobytes())
    with django_capture_on_commit_callbacks(execute=True):
        erase("--email", EMAIL, "--dry-run")
    assert all(path.exists() for path in files), "a dry run removes nothing"
    with django_capture_on_commit_callbacks(execute=True):
        erase("--email", EMAIL)
    assert [path for path in files if path.exists()] == kept


def test_erasing_twice_records_one_event(lived: Order) -> None:
    shopper = person_of(lived)
    assert erase("--shopper", shopper)["erased"]["shoppers"] == 1
    state = dump()
    again = erase("--shopper", shopper)
    assert set(again["erased"].values()) == {0}
    assert dump() == state
    assert [event.kind for event in timeline(shopper)] == ["shopper.erased"]
    assert AuditEntry.objects.filter(act="shopper.erased", subject=shopper).count() == 1
    with pytest.raises(CommandError, match="No shopper"):
        erase("--email", EMAIL)  # erased above


def test_a_dry_run_changes_nothing(lived: Order) -> None:
    before = dump()
    result = erase("--email", EMAIL, "--dry-run")
    assert result["dry_run"] is True
    assert result["erased"]["shoppers"] == 1
    assert dump() == before


def test_a_shopper_with_an_order_under_way_is_refused(lived: Order) -> None:
    other = make_order(shopper=ShopperDraft(name=NAME, phone=PHONE, email=EMAIL.lower()))
    before = dump()
    with pytest.raises(CommandError, match=f"open orders.*{other.public_id}"):
        erase("--phone", PHONE)
    assert dump() == before
    cancel_order(order=other, cause="shopper")
    assert len(erase("--phone", PHONE)["orders"]) == 2
    assert named_in(dump()) == set()


def test_an_unread_file_prevents_the_erasure(lived: Order) -> None:
    receive_file(content=f"order;name;address\n7;{NAME};Rua 1\n".encode(), filename="next.csv")
    before = dump()
    with pytest.raises(CommandError, match="still running"):
        erase("--email", EMAIL)
    assert dump() == before


def test_other_shoppers_and_retailers_keep_their_data(
    retailer: RetailerRef, other: RetailerRef
) -> None:
    make_hub()
    contact = {"name": NAME, "phone": PHONE, "email": EMAIL}
    erased = make_order(shopper=ShopperDraft(**contact), place=HOME, window=make_window())
    other_order = make_order(
        shopper=ShopperDraft(name="Rita Moura", phone="+351911111111"), place=HOME
    )
    Order.objects.filter(pk=other_order.pk).update(place=erased.place)  # as in one import file
    with retailer_context(other):
        make_hub()
        make_order(shopper=ShopperDraft(**contact), place=HOME)
        other_dump = dump()
    cancel_order(order=erased, cause="shopper")
    erase("--email", EMAIL)
    other_order.refresh_from_db()
    assert (other_order.shopper.name, other_order.place.text, other_order.place.lat) == (
        "Rita Moura",
        HOME.text,
        HOME.lat,
    )
    erased.refresh_from_db()
    assert erased.place_id != other_order.place_id
    assert (erased.place.text, erased.place.lat) == ("", 38.72)
    assert erased.promise is not None
    assert erased.promise.place_id == erased.place_id
    assert "quintanilla" not in erased.search
    with retailer_context(other):
        assert dump() == other_dump


def test_places_corrected_by_a_pin_are_erased_too(retailer: RetailerRef) -> None:
    make_hub()
    without_pin = PlaceDraft(text=HOME.text, city="Lisboa")
    order = make_order(shopper=ShopperDraft(name=NAME, email=EMAIL), place=without_pin)
    set_pin(order=order, lat=LAT, lon=LON)
    order.refresh_from_db()
    assert Place.objects.exclude(text="").count() == 2
    cancel_order(order=order, cause="shopper")
    erase("--email", EMAIL)
    assert Place.objects.exclude(text="", key="").count() == 0


def test_a_repeated_request_is_told_that_its_answer_was_erased(
    retailer: RetailerRef, clock: SetClock
) -> None:
    make_hub()
    client, key = key_client(retailer), uuid.uuid4().hex
    body = {
        "external_id": "Z-1", "shopper": {"name": NAME, "email": EMAIL},
        "place": {"text": HOME.text, "lat": HOME.lat, "lon": HOME.lon},
        "parcels": [{"weight_g": 1, "volume_cm3": 1}],
    }  # fmt: skip
    assert client.post("/api/v1/orders/", body, idempotency_key=key).status_code == 201
    order = Order.objects.get()
    cancel_order(order=order, cause="shopper")
    erase("--email", EMAIL)
    answer = client.post("/api/v1/orders/", body, idempotency_key=key)
    assert answer.status_code == 410
    assert answer.json()["code"] == "erased"
    assert IdempotencyRecord.objects.count() == 1
    assert Order.objects.count() == 1


def test_a_first_name_in_another_text_is_left_alone() -> None:
    person = Person(
        shoppers=("shp_1",), texts=("Rosa", "rosa@example.org", "Rosa Lima", "12345678")
    )
    assert person.identifying_texts() == ("rosa@example.org", "Rosa Lima", "12345678")
    facts = {"hub": "Santa Rosa", "to": ["ROSA LIMA <Rosa@example.org>", 7, None]}
    assert person.redact(facts) == {"hub": "Santa Rosa", "to": ["[erased] <[erased]>", 7, None]}


@pytest.mark.parametrize("argv", [["--phone", "12"], ["--shopper", "shp_none"]])
def test_a_wrong_name_is_refused(db: None, argv: list[str]) -> None:
    with pytest.raises(CommandError):
        erase(*argv)
