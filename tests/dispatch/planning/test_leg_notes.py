"""The notes about the way to a stop: the last metres on foot, and ferries."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.utils import translation

from dispatch.api.shapes_stops import StopOut
from dispatch.console.board.cards import leg_note_texts
from dispatch.fleet.models import Hub
from dispatch.orders.drafts import PlaceDraft
from dispatch.planning.models import Stop
from dispatch.planning.problem.leg_notes import drive, notes_of, notes_without_lines
from dispatch.planning.selectors.words import say_leg_note
from lastmile.core.tenancy import RetailerRef
from tests.dispatch.planning.test_plans import plan
from tests.dispatch.roads.town import grid, spot
from tests.factories.fleet import make_hub, make_shift, make_vehicle
from tests.factories.orders import make_order

MARKET, ISLAND = spot(1.05, 5), spot(8, 1)


@pytest.fixture
def harbour_hub(retailer: RetailerRef, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Hub:
    """Return a hub with a van in a town with a pedestrian street and an island with a ferry."""
    monkeypatch.setenv("LASTMILE_VAR", str(tmp_path))
    town = grid(4)
    town.way(14, town.node(1, 5.5), highway="pedestrian", name="Market Walk")
    quay, end = town.node(7, 1), town.node(9, 1)
    town.ways.append(
        ((8, quay), {"route": "ferry", "motor_vehicle": "yes", "duration": "00:12", "name": "Lis"})
    )
    town.way(quay, end, name="Island Street")
    town.build(tmp_path)
    start = spot(1, 1)
    hub = make_hub(lat=start.lat, lon=start.lon, network="town")
    make_shift(vehicle=make_vehicle(hub=hub))
    return hub


def test_a_plan_tells_the_walk_to_a_door_and_the_ferry_to_an_island(harbour_hub: Hub) -> None:
    for point in (MARKET, ISLAND, spot(2, 2)):
        place = PlaceDraft(text=str(point), lat=point.lat, lon=point.lon)
        make_order(hub=harbour_hub.public_id, place=place)
    draft = plan(harbour_hub)
    stops = {round(stop.order.place.lon, 5): stop for stop in Stop.objects.filter(plan=draft)}
    assert len(stops) == 3
    walk, ferry = stops[round(MARKET.lon, 5)], stops[round(ISLAND.lon, 5)]
    assert stops[round(spot(2, 2).lon, 5)].leg_notes in ([], ferry.leg_notes)
    (note,) = walk.leg_notes if walk.leg_notes[0]["code"] == "walk" else walk.leg_notes[1:]
    assert note["distance_m"] == pytest.approx(226, abs=4)
    assert walk.leg_travel_s > note["duration_s"] > 150
    assert {"code": "ferry", "name": "Lis", "duration_s": 720} in ferry.leg_notes
    shown = StopOut(walk).data["leg_notes"]
    assert shown[-1]["detail"] == say_leg_note(note)
    assert leg_note_texts([note]) == [say_leg_note(note)]


def test_the_notes_are_the_same_where_the_lines_are_known_already(harbour_hub: Hub) -> None:
    points = [spot(1, 1), MARKET, ISLAND, spot(1, 1)]
    notes = notes_without_lines(points, network="town", profile="van")
    assert notes == notes_of(drive(points, network="town", profile="van"))
    assert [len(leg) for leg in notes] == [1, 1, 1]
    assert notes_without_lines(points, network=None, profile="van") == [(), (), ()]


def test_the_notes_are_said_in_both_languages() -> None:
    walk = {"code": "walk", "distance_m": 226, "duration_s": 163}
    ferry = {"code": "ferry", "name": "", "duration_s": 720}
    with translation.override("en"):
        assert say_leg_note(walk) == "The last 226 m are on foot: 3 min each way."
        assert say_leg_note(ferry) == "Ferry: 12 min. Its departure times are not known."
        assert say_leg_note({**ferry, "name": "Lis"}).startswith("Ferry Lis: 12 min.")
    with translation.override("es"):
        assert say_leg_note(walk) == "Los últimos 226 m son a pie: 3 min en cada sentido."
