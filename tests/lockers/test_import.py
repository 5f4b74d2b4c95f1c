"""Points from GeoJSON, CSV and Excel: previewed, refused with a reason, and imported once."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import pytest

from dispatch.fleet.models import Hub
from dispatch.intake.models import ImportBatch
from dispatch.intake.selectors import batches, refused_csv, refused_rows
from dispatch.intake.services import import_previewed
from lastmile.core.models import Job, JobState
from lastmile.core.runner import run_job
from lastmile.core.tenancy import RetailerRef
from lockers.intake.placing import KIND, receive_points
from lockers.intake.words import POINTS
from lockers.models import LockerBank, LockerChange
from lockers.selectors import is_open_at
from tests.dispatch.conftest import SetClock
from tests.factories.fleet import make_hub
from tests.factories.lockers import make_bank
from tests.shared import shared_data

HEAD = "id,name,type,network,street,house_number,lat,lon,opening_hours,country\n"
GOOD = "P1,Station,locker,DHL,Main St,1,52.09,5.11,Mo-Su 06:00-23:00,NL\n"


def hub_in_utrecht(**fields: Any) -> Hub:
    place = {"name": "Utrecht", "zone": "Europe/Amsterdam", "lat": 52.09, "lon": 5.12}
    return make_hub(**place | fields)


def preview(content: str | bytes, **options: Any) -> ImportBatch:
    values = {"filename": "points.csv", "hub": None, "kind": "", "hubs_scope": None} | options
    data = content.encode() if isinstance(content, str) else content
    return read(receive_points(content=data, **values))


def read(batch: ImportBatch) -> ImportBatch:
    assert run_job(batch.job) == JobState.SUCCEEDED, Job.objects.get(public_id=batch.job).detail
    batch.refresh_from_db()
    return batch


def bring(content: str | bytes, **options: Any) -> ImportBatch:
    seen = preview(content, **options)
    return read(import_previewed(preview=seen, hubs_scope=options.get("hubs_scope")))


def counts(batch: ImportBatch) -> tuple[int, int, int, int]:
    return (
        batch.created_count, batch.updated_count, batch.unchanged_count, batch.refused_count
    )  # fmt: skip


def codes(batch: ImportBatch) -> list[str]:
    return [fault["code"] for row in batch.refused.all() for fault in row.faults]


def feature(name: str, lon: Any, lat: Any, **values: Any) -> dict[str, Any]:
    return {
        "type": "Feature",
        "geometry": {"type": "Point", "coordinates": [lon, lat]},
        "properties": {"name": name, "kind": "locker"} | values,
    }


def geojson(*features: dict[str, Any]) -> str:
    return json.dumps({"type": "FeatureCollection", "features": features})


def test_a_preview_counts_and_changes_nothing(retailer: RetailerRef) -> None:
    hub_in_utrecht()
    batch = preview(HEAD + GOOD)
    assert counts(batch) == (1, 0, 0, 0)
    assert not LockerBank.objects.exists()
    assert batch.file.sketch["spots"] == [[5.11, 52.09, "placed"]]


def test_the_same_file_twice_changes_nothing_and_a_new_value_only_that_column(
    retailer: RetailerRef,
) -> None:
    hub_in_utrecht()
    assert counts(bring(HEAD + GOOD)) == (1, 0, 0, 0)
    assert counts(bring(HEAD + GOOD)) == (0, 0, 1, 0)
    LockerBank.objects.update(access="Behind the kiosk")
    batch = bring(HEAD + GOOD.replace("Station", "Central"))
    assert counts(batch) == (0, 1, 0, 0)
    assert batch.changes == {"name": 1}
    bank = LockerBank.objects.get()
    assert (bank.name, bank.access, bank.version, bank.kind) == (
        "Central", "Behind the kiosk", 2, "vendor",
    )  # fmt: skip
    assert (bank.zone, bank.hours, bank.address) == (
        "Europe/Amsterdam", "Mo-Su 06:00-23:00", "Main St 1",
    )  # fmt: skip
    assert list(LockerChange.objects.values_list("cause", "after")) == [
        ("imported", ""), ("imported", "name"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("row", "code"),
    [
        ("P1,Station,locker,DHL,Main St,1,0,0,,NL\n", "zero_point"),
        ("P1,Station,locker,DHL,Main St,1,5.11,52.09,,NL\n", "swapped"),
        ("P1,Station,locker,DHL,Main St,1,48.85,2.35,,FR\n", "far_from_hub"),
        ("P1,Station,locker,DHL,Main St,1,95.2,5.11,,NL\n", "out_of_range"),
        ("P1,Station,locker,DHL,Main St,1,north,5.11,,NL\n", "not_a_number"),
        ("P1,Station,locker,DHL,Main St,1,,,,NL\n", "no_point"),
        ("P1,Station,locker,DHL,Main St,1,52.09,,,NL\n", "half_a_place"),
        ("P1,Station,locker,DHL,Main St,1,52.09,5.11,,QQ\n", "unknown_country"),
        ("P1,Station,locker,DHL,Main St,1,52.09,5.11,from nine,NL\n", "hours_unreadable"),
        ("P1,Station,spaceship,DHL,Main St,1,52.09,5.11,,NL\n", "unknown_kind"),
        ("P1,Station,,DHL,Main St,1,52.09,5.11,,NL\n", "missing_kind"),
        (",Station,locker,DHL,Main St,1,52.09,5.11,,NL\n", "missing"),
        ("P1,,locker,DHL,Main St,1,52.09,5.11,,NL\n", "missing"),
    ],
)
def test_what_is_not_clear_is_refused_by_name_and_the_other_rows_are_kept(
    retailer: RetailerRef, row: str, code: str
) -> None:
    hub_in_utrecht()
    batch = bring(HEAD + row + GOOD.replace("P1", "P2"))
    assert codes(batch) == [code]
    assert LockerBank.objects.get().external_id == "P2"
    [(number, _cells, [sentence])] = refused_rows(batch, 10, POINTS)
    assert number == 2
    assert "%(" not in sentence
    assert sentence.split(": ")[-1] in "".join(refused_csv(batch, POINTS)).replace('""', '"')


def test_an_id_twice_in_a_file_is_refused_with_the_first_row(retailer: RetailerRef) -> None:
    hub_in_utrecht()
    batch = bring(HEAD + GOOD + GOOD.replace("Station", "Square"))
    assert codes(batch) == ["twice"]
    assert LockerBank.objects.get().name == "Station"


def test_without_ids_the_same_network_name_and_address_is_the_same_point(
    retailer: RetailerRef,
) -> None:
    hub_in_utrecht()
    text = geojson(feature("A", 5.11, 52.09), feature("B", 5.12, 52.09), feature("a", 5.2, 52.1))
    assert codes(bring(text)) == ["twice_without_id"]
    assert counts(bring(geojson(feature("A", 5.11, 52.09)))) == (0, 0, 1, 0)


def test_an_id_of_another_network_or_of_an_own_bank_is_never_taken_over(
    retailer: RetailerRef,
) -> None:
    hub = hub_in_utrecht()
    bring(HEAD + GOOD)
    assert codes(bring(HEAD + GOOD.replace("DHL", "DPD"))) == ["other_network"]
    make_bank(external_id="OWN1", hub=hub, lat=52.09, lon=5.11)
    assert codes(bring(HEAD + GOOD.replace("P1", "OWN1"))) == ["own_bank"]


def test_geojson_gives_the_place_and_another_geometry_is_refused(retailer: RetailerRef) -> None:
    hub_in_utrecht()
    area = {"type": "Feature", "geometry": {"type": "Polygon", "coordinates": []}, "properties": {}}
    apart = feature("Apart", 5.11, 52.09, latitude=52.2)
    batch = bring(geojson(feature("Right", 5.11, 52.09), area, apart))
    assert codes(batch) == ["not_a_point", "coordinates_differ"]
    bank = LockerBank.objects.get()
    assert (bank.lat, bank.lon) == (52.09, 5.11)


@pytest.mark.parametrize(
    ("content", "code"),
    [
        ('{"type": "FeatureCollection", "features": []}', "no_rows"),
        ('{"type": "Topology"}', "bad_geojson"),
        ("{" * 50_000, "bad_geojson"),
        ('{"type": "Feature", "crs": {"properties": {"name": "EPSG:28992"}}}', "other_crs"),
        ("id,name\nP1,Station\n", "no_place"),
        ("id,lat,lon\nP1,52,5\n", "no_name"),
    ],
)
def test_a_file_that_is_no_list_of_points_says_why(
    retailer: RetailerRef, content: str, code: str
) -> None:
    hub_in_utrecht()
    batch = preview(content)
    assert (batch.state, batch.problem_code) == ("failed", code)
    assert str(POINTS.file[code])


def test_a_sender_limited_to_hubs_neither_adds_nor_changes_points_of_other_hubs(
    retailer: RetailerRef,
) -> None:
    own, other = hub_in_utrecht(), hub_in_utrecht(name="Other")
    bring(HEAD + GOOD, hub=other)
    scope = frozenset({own.public_id})
    batch = bring(HEAD + GOOD, hub=own, hubs_scope=scope)
    assert codes(batch) == ["bank_not_yours"]
    named = HEAD.replace("country", "country,hub") + GOOD.replace("P1", "P3").replace(
        "NL\n", "NL,Other\n"
    )
    assert codes(bring(named, hub=own, hubs_scope=scope)) == ["hub_not_yours"]


def test_files_of_points_are_not_in_the_list_of_order_files(retailer: RetailerRef) -> None:
    hub_in_utrecht()
    batch = preview(HEAD + GOOD)
    assert list(batches(None, KIND)) == [batch]
    assert not batches(None).exists()


SUNDAY = dt.datetime(2026, 11, 29, 12, tzinfo=dt.UTC)


def test_the_points_of_utrecht_are_imported_once_with_the_kind_of_postnl_asked_for(
    retailer: RetailerRef, clock: SetClock
) -> None:
    hub_in_utrecht()
    folder = shared_data("lockers_nl")
    content = (folder / "utrecht.geojson").read_bytes()
    batch = bring(content)
    assert counts(batch) == (116, 0, 0, 64)  # 63 points of PostNL say no kind; one is an area
    assert sorted(set(codes(batch))) == ["missing_kind", "not_a_point"]
    batch = bring(content, kind="counter")
    assert counts(batch) == (63, 0, 116, 1)
    assert LockerBank.objects.filter(kind="vendor").count() == 40
    boxes = (folder / "dpd_points_utrecht_region.csv").read_bytes()
    assert counts(bring(boxes)) == (76, 0, 0, 0)
    bank = LockerBank.objects.get(external_id="NL10223")
    assert is_open_at(bank, SUNDAY) is False
