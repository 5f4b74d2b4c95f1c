"""The command ``roads_build``."""

from __future__ import annotations

import io
import json
from contextlib import redirect_stdout
from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from dispatch.roads.store import available
from tests.dispatch.roads.town import grid


@pytest.fixture(autouse=True)
def var(tmp_path: Path, settings: object) -> Path:
    settings.VAR = tmp_path  # type: ignore[attr-defined]
    return tmp_path


def built(*words: str) -> dict[str, object]:
    out = io.StringIO()
    with redirect_stdout(out):
        call_command("roads_build", *words, "--json")
    result: dict[str, object] = json.loads(out.getvalue())
    return result


def test_a_file_becomes_a_network_named_after_it(var: Path) -> None:
    result = built(str(grid(3).write(var / "Little Town.osm")))
    assert result["name"] == "little-town"
    assert result["version"] == "000001"
    assert result["attribution"] == "© OpenStreetMap contributors"
    assert [info.name for info in available(var)] == ["little-town"]


def test_building_again_under_the_same_name_raises_the_version(var: Path) -> None:
    file = str(grid(3).write(var / "a.osm"))
    built(file, "--name", "x")
    assert built(file, "--name", "x", "--title", "Ex")["version"] == "000002"
    assert [info.title for info in available(var)] == ["Ex"]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "There is no file"),
        ("<osm version='0.6'></osm>", "contains no street"),
        ("not a map at all", "cannot be read as OpenStreetMap data"),
    ],
)
def test_a_file_without_streets_is_refused_with_a_reason(
    var: Path, content: str | None, words: str
) -> None:
    file = var / "broken.osm"
    if content is not None:
        file.write_text(content)
    with pytest.raises(CommandError, match=words):
        built(str(file))
    assert available(var) == []


def test_a_bad_name_is_refused_before_anything_is_built(var: Path) -> None:
    with pytest.raises(CommandError, match="not a network name"):
        built(str(grid(2).write(var / "a.osm")), "--name", "../escape")
    assert not (var / "roads").exists()
