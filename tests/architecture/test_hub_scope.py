"""A key and a dispatcher of one hub cannot read or change another hub by any list, act or page."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from django.db import connection
from django.http import HttpResponse
from django.test import Client

from lastmile.core.checks import views
from lastmile.core.tenancy import retailer_context
from tenants.permissions import KeyRole, Kind, Role
from tenants.roles import TABLE, granted
from tests.architecture.sweep import OWN_BOOKS
from tests.architecture.test_every_list import QUERIES, items, lists, readable
from tests.architecture.world import make_world
from tests.databases import copy_of
from tests.people import KeyClient, add_member, key_client, logged_in

UNSAFE = ("post", "patch", "delete")


@dataclass(frozen=True, slots=True)
class Stage:
    """Two hubs with one of everything each, in one retailer."""

    key: KeyClient  # of the first hub only
    dispatcher: Client  # of the first hub only
    first_hub: dict[str, set[str]]  # list -> ids of the first hub's things
    second_hub: dict[str, set[str]]  # list -> ids of the second hub's things


@pytest.fixture(scope="module")
def stage(template_database: str, django_db_setup: None, django_db_blocker: Any) -> Iterator[Stage]:
    with django_db_blocker.unblock(), copy_of(template_database), retailer_context("t1") as ref:
        owner = logged_in(ref, add_member(Role.OWNER))
        first = make_world(file_hub=True)
        first_hub = _listed(owner)
        make_world(file_hub=True)
        both = _listed(owner)
        member = add_member(Role.DISPATCHER, hubs=[first.public_id])
        key = key_client(ref, KeyRole.INTEGRATION, hubs=[first.public_id])
        second_hub = {where: ids - first_hub[where] for where, ids in both.items()}
        yield Stage(key, logged_in(ref, member), first_hub, second_hub)


@pytest.fixture(autouse=True)
def unthrottled(settings: Any) -> None:
    settings.LIMIT_API_PER_MINUTE = 10**9


def _listed(browser: Client) -> dict[str, set[str]]:
    return {where: set(items(browser.get(where, QUERIES.get(where, {})))) for where in lists()}


def _body(answer: HttpResponse) -> str:
    return b"".join(answer).decode("utf-8", "replace")


def _of_one_hub(where: str) -> bool:
    """Return True if a caller with one hub may read this list."""
    return _may_in_one_hub(readable()[where])


def test_a_key_of_one_hub_lists_the_things_of_that_hub_alone(stage: Stage) -> None:
    scoped = [where for where in lists() if _of_one_hub(where)]
    assert len(scoped) > 10
    for where in scoped:
        listed = set(items(stage.key.browser.get(where, QUERIES.get(where, {}))))
        assert not listed & stage.second_hub[where], where
        assert listed & stage.first_hub[where], f"{where} hides what is the caller's own"


def test_a_key_of_one_hub_reads_and_changes_nothing_of_another(stage: Stage) -> None:
    calls, before = 0, _fingerprint()
    for where, view in views("lastmile.urls"):
        acts = getattr(getattr(view, "cls", None), "acts", {})
        head, _, tail = where.partition("<")
        if not where.startswith("/api/v1/") or not tail or head not in stage.second_hub:
            continue
        rest = tail.partition(">")[2]
        for public_id in stage.second_hub[head]:
            address = f"{head}{public_id}{rest}".replace("<str:order>", public_id)
            for method in acts:
                body = {} if method in UNSAFE else None
                answer = stage.key.call(method, address, body)
                expected = {403}
                if _may_in_one_hub(acts[method]):
                    expected = {404} if body is None else {404, 422}
                assert answer.status_code in expected, (method, address, _body(answer))
                calls += 1
    assert calls > 30
    assert _fingerprint() == before


def test_a_dispatcher_of_one_hub_opens_no_page_of_another(stage: Stage) -> None:
    foreign_ids = {i for ids in stage.second_hub.values() for i in ids}
    calls, before = 0, _fingerprint()
    for where in (where for where, _view in views("lastmile.urls")):
        if where.startswith("/api/") or "<str:public_id>" not in where:
            continue
        for public_id in foreign_ids:
            address = where.replace("<str:public_id>", public_id)
            address = address.replace("<str:route>", public_id).replace("<str:order>", public_id)
            if "<" in address:
                address = address.replace("<fleet_kind:kind_name>", "vehicles")
            answer = stage.dispatcher.get(address)
            assert answer.status_code in {403, 404, 405}, (address, answer.status_code)
            acted = stage.dispatcher.post(address, {"version": "1"})
            assert 400 <= acted.status_code < 500, (address, acted.status_code)
            calls += 1
    assert calls > 100
    assert _fingerprint() == before


def test_a_dispatcher_of_one_hub_sees_no_id_of_another_on_a_list_page(stage: Stage) -> None:
    foreign_ids = {i for ids in stage.second_hub.values() for i in ids if "_" in i and len(i) < 40}
    for where in (where for where, _view in views("lastmile.urls")):
        if where.startswith("/api/") or "<" in where:
            continue
        answer = stage.dispatcher.get(where)
        if answer.status_code == 200:
            page = _body(answer)
            assert not [public_id for public_id in foreign_ids if public_id in page], where


def test_a_key_of_one_hub_cancels_no_operation_of_another(stage: Stage) -> None:
    for public_id in stage.second_hub["/api/v1/operations/"]:
        before = _fingerprint()
        answer = stage.key.post(f"/api/v1/operations/{public_id}/cancel/")
        assert answer.status_code == 404, _body(answer)
        assert _fingerprint() == before


def _may_in_one_hub(act: Any) -> bool:
    return granted(Kind.KEY, KeyRole.INTEGRATION, act) and not TABLE[act].all_hubs


def _fingerprint() -> str:
    """Return a fingerprint of every row of the retailer, without the tables about callers."""
    with retailer_context("t1"), connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 't1' ORDER BY 1")
        tables = [
            row[0] for row in cursor.fetchall() if row[0] not in OWN_BOOKS | {"people_apikey"}
        ]
        cursor.execute(
            "SELECT md5(string_agg(h, ',')) FROM ("
            + " UNION ALL ".join(
                f"SELECT coalesce(md5(string_agg(t::text, ',' ORDER BY t::text)), '') h"
                f' FROM "{table}" t'
                for table in tables
            )
            + ") x"
        )
        return str(cursor.fetchone()[0])
