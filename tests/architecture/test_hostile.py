"""Hostile calls to every operation of the API and every page, drawn with a fixed seed.

`make proof hostile` sends many more. Each answer has a status below 500. A refused call changes
nothing, and no call shows or changes data of another retailer.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.architecture.sweep import Sweep, make_sweep, pages
from tests.databases import copy_of
from tests.hostile import api_probes, page_probes

SEED = 20_261_122
EACH = 8


@pytest.fixture(scope="module")
def sweep(template_database: str, django_db_setup: None, django_db_blocker: Any) -> Iterator[Sweep]:
    with django_db_blocker.unblock(), copy_of(template_database):
        yield make_sweep()


@pytest.fixture(autouse=True)
def unthrottled(settings: Any) -> None:
    settings.LIMIT_API_PER_MINUTE = 10**9


def test_no_call_to_the_api_breaks_it_changes_what_it_is_refused_or_reaches_another(
    sweep: Sweep,
) -> None:
    probes = list(api_probes(sweep.document, sweep.ids, random.Random(SEED), EACH))
    answered = [sweep.send(probe) for probe in probes]
    # The sweep bites only while some calls pass and some are refused for each of the reasons.
    assert {200, 400, 404, 422} <= set(answered), sorted(set(answered))
    assert sum(status < 300 for status in answered) > 30
    sweep.end()


def test_no_call_to_a_page_breaks_it_or_reaches_another(sweep: Sweep) -> None:
    page = pages()
    fields = {where: sweep.inputs(where) for where in page if "<" not in where}
    assert any(fields.values())
    for probe in page_probes(page, fields, sweep.ids, random.Random(SEED), EACH):
        sweep.send(probe)
    sweep.end()


def test_what_the_sweep_looks_for_would_be_seen(sweep: Sweep) -> None:
    before = sweep.fingerprint("t1")
    assert before == sweep.fingerprint("t1")
    answer = sweep.browser.post(
        "/api/v1/drivers/", {"name": "Seen", "hub": sweep.hub}, content_type="application/json"
    )
    assert answer.status_code == 201, answer.content
    assert sweep.fingerprint("t1") != before
    assert re.search(sweep.canary, sweep.foreign_page())
