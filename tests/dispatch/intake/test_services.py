"""The import of order files: the orders it places, the rows it refuses, and who may import."""

from __future__ import annotations

import datetime as dt

import pytest

from dispatch.fleet.models import Hub
from dispatch.intake import selectors
from dispatch.intake.models import ImportBatch, ImportFile
from dispatch.intake.services import receive_file
from dispatch.orders.models import Order
from lastmile.core.errors import Invalid, NotFound, TooLarge
from lastmile.core.events import Event
from lastmile.core.models import Job, JobState
from lastmile.core.runner import run_job
from lastmile.core.tenancy import RetailerRef, retailer_context

DAY = dt.date(2026, 12, 1)
GOOD = (
    "order_id,name,lat,lon,date,from,to,parcels,kg\n"
    "A1,Ana,38.72,-9.14,2026-12-01,09:00,12:00,2,4\n"
    "A2,Rui,38.73,-9.15,2026-12-01,,,1,1\n"
)


@pytest.fixture
def hub(retailer: RetailerRef) -> Hub:
    return Hub.objects.create(name="Lisboa", lat=38.72, lon=-9.13, zone="Europe/Lisbon")


def bring(text: str, **kwargs: object) -> ImportBatch:
    batch = receive_file(content=text.encode(), filename="orders.csv", **kwargs)  # type: ignore[arg-type]
    assert run_job(batch.job) == JobState.SUCCEEDED, Job.objects.get(public_id=batch.job).detail
    batch.refresh_from_db()
    return batch


def test_a_file_becomes_orders_with_their_promises_and_parcels(hub: Hub) -> None:
    batch = bring(GOOD)
    assert (batch.state, batch.rows_count, batch.created_count) == ("done", 2, 2)
    first = Order.objects.select_related("promise").get(external_id="A1")
    assert (first.hub, first.service_date, first.parcel_count, first.weight_g) == (
        hub,
        DAY,
        2,
        4000,
    )
    assert first.promise is not None
    assert first.promise.opens_at == dt.datetime(2026, 12, 1, 9, tzinfo=dt.UTC)
    assert Order.objects.get(external_id="A2").promise is None


def test_a_window_over_midnight_is_promised_until_the_next_day(hub: Hub) -> None:
    bring(GOOD.replace("09:00,12:00", "22:00,02:00"))
    order = Order.objects.select_related("promise").get(external_id="A1")
    promise = order.promise
    assert promise is not None
    assert promise.opens_at == dt.datetime(2026, 12, 1, 22, tzinfo=dt.UTC)
    assert promise.closes_at == dt.datetime(2026, 12, 2, 2, tzinfo=dt.UTC)
    assert order.service_date == DAY


def test_the_same_file_again_changes_nothing(hub: Hub) -> None:
    bring(GOOD)
    before = list(Order.objects.order_by("pk").values())
    events = Event.objects.filter(kind__startswith="order.").count()
    again = bring(GOOD)
    assert (again.created_count, again.updated_count, again.unchanged_count) == (0, 0, 2)
    assert list(Order.objects.order_by("pk").values()) == before
    assert Event.objects.filter(kind__startswith="order.").count() == events


def test_a_preview_has_the_same_counts_and_changes_nothing(hub: Hub) -> None:
    text = GOOD + "A3,Zé,91,0,,,,,\n"
    dry = bring(text, dry_run=True)
    assert (dry.created_count, dry.refused_count) == (2, 1)
    assert Order.objects.count() == 0
    assert not Event.objects.filter(kind__startswith="order.").exists()
    real = bring(text)
    assert (real.created_count, real.refused_count) == (dry.created_count, dry.refused_count)


def test_refused_rows_come_back_in_the_senders_columns_with_the_reason(
    hub: Hub,
) -> None:
    batch = bring(
        "Pedido;Lat;Lng;Fecha;Color\nB1;91;-9;2026-12-01;red\nB2;38.7;-9.1;2026-12-01;x\n"
    )
    assert batch.unknown_headings == ["Color"]
    file = "".join(selectors.refused_csv(batch))
    heading, row = file.lstrip("\ufeff").strip().split("\r\n")
    assert heading == "Pedido,Lat,Lng,Fecha,Color,why_refused"
    assert row.startswith(
        "B1,91,-9,2026-12-01,red,lat: “91” is out of range. Write a number from -90 to 90."
    )
    mended = bring(file.replace("91", "38.8", 1))
    assert (mended.created_count, mended.refused_count) == (1, 0)


def test_a_file_without_a_table_fails_with_a_message(hub: Hub) -> None:
    batch = bring("name,lat,lon\nAna,1,2\n")
    assert batch.state == "failed"
    assert "order_id" in selectors.file_problem(batch)
    assert Order.objects.count() == 0


def test_the_file_is_stored_only_until_it_is_read(hub: Hub) -> None:
    batch = receive_file(content=GOOD.encode(), filename="orders.csv")
    assert bytes(ImportFile.objects.get(batch=batch).content) == GOOD.encode()
    run_job(batch.job)
    assert not ImportFile.objects.filter(batch=batch).exists()


def test_a_second_run_after_a_crash_places_every_order_once(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dispatch.intake.services import reading as services

    text = "order_id,lat,lon,date\n" + "".join(f"C{i},38.7,-9.1,2026-12-01\n" for i in range(30))
    monkeypatch.setattr(services, "CHUNK", 10)
    batch = receive_file(content=text.encode(), filename="orders.csv")
    real, calls = services.place_prepared, []

    def dies_on_the_second(*args: object, **kwargs: object) -> object:
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return real(*args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(services, "place_prepared", dies_on_the_second)
    with pytest.raises(KeyboardInterrupt):
        run_job(batch.job)
    Job.objects.filter(public_id=batch.job).update(
        state="queued", lease_token=None, lease_until=None, deadline_at=None
    )
    run_job(batch.job)
    batch.refresh_from_db()
    assert Order.objects.count() == 30
    assert (batch.created_count, batch.unchanged_count, batch.refused_count) == (20, 10, 0)


def test_a_file_over_the_limit_is_refused_and_leaves_nothing(
    hub: Hub, settings: pytest.FixtureRequest
) -> None:
    settings.LIMIT_IMPORT_BYTES = 10  # type: ignore[attr-defined]
    with pytest.raises(TooLarge):
        receive_file(content=b"x" * 11, filename="orders.csv")
    assert not ImportBatch.objects.exists()
    assert not Job.objects.exists()


def test_a_sender_limited_to_a_hub_cannot_import_for_other_hubs(hub: Hub) -> None:
    other = Hub.objects.create(name="Porto", lat=41.15, lon=-8.61, zone="Europe/Lisbon")
    bring("order_id,lat,lon,date,hub\nP1,41.1,-8.6,2026-12-01,Porto\n")
    own_hub = {"hub": hub, "hubs_scope": {hub.public_id}}
    with pytest.raises(Invalid):
        receive_file(content=GOOD.encode(), filename="x.csv", hubs_scope={hub.public_id})
    before = Order.objects.values().get(external_id="P1")
    batch = bring(
        "order_id,lat,lon,date,hub,notes\nQ1,38.7,-9.1,2026-12-01,Porto,\n"
        "P1,38.7,-9.1,2026-12-01,,own note\nQ2,38.7,-9.1,2026-12-01,lisboa,\n",
        **own_hub,
    )
    assert (batch.created_count, batch.refused_count) == (1, 2)
    assert Order.objects.values().get(external_id="P1") == before
    with pytest.raises(NotFound):
        selectors.get_batch(batch.public_id, frozenset({other.public_id}))
    Hub.objects.filter(pk=hub.pk).update(external_id="lis")
    named = "order_id,lat,lon,date,hub\nQ3,38.7,-9.1,2026-12-01,external_id:lis\n"
    assert bring(named, **own_hub).created_count == 1


def test_an_import_of_one_retailer_is_unknown_to_another(hub: Hub, other: RetailerRef) -> None:
    batch = bring(GOOD)
    assert list(selectors.batches(None)) == [batch]
    with retailer_context(other):
        assert list(selectors.batches(None)) == []
        assert Order.objects.count() == 0


def test_refusals_are_worded_in_the_senders_language(hub: Hub) -> None:
    batch = bring("order_id,lat,lon,date,hub\nD1,38.7,-9.1,2026-12-01,Atlantis\n")
    (_number, _cells, faults) = selectors.refused_rows(batch)[0]
    assert faults[0].startswith("hub: No active hub")


def test_dates_and_weights_follow_the_country_of_hub_and_retailer(hub: Hub) -> None:
    albany = Hub.objects.create(name="Albany", lat=42.65, lon=-73.75, zone="America/New_York")
    text = "order_id,lat,lon,date\n{},42.65,-73.75,12/01/2026\n"
    unclear = bring(text.format("U1"))
    assert (unclear.created_count, unclear.refused_count) == (0, 1)
    assert "2026-01-12 or 2026-12-01" in selectors.refused_rows(unclear)[0][2][0]
    bring(text.format("U2"), hub=albany)
    assert Order.objects.get(external_id="U2").service_date == dt.date(2026, 12, 1)
    bring(text.format("U3"), hub=hub)
    assert Order.objects.get(external_id="U3").service_date == dt.date(2026, 1, 12)


def test_a_window_in_one_column_is_read_and_unknown_headings_are_reported(hub: Hub) -> None:
    batch = bring(
        "Order Number,Shipping Address,Latitude,Longitude,Delivery Date,Delivery Time,Colour\n"
        "D-1,Rua A 1,38.7,-9.1,2026-12-01,09:00 - 12:00,red\n"
        "D-2,Rua A 2,38.7,-9.1,2026-12-01,9-12,red\n"
        "D-3,Rua A 3,38.7,-9.1,2026-12-01,in the morning,red\n"
    )
    assert (batch.created_count, batch.refused_count) == (2, 1)
    promises = [o.promise for o in Order.objects.select_related("promise").order_by("external_id")]
    assert [p and (p.opens_at.hour, p.closes_at.hour) for p in promises] == [(9, 12), (9, 12)]
    result = Job.objects.get(public_id=batch.job).result
    assert result["unknown_headings"] == batch.unknown_headings == ["Colour"]
    done = Event.objects.get(kind="import.done")
    assert "unknown_headings" not in done.data
