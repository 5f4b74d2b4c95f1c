"""Networks are replaced while other processes read them."""

from __future__ import annotations

import json
import multiprocessing
from pathlib import Path

import pytest

from dispatch.roads import matrix, store
from dispatch.roads.network import UnknownNetwork, load
from tests.dispatch.roads.town import grid, spot


def _read_until(var: str, last: str, answers: multiprocessing.Queue[object]) -> None:
    seen: set[tuple[str, int]] = set()
    try:
        while not any(version == last for version, _ in seen):
            network = load("town", var)
            times = matrix.travel([spot(0, 0), spot(2, 2)], network="town", profile="foot", var=var)
            seen.add((times.network_version, int(times.distance_m[0, 1])))
            assert network.info.counts["streets"] > 0
    except Exception as fault:  # noqa: BLE001 - handed to the test, which fails on it
        answers.put(repr(fault))
        return
    answers.put(seen)


def test_a_reader_sees_only_complete_versions_during_replacements(tmp_path: Path) -> None:
    towns = [grid(3), grid(4)]
    towns[0].build(tmp_path)
    spawn = multiprocessing.get_context("spawn")
    answers: multiprocessing.Queue[object] = spawn.Queue()
    last = f"{12:06d}"
    readers = [spawn.Process(target=_read_until, args=(str(tmp_path), last, answers)) for _ in "ab"]
    for reader in readers:
        reader.start()
    for at in range(1, 12):
        towns[at % 2].build(tmp_path)
    results = [answers.get(timeout=60) for _ in readers]
    for reader in readers:
        reader.join(10)
    for seen in results:
        assert isinstance(seen, set), seen
        assert any(version == last for version, _ in seen)
        assert len({metres for _, metres in seen}) == 1


def test_old_versions_are_deleted_except_the_one_before_the_current(tmp_path: Path) -> None:
    for _ in range(4):
        grid(2).build(tmp_path)
    versions = sorted(p.name for p in (tmp_path / "roads" / "town").iterdir() if p.is_dir())
    assert versions == ["000003", "000004"]


def fail_half_way(var: Path) -> None:
    with store.new_version("town", var) as place:
        (place / "meta.json").write_text("{}")
        raise RuntimeError("half way")


def test_a_build_that_fails_keeps_the_current_version(tmp_path: Path) -> None:
    grid(3).build(tmp_path)
    with pytest.raises(RuntimeError, match="half way"):
        fail_half_way(tmp_path)
    assert load("town", tmp_path).version == "000001"
    leftovers = [p.name for p in (tmp_path / "roads").iterdir() if p.name.startswith(".building")]
    assert leftovers == []


def test_available_lists_networks_with_their_attribution(tmp_path: Path) -> None:
    assert store.available(tmp_path) == []
    grid(3).build(tmp_path)
    (info,) = store.available(tmp_path)
    assert info.attribution == "© OpenStreetMap contributors"
    assert info.licence == "ODbL 1.0"
    assert info.covers(spot(1, 1).lat, spot(1, 1).lon)
    assert not info.covers(spot(9, 9).lat, spot(9, 9).lon)


def test_the_smallest_network_that_covers_most_places_is_offered(tmp_path: Path) -> None:
    grid(6).build(tmp_path, "large")
    grid(3).build(tmp_path, "small")
    assert store.covering([spot(1, 1)], tmp_path) == "small"
    assert store.covering([spot(1, 1), spot(4, 4)], tmp_path) == "large"
    assert store.covering([spot(50, 50)], tmp_path) is None
    assert store.covering([], tmp_path) is None


@pytest.mark.parametrize("name", ["../x", "", "A", "a" * 64, "x/y"])
def test_a_network_name_never_leaves_the_folder(name: str, tmp_path: Path) -> None:
    with pytest.raises(UnknownNetwork, match="not a network name"):
        load(name, tmp_path)


def test_an_unknown_network_says_how_to_build_it(tmp_path: Path) -> None:
    with pytest.raises(UnknownNetwork, match=r"roads_build FILE\.osm\.pbf --name porto"):
        load("porto", tmp_path)


def test_a_network_of_an_older_lastmile_is_refused_with_the_remedy(tmp_path: Path) -> None:
    grid(3).build(tmp_path)
    folder = tmp_path / "roads" / "town" / "000001"
    meta = json.loads((folder / "meta.json").read_text())
    (folder / "meta.json").write_text(json.dumps(meta | {"builder": store.BUILDER - 1}))
    (folder / "streets.bin").write_bytes(b"the arrays of that time")
    with pytest.raises(UnknownNetwork, match="built by another version"):
        load("town", tmp_path)
    assert store.available(tmp_path) == []
