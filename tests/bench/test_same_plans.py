"""Plans by count equal the recorded ones, byte for byte."""

from __future__ import annotations

from pathlib import Path

from tests.bench.same_plans import (
    FAST,
    ROOT,
    SHORT,
    differences,
    digests,
    recorded,
    tasks,
    write_tasks,
)


def test_the_same_counts_give_the_recorded_plans(tmp_path: Path) -> None:
    write_tasks(tmp_path, [one for one in tasks() if one["name"] in FAST])
    digests_now = {name: digest[:SHORT] for name, (digest, _) in digests(ROOT, tmp_path).items()}
    assert digests_now == {name: recorded()[name] for name in FAST}


def test_different_and_missing_answers_are_named() -> None:
    own = {"a": ("1", 5.0), "b": ("2", 5.0), "c": ("3", 5.0)}
    assert differences(own, {"a": ("1", 9.0), "b": ("9", 5.0), "d": ("4", 1.0)}) == ["b", "c", "d"]
    assert differences(own, dict(own)) == []
