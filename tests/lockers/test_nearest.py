"""The nearest open bank that fits: by the index, in one statement, exact in metres."""

from __future__ import annotations

import datetime as dt

from django.db import connection
from django.test.utils import CaptureQueriesContext

from lastmile.core.geo import Point, distance_m
from lastmile.core.tenancy import RetailerRef
from lockers import selectors
from lockers.fitting import Size
from lockers.models import Compartment, LockerBank
from lockers.selectors import Wanted, nearest_banks
from lockers.selectors.nearest import _by_degrees
from tests.factories.banks import fill_with_banks
from tests.factories.fleet import LAT, LON, make_hub
from tests.factories.lockers import MEDIUM, SMALL, make_bank

HERE = Point(lat=LAT, lon=LON)
NORTH = Point(lat=62.0, lon=LON)  # where a degree of longitude is half as long
NIGHT = dt.datetime(2026, 12, 1, 23, tzinfo=dt.UTC)
BOOK = Size(width_mm=300, height_mm=60, depth_mm=200)
BOOT = Size(width_mm=300, height_mm=150, depth_mm=400)


def names(wanted: Wanted, most: int = 10) -> list[str]:
    return [near.bank.name for near in nearest_banks(LockerBank.objects.all(), wanted, most)]


def test_the_nearest_in_metres_comes_first_not_the_nearest_in_degrees(
    retailer: RetailerRef,
) -> None:
    make_bank(name="north", lat=62.008, lon=LON)
    make_bank(name="east", lat=62.0, lon=LON + 0.012)  # more degrees, fewer metres
    assert names(Wanted(near=NORTH)) == ["east", "north"]


def test_a_bank_without_a_free_compartment_that_fits_is_left_out(retailer: RetailerRef) -> None:
    make_bank(name="small", boxes=[SMALL])
    far = make_bank(name="medium", lat=LAT + 0.01, boxes=[MEDIUM])
    assert names(Wanted(near=HERE, size=BOOK)) == ["small", "medium"]
    assert names(Wanted(near=HERE, size=BOOT)) == ["medium"]
    Compartment.objects.filter(bank=far).update(state="occupied")
    assert names(Wanted(near=HERE, size=BOOT)) == []


def test_a_closed_bank_is_left_out_at_that_time_only(retailer: RetailerRef) -> None:
    make_bank(name="by day", hours="Mo-Fr 09:00-18:00")
    make_bank(name="always", lat=LAT + 0.01)
    assert names(Wanted(near=HERE, open_at=NIGHT)) == ["always"]
    assert names(Wanted(near=HERE, open_at=NIGHT - dt.timedelta(hours=10))) == ["by day", "always"]


def test_offline_banks_take_no_parcel_and_inactive_ones_are_never_named(
    retailer: RetailerRef,
) -> None:
    left = make_bank(name="gone", boxes=[SMALL])
    off = make_bank(name="off", boxes=[SMALL])
    LockerBank.objects.filter(pk=left.pk).update(active=False)
    LockerBank.objects.filter(pk=off.pk).update(state="offline")
    assert names(Wanted(near=HERE)) == ["off"]
    assert names(Wanted(near=HERE, size=BOOK)) == []


def test_weight_low_doors_and_the_radius_count(retailer: RetailerRef) -> None:
    make_bank(name="light", most_weight_g=1000, boxes=[SMALL])
    make_bank(name="far", lat=LAT + 0.2, boxes=[SMALL])
    assert names(Wanted(near=HERE, weight_g=2000)) == []
    assert names(Wanted(near=HERE, radius_m=30_000)) == ["light", "far"]
    assert names(Wanted(near=HERE, low_door=True)) == []


def test_among_800_points_the_answer_is_the_exact_one_by_the_index_in_one_statement(
    retailer: RetailerRef,
) -> None:
    fill_with_banks(make_hub(), 800, around=NORTH, half=0.5)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE lockers_lockerbank, lockers_compartment")
    wanted = Wanted(near=NORTH, radius_m=50_000, size=BOOT, open_at=NIGHT)
    with CaptureQueriesContext(connection) as queries:
        result = nearest_banks(LockerBank.objects.all(), wanted, 10)
    assert len(queries) == 1
    boxes = Compartment.objects.filter(
        state="empty", least_mm__gte=160, middle_mm__gte=310, most_mm__gte=410
    )
    able = [
        bank
        for bank in LockerBank.objects.filter(pk__in=boxes.values("bank"))
        if selectors.is_open_at(bank, NIGHT)
    ]
    able.sort(key=lambda bank: distance_m(NORTH, bank.point))
    assert [near.bank for near in result] == able[:10]
    plan = _by_degrees(LockerBank.objects.all(), wanted)[:64].explain()
    assert "Index Scan using bank_nearest" in plan, plan


def test_a_search_that_suits_nobody_ends_after_four_statements(retailer: RetailerRef) -> None:
    fill_with_banks(make_hub(), 2_100, around=HERE, half=0.1)
    huge = Wanted(near=HERE, radius_m=50_000, size=Size(width_mm=900, height_mm=900, depth_mm=900))
    with CaptureQueriesContext(connection) as queries:
        assert nearest_banks(LockerBank.objects.all(), huge, 10) == []
    assert len(queries) == 4
