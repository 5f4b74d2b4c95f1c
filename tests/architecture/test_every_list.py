"""Every list of the API shows a retailer only its own rows, and a stranger nothing.

The tests find the lists themselves.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client

from lastmile.core.checks import views
from lastmile.core.ids import new_public_id
from lastmile.core.tenancy import RetailerRef, retailer_context
from tenants.permissions import Act, Kind, Role
from tenants.roles import granted
from tests.architecture.world import make_world
from tests.databases import copy_of
from tests.people import add_member, key_client, logged_in

# Lists that need query parameters.
QUERIES: dict[str, dict[str, str]] = {}
# Answers to GET that are not lists of a retailer's rows: documents, the caller, constants.
NO_LISTS = {
    "/api/v1/schema/",
    "/api/v1/docs/",
    "/api/v1/problems/",
    "/api/v1/me/",
    "/api/v1/emissions/factors/",
}


Cast = dict[str, Client]


@cache
def readable() -> dict[str, Act]:
    """Return every address of the API that answers GET, with the act that it requires."""
    return {
        where: view.cls.acts["get"]  # type: ignore[attr-defined]
        for where, view in views("lastmile.urls")
        if where.startswith("/api/v1/") and "get" in getattr(_class(view), "acts", {})
    }


def _class(view: Any) -> Any:
    return getattr(view, "cls", None)


def lists() -> list[str]:
    """Return the addresses without parameters."""
    return [where for where in readable() if "<" not in where and where not in NO_LISTS]


def details() -> list[tuple[str, str]]:
    """Return (list, address of one of its items) for each list that has item addresses."""
    pairs = []
    for where in readable():
        head, _, tail = where.partition("<")
        if tail and "<" not in tail and head in lists():
            pairs.append((head, where))
    return pairs


@pytest.fixture(scope="module")
def cast(template_database: str, django_db_setup: None, django_db_blocker: Any) -> Iterator[Cast]:
    """Make the same world in t1 and t2 once, and sign an owner in at each."""
    with django_db_blocker.unblock(), copy_of(template_database):
        browsers = {}
        for schema in ("t1", "t2"):
            with retailer_context(schema) as ref:
                make_world()
                browsers[schema] = logged_in(ref, add_member(Role.OWNER))
        yield browsers


def items(answer: HttpResponse) -> dict[str, Any]:
    """Return the items of a list by id."""
    assert answer.status_code == 200, answer.content
    rows = json.loads(answer.content)["items"]
    return {item.get("id") or json.dumps(item, sort_keys=True): item for item in rows}


def test_every_list_shows_each_retailer_its_own_and_a_stranger_nothing(
    cast: Cast, retailer: RetailerRef
) -> None:
    strange = Client(headers={"host": retailer.domain})
    for where in lists():
        own_items = items(cast["t1"].get(where, QUERIES.get(where, {})))
        other_items = items(cast["t2"].get(where, QUERIES.get(where, {})))
        assert own_items, f"{where} is empty: add one of its items in tests/architecture/world.py"
        assert other_items, where
        assert not set(own_items) & set(other_items), where
        answer = strange.get(where, QUERIES.get(where, {}))
        assert answer.status_code == 401, where
        assert not any(public_id in answer.content.decode() for public_id in own_items), where


def test_a_key_or_session_of_one_retailer_opens_nothing_at_another(
    cast: Cast, retailer: RetailerRef, other: RetailerRef
) -> None:
    secret = key_client(other).browser.defaults["HTTP_AUTHORIZATION"]
    with_key = Client(headers={"host": retailer.domain, "authorization": secret})
    with_cookie = Client(headers={"host": retailer.domain})
    with_cookie.cookies = copy.deepcopy(cast["t2"].cookies)
    for where in lists():
        for browser in (with_key, with_cookie):
            assert browser.get(where, QUERIES.get(where, {})).status_code == 401, where


def test_what_is_anothers_is_unknown_in_the_same_words(cast: Cast) -> None:
    assert details()
    for listing, where in details():
        own = next(iter(items(cast["t1"].get(listing, QUERIES.get(listing, {})))))
        foreign = next(iter(items(cast["t2"].get(listing, QUERIES.get(listing, {})))))
        unknown = new_public_id(foreign.partition("_")[0])
        head, _, tail = where.partition("<")
        tail = tail.partition(">")[2]
        assert cast["t1"].get(head + own + tail).status_code == 200, where
        foreign_answer = cast["t1"].get(f"{head}{foreign}{tail}")
        unknown_answer = cast["t1"].get(f"{head}{unknown}{tail}")
        assert (foreign_answer.status_code, unknown_answer.status_code) == (404, 404), where
        assert foreign_answer.json() == unknown_answer.json(), where


@pytest.mark.parametrize("role", [role for role in Role if role != Role.OWNER])
def test_a_role_without_the_act_reads_no_list(retailer: RetailerRef, role: Role) -> None:
    browser = logged_in(retailer, add_member(role))
    for where in lists():
        allowed = granted(Kind.MEMBER, role, readable()[where])
        status = browser.get(where, QUERIES.get(where, {})).status_code
        assert status == (200 if allowed else 403), (where, role)


def test_the_lists_are_found() -> None:
    assert len(lists()) > 10
    assert len(details()) > 5
