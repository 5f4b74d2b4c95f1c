"""Statements that each request of the app costs: phones send a day at once after a dead spot."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.dispatch.conftest import SetClock
from tests.dispatch.driver.test_photos import put
from tests.dispatch.driver.test_views import Phone, driver_of, phone
from tests.dispatch.live.pictures import sha
from tests.drain import drain
from tests.factories.live import act, at, make_day

__all__ = ["phone"]


def statements(ask: Callable[[], Any]) -> tuple[list[str], Any]:
    """Return the statements of a request, without the path of the session, and its answer."""
    with CaptureQueriesContext(connection) as seen:
        answer = ask()
    texts = [one["sql"] for one in seen.captured_queries]
    if os.environ.get("SHOW"):
        print("-----", len(texts))
        for t in texts:
            t = re.sub(r"SELECT .*? FROM", "SELECT .. FROM", t)
            print("  ", t[: int(os.environ["SHOW"])].replace("\n", " "))
    return texts, answer


def test_costs(
    phone: Phone, clock: SetClock, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "STORAGE_FOLDER", tmp_path)
    clock(at(9))
    shift, orders = make_day(12)
    drain()
    phone.log_in(driver_of((shift, None)))
    phone.day()
    contents = [bytes([n]) * 4000 for n in range(12)]
    acts = [
        act(
            "delivered",
            at(9, n),
            order,
            proofs=[{"kind": "photo", "sha256": sha(c), "size": 4000}],
            lat=38.7,
            lon=-9.1,
            accuracy_m=8,
        )
        for n, (order, c) in enumerate(zip(orders, contents, strict=True))
    ]
    clock(at(10))
    for part in (acts[:1], acts[1:2], acts[2:], acts[2:]):
        texts, answer = statements(lambda part=part: phone.send(*part))
        print("ACTS", len(part), len(texts), {one["status"] for one in answer.json()["results"]})
    path = f"/driver/photos/{sha(contents[0])}/"
    texts, _ = statements(lambda: phone.browser.head(path))
    print("HEAD", len(texts))
    for a, b in ((0, 2000), (2000, 4000)):
        texts, answer = statements(lambda a=a, b=b: put(phone, contents[0], a, b))
        print("PUT", len(texts), answer.json())
    texts, _ = statements(drain)
    print("DRAIN", len(texts))
    assert 0
