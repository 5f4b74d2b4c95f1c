"""GET /api/v1/locker-banks/?near=…: the nearest open bank that fits, for a key or a member."""

from __future__ import annotations

import pytest
from django.test import Client

from lastmile.core.tenancy import RetailerRef
from tenants.permissions import Role
from tests.factories.fleet import LAT, LON, make_hub
from tests.factories.lockers import MEDIUM, SMALL, make_bank
from tests.people import add_member, key_client, logged_in

URL = "/api/v1/locker-banks/"
HERE = f"{LAT},{LON}"


def ids(client: Client, **query: object) -> list[str]:
    answer = client.get(URL, query)
    assert answer.status_code == 200, answer.json()
    return [item["name"] for item in answer.json()["items"]]


def test_the_nearest_open_bank_that_fits_is_named_with_its_distance(
    retailer: RetailerRef,
) -> None:
    make_bank(name="small", boxes=[SMALL])
    make_bank(name="medium", lat=LAT + 0.01, boxes=[MEDIUM])
    make_bank(name="by day", lat=LAT + 0.02, boxes=[MEDIUM], hours="Mo-Fr 09:00-18:00")
    api = key_client(retailer).browser
    assert ids(api, near=HERE) == ["small", "medium", "by day"]
    assert ids(api, near=HERE, fits="300x150x400") == ["medium", "by day"]
    assert ids(api, near=HERE, fits="400x300x150", open_at="2026-12-01T23:00:00Z") == ["medium"]
    assert ids(api, near=HERE, radius_m=500) == ["small"]
    first = api.get(URL, {"near": HERE, "fits": "300x150x400"}).json()["items"][0]
    assert 1100 < first["distance_m"] < 1120
    assert first["hub"].startswith("hub_")


def test_a_search_is_paged(retailer: RetailerRef) -> None:
    for n in range(3):
        make_bank(name=f"bank {n}", lat=LAT + n / 1000)
    api = key_client(retailer).browser
    page = api.get(URL, {"near": HERE, "limit": 2}).json()
    assert [item["name"] for item in page["items"]] == ["bank 0", "bank 1"]
    rest = api.get(page["next"]).json()
    assert ([item["name"] for item in rest["items"]], rest["next"]) == (["bank 2"], None)


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ({"near": "here"}, "near"),
        ({"near": "95,5"}, "near"),
        ({"near": "nan,5"}, "near"),
        ({"near": HERE, "fits": "300x150"}, "fits"),
        ({"near": HERE, "fits": "0x10x10"}, "fits"),
        ({"near": HERE, "open_at": "noon"}, "open_at"),
        ({"near": HERE, "open_at": "2026-12-01T23:00:00"}, "open_at"),
        ({"near": HERE, "radius_m": "1000000"}, "radius_m"),
        ({"near": HERE, "cursor": "%%"}, "cursor"),
        ({"fits": "300x150x400"}, "fits"),
        ({"near": HERE, "colour": "red"}, "colour"),
    ],
)
def test_a_parameter_that_is_wrong_or_unknown_is_refused_by_its_name(
    retailer: RetailerRef, query: dict[str, str], name: str
) -> None:
    answer = key_client(retailer).browser.get(URL, query)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == f"?{name}"


def test_a_member_of_one_hub_finds_the_banks_of_that_hub_only(retailer: RetailerRef) -> None:
    own, other = make_hub(), make_hub()
    make_bank(name="mine", hub=own)
    make_bank(name="other", hub=other)
    desk = logged_in(retailer, add_member(Role.DISPATCHER, hubs=[own.public_id]))
    assert ids(desk, near=HERE) == ["mine"]
