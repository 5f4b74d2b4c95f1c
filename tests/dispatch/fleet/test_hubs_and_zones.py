"""Tests of hubs, their hours and zones, and the choice of the hub that serves a point."""

from __future__ import annotations

import datetime as dt
import itertools
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatch.fleet import polygons, selectors, services
from dispatch.fleet.errors import ExternalIdTaken, StillInUse
from dispatch.fleet.models import Hub, Zone
from lastmile.core.errors import Invalid, Stale
from lastmile.core.geo import Point
from lastmile.core.tenancy import RetailerRef, retailer_context
from tests.dispatch.helpers import kinds, refused
from tests.factories import make_hub, make_shift, make_vehicle, make_zone, square


def test_a_hub_is_added_and_recorded(retailer: RetailerRef) -> None:
    hub = services.add_hub(name="Norte", zone="Europe/Lisbon", lat=38.7, lon=-9.1)
    assert Hub.objects.get().public_id == hub.public_id
    assert kinds(hub.public_id) == ["hub.added"]


def test_a_hub_without_its_essentials_names_each(retailer: RetailerRef) -> None:
    with pytest.raises(Invalid) as caught:
        services.add_hub(name=" ")
    pointers = {fault.pointer for fault in caught.value.errors}
    assert pointers == {"/name", "/zone", "/lat", "/lon"}
    assert not Hub.objects.exists()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("zone", "Mars/Olympus"),
        ("zone", "../../etc/passwd"),
        ("lat", 91),
        ("lat", math.nan),
        ("lat", True),
        ("lon", "9"),
        ("loading_s", -1),
        ("loading_s", 14_401),
        ("name", "x" * 121),
        ("name", "nul\x00"),
        ("name", "half \ud800"),
        ("external_id", "two\nlines"),
        ("hours", []),
        ("hours", [[[600, 500]]] + [[]] * 6),
        ("hours", [[[0, 600], [600, 700]]] + [[]] * 6),
        ("hours", [[[0, 2881]]] + [[]] * 6),
    ],
)
def test_a_hostile_value_of_a_hub_is_refused(retailer: RetailerRef, field: str, value: Any) -> None:
    hub = make_hub()
    with refused(Invalid):
        services.change_hub(hub=hub, **{field: value})
    hub.refresh_from_db()
    assert hub.version == 1


def test_a_change_that_changes_nothing_records_nothing(retailer: RetailerRef) -> None:
    hub = make_hub(name="Norte")
    again = services.change_hub(hub=hub, name="Norte")
    assert again.version == 1
    assert kinds(hub.public_id) == ["hub.added"]


def test_a_stale_version_is_refused(retailer: RetailerRef) -> None:
    hub = make_hub()
    services.change_hub(hub=hub, version=1, name="First")
    with refused(Stale):
        services.change_hub(hub=hub, version=1, name="Second")
    hub.refresh_from_db()
    assert (hub.name, hub.version) == ("First", 2)


def test_an_external_id_is_unique(retailer: RetailerRef) -> None:
    make_hub(external_id="H1")
    with refused(ExternalIdTaken):
        make_hub(external_id="H1")
    other = make_hub()
    with refused(ExternalIdTaken):
        services.change_hub(hub=other, external_id="H1")


def test_two_retailers_do_not_see_each_others_hubs(
    retailer: RetailerRef, fresh_db: str, other: RetailerRef
) -> None:
    own_hub = make_hub(external_id="SAME")
    with retailer_context(other):
        other_hub = make_hub(external_id="SAME")
        assert [hub.public_id for hub in selectors.hubs()] == [other_hub.public_id]
    assert [hub.public_id for hub in selectors.hubs()] == [own_hub.public_id]


def test_a_hub_with_shifts_to_come_stays_active(retailer: RetailerRef) -> None:
    vehicle = make_vehicle()
    shift = make_shift(vehicle=vehicle, starts_at=dt.datetime(2099, 1, 1, 8, tzinfo=dt.UTC))
    with refused(StillInUse):
        services.retire_hub(hub=vehicle.hub)
    services.cancel_shift(shift=shift)
    assert services.retire_hub(hub=vehicle.hub).active is False


def test_hours_are_local_and_follow_the_clock_changes(retailer: RetailerRef) -> None:
    hub = make_hub(zone="Europe/Lisbon", hours=[[[480, 1200]]] * 7)
    winter = selectors.hub_open(hub, dt.date(2026, 3, 28))
    summer = selectors.hub_open(hub, dt.date(2026, 3, 29))  # the clock jumps at 01:00
    assert winter == [
        (
            dt.datetime(2026, 3, 28, 8, tzinfo=dt.UTC),
            dt.datetime(2026, 3, 28, 20, tzinfo=dt.UTC),
        )
    ]
    assert summer == [
        (
            dt.datetime(2026, 3, 29, 7, tzinfo=dt.UTC),
            dt.datetime(2026, 3, 29, 19, tzinfo=dt.UTC),
        )
    ]


def test_a_zone_is_stored_right_handed_with_its_bounding_box(retailer: RetailerRef) -> None:
    clockwise = square(38.7, -9.1)
    clockwise["coordinates"][0].reverse()
    zone = make_zone(polygon=clockwise)
    ring = zone.polygon["coordinates"][0]
    doubled = sum((b[0] - a[0]) * (b[1] + a[1]) for a, b in itertools.pairwise(ring))
    assert doubled < 0, "the outer ring runs anti-clockwise (RFC 7946)"
    assert (zone.min_lat, zone.max_lat) == (pytest.approx(38.65), pytest.approx(38.75))
    # 0.1 x 0.1 degrees at 38.7 N: 11.12 km x 8.68 km
    assert zone.area_m2 == pytest.approx(96_500_000, rel=0.01)


@pytest.mark.parametrize(
    ("polygon", "why"),
    [
        (None, "required"),
        ({"type": "Point", "coordinates": [1, 2]}, "Polygon"),
        ({"type": "Polygon", "coordinates": []}, "no coordinates"),
        ({"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [0, 0]]]}, "four points"),
        ({"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 1]]]}, "not closed"),
        ({"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [1, 0], [0, 1], [0, 0]]]}, "valid"),
        ({"type": "Polygon", "coordinates": [[[0, 0], ["a", 0], [1, 1], [0, 0]]]}, "longitude"),
        ({"type": "Polygon", "coordinates": [[[0, 95], [1, 95], [1, 96], [0, 95]]]}, "longitude"),
        ({"type": "Polygon", "coordinates": [[[0, math.inf], [1, 0], [1, 1], [0, 0]]]}, "longit"),
        (
            {
                "type": "Polygon",
                "coordinates": [[[179, 0], [-179, 0], [-179, 1], [179, 1], [179, 0]]],
            },
            "antimeridian",
        ),
        (square(0, 0, 0.0001), "km²"),
        (square(0, 0, 60), "km²"),
        (
            {
                "type": "Polygon",
                "coordinates": [
                    [
                        [math.cos(k / 5001 * math.tau), math.sin(k / 5001 * math.tau)]
                        for k in range(5001)
                    ]
                    + [[1.0, 0.0]]
                ],
            },
            "more than",
        ),
        ("not even an object", "Polygon"),
        ({"type": "MultiPolygon", "coordinates": [[]]}, "list of rings"),
    ],
)
def test_an_invalid_polygon_is_refused_with_the_reason(
    retailer: RetailerRef, polygon: Any, why: str
) -> None:
    hub = make_hub()
    with refused(Invalid, at="/polygon", match=why):
        services.add_zone(name="Z", hub=hub, polygon=polygon)
    assert not Zone.objects.exists()


json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=6)
        | st.dictionaries(st.sampled_from(["type", "coordinates", "geometry"]), inner, max_size=3)
    ),
    max_leaves=20,
)


@given(json_values)
def test_no_json_breaks_the_polygon_reader(raw: Any) -> None:
    """Any JSON value gives an area or raises Invalid, never another error."""
    for geometry in (raw, {"type": "Polygon", "coordinates": raw}):
        try:
            polygons.checked_area(geometry)
        except Invalid:
            continue


def test_the_edge_of_a_zone_belongs_to_it(retailer: RetailerRef) -> None:
    zone = make_zone(polygon=square(0.0, 0.0, 0.5))
    served = selectors.service_map()
    assert served.zones_at(Point(lat=0.5, lon=0.0)) == [zone]
    assert served.zones_at(Point(lat=0.5000001, lon=0.0)) == []


def test_the_smallest_zone_wins_where_they_overlap(retailer: RetailerRef) -> None:
    make_zone(polygon=square(0, 0, 1.0))
    small = make_zone(polygon=square(0, 0, 0.2))
    serving = selectors.service_map().serving(Point(lat=0.1, lon=0.1))
    assert (serving.hub, serving.choice) == (small.hub, "zone")


def test_a_hole_is_not_served(retailer: RetailerRef) -> None:
    ring = square(0, 0, 1.0)["coordinates"][0]
    hole = square(0, 0, 0.3)["coordinates"][0][::-1]
    make_zone(polygon={"type": "Polygon", "coordinates": [ring, hole]})
    serving = selectors.service_map().serving(Point(lat=0.0, lon=0.0))
    assert (serving.hub, serving.choice) == (None, "none")


def test_the_nearest_hub_without_zones_serves_the_rest(retailer: RetailerRef) -> None:
    make_zone(hub=make_hub(lat=0.05, lon=0), polygon=square(0, 0, 0.1))
    near = make_hub(lat=1, lon=1)
    make_hub(lat=5, lon=5)
    serving = selectors.service_map().serving(Point(lat=0.9, lon=0.9))
    assert (serving.hub, serving.choice) == (near, "nearest")


def test_a_retired_hub_serves_nothing(retailer: RetailerRef) -> None:
    zone = make_zone(polygon=square(0, 0, 0.5))
    services.retire_hub(hub=zone.hub)
    assert selectors.service_map().serving(Point(lat=0, lon=0)).hub is None


def test_an_unplaced_order_goes_to_the_sole_hub_and_to_none_of_two(retailer: RetailerRef) -> None:
    hub = make_hub()
    assert selectors.service_map().serving(None).hub == hub
    make_hub()
    assert selectors.service_map().serving(None).hub is None


def test_a_removed_zone_is_gone_and_recorded(retailer: RetailerRef) -> None:
    zone = make_zone()
    services.remove_zone(zone=zone)
    assert not Zone.objects.exists()
    assert kinds(zone.public_id) == ["zone.added", "zone.removed"]


def test_the_service_map_is_two_queries_however_many_zones(
    retailer: RetailerRef, django_assert_num_queries: Any
) -> None:
    hub = make_hub()
    for n in range(20):
        make_zone(hub=hub, polygon=square(n, 0, 0.1))
    with django_assert_num_queries(2):
        served = selectors.service_map()
        assert served.serving(Point(lat=7, lon=0)).choice == "zone"


def test_a_hub_at_latitude_and_longitude_zero_is_refused(retailer: RetailerRef) -> None:
    with refused(Invalid, at="/lat", match="Atlantic"):
        make_hub(lat=0, lon=0.001)
    assert not Hub.objects.exists()
    hub = make_hub(lat=0, lon=-78.5)
    for fields in ({"lon": 0.0}, {"lat": 0.001, "lon": 0}):
        with refused(Invalid, at="/lat", match="Atlantic"):
            services.change_hub(hub=hub, **fields)
    hub.refresh_from_db()
    assert (hub.lat, hub.lon) == (0, -78.5)
