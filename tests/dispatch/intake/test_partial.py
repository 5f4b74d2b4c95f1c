"""Files with only some fields of an order, unreadable contacts, and past service dates."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from dispatch.fleet.models import Hub
from dispatch.intake import selectors
from dispatch.intake.models import ImportBatch
from dispatch.intake.services import receive_file
from dispatch.orders import services
from dispatch.orders.drafts import SentFields
from dispatch.orders.models import Order
from lastmile.core.models import Job, JobState
from lastmile.core.runner import run_job
from lastmile.core.tenancy import RetailerRef
from tests.factories import make_draft, make_hub, make_order

HEADING = (
    "order_id,name,phone,email,address,lat,lon,date,window_from,window_to,parcels,weight_kg,"
    "volume_l,service_minutes,skills,notes\n"
)
FULL = (
    "{0},Ana Prueba,961234567,ana@example.org,Cordovez 300,-29.9030,-71.2510,2026-12-11,09:00,"
    "12:00,3,12.5,30,8,fridge,Ring twice\n"
)


@pytest.fixture
def hub(retailer: RetailerRef) -> Hub:
    return make_hub(name="La Serena", lat=-29.905, lon=-71.25, zone="America/Santiago")


def bring(text: str, **kwargs: Any) -> ImportBatch:
    batch = receive_file(content=text.encode(), filename="orders.csv", **kwargs)
    assert run_job(batch.job) == JobState.SUCCEEDED, Job.objects.get(public_id=batch.job).detail
    batch.refresh_from_db()
    return batch


def facts(external_id: str) -> dict[str, Any]:
    """Return the stored values of an order that a file can change."""
    order = Order.objects.select_related("shopper", "place", "promise").get(external_id=external_id)
    shopper, place, promise = order.shopper, order.place, order.promise
    return {
        "who": (shopper.name, shopper.phone, shopper.email),
        "where": (place.text, place.lat, place.lon, place.pin_source),
        "when": (order.service_date, promise and (promise.opens_at, promise.closes_at)),
        "what": (order.parcel_count, order.weight_g, order.volume_cm3, order.service_s),
        "parcels": list(order.parcels.values_list("weight_g", "volume_cm3")),
        "needs": (order.skills, order.notes, order.direction),
    }


def messages(batch: ImportBatch) -> list[tuple[int, str]]:
    return [(row, words) for row, _order, words in selectors.warnings(batch)]


def test_missing_columns_do_not_erase_values(hub: Hub) -> None:
    bring(HEADING + FULL.format("U1"))
    before = facts("U1")
    batch = bring("order_id,lat,lon,weight_kg\nU1,-29.9030,-71.2510,14\n")
    assert (batch.updated_count, batch.warned_count) == (1, 0)
    after = facts("U1")
    assert after["what"] == (3, 14_000, 30_000, 480)
    assert sum(weight for weight, _volume in after["parcels"]) == 14_000
    same = {"who", "where", "when", "needs"}
    assert {name: after[name] for name in same} == {name: before[name] for name in same}


def test_empty_cells_do_not_erase_values_and_give_a_warning(hub: Hub) -> None:
    bring(HEADING + FULL.format("U2"))
    before = facts("U2")
    batch = bring(HEADING + "U2,Beto Prueba,,,,-29.9030,-71.2510,,,,,,,,,\n")
    after = facts("U2")
    assert after == before | {"who": ("Beto Prueba", *before["who"][1:])}
    ((row, words),) = messages(batch)
    assert row == 2
    for field in ("email", "notes", "parcel_count", "phone", "skills", "weight_g", "window"):
        assert field in words
    assert batch.changes == {"name": 1}


def test_a_preview_counts_changes_by_field(hub: Hub) -> None:
    bring(HEADING + FULL.format("V1") + FULL.format("V2"))
    before = facts("V1"), facts("V2")
    text = "order_id,lat,lon,weight_kg,notes\n"
    text += "V1,-29.9030,-71.2510,14,Ring once\nV2,-29.9030,-71.2510,15,\n"
    dry = bring(text, dry_run=True)
    assert dry.changes == {"notes": 1, "parcels": 2, "weight_g": 2}
    assert dry.warned_count == 1
    assert (facts("V1"), facts("V2")) == before
    assert Job.objects.get(public_id=dry.job).result["changes"] == dry.changes
    assert bring(text).changes == dry.changes


def test_a_new_address_makes_a_new_place_and_a_new_parcel_count_keeps_the_load(hub: Hub) -> None:
    bring(HEADING + FULL.format("W1"))
    bring("order_id,address\nW1,Balmaceda 500\n")
    after = facts("W1")
    assert after["where"] == ("Balmaceda 500", None, None, "")
    assert Order.objects.get(external_id="W1").state == "needs_pin"
    bring("order_id,lat,lon,parcels\nW1,-29.9,-71.25,2\n")
    after = facts("W1")
    assert after["where"] == ("Balmaceda 500", -29.9, -71.25, "given")
    assert after["parcels"] == [(6250, 15_000), (6250, 15_000)]


def test_a_pin_set_by_a_person_survives_a_file_without_coordinates(hub: Hub) -> None:
    bring("order_id,address,date\nX1,Lost Lane 7,2026-12-11\n")
    services.set_pin(order=Order.objects.get(external_id="X1"), lat=-29.91, lon=-71.24)
    bring("order_id,address,weight_kg\nX1,Lost Lane 7,9\n")
    assert facts("X1")["where"] == ("Lost Lane 7", -29.91, -71.24, "dispatcher")
    assert facts("X1")["what"][1] == 9_000


def test_named_parcels_keep_values_that_the_file_does_not_have(hub: Hub) -> None:
    bring(
        "order_id,lat,lon,parcel_id,weight_g,volume_l\nP1,-29.9,-71.25,a,500,2\nP1,-29.9,-71.25,b,700,3\n"
    )
    bring("order_id,lat,lon,parcel_id,weight_g\nP1,-29.9,-71.25,a,600\nP1,-29.9,-71.25,b,700\n")
    order = Order.objects.get(external_id="P1")
    assert list(order.parcels.values_list("external_id", "weight_g", "volume_cm3")) == [
        ("a", 600, 2_000), ("b", 700, 3_000),
    ]  # fmt: skip
    assert (order.weight_g, order.volume_cm3) == (1_300, 5_000)


def test_an_order_that_changed_while_its_partial_draft_was_read_is_not_overwritten(
    hub: Hub,
) -> None:
    order = make_order(external_id="R1", notes="old")
    draft = make_draft(
        external_id="R1", sent_fields=SentFields(filled=frozenset({"notes"})), notes="of the file"
    )
    prepared = services.prepare_orders([draft])
    services.change_order(order=order, notes="of a person")
    (answer,) = services.place_prepared(prepared=prepared, source="file")
    assert answer.status == "refused"
    assert Order.objects.get(pk=order.pk).notes == "of a person"


def test_telephone_numbers_from_a_spreadsheet_are_read_or_ignored(hub: Hub) -> None:
    cells = ["961234567.0", "56961234567.0", '"961234567,00"', "5.6961234567E10", "961234567"]
    rows = "".join(f"T{n},Ana,{cell},-29.9,-71.25\n" for n, cell in enumerate(cells))
    batch = bring("order_id,name,phone,lat,lon\n" + rows)
    phones = Order.objects.order_by("external_id").values_list("shopper__phone", flat=True)
    assert list(phones) == ["+56961234567"] * 5
    assert (batch.created_count, batch.warned_count) == (5, 0)


@pytest.mark.parametrize(
    ("phone", "email"),
    [
        ("9 6123 4567 / 51 221 2345", ""), ("512212345 anexo 12", ""), ("sin telefono", ""),
        ("0", ""), ("5.69612E+10", ""), ("9" * 300, ""),
    ],
)  # fmt: skip
def test_an_unreadable_contact_does_not_refuse_its_order(hub: Hub, phone: str, email: str) -> None:
    batch = bring(f"order_id,name,phone,lat,lon\nQ1,Ana,{phone},-29.9,-71.25\n")
    assert (batch.created_count, batch.refused_count, batch.warned_count) == (1, 0, 1)
    assert Order.objects.select_related("shopper").get().shopper.phone == ""
    ((_row, words),) = messages(batch)
    assert "kept without it" in words
    assert phone not in str(batch.warnings)


def test_an_unreadable_email_or_language_is_ignored(hub: Hub) -> None:
    batch = bring(
        "order_id,name,email,language,phone,lat,lon\n"
        "Q1,Ana,ana@example.org; beto@example.org,es,961234567,-29.9,-71.25\n"
        "Q2,Ana,n/a,español,961234567,-29.9,-71.25\n"
    )
    assert (batch.created_count, batch.warned_count) == (2, 2)
    assert len(batch.warnings) == 3
    shoppers = Order.objects.values_list("shopper__email", "shopper__phone")
    assert set(shoppers) == {("", "+56961234567")}


def test_an_unassigned_telephone_number_is_stored_with_a_warning(hub: Hub) -> None:
    batch = bring("order_id,phone,lat,lon\nQ1,912345678,-29.9,-71.25\n")
    assert Order.objects.select_related("shopper").get().shopper.phone == "+56912345678"
    assert "does not seem to be in use" in messages(batch)[0][1]


def test_a_past_service_date_gives_a_warning_but_yesterday_does_not(hub: Hub, clock: Any) -> None:
    clock(dt.datetime(2026, 11, 29, 2, 30, tzinfo=dt.UTC))  # 28 November in Santiago
    batch = bring(
        "order_id,lat,lon,date\n"
        "D1,-29.9,-71.25,2026-11-26\nD2,-29.9,-71.25,2026-11-27\nD3,-29.9,-71.25,2026-11-28\n"
    )
    assert [(row, "26 Nov 2026 is in the past" in words) for row, words in messages(batch)] == [
        (2, True)
    ]


def test_an_unreadable_contact_keeps_the_previous_one(hub: Hub) -> None:
    bring(HEADING + FULL.format("K1") + FULL.format("K2"))
    before = facts("K1"), facts("K2")
    batch = bring("order_id,address,phone,email\nK1,Cordovez 300,sin telefono,n/a\n")
    assert (facts("K1"), facts("K2")) == before
    assert [words.endswith("The previous one is kept.") for _row, words in messages(batch)] == [
        True,
        True,
    ]
    assert batch.changes == {}


def test_a_new_date_needs_a_window_for_an_order_that_has_one(hub: Hub) -> None:
    bring(HEADING + FULL.format("D1"))
    before = facts("D1")
    batch = bring("order_id,lat,lon,date\nD1,-29.9030,-71.2510,2026-12-13\n")
    assert (batch.updated_count, batch.refused_count) == (0, 1)
    assert "give a window on the new date too" in str(batch.refused.get().faults)
    assert facts("D1") == before
    bring("order_id,lat,lon,date,window\nD1,-29.9030,-71.2510,2026-12-13,9-12\n")
    date, (opens_at, _closes_at) = facts("D1")["when"]
    assert date == opens_at.date() == dt.date(2026, 12, 13)


def test_parcels_that_get_an_id_keep_their_load(hub: Hub) -> None:
    bring(HEADING + FULL.format("G1"))
    batch = bring(
        "order_id,lat,lon,parcel_id,weight_g\n"
        "G1,-29.9030,-71.2510,a,5000\nG1,-29.9030,-71.2510,b,6000\n"
    )
    assert facts("G1")["parcels"] == [(5_000, 15_000), (6_000, 15_000)]
    assert "volume_cm3" not in batch.changes


def test_a_shopper_without_a_contact_stays_the_same_row(hub: Hub) -> None:
    bring("order_id,name,lat,lon\nS1,Ana,-29.9,-71.25\n")
    shopper = Order.objects.get(external_id="S1").shopper_id
    bring("order_id,lat,lon,weight_kg\nS1,-29.9,-71.25,3\n")
    assert Order.objects.get(external_id="S1").shopper_id == shopper
