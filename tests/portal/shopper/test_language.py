"""Shoppers read English, Spanish or Arabic; staff pages have their own languages."""

from __future__ import annotations

import pytest
from django.test import Client

from dispatch.orders.drafts import ShopperDraft
from dispatch.orders.links import shopper_secret
from lastmile.core.tenancy import RetailerRef
from tests.factories.fleet import make_hub
from tests.factories.orders import make_order

pytestmark = pytest.mark.usefixtures("example_pages")


def language_of(client: Client, path: str, **headers: str) -> str:
    return client.get(path, headers=headers).headers["Content-Language"]


def test_the_reader_s_choice_counts_before_order_browser_and_retailer(
    retailer: RetailerRef, client: Client
) -> None:
    make_hub()
    plain = f"/t/{shopper_secret(make_order())}/"
    shopper = ShopperDraft(name="Layla", phone="+351920000001", language="ar-SA")
    arabic = f"/t/{shopper_secret(make_order(shopper=shopper))}/"
    assert language_of(client, plain) == retailer.language == "en"
    assert language_of(client, plain, accept_language="fr, es;q=0.5, ar;q=0.9") == "ar"
    assert language_of(client, arabic, accept_language="es") == "ar"
    assert language_of(client, f"{arabic}?lang=es") == "es"
    assert language_of(client, f"{arabic}?lang=xx") == "ar"
    client.post("/look/shopper-language", {"language": "es", "next": arabic})
    assert language_of(client, arabic) == "es"
    assert language_of(client, f"{arabic}?lang=en") == "en"


def test_the_choice_is_one_cookie_of_shoppers_pages_and_leads_back_without_a_query(
    client: Client,
) -> None:
    answer = client.post("/look/shopper-language", {"language": "ar", "next": "/t/x/?lang=en"})
    assert (answer.status_code, answer.headers["Location"]) == (302, "/t/x/")
    cookie = answer.cookies["lastmile_shopper_language"]
    assert (cookie.value, cookie["path"], cookie["httponly"]) == ("ar", "/t/", True)
    assert client.get("/login/").headers["Content-Language"] == "en"


def test_a_wrong_choice_changes_nothing_and_never_leads_to_another_site(client: Client) -> None:
    own = f"http://{client.get('/login/').wsgi_request.get_host()}"
    assert client.post("/look/shopper-language", {"next": f"{own}/t/x/"}).url == "/t/x/"  # type: ignore[attr-defined]
    for target in (
        *("https://evil.example/t/x/", "//evil.example/", "javascript:alert(1)"),
        *(f"{own}//evil.example/", f"{own}/\\evil.example/", f"{own}///evil.example"),
    ):
        answer = client.post("/look/shopper-language", {"language": "xx", "next": target})
        assert (answer.headers["Location"], answer.cookies.get("lastmile_shopper_language")) == (
            "/",
            None,
        )
    assert client.get("/look/shopper-language").status_code == 405


def test_a_get_with_a_language_stores_nothing(client: Client) -> None:
    answer = client.get(f"/t/{'a' * 32}/?lang=ar")
    assert not answer.cookies
    page = answer.content.decode()
    assert 'lang="ar"' in page
    assert 'dir="rtl"' in page


def test_staff_pages_stay_in_their_own_languages(client: Client) -> None:
    assert language_of(client, "/login/", accept_language="ar") == "en"
    client.post("/look/language", {"language": "ar", "next": "/"})
    assert language_of(client, "/login/") == "en"
