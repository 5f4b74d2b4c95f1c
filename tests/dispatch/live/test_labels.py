"""Codes on parcels, read on the server with the same cases as in the app."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from dispatch.live.labels import match_label, read_label

CASES: dict[str, Any] = json.loads(Path("tests/dispatch/labels.json").read_text(encoding="utf-8"))


@dataclass(frozen=True)
class Parcel:
    id: str
    barcode: str
    external_id: str | None


@pytest.mark.parametrize("case", CASES["reads"], ids=lambda case: case["name"])
def test_r10_a_label_is_read_right_or_refused(case: dict[str, Any]) -> None:
    label = read_label(case["code"], keeps_separators=case["keeps_separators"])
    assert [list(field) for field in label.fields] == case["fields"]
    assert label.fault == case["fault"]
    assert label.plain == case.get("plain", label.plain)


@pytest.mark.parametrize("case", CASES["matches"], ids=lambda case: case["name"])
def test_r10_a_code_names_one_parcel_or_says_why_not(case: dict[str, Any]) -> None:
    parcels = [Parcel(**one) for one in CASES["parcels"]]
    parcel, fault = match_label(case["code"], parcels, keeps_separators=case["keeps_separators"])
    assert (parcel and parcel.id, fault) == (case["parcel"], case["fault"])
