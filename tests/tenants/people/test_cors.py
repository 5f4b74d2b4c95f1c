"""Tests of CORS: the pages of registered shops may call some views, all others are refused."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.test import Client
from django.urls import clear_url_caches

from lastmile.core.clock import real_now
from lastmile.core.tenancy import RetailerRef, retailer_context
from tenants.people.models import ApiKey
from tenants.people.services import create_key, revoke_key
from tenants.permissions import KeyRole, Role
from tests.people import KeyClient, add_member, key_client, logged_in

WHERE = "/api/v1/for-shops/"
SHOP, EVIL = "https://shop.example", "https://evil.example"
ALLOWED = "access-control-allow-origin"


@pytest.fixture(autouse=True)
def urls(settings: Any) -> Any:
    settings.ROOT_URLCONF = "tests.tenants.people.shop_urls"
    clear_url_caches()
    yield
    clear_url_caches()


def shop_key(ref: RetailerRef, *origins: str, **fields: Any) -> tuple[str, KeyClient]:
    with retailer_context(ref):
        key, secret = create_key(
            name="Shop", role=KeyRole.CHECKOUT, origins=origins or [SHOP], **fields
        )
    return key.public_id, KeyClient(ref, secret)


def preflight(ref: RetailerRef, origin: str, where: str = WHERE, method: str = "DELETE") -> Any:
    headers = {"host": ref.domain, "access-control-request-method": method}
    if origin:
        headers["origin"] = origin
    return Client().options(where, headers=headers)


def test_a_preflight_is_answered_for_registered_origins_only(
    retailer: RetailerRef, other: RetailerRef
) -> None:
    shop_key(retailer)
    answer = preflight(retailer, SHOP)
    assert (answer.status_code, answer[ALLOWED], answer.content) == (204, SHOP, b"")
    assert set(answer["access-control-allow-methods"].split(", ")) == {"GET", "DELETE"}
    assert "Idempotency-Key" in answer["access-control-allow-headers"]
    assert "Origin" in answer["vary"]
    assert "access-control-allow-credentials" not in answer
    for ref, origin in (
        (retailer, EVIL),
        (retailer, "null"),
        (retailer, ""),
        (retailer, f"{SHOP}.evil.example"),
        (retailer, "http://shop.example"),
        (retailer, "https://shop.example\x00"),
        (retailer, "https://" + "x" * 5_000),
        (other, SHOP),
    ):
        refused = preflight(ref, origin)
        assert (refused.status_code, ALLOWED in refused) == (403, False), origin
        assert refused["content-type"].startswith("application/problem+json")
        assert "Origin" in refused["vary"]


def test_a_preflight_asks_the_database_twice_and_no_credential(
    retailer: RetailerRef, django_assert_max_num_queries: Any
) -> None:
    shop_key(retailer)
    with django_assert_max_num_queries(2):  # whose host, whose origin
        assert preflight(retailer, SHOP).status_code == 204


def test_a_key_that_ended_answers_no_preflight_any_more(retailer: RetailerRef) -> None:
    public_id, _shop = shop_key(retailer)
    _other_id, _other = shop_key(
        retailer, "https://late.example", expires_at=real_now() + dt.timedelta(days=1)
    )
    key_client(retailer)  # an integration key has no origin
    assert preflight(retailer, "https://late.example").status_code == 204
    ApiKey.objects.filter(origins__contains=["https://late.example"]).update(
        expires_at=real_now() - dt.timedelta(seconds=1)
    )
    revoke_key(public_id=public_id)
    assert preflight(retailer, SHOP).status_code == 403
    assert preflight(retailer, "https://late.example").status_code == 403


def test_the_page_of_the_keys_own_shop_reads_answers_and_errors(retailer: RetailerRef) -> None:
    _id, shop = shop_key(retailer, SHOP, "https://www.shop.example:8443")
    for origin in (SHOP, "https://www.shop.example:8443", "HTTPS://SHOP.EXAMPLE"):
        answer = shop.get(WHERE, origin=origin)
        assert (answer.status_code, answer[ALLOWED]) == (200, origin)
        assert "Retry-After" in answer["access-control-expose-headers"]
    refused = shop.call("delete", WHERE, {}, origin=SHOP)
    assert (refused.status_code, refused[ALLOWED]) == (409, SHOP)
    unknown_key = KeyClient(retailer, "lm_t1_wrong").get(WHERE, origin=SHOP)
    assert (unknown_key.status_code, unknown_key[ALLOWED]) == (401, SHOP)
    for answer in (refused, unknown_key):
        assert "Origin" in answer["vary"]
        assert "access-control-allow-credentials" not in answer


def test_the_server_itself_refuses_every_other_origin(retailer: RetailerRef) -> None:
    _id, shop = shop_key(retailer)
    _other_id, _other = shop_key(retailer, "https://second.example")
    for origin in (EVIL, "null", "", "https://second.example", f"{SHOP}/", f"{SHOP}, {EVIL}"):
        answer = shop.get(WHERE, origin=origin)
        assert answer.status_code == 401, origin
        # The page of another registered shop may read the refusal, an unknown page may not.
        assert (ALLOWED in answer) == (origin == "https://second.example"), origin


def test_no_page_of_another_site_reads_what_a_member_or_an_integration_reads(
    retailer: RetailerRef,
) -> None:
    shop_key(retailer)
    member = logged_in(retailer, add_member(Role.OWNER))
    answers = [
        member.get(WHERE, headers={"origin": SHOP}),
        key_client(retailer).get(WHERE, origin=SHOP),
    ]
    for answer in answers:
        assert (answer.status_code, ALLOWED in answer) == (200, False)
        assert "Origin" in answer["vary"]


def test_other_views_take_no_part(retailer: RetailerRef) -> None:
    _id, shop = shop_key(retailer)
    where = "/api/v1/not-for-shops/"
    refused = preflight(retailer, SHOP, where)
    assert (refused.status_code, ALLOWED in refused) == (401, False)
    assert ALLOWED not in shop.get(where, origin=SHOP)
    assert preflight(retailer, SHOP, "/api/v1/orders/").status_code == 401
    assert preflight(retailer, SHOP, "/api/v1/unknown/").status_code == 404
