"""Statements that each request of the app costs: phones send a day at once after a dead spot.

Two statements of each request find the retailer and the phone.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.test.utils import CaptureQueriesContext

from dispatch.live.models import Incident, Run
from tests.dispatch.conftest import SetClock
from tests.dispatch.driver.test_photos import put
from tests.dispatch.driver.test_views import Phone, driver_of, phone
from tests.dispatch.live.pictures import sha
from tests.drain import drain
from tests.factories.live import act, at, make_day

__all__ = ["phone"]

#: Of a delivery with a photo. The transaction has two, and an INSERT or UPDATE each: act, attempt,
#: order (out, delivered), access code, visit, custody, photo, proof, events.
OF_DELIVERY = 21
#: Of each batch: retailer, phone, acts that are known, orders, parcels, rules of proof.
OF_BATCH = 6


def statements(ask: Callable[[], Any]) -> tuple[int, Any]:
    """Return the number of statements of a request, and its answer."""
    with CaptureQueriesContext(connection) as seen:
        answer = ask()
    assert answer.status_code == 200
    return len(seen.captured_queries), answer


@pytest.fixture
def queue(phone: Phone, clock: SetClock, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return a day of deliveries with photos, and the bytes of the photos."""
    monkeypatch.setattr(settings, "STORAGE_FOLDER", tmp_path)
    clock(at(9))
    shift, orders = make_day(12)
    drain()
    phone.log_in(driver_of((shift, None)))
    phone.day()
    contents = [bytes([n]) * 4_000 for n in range(12)]
    acts = []
    for n, (order, content) in enumerate(zip(orders, contents, strict=True)):
        door = order.delivery_place
        proof = {"kind": "photo", "sha256": sha(content), "size": len(content)}
        item = act("delivered", at(9, n), order, proofs=[proof])
        acts.append(item | {"lat": door.lat, "lon": door.lon, "accuracy_m": 8})
    clock(at(9, 30))
    return acts, contents


def test_a_batch_of_new_deliveries_costs_21_statements_each(phone: Phone, queue: Any) -> None:
    acts, _contents = queue
    phone.send(*acts[:2])  # the run begins, and the vehicle leaves
    one, _answer = statements(lambda: phone.send(acts[2]))
    nine, answer = statements(lambda: phone.send(*acts[3:]))
    assert [one_["status"] for one_ in answer.json()["results"]] == ["stored"] * 9
    assert (one - OF_BATCH, nine - OF_BATCH) == (OF_DELIVERY, 9 * OF_DELIVERY)
    assert not Incident.objects.exists()
    assert Run.objects.get().started_at == at(9)


def test_a_batch_that_was_taken_costs_one_statement(phone: Phone, queue: Any) -> None:
    acts, _contents = queue
    phone.send(*acts)
    count, answer = statements(lambda: phone.send(*acts))
    assert {one["status"] for one in answer.json()["results"]} == {"duplicate"}
    assert count == 3


def test_a_batch_that_was_taken_with_incidents_costs_two_statements(
    phone: Phone, queue: Any
) -> None:
    acts = [one | {"lat": 10.0, "lon": 10.0} for one in queue[0]]
    first = phone.send(*acts).json()["results"]
    count, answer = statements(lambda: phone.send(*acts))
    incidents = [one["incident"] for one in answer.json()["results"]]
    assert incidents == [one["incident"] for one in first]
    assert len(set(incidents) - {None}) == 12
    assert count == 4


def test_photos_cost_one_statement_to_ask_and_four_to_add_to(phone: Phone, queue: Any) -> None:
    acts, (content, *_rest) = queue
    phone.send(*acts[:1])
    path = f"/driver/photos/{sha(content)}/"
    to_ask, _answer = statements(lambda: phone.browser.head(path))
    added, _answer = statements(lambda: put(phone, content, 0, 2_000))
    ended, answer = statements(lambda: put(phone, content, 2_000, 4_000))
    there, _answer = statements(lambda: phone.browser.head(path))
    assert answer.json()["complete"]
    # The last piece writes the state, the job, and the pointer to it, with a savepoint.
    assert (to_ask, added, ended, there) == (3, 6, 11, 3)
