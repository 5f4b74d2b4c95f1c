"""The people API: its permissions and answers, and the data that it never shows."""

from __future__ import annotations

from django.test import Client

from lastmile.core.tenancy import RetailerRef
from tenants.people.models import Member
from tenants.permissions import KeyRole, Role
from tests.people import add_member, key_client, logged_in

JSON = "application/json"


def post(browser: Client, path: str, body: object, **headers: str):
    return browser.post(path, body, content_type=JSON, headers=headers)


def test_me_says_who_calls_and_what_they_may(retailer: RetailerRef) -> None:
    answer = key_client(retailer, KeyRole.CHECKOUT).get(
        "/api/v1/me/", origin="https://shop.example"
    )
    assert answer.status_code == 200
    assert answer.json()["acts"] == ["self.view", "offers.view", "offers.choose"]
    assert answer.json()["kind"] == "key"


def test_a_stranger_gets_401_as_a_problem(client: Client) -> None:
    answer = client.get("/api/v1/members/")
    assert answer.status_code == 401
    assert answer["Content-Type"] == "application/problem+json"
    assert answer["WWW-Authenticate"].startswith("Bearer")
    assert answer.json()["code"] == "not_authenticated"


def test_a_new_member_comes_with_a_link_shown_once(retailer: RetailerRef) -> None:
    browser = logged_in(retailer, add_member(Role.OWNER))
    body = {"email": "new@example.org", "name": "New", "role": "dispatcher"}
    answer = post(browser, "/api/v1/members/", body, **{"idempotency-key": "k1"})
    assert answer.status_code == 201, answer.content
    assert answer.json()["set_password_url"].startswith("http://t1.localhost:8000/set-password/")
    again = post(browser, "/api/v1/members/", body, **{"idempotency-key": "k1"})
    assert again["Idempotency-Replayed"] == "true"
    assert again.json()["set_password_url"] is None
    assert again.json()["secret_already_shown"] is True
    assert Member.objects.filter(email="new@example.org").count() == 1
    assert "password" not in answer.json()
