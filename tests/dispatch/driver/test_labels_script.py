"""Codes on parcels, read in the app with the same cases as on the server."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page

from dispatch.live.labels import read_label
from tests.dispatch.driver.fake_server import HOST, FakeServer

pytestmark = pytest.mark.browser(maps=False)
CASES: dict[str, Any] = json.loads(Path("tests/dispatch/labels.json").read_text(encoding="utf-8"))
READ = """async (cases) => {
    const { readLabel } = await import('/driver-scripts/labels.js');
    return cases.map(({ code, keeps_separators: keepsSeparators }) =>
        readLabel(code, { keepsSeparators }));
}"""
MATCH = """async ({ matches, parcels }) => {
    const { matchLabel } = await import('/driver-scripts/labels.js');
    return matches.map(({ code, keeps_separators: keepsSeparators }) => {
        const { parcel, fault } = matchLabel(code, parcels, { keepsSeparators });
        return { parcel: parcel?.id ?? null, fault };
    });
}"""
PIECES = (
    "00340123450000000017", "0109501101530003", "10", "21", "420", "28013", "AB-12", "S/77",
    "17270131", "3103001250", "\x1d", "|", " ", "]C1", "]d2", "(00)", "(", "9",
    "340123450000000017",
)  # fmt: skip


@pytest.fixture
def page(context: BrowserContext) -> Page:
    FakeServer(context)
    page = context.new_page()
    page.goto(f"{HOST}/")
    return page


def test_r10_the_app_reads_every_case_as_the_server_does(page: Page) -> None:
    read = page.evaluate(READ, CASES["reads"])
    assert [(one["fields"], one["fault"]) for one in read] == [
        (case["fields"], case["fault"]) for case in CASES["reads"]
    ]
    for one, case in zip(read, CASES["reads"], strict=True):
        assert one["plain"] == case.get("plain", one["plain"])


def test_r10_the_app_finds_the_same_parcel_as_the_server_does(page: Page) -> None:
    answers = page.evaluate(MATCH, CASES)
    assert answers == [
        {"parcel": case["parcel"], "fault": case["fault"]} for case in CASES["matches"]
    ]


def test_r10_app_and_server_agree_on_two_thousand_labels_of_random_pieces(page: Page) -> None:
    rng = random.Random(10)
    cases = [
        {
            "code": "".join(rng.choices(PIECES, k=rng.randint(1, 6))),
            "keeps_separators": rng.random() < 0.5,
        }
        for _n in range(2_000)
    ]
    labels = [
        read_label(str(case["code"]), keeps_separators=bool(case["keeps_separators"]))
        for case in cases
    ]
    assert {label.fault for label in labels} >= {None, "two_ways", "check_digit", "unreadable"}
    assert page.evaluate(READ, cases) == [
        {
            "plain": label.plain,
            "fields": [list(field) for field in label.fields],
            "fault": label.fault,
        }
        for label in labels
    ]
