"""Tests of who may use the API of checkouts: keys, origins, other retailers, limits."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.db import connection

from dispatch.slots.models import Hold
from lastmile.core.tenancy import RetailerRef, retailer_context
from portal.choice.models import DeliverySession
from tenants.permissions import KeyRole, Role
from tests.dispatch.conftest import EVE, SetClock
from tests.factories import make_hub
from tests.people import add_member, key_client, logged_in
from tests.portal.choice.shop import CHOICES, HOLDS, OPTIONS, SHOP, Shop, curbside, question

ALLOWED = "access-control-allow-origin"


def counts() -> tuple[int, int]:
    return DeliverySession.objects.count(), Hold.objects.count()


def end_of_period() -> None:
    """Let every period of the counted calls end."""
    with connection.cursor() as cursor:
        cursor.execute("UPDATE core_callcount SET window_ends_at = now() - interval '1 second'")


def test_unknown_expired_and_foreign_ids_look_the_same(
    shop: Shop, retailer: RetailerRef, other: RetailerRef, clock: SetClock
) -> None:
    slot = curbside(make_hub(), 10)
    session = shop.ask()
    held = shop.hold(session, slot.public_id)
    choice = shop.confirm(held)
    second = Shop(retailer, "https://second.example")
    with retailer_context(other):
        make_hub()
        stranger = Shop(other)
    paths = [
        f"{OPTIONS}{session['id']}/", f"{HOLDS}{held['id']}/", f"{CHOICES}{choice['id']}/",
    ]  # fmt: skip
    unknown = [
        f"{OPTIONS}ses_00000000000000000000/", f"{HOLDS}hld_00000000000000000000/",
        f"{CHOICES}chc_00000000000000000000/", f"{HOLDS}xyz_1/",
    ]  # fmt: skip
    assert [shop.call("get", path).status_code for path in paths] == [200, 200, 200]
    bodies = set()
    for caller, tried in ((second, paths), (stranger, paths), (shop, unknown)):
        for path in tried:
            for method in ("get", "delete", "patch"):
                body = None if method == "get" else {}
                answer = caller.call(method, path, body, accept_language="en")
                if answer.status_code != 405:
                    assert answer.status_code == 404, (method, path, answer.content)
                    bodies.add(answer.content)
    clock(EVE + dt.timedelta(hours=25))
    late = shop.call("get", paths[0], accept_language="en")
    assert late.status_code == 404
    assert bodies == {late.content}
    for caller in (second, stranger):
        for where, body in (
            (HOLDS, {"session": session["id"], "offer": slot.public_id}),
            (CHOICES, {"hold": held["id"]}),
        ):
            answer = caller.call("post", where, body, accept_language="en")
            assert (answer.status_code, answer.content) == (404, late.content)
    assert Hold.objects.get().state == "kept"


def test_a_checkout_key_opens_nothing_but_the_checkout(shop: Shop) -> None:
    for where in ("/api/v1/orders/", "/api/v1/hubs/", "/api/v1/plans/", "/api/v1/api-keys/"):
        assert shop.call("get", where).status_code == 403, where
    assert shop.call("post", "/api/v1/orders/", {}).status_code == 403


@pytest.mark.parametrize("role", [KeyRole.DRIVER, KeyRole.LOCKER, KeyRole.CARRIER])
def test_other_keys_may_not_choose(retailer: RetailerRef, role: str) -> None:
    assert key_client(retailer, role).post(OPTIONS, question()).status_code == 403


def test_who_may_only_read_opens_no_session(retailer: RetailerRef, clock: object) -> None:
    curbside(make_hub(), 10)
    reader = logged_in(retailer, add_member(Role.READONLY))
    answer = reader.post(OPTIONS, question(), content_type="application/json")
    assert answer.status_code == 403
    assert counts() == (0, 0)


def test_staff_and_integrations_see_the_sessions_of_their_hubs(
    shop: Shop, retailer: RetailerRef
) -> None:
    hub = make_hub()
    slot = curbside(hub, 10)
    session = shop.ask()
    held = shop.hold(session, slot.public_id)
    choice = shop.confirm(held)
    paths = [
        f"{OPTIONS}{session['id']}/", f"{HOLDS}{held['id']}/", f"{CHOICES}{choice['id']}/",
    ]  # fmt: skip
    far = make_hub(lat=39.72, lon=-8.14)
    for hubs, status in ((None, 200), ([hub.public_id], 200), ([far.public_id], 404)):
        integration = key_client(retailer, KeyRole.INTEGRATION, hubs=hubs)
        assert [integration.get(path).status_code for path in paths] == [status] * 3
        reader = logged_in(retailer, add_member(Role.READONLY, hubs=hubs))
        assert [reader.get(path).status_code for path in paths] == [status] * 3


def test_the_pages_of_the_own_shop_may_call_and_every_other_origin_is_refused(
    shop: Shop, retailer: RetailerRef
) -> None:
    curbside(make_hub(), 10)
    for where in (OPTIONS, HOLDS, CHOICES, f"{HOLDS}hld_1/"):
        headers = {"host": retailer.domain, "origin": SHOP, "access-control-request-method": "POST"}
        preflight = shop.client.browser.options(where, headers=headers | {"authorization": ""})
        assert (preflight.status_code, preflight[ALLOWED]) == (204, SHOP), where
    answer = shop.call("post", OPTIONS, question())
    assert (answer.status_code, answer[ALLOWED]) == (201, SHOP)
    assert "access-control-allow-credentials" not in answer
    before = counts()
    for origin in ("https://evil.example", "null", ""):
        refused = shop.call("post", OPTIONS, question(), origin=origin)
        assert (refused.status_code, ALLOWED in refused) == (401, False), origin
    assert counts() == before
    problem = shop.call("post", HOLDS, {"session": "ses_1", "offer": "slt_1"})
    assert (problem.status_code, problem[ALLOWED]) == (404, SHOP)


def test_s21_the_flow_needs_no_cookie_and_sets_none(shop: Shop) -> None:
    slot = curbside(make_hub(), 10)
    session = shop.ask()
    held = shop.hold(session, slot.public_id)
    shop.confirm(held)
    assert not shop.client.browser.cookies
    # The shop's own page keeps the id of the session; a reload finds the hold with it alone.
    fresh = Shop.__new__(Shop)
    fresh.origin = shop.origin
    fresh.client = type(shop.client).__new__(type(shop.client))
    fresh.client.browser = type(shop.client.browser)()
    fresh.client.browser.defaults = dict(shop.client.browser.defaults)
    assert fresh.read(session)["hold"]["id"] == held["id"]


def test_calls_are_limited_by_address_and_the_answer_says_when_to_come_back(
    shop: Shop, settings: Any
) -> None:
    settings.LIMIT_CHECKOUT_ADDRESS_PER_MINUTE = 3
    curbside(make_hub(), 10)
    for _call in range(3):
        shop.ask()
    before = counts()
    refused = shop.call("post", OPTIONS, question())
    assert (refused.status_code, refused.json()["code"]) == (429, "too_many")
    assert 1 <= int(refused["retry-after"]) <= 60
    assert refused[ALLOWED] == SHOP
    assert counts() == before
    assert shop.call("get", f"{HOLDS}hld_1/").status_code == 429
    end_of_period()
    shop.ask()


def test_the_address_behind_our_own_proxy_counts_and_a_written_one_does_not(
    shop: Shop, settings: Any
) -> None:
    settings.LIMIT_CHECKOUT_ADDRESS_PER_MINUTE = 1
    where = f"{HOLDS}hld_1/"
    for number in range(3):  # without a trusted proxy the header means nothing
        expected = 404 if number == 0 else 429
        answer = shop.call("get", where, x_forwarded_for=f"203.0.113.{number}")
        assert answer.status_code == expected
    end_of_period()
    settings.TRUSTED_PROXIES = ["127.0.0.0/8"]
    for number in range(3):
        answer = shop.call("get", where, x_forwarded_for=f"198.51.100.9, 203.0.113.{number}")
        assert answer.status_code == 404
    again = shop.call("get", where, x_forwarded_for="192.0.2.1, 203.0.113.1")
    assert again.status_code == 429


def test_calls_are_limited_by_key_over_all_addresses(shop: Shop, settings: Any) -> None:
    settings.LIMIT_CHECKOUT_KEY_PER_MINUTE = 2
    settings.TRUSTED_PROXIES = ["127.0.0.0/8"]
    where = f"{HOLDS}hld_1/"
    answers = [
        shop.call("get", where, x_forwarded_for=f"203.0.113.{number}").status_code
        for number in range(3)
    ]
    assert answers == [404, 404, 429]


def test_an_address_may_hold_only_so_many_places_an_hour(shop: Shop, settings: Any) -> None:
    settings.LIMIT_CHECKOUT_HOLDS_PER_HOUR = 2
    slot = curbside(make_hub(), 10, capacity=50)
    session = shop.ask()
    for _time in range(2):
        shop.hold(session, slot.public_id)
    refused = shop.try_hold(session, slot.public_id)
    assert refused.status_code == 429
    assert int(refused["retry-after"]) > 3_000
    assert shop.read(session)["hold"] is not None


def test_integrations_are_not_limited_as_checkouts_are(
    retailer: RetailerRef, settings: Any, clock: object
) -> None:
    settings.LIMIT_CHECKOUT_ADDRESS_PER_MINUTE = settings.LIMIT_CHECKOUT_KEY_PER_MINUTE = 1
    curbside(make_hub(), 10)
    client = key_client(retailer)
    assert [client.post(OPTIONS, question()).status_code for _ in range(3)] == [201] * 3
