"""The operator's owners, and nobody else, manage retailers, and only on BASE_DOMAIN."""

from __future__ import annotations

import re
import uuid
from typing import Any

import pytest
from django.test import Client

from lastmile.core.models import Event, Job
from lastmile.core.runner import run_job
from lastmile.core.tenancy import RetailerRef, find_retailer, retailer_context
from tenants.models import Retailer
from tenants.people.models import AuditEntry, FirstOwner, Member
from tenants.people.services import add_first_owner
from tenants.permissions import Role
from tenants.policy import Policy
from tenants.services import Opening, Owner, request_opening
from tests.people import add_member, logged_in

THIRD = {
    "schema": "t_third",
    "domain": "third",
    "name": "Third",
    "zone": "Asia/Tokyo",
    "currency": "JPY",
}


PAGE_FORM = THIRD | {
    "language": "es",
    "units": "metric",
    "owner_email": "yuki@third.example",
    "owner_name": "Yuki Tanaka",
}


@pytest.fixture
def boss(house: RetailerRef) -> Client:
    with retailer_context(house):
        return logged_in(house, add_member(Role.OWNER))


def post(browser: Client, path: str, body: dict[str, Any] | None = None) -> Any:
    headers = {"idempotency-key": uuid.uuid4().hex}
    return browser.post(path, body or {}, content_type="application/json", headers=headers)


def status_of(schema: str) -> str:
    with retailer_context("house"):
        return Retailer.objects.get(schema_name=schema).status


def test_an_owner_of_the_house_opens_a_retailer_by_a_job(boss: Client) -> None:
    answer = post(boss, "/api/v1/retailers/", THIRD)
    assert answer.status_code == 202, answer.content
    body = answer.json()
    assert (body["retailer"]["status"], body["operation"]["state"]) == ("opening", "queued")
    assert Client(headers={"host": "third.localhost"}).get("/login/").status_code == 503
    with retailer_context("house"):
        run_job(Job.objects.get(public_id=body["operation"]["id"]).public_id)
        assert AuditEntry.objects.filter(subject=body["retailer"]["id"]).count() == 1
    assert Client(headers={"host": "third.localhost"}).get("/login/").status_code == 200
    retailer = boss.get(f"/api/v1/retailers/{body['retailer']['id']}/").json()
    assert (retailer["status"], retailer["domain"]) == ("active", "third.localhost")


def test_the_list_names_every_retailer_and_never_the_house(boss: Client) -> None:
    listed = boss.get("/api/v1/retailers/").json()["items"]
    assert {item["schema"] for item in listed} == {"t1", "t2"}


def test_a_retailer_is_suspended_resumed_and_closed(boss: Client) -> None:
    (one,) = [
        item for item in boss.get("/api/v1/retailers/").json()["items"] if item["schema"] == "t2"
    ]
    at = f"/api/v1/retailers/{one['id']}"
    assert post(boss, f"{at}/suspend/").json()["status"] == "suspended"
    assert post(boss, f"{at}/suspend/").status_code == 409
    assert post(boss, f"{at}/resume/").json()["status"] == "active"
    refused = post(boss, f"{at}/close/", {"confirm": "t1"})
    assert (refused.status_code, status_of("t2")) == (422, "active")
    assert post(boss, f"{at}/close/", {"confirm": "t2"}).json()["status"] == "closed"
    with retailer_context("house"):
        acts = list(AuditEntry.objects.order_by("id").values_list("act", flat=True))
        actors = set(AuditEntry.objects.order_by("-id").values_list("actor", flat=True)[:3])
    assert acts[-3:] == ["retailer.suspended", "retailer.resumed", "retailer.closed"]
    assert len(actors) == 1
    assert actors.pop().startswith("mbr_")


@pytest.mark.parametrize("role", [role for role in Role if role != Role.OWNER])
def test_other_roles_of_the_operator_change_nothing(house: RetailerRef, role: Role) -> None:
    with retailer_context(house):
        browser = logged_in(house, add_member(role))
        before = Event.objects.count()
        one = Retailer.objects.get(schema_name="t2").public_id
    assert post(browser, "/api/v1/retailers/", THIRD).status_code == 403
    assert post(browser, f"/api/v1/retailers/{one}/suspend/").status_code == 403
    assert browser.post("/retailers/", THIRD).status_code == 403
    assert browser.post(f"/retailers/{one}/suspend/").status_code == 403
    assert status_of("t2") == "active"
    with retailer_context(house):
        assert Event.objects.count() == before
        assert not Retailer.objects.filter(schema_name="t_third").exists()


def test_an_owner_of_a_retailer_cannot_reach_the_operators_pages(
    retailer: RetailerRef, house: RetailerRef
) -> None:
    browser = logged_in(retailer, add_member(Role.OWNER))
    for path in ("/api/v1/retailers/", "/retailers/"):
        assert browser.get(path).status_code == 404
    with retailer_context(retailer):
        session = browser.cookies
    there = Client(headers={"host": house.domain})
    there.cookies = session
    assert there.get("/api/v1/retailers/").status_code == 401


def test_a_visitor_is_sent_to_sign_in(db: None, house: RetailerRef) -> None:
    stranger = Client(headers={"host": house.domain})
    assert stranger.get("/api/v1/retailers/").status_code == 401
    assert stranger.get("/retailers/").headers["Location"].startswith("/login/")


def test_the_page_opens_suspends_and_closes(boss: Client) -> None:
    form = PAGE_FORM
    refused = boss.post("/retailers/", form | {"zone": "Mars/North"})
    assert refused.status_code == 422
    assert "Mars/North" in refused.content.decode()
    assert boss.post("/retailers/", form | {"owner_email": ""}).status_code == 422
    with retailer_context("house"):
        assert not Retailer.objects.filter(schema_name="t_third").exists()
    assert boss.post("/retailers/", form).status_code == 302
    page = boss.get("/retailers/").content.decode()
    assert "third.localhost" in page
    with retailer_context("house"):
        one = Retailer.objects.get(schema_name="t1").public_id
    boss.post(f"/retailers/{one}/suspend/")
    assert status_of("t1") == "suspended"
    answer = boss.post(f"/retailers/{one}/close/", {"confirm": "no"}, follow=True)
    assert "type the name of its schema" in answer.content.decode()
    assert status_of("t1") == "suspended"


def test_the_page_opens_a_retailer_with_its_first_owner_and_shows_the_link(boss: Client) -> None:
    where = boss.post("/retailers/", PAGE_FORM)["Location"]
    waiting = boss.get(where).content.decode()
    assert "is being opened" in waiting
    assert "set-password" not in waiting
    with retailer_context("house"):
        run_job(Job.objects.get(kind="retailer.open").public_id)
        assert not FirstOwner.objects.exists(), "their name is kept no longer than needed"
    page = boss.get(where).content.decode()
    link = re.search(r"http://third\.localhost:8000(/set-password/[^\"]+)", page)
    assert link is not None
    assert "yuki@third.example" in page
    fresh = Client(headers={"host": "third.localhost"})
    assert fresh.post(link[1], {"password": "a good long password"})["Location"] == "/"
    me = fresh.get("/api/v1/me/").json()
    assert (me["role"], me["name"]) == ("owner", "Yuki Tanaka")
    assert fresh.get("/")["Content-Language"] == "es"
    assert "set-password" not in boss.get(where).content.decode(), "it is used up"
    with retailer_context("house"):
        manager = logged_in(find_retailer("house"), add_member(Role.MANAGER))
    assert "set-password" not in manager.get(where).content.decode()


def test_a_job_that_runs_twice_adds_the_first_owner_once(house: RetailerRef) -> None:
    with retailer_context(house):
        opening = Opening(
            "t_third", "third", Policy("Third", "Asia/Tokyo", "JPY"),
            owner=Owner("yuki@third.example", "Yuki Tanaka"),
        )  # fmt: skip
        retailer, job = request_opening(opening)
        run_job(job.public_id)
        FirstOwner.objects.create(  # as if the worker had died before it was deleted
            retailer=retailer.public_id, email="yuki@third.example", name="Yuki Tanaka"
        )
        ref = find_retailer("t_third")
        assert ref is not None
        add_first_owner(ref)
        assert not FirstOwner.objects.exists()
    with retailer_context("t_third"):
        assert Member.objects.count() == 1


def test_a_name_is_escaped_on_the_page(boss: Client) -> None:
    hostile = '<img src=x onerror="alert(1)">'
    with retailer_context("house"):
        Retailer.objects.filter(schema_name="t1").update(name=hostile)
    page = boss.get("/retailers/").content.decode()
    assert hostile not in page
    assert "&lt;img src=x" in page
