"""The people pages: permissions and actions, without caching or inline scripts."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client

from lastmile.core.tenancy import RetailerRef, retailer_context
from tenants.models import Retailer
from tenants.people import services
from tenants.people.models import ApiKey, AuditEntry, Member
from tenants.permissions import Act, Role
from tests.factories.fleet import make_hub
from tests.people import PASSWORD, add_member, logged_in
from tests.tenants.people.test_permissions import written

PAGES = {
    "/account/": (Act.SELF_VIEW, Act.SELF_EDIT),
    "/members/": (Act.MEMBERS_VIEW, Act.MEMBERS_EDIT),
    "/api-keys/": (Act.KEYS_VIEW, Act.KEYS_EDIT),
    "/audit/": (Act.AUDIT_VIEW, None),
    "/settings/": (Act.POLICY_VIEW, Act.POLICY_EDIT),
}


@pytest.mark.parametrize("role", list(Role))
def test_every_page_follows_the_permission_table(retailer: RetailerRef, role: Role) -> None:
    rows, browser = written(), logged_in(retailer, add_member(role))
    for path, (view, post) in PAGES.items():
        assert (browser.get(path).status_code == 200) is (role in rows[view][0]), path
        if post is not None and role not in rows[post][0]:
            before = AuditEntry.objects.count()
            assert browser.post(path, {"what": "about", "name": "x"}).status_code == 403, path
            assert AuditEntry.objects.count() == before


def test_visitors_are_sent_to_sign_in_from_every_page(
    retailer: RetailerRef, client: Client
) -> None:
    for path in PAGES:
        answer = client.get(path)
        assert (answer.status_code, answer["Location"]) == (302, f"/login/?next=%2F{path[1:-1]}%2F")


def test_pages_have_no_inline_script_or_style_and_have_security_headers(
    retailer: RetailerRef, client: Client
) -> None:
    browser = logged_in(retailer, add_member(Role.OWNER))
    for path in ["/login/", *PAGES]:
        answer = (client if path == "/login/" else browser).get(path)
        html = answer.content.decode()
        nonce = re.search(r"'nonce-([^']+)'", answer["Content-Security-Policy"])
        for tag in re.findall(r"<(?:script|style)\b[^>]*>", html):
            assert "src=" in tag or (nonce and f'nonce="{nonce[1]}"' in tag), (path, tag)
        assert not re.search(r"\son\w+=|\sstyle=|javascript:", html), path
        policy = answer["Content-Security-Policy"]
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert answer["X-Frame-Options"] == "DENY"
        assert answer["X-Content-Type-Options"] == "nosniff"
        assert "camera=()" in answer["Permissions-Policy"]


def test_a_refused_log_in_says_why_on_the_page_with_its_status(
    retailer: RetailerRef, client: Client
) -> None:
    member = add_member(email="ana@example.org")
    wrong = {"email": member.email, "password": "wrong password"}
    unknown = {"email": "bo@example.org", "password": "wrong password"}
    answers = [client.post("/login/", form) for form in (wrong, unknown)]
    assert [a.status_code for a in answers] == [401, 401]
    bodies = [
        re.sub(r'value="[^"]*"|nonce="[^"]*"|"X-CSRFToken": "[^"]*"', "", a.content.decode())
        for a in answers
    ]
    assert bodies[0] == bodies[1]
    assert "The e-mail or the password is wrong" in bodies[0]
    for _n in range(9):
        client.post("/login/", wrong)
    locked = client.post("/login/", {"email": member.email, "password": PASSWORD})
    assert locked.status_code == 429
    assert "15 minutes" in locked.content.decode()
    assert "no-store" in locked["Cache-Control"]


def test_a_manager_invites_a_member_who_sets_a_password_and_is_signed_in(
    retailer: RetailerRef,
) -> None:
    browser = logged_in(retailer, add_member(Role.MANAGER))
    form = {"email": "new@example.org", "name": "New One", "role": "dispatcher", "hubs": ""}
    html = browser.post("/members/", form).content.decode()
    link = re.search(r"http://t1\.localhost:8000(/set-password/[^\"]+)", html)
    assert link is not None
    fresh = Client(headers={"host": retailer.domain})
    page = fresh.get(link[1])
    assert page.status_code == 200
    assert page["Referrer-Policy"] == "same-origin", "the secret goes to no other site"
    assert fresh.post(link[1], {"password": "short"}).status_code == 422
    assert fresh.post(link[1], {"password": "a good long password"})["Location"] == "/"
    assert fresh.get("/api/v1/me/").json()["role"] == "dispatcher"
    used = Client(headers={"host": retailer.domain}).get(link[1])
    assert used.status_code == 404
    forged = Client(headers={"host": retailer.domain}).get("/set-password/forged/")
    assert (forged.status_code, "Ask an owner" in forged.content.decode()) == (404, True)
    assert "Ask an owner" in used.content.decode()


def test_a_manager_cannot_make_an_owner_on_the_page_either(retailer: RetailerRef) -> None:
    browser = logged_in(retailer, add_member(Role.MANAGER))
    form = {"email": "new@example.org", "name": "New", "role": "owner"}
    answer = browser.post("/members/", form)
    assert answer.status_code == 422
    assert "Only an owner" in answer.content.decode()
    assert not Member.objects.filter(email="new@example.org").exists()


def test_a_member_is_changed_only_from_the_current_version(
    retailer: RetailerRef,
) -> None:
    browser, picker = logged_in(retailer, add_member(Role.OWNER)), add_member(Role.PICKER)
    path = f"/members/{picker.public_id}/"
    form = {"what": "change", "name": "P", "role": "dispatcher", "active": "on", "version": "1"}
    assert browser.get(path).status_code == 200
    assert browser.post(path, form).status_code == 302
    late = browser.post(path, {**form, "role": "readonly"})
    assert late.status_code == 422
    assert "Someone else changed this member" in late.content.decode()
    picker.refresh_from_db()
    assert picker.role == "dispatcher"
    assert browser.post(path, {"what": "link"}).status_code == 200
    assert browser.post(path, {"what": "everywhere"}).status_code == 302


def test_members_of_another_retailer_are_unknown(retailer: RetailerRef, other: RetailerRef) -> None:
    with retailer_context(other):
        other_member = add_member(Role.PICKER, email="theirs@example.org")
    browser = logged_in(retailer, add_member(Role.OWNER))
    assert browser.get(f"/members/{other_member.public_id}/").status_code == 404
    assert "theirs@example.org" not in browser.get("/members/").content.decode()


def test_a_key_is_shown_once_and_revoked_on_its_page(retailer: RetailerRef) -> None:
    browser = logged_in(retailer, add_member(Role.OWNER))
    response = browser.post("/api-keys/", {"what": "create", "name": "Shop", "role": "integration"})
    secret = re.search(r"lm_t1_[0-9a-z]{32}", response.content.decode())
    assert secret is not None
    assert "no-store" in response["Cache-Control"]
    assert secret[0] not in browser.get("/api-keys/").content.decode()
    key = ApiKey.objects.get()
    browser.post("/api-keys/", {"what": "revoke", "key": key.public_id})
    key.refresh_from_db()
    assert key.revoked_at is not None
    assert browser.post("/api-keys/", {"what": "revoke", "key": "key_none"}).status_code == 404


def test_my_account_changes_name_language_and_password(retailer: RetailerRef) -> None:
    member = add_member(Role.PICKER)
    browser = logged_in(retailer, member)
    about = {"what": "about", "name": "Ana María", "language": "es"}
    assert browser.post("/account/", about).status_code == 302
    page = browser.get("/account/")
    assert page["Content-Language"] == "es"
    other = logged_in(retailer, member)
    wrong = {"what": "password", "old": "no", "password": "quite another password"}
    assert browser.post("/account/", wrong).status_code == 422
    assert browser.post("/account/", {**wrong, "old": PASSWORD}).status_code == 302
    assert browser.get("/account/").status_code == 200
    assert other.get("/api/v1/me/").status_code == 401
    assert browser.post("/account/", {"what": "everywhere"})["Location"] == "/login/"
    assert browser.get("/api/v1/me/").status_code == 401


def test_the_settings_are_changed_and_audited(retailer: RetailerRef) -> None:
    browser = logged_in(retailer, add_member(Role.OWNER))
    row = Retailer.objects.get(schema_name="t1")
    form: dict[str, Any] = {
        "name": "First & Sons", "zone": "Europe/Madrid", "currency": "eur", "language": "es",
        "units": "metric", "hue": "", "corner": "1", "logo": "", "version": str(row.version),
    }  # fmt: skip
    assert browser.post("/settings/", form).status_code == 302
    row.refresh_from_db()
    assert (row.zone, row.language, row.currency) == ("Europe/Madrid", "es", "EUR")
    entry = AuditEntry.objects.get(act="policy.set")
    assert entry.changes["zone"] == {"before": "Europe/Lisbon", "after": "Europe/Madrid"}
    odd = browser.post("/settings/", {**form, "zone": "Mars/Olympus", "version": ""})
    assert odd.status_code == 422
    assert "Mars/Olympus" in odd.content.decode()
    assert browser.post("/settings/", form).status_code == 422, "an older version"


def test_values_that_people_type_are_escaped(retailer: RetailerRef) -> None:
    evil = "<script>alert(1)</script>"
    owner = add_member(Role.OWNER)
    services.change_member(public_id=owner.public_id, by=None, name=evil)
    browser = logged_in(retailer, owner)
    for path in (*PAGES, f"/members/{owner.public_id}/"):
        assert evil not in browser.get(path).content.decode(), path


def test_every_page_is_in_the_requested_language(
    retailer: RetailerRef, other: RetailerRef, client: Client, other_client: Client
) -> None:
    assert client.get("/login/")["Content-Language"] == "en"
    assert other_client.get("/login/")["Content-Language"] == "es", "the retailer's own"
    response = other_client.get("/login/", headers={"accept-language": "en"})
    assert response["Content-Language"] == "en"
    browser = logged_in(retailer, add_member(Role.PICKER, language="es"))
    assert browser.get("/account/")["Content-Language"] == "es"
    browser.cookies["language"] = "en"
    assert browser.get("/account/")["Content-Language"] == "en", "chosen in this browser"


def test_hubs_of_members_and_keys_are_chosen_by_name(retailer: RetailerRef) -> None:
    south, north = make_hub(name="South"), make_hub(name="North")
    browser = logged_in(retailer, add_member(Role.OWNER))
    page = browser.get("/members/").content.decode()
    assert f'value="{south.public_id}"' in page
    assert "South" in page
    form = {"email": "new@example.org", "name": "New One", "role": "dispatcher"}
    nothing = browser.post("/members/", {**form, "hub_scope": "some"})
    assert nothing.status_code == 422
    assert "Select at least one hub" in nothing.content.decode()
    assert browser.post("/members/", form).status_code == 422, "never all hubs in silence"
    strange = browser.post("/members/", {**form, "hub_scope": "some", "hubs": ["hub_strange"]})
    assert strange.status_code == 422
    assert not Member.objects.filter(email="new@example.org").exists()
    created = browser.post("/members/", {**form, "hub_scope": "some", "hubs": [south.public_id]})
    assert created.status_code == 200
    member = Member.objects.get(email="new@example.org")
    assert member.hubs == [south.public_id]
    page = browser.get(f"/members/{member.public_id}/").content.decode()
    assert re.search(rf'value="{south.public_id}"[^>]* checked', page)
    assert not re.search(rf'value="{north.public_id}"[^>]* checked', page)
    change = {"what": "change", "name": "New", "role": "dispatcher", "active": "on"}
    browser.post(f"/members/{member.public_id}/", {**change, "hub_scope": "all"})
    member.refresh_from_db()
    assert member.hubs is None
    key = {"what": "create", "name": "Shop", "role": "integration", "hub_scope": "some"}
    browser.post("/api-keys/", {**key, "hubs": [north.public_id]})
    assert ApiKey.objects.get().hubs == [north.public_id]
    assert "North" in browser.get("/api-keys/").content.decode()


def test_account_keys_and_audit_are_reached_by_links(retailer: RetailerRef) -> None:
    owner = logged_in(retailer, add_member(Role.OWNER))
    for path in ("/settings/", "/members/", "/api-keys/", "/audit/"):
        page = owner.get(path).content.decode()
        for link in ("/account/", "/settings/", "/members/", "/api-keys/", "/audit/"):
            assert f'href="{link}"' in page, (path, link)
    reader = logged_in(retailer, add_member(Role.READONLY))
    page = reader.get("/settings/").content.decode()
    assert 'href="/account/"' in page
    assert 'href="/api-keys/"' not in page
    assert 'href="/audit/"' not in page
