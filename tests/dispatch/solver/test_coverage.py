"""The table in COVERAGE.md agrees with the code: the same fields, features and tests."""

from __future__ import annotations

import importlib
import random
import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

import dispatch.solver
from dispatch.solver.classic.covers import covers
from dispatch.solver.model.problem import (
    Break,
    Charger,
    Pair,
    Problem,
    Slice,
    TravelTable,
    VehicleShift,
    Visit,
)
from tests.dispatch.solver.features import FEATURES, mixed

TABLE = Path(dispatch.solver.__file__).with_name("COVERAGE.md").read_text(encoding="utf-8")
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in TABLE.splitlines()
    if line.startswith("| ") and "---" not in line
][1:]
PARTS: tuple[Any, ...] = (Problem, Visit, VehicleShift, Break, TravelTable, Slice, Charger, Pair)


def test_every_field_of_the_model_is_in_one_row() -> None:
    named = [field for row in ROWS for field in re.findall(r"`(\w+\.\w+)`", row[1])]
    there = {f"{part.__name__}.{f.name}" for part in PARTS for f in fields(part) if f.init}
    assert sorted(named) == sorted(there)


def test_every_row_is_proved_by_a_feature_and_every_feature_has_its_row() -> None:
    assert {row[2].strip("`") for row in ROWS} == set(FEATURES)


def test_every_named_test_exists() -> None:
    named = re.findall(r"`(test_\w+)\.py::(test_\w+)`", TABLE)
    assert len(named) >= 4
    for module, name in named:
        tests = importlib.import_module(f"tests.dispatch.solver.{module}")
        assert callable(getattr(tests, name))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[2])
def test_the_classic_engine_covers_what_the_table_says(row: list[str]) -> None:
    feature = row[2].strip("`")
    result = [
        covers(
            mixed(
                random.Random(seed), visits=4, vehicles=1 + seed % 4, features={feature}, unit=720
            )
        )
        for seed in range(30)
    ]
    if row[3] == "yes":
        assert all(result)
    elif row[3] == "no":
        assert not all(result)
    else:
        assert len(set(result)) == 2
