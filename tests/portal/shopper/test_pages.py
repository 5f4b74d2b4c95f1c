"""The guard of shoppers' pages: who gets in, in which language, with which headers."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import pytest
from django.test import Client
from django.utils.html import escape

from dispatch.orders.links import NAME, shopper_secret
from dispatch.orders.models import Order
from lastmile.core import clock as clocks
from lastmile.core import derived
from lastmile.core.tenancy import RetailerRef, retailer_context, shared_context
from tenants.models import Retailer
from tests.factories.fleet import make_hub
from tests.factories.orders import make_order
from tests.people import add_member, logged_in
from tests.portal.shopper.shopper_app import file as _file

pytestmark = pytest.mark.usefixtures("example_pages")
HEADERS = {
    "Cache-Control": "private, no-store",
    "Referrer-Policy": "same-origin",
    "X-Robots-Tag": "noindex, nofollow",
}
NOWHERE = "a" * 32


def foreign_secret(other: RetailerRef) -> str:
    with retailer_context(other):
        make_hub()
        return shopper_secret(make_order())


def expired_secret() -> str:
    order = make_order()
    secret = shopper_secret(order)
    yesterday = clocks.now() - dt.timedelta(days=1)
    derived.set_expiry(purpose=NAME, subject=order.public_id, expires_at=yesterday)
    return secret


def test_the_link_shows_its_order_to_a_stranger_and_to_a_signed_in_member(
    client: Client, retailer: RetailerRef, order: Order, secret: str
) -> None:
    for browser in (client, logged_in(retailer, add_member())):
        assert browser.get(f"/t/{secret}/file").content.decode() == order.public_id
        page = browser.get(f"/t/{secret}/")
        assert page.status_code == 200
        assert escape(retailer.name) in page.content.decode()
        assert "/members/" not in page.content.decode(), "no menu"


def test_s24_s25_every_answer_under_t_has_the_headers_also_errors_and_files(
    retailer: RetailerRef, client: Client, secret: str
) -> None:
    answers = {
        "page": client.get(f"/t/{secret}/"),
        "head": client.head(f"/t/{secret}/"),
        "file": client.get(f"/t/{secret}/file"),
        "unknown": client.get(f"/t/{NOWHERE}/"),
        "no page": client.get(f"/t/{secret}/nothing/here"),
        "no slash": client.get("/t/x"),
        "method": client.post(f"/t/{secret}/file"),
        "nul": client.get(f"/t/{secret}/?x=%00"),
        "no shop": Client(headers={"host": "nobody.localhost"}).get(f"/t/{secret}/"),
    }
    strict = Client(enforce_csrf_checks=True, headers={"host": retailer.domain})
    answers["csrf"] = strict.post(f"/t/{secret}/")
    expected = {"method": 405, "nul": 400, "csrf": 403, "no slash": 302} | dict.fromkeys(
        ("page", "head", "file"), 200
    )
    for name, answer in answers.items():
        assert answer.status_code == expected.get(name, 404), name
        assert {h: answer.headers.get(h) for h in HEADERS} == HEADERS, name
        assert "canonical" not in answer.content.decode(), name


def test_a_link_without_its_final_slash_leads_on_and_does_not_tell_whether_it_is_known(
    client: Client, secret: str
) -> None:
    for word in (secret, NOWHERE):
        answer = client.get(f"/t/{word}")
        assert (answer.status_code, answer["Location"]) == (302, f"/t/{word}/")
        assert answer.content == b""


def test_unknown_expired_malformed_and_foreign_secrets_get_the_same_404_byte_for_byte(
    client: Client, other: RetailerRef, secret: str
) -> None:
    wrong = [NOWHERE, "x", "%C3%A9" * 32, "A" * 32, foreign_secret(other), expired_secret()]
    answers = [client.get(f"/t/{s}/") for s in wrong]
    answers += [client.post(f"/t/{s}/") for s in wrong]
    answers += [client.get(f"/t/{s}/file") for s in wrong]
    assert {answer.status_code for answer in answers} == {404}
    assert len({answer.content for answer in answers}) == 1
    assert len({str(sorted(answer.headers.items())) for answer in answers}) == 1
    for s in wrong:
        assert s not in answers[0].content.decode() or s == "x"


def test_the_refusal_costs_the_same_queries_for_every_reason(
    client: Client,
    other: RetailerRef,
    secret: str,
    django_assert_num_queries: Callable[..., object],
) -> None:
    client.get(f"/t/{NOWHERE}/")
    for wrong in (NOWHERE, "x", foreign_secret(other), expired_secret()):
        with django_assert_num_queries(2):  # the retailer of the host, the secret
            client.get(f"/t/{wrong}/")


def test_a_form_acts_in_the_name_of_the_order(client: Client, order: Order, secret: str) -> None:
    assert client.post(f"/t/{secret}/").content.decode() == order.public_id


def test_the_link_is_no_way_to_another_page(client: Client, secret: str) -> None:
    client.get(f"/t/{secret}/")
    assert client.get("/members/").status_code == 302
    assert client.get("/api/v1/orders/").status_code == 401
    assert _file.who_may == {"get": "shopper.view", "post": "shopper.change"}  # type: ignore[attr-defined]


def test_shoppers_read_the_name_and_the_colours_that_the_retailer_chose_for_them(
    client: Client, retailer: RetailerRef, secret: str
) -> None:
    with shared_context():
        brand = {"hue": 145, "corner": 2.0, "sender": "Flores <Ana>"}
        Retailer.objects.filter(schema_name=retailer.schema).update(brand=brand)
    for path in (f"/t/{secret}/", f"/t/{NOWHERE}/"):
        page = client.get(path).content.decode()
        assert "Flores &lt;Ana&gt;" in page
        assert escape(retailer.name) not in page
    assert escape(retailer.name) in client.get("/login/").content.decode(), "staff read its own"
    sheet = client.get("/look/brand.css")
    assert sheet.headers["Content-Type"].startswith("text/css")
    assert "--brand-hue: 145;" in sheet.content.decode()
    assert "look/brand.css" in client.get(f"/t/{NOWHERE}/").content.decode()
