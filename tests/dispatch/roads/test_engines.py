"""The adapters of OSRM and Valhalla, and what happens when the service does not answer.

The answers are recorded from osrm-routed 26.10 and valhalla_service 3.9.1 over Helsinki.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dispatch.roads import matrix
from dispatch.roads.added import travel_added
from dispatch.roads.engines import choosing
from dispatch.roads.engines.base import BLOCK, NO_WAY, table
from dispatch.roads.engines.null import NullEngine
from dispatch.roads.engines.osrm import OsrmEngine
from dispatch.roads.engines.valhalla import ValhallaEngine
from dispatch.roads.rules import Profile
from lastmile.core.geo import Point
from lastmile.core.providers import HttpClient, ProviderError
from tests.captured import Captured, Replay
from tests.dispatch.roads.town import grid, spot

A = Point(lat=60.1699, lon=24.9384)
B = Point(lat=60.1719, lon=24.9414)
C = Point(lat=60.165, lon=24.945)
OSRM = {
    "code": "Ok",
    "durations": [[0, 323.4, None], [73.4, 0, None]],
    "distances": [[0, 1209.6, None], [407.9, 0, None]],
}
VALHALLA = {
    "sources_to_targets": {
        "durations": [[0, None, None], [277, 0, 392]],
        "distances": [[0.0, None, None], [2.239, 0.0, 2.643]],
    },
    "units": "kilometers",
    "algorithm": "costmatrix",
}


def client(*exchanges: Captured) -> tuple[HttpClient, Replay]:
    replay = Replay(*exchanges)
    return HttpClient("http://roads.test", transport=replay), replay


def test_osrm_is_asked_for_its_table_and_a_null_is_no_way() -> None:
    path = "/table/v1/driving/24.938400,60.169900;24.941400,60.171900;24.938400,60.169900;"
    path += "24.941400,60.171900;24.945000,60.165000"
    params = {"sources": "0;1", "destinations": "2;3;4", "annotations": "duration,distance"}
    http, _ = client(Captured(path=path, params=params, body=OSRM))
    seconds, metres = OsrmEngine(http).block([A, B], [A, B, C], "van")
    assert seconds.tolist() == [[0, 323, NO_WAY], [73, 0, NO_WAY]]
    assert metres.tolist() == [[0, 1210, NO_WAY], [408, 0, NO_WAY]]


def test_valhalla_is_asked_for_its_matrix_and_its_kilometres_become_metres() -> None:
    http, replay = client(Captured(method="POST", path="/sources_to_targets", body=VALHALLA))
    seconds, metres = ValhallaEngine(http).block([A, B], [A, B, C], "cargo_bike")
    assert seconds.tolist() == [[0, NO_WAY, NO_WAY], [277, 0, 392]]
    assert metres.tolist() == [[0, NO_WAY, NO_WAY], [2239, 0, 2643]]
    assert b'"costing":"bicycle"' in replay.requests[0].content.replace(b": ", b":")


@pytest.mark.parametrize(
    "body",
    [
        {"code": "NoTable"},
        {"code": "Ok", "durations": [[0, 1]], "distances": [[0, 1]]},
        {"code": "Ok", "durations": "none", "distances": "none"},
        {"code": "Ok", "durations": [[0, -5], [1, 0]], "distances": [[0, 5], [1, 0]]},
        [],
    ],
)
def test_an_answer_that_is_no_table_is_an_error(body: Any) -> None:
    path = "/table/v1/driving/24.938400,60.169900;24.941400,60.171900;24.938400,60.169900;"
    path += "24.941400,60.171900"
    http, _ = client(Captured(path=path, body=body))
    with pytest.raises(ProviderError):
        OsrmEngine(http).block([A, B], [A, B], "van")


def test_a_large_table_is_asked_for_in_blocks() -> None:
    engine = NullEngine()
    places = [Point(lat=60 + at / 1000, lon=25.0) for at in range(BLOCK + 5)]
    seconds, metres = table(engine, places, places[:3], "van")
    assert [call[:2] for call in engine.told] == [(BLOCK, 3), (5, 3)]
    assert (seconds[0, 0], seconds[BLOCK, 0], metres[BLOCK, 0]) == (0, 60, 500)


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[NullEngine]:
    """Return the routing service of this process; a town is built beside it."""
    grid(3).build(tmp_path)
    service = NullEngine(seconds=77, metres=700)
    choosing.use("http://roads.test")
    choosing.chosen().engine = service
    yield service
    choosing.use("")


def travel(var: Path, profile: Profile = "van") -> matrix.TravelMatrix:
    points = [spot(0, 0), spot(1, 1), spot(2, 0)]
    return matrix.travel(points, network="town", profile=profile, var=var)


def test_the_times_are_those_of_the_service(engine: NullEngine, tmp_path: Path) -> None:
    times = travel(tmp_path)
    assert times.duration_s.tolist() == [[0, 77, 77], [77, 0, 77], [77, 77, 0]]
    assert (times.source, times.note_code, times.network_version) == ("roads", "", "null")
    one = travel_added(
        [spot(0, 0), spot(1, 1)], spot(2, 0), network="town", profile="van", var=tmp_path
    )
    assert (one.to_s.tolist(), one.from_m.tolist()) == ([77, 77], [700, 700])
    assert matrix.leg_between(
        spot(0, 0), spot(1, 1), network="town", profile="van", var=tmp_path
    ) == (77, 700)


def test_without_an_answer_the_embedded_network_is_used_and_this_is_said(
    engine: NullEngine, tmp_path: Path
) -> None:
    engine.fault = ProviderError("it cannot be reached", permanent=False)
    times = travel(tmp_path)
    assert (times.source, times.note_code) == ("roads", "engine_failed")
    assert "ROADS_URL" in times.note
    assert 0 < times.duration_s[0, 1] != 77
    calls = len(engine.told)
    assert travel(tmp_path).note_code == "engine_failed"
    assert len(engine.told) == calls, "it is not asked again at once"


def test_a_caller_in_a_transaction_waits_for_no_server(engine: NullEngine, tmp_path: Path) -> None:
    points = [spot(0, 0), spot(1, 1)]
    how: dict[str, Any] = {"network": "town", "profile": "van", "var": tmp_path, "outside": False}
    assert matrix.travel(points, **how).duration_s[0, 1] != 77
    assert matrix.leg_between(*points, **how)[0] != 77
    assert engine.told == []


def test_a_profile_that_the_service_does_not_have_uses_the_embedded_network(
    engine: NullEngine, tmp_path: Path
) -> None:
    times = travel(tmp_path, "foot")
    assert (times.note_code, times.duration_s[0, 1] == 77) == ("", False)
    assert engine.told == []


def test_the_kind_of_a_server_is_told_by_its_answer() -> None:
    http, _ = client(Captured(path="/status", body={"version": "3.9.1"}))
    assert choosing._is_valhalla(http)
    http, _ = client(Captured(path="/status", status=400, body={"code": "InvalidUrl"}))
    assert not choosing._is_valhalla(http)
    http, _ = client(Captured(path="/status", status=503))
    with pytest.raises(ProviderError):
        choosing._is_valhalla(http)
