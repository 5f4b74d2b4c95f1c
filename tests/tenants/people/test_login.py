"""Sign-in and sessions: attempts are counted, answers do not differ, sessions end at once."""

from __future__ import annotations

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test import Client

from lastmile.core.tenancy import RetailerRef, retailer_context
from tenants.people import services
from tenants.people.errors import LastOwner, LinkExpired, LoginLocked, LoginRefused, OwnersOnly
from tenants.people.models import AuditEntry, LoginAttempt, Member, Session
from tenants.people.selectors import principal_of_member
from tenants.people.services import login as login_service
from tenants.people.sessions import SessionStore
from tenants.permissions import Role
from tests.people import PASSWORD, add_member, logged_in

ADDRESS = "192.0.2.7"


def try_login(email: str, password: str = "wrong", address: str = ADDRESS) -> str:
    try:
        services.log_in(email=email, password=password, address=address)
    except LoginLocked:
        return "locked"
    except LoginRefused:
        return "refused"
    return "in"


def me(browser: Client) -> int:
    return browser.get("/api/v1/me/").status_code


def test_a_member_logs_in_by_any_case_of_the_e_mail(retailer: RetailerRef) -> None:
    member = add_member(email="Ana@Example.org")
    assert try_login("ANA@example.ORG", PASSWORD) == "in"
    member.refresh_from_db()
    assert member.last_login_at is not None
    with pytest.raises(Exception, match="this e-mail"):
        add_member(email="ana@example.org")


def test_unknown_inactive_unset_and_wrong_get_the_same_answer_for_the_same_work(
    retailer: RetailerRef, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_member(email="known@example.org")
    add_member(Role.PICKER, email="unset@example.org", password=None)
    inactive = add_member(Role.PICKER, email="gone@example.org")
    Member.objects.filter(pk=inactive.pk).update(active=False)
    hashed: Counter[str] = Counter()
    real = login_service.check_password

    def counted(password: str, encoded: str) -> bool:
        hashed[encoded.split("$")[0]] += 1
        return real(password, encoded)

    monkeypatch.setattr(login_service, "check_password", counted)
    answers = set()
    emails = ["known@", "unset@", "gone@", "nobody@"]
    for name in emails:
        with pytest.raises(LoginRefused) as refused:
            services.log_in(email=f"{name}example.org", password="wrong", address=ADDRESS)
        answers.add((refused.value.detail, refused.value.status, str(refused.value.data)))
    assert len(answers) == 1
    assert sum(hashed.values()) == len(emails)
    assert len(hashed) == 1, "one hasher, one cost"


def test_an_account_locks_after_ten_attempts_with_a_remedy(retailer: RetailerRef) -> None:
    member = add_member(email="ana@example.org")
    with time_machine.travel("2026-05-01T08:00:00Z", tick=False) as clock:
        assert [try_login("ana@example.org") for _n in range(10)] == ["refused"] * 10
        with pytest.raises(LoginLocked) as locked:
            services.log_in(email="ANA@example.org", password=PASSWORD, address="198.51.100.1")
        assert "15 minutes" in locked.value.detail
        assert "owner or manager" in locked.value.detail
        assert locked.value.data == {"retry_after_s": 900}
        clock.move_to("2026-05-01T08:15:00Z")
        assert try_login("ana@example.org", PASSWORD) == "in"
        assert [try_login("ana@example.org") for _n in range(11)][-1] == "locked"
        token = services.password_link_token(member)
        services.set_password_by_link(token=token, password="another good password")
        assert try_login("ana@example.org", "another good password") == "in"


def test_an_unknown_account_locks_just_the_same(retailer: RetailerRef) -> None:
    assert [try_login("nobody@example.org") for _n in range(11)][-1] == "locked"


def test_an_address_locks_for_every_account(
    retailer: RetailerRef, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(login_service, "ADDRESS_TRIES", 5)
    add_member(email="ana@example.org")
    assert [try_login(f"{n}@example.org") for n in range(5)] == ["refused"] * 5
    assert try_login("ana@example.org", PASSWORD) == "locked"
    assert try_login("ana@example.org", PASSWORD, "203.0.113.9") == "in"


def test_a_hundred_parallel_attempts_check_ten_passwords(
    fresh_db: str, retailer: RetailerRef, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_member(email="ana@example.org")
    looked = Counter[str]()
    real = login_service.check_password

    def counted(password: str, encoded: str) -> bool:
        looked["at"] += 1
        return real(password, encoded)

    monkeypatch.setattr(login_service, "check_password", counted)
    start = threading.Barrier(20)

    def hammer(number: int) -> list[str]:
        start.wait()
        with retailer_context(retailer.schema):
            try:
                return [try_login("ana@example.org", address=f"192.0.2.{number}") for _n in "12345"]
            finally:
                connection.close()

    with ThreadPoolExecutor(20) as pool:
        outcomes = Counter(word for words in pool.map(hammer, range(20)) for word in words)
    assert outcomes == {"refused": 10, "locked": 90}
    assert looked["at"] == 10
    assert try_login("ana@example.org", PASSWORD, "203.0.113.9") == "locked"


def test_attempts_store_no_e_mail(retailer: RetailerRef) -> None:
    try_login("secret.person@example.org")
    assert "secret" not in str(list(LoginAttempt.objects.values()))


def test_the_login_page_redirects_only_inside_the_site(
    retailer: RetailerRef, client: Client
) -> None:
    member = add_member()
    form = {"email": member.email, "password": PASSWORD}
    for target, expected in [
        ("/members/", "/members/"),
        ("https://evil.example/", "/"),
        ("//evil.example/", "/"),
        ("javascript:alert(1)", "/"),
    ]:
        answer = Client(headers={"host": retailer.domain}).post("/login/", {**form, "next": target})
        assert (answer.status_code, answer["Location"]) == (302, expected)


def test_a_session_gets_a_fresh_key_at_log_in(retailer: RetailerRef) -> None:
    member = add_member()
    browser = Client(headers={"host": retailer.domain})
    planted = SessionStore()
    planted["x"] = 1
    planted.create()
    browser.cookies["sid"] = planted.session_key
    browser.post("/login/", {"email": member.email, "password": PASSWORD})
    assert browser.cookies["sid"].value != planted.session_key
    assert not Session.objects.filter(session_key=planted.session_key).exists()


def test_a_session_of_one_retailer_is_not_valid_at_another(
    retailer: RetailerRef, other: RetailerRef
) -> None:
    browser = logged_in(retailer, add_member(email="ana@example.org"))
    with retailer_context(other):
        add_member(email="ana@example.org")
    stolen = Client(headers={"host": other.domain})
    stolen.cookies["sid"] = browser.cookies["sid"].value
    assert me(browser) == 200
    assert me(stolen) == 401
    # Even a copy of the session row in the other schema names its own retailer.
    row = Session.objects.get(session_key=browser.cookies["sid"].value)
    with retailer_context(other):
        Session.objects.create(
            session_key=row.session_key, session_data=row.session_data, expire_date=row.expire_date
        )
    stolen.cookies["sid"] = row.session_key
    assert me(stolen) == 401


def test_log_out_ends_the_session_for_good(retailer: RetailerRef) -> None:
    browser = logged_in(retailer, add_member())
    key = browser.cookies["sid"].value
    assert me(browser) == 200
    assert browser.post("/logout/")["Location"] == "/login/"
    browser.cookies["sid"] = key
    assert me(browser) == 401


@pytest.mark.parametrize(
    "change",
    [
        {"role": "picker"},
        {"hubs": ["hub_00000000000000000001"]},
        {"active": False},
        "everywhere",
        "password",
    ],
)
def test_a_change_of_access_ends_every_session_and_is_audited(
    retailer: RetailerRef, change: Any
) -> None:
    member = add_member(Role.DISPATCHER)
    browsers = [logged_in(retailer, member), logged_in(retailer, member)]
    assert [me(b) for b in browsers] == [200, 200]
    if change == "everywhere":
        services.end_sessions(public_id=member.public_id, by=None)
    elif change == "password":
        services.change_password(
            public_id=member.public_id, old=PASSWORD, new="quite another password"
        )
    else:
        services.change_member(public_id=member.public_id, by=None, **change)
    assert [me(b) for b in browsers] == [401, 401]
    entry = AuditEntry.objects.latest("pk")
    assert entry.subject == member.public_id
    if isinstance(change, dict):
        assert set(entry.changes) == set(change)


def test_a_change_of_name_ends_nothing(retailer: RetailerRef) -> None:
    member = add_member(Role.DISPATCHER)
    browser = logged_in(retailer, member)
    services.change_member(public_id=member.public_id, by=None, name="New name")
    assert me(browser) == 200


def test_a_session_created_while_access_ended_is_not_valid(retailer: RetailerRef) -> None:
    member = add_member(Role.DISPATCHER)
    late = SessionStore()
    late.belong_to(
        schema="t1", member_pk=member.pk, member_id=member.public_id, epoch=member.session_epoch
    )
    services.end_sessions(public_id=member.public_id, by=None)
    late.save()
    browser = Client(headers={"host": retailer.domain})
    browser.cookies["sid"] = late.session_key
    assert me(browser) == 401


def test_a_password_link_works_once_at_its_own_retailer_and_for_72_hours(
    retailer: RetailerRef, other: RetailerRef
) -> None:
    member = add_member(Role.PICKER, email="new@example.org", password=None)
    with retailer_context(other):
        add_member(Role.PICKER, email="new@example.org", password=None)
        Member.objects.update(public_id=member.public_id)
    with time_machine.travel("2026-05-01T08:00:00Z", tick=False) as clock:
        token = services.password_link_token(member)
        with retailer_context(other), pytest.raises(LinkExpired):
            services.set_password_by_link(token=token, password="a good password")
        clock.move_to("2026-05-04T08:00:02Z")
        with pytest.raises(LinkExpired):
            services.member_of_link(token)
        clock.move_to("2026-05-04T07:59:00Z")
        services.set_password_by_link(token=token, password="a good password")
        with pytest.raises(LinkExpired, match="Ask an owner"):
            services.set_password_by_link(token=token, password="a better password")
    for forged in ("", "x", token[:-1], "é", "a:b:c"):
        with pytest.raises(LinkExpired):
            services.member_of_link(forged)


@pytest.mark.parametrize("weak", ["short", "password123", "new@example.org", "1234567890"])
def test_a_weak_password_is_refused_with_its_reason(retailer: RetailerRef, weak: str) -> None:
    member = add_member(Role.PICKER, email="new@example.org", password=None)
    with pytest.raises(Exception, match="password") as refused:
        services.set_password_by_link(token=services.password_link_token(member), password=weak)
    assert refused.value.errors[0].pointer == "/password"  # type: ignore[attr-defined]
    member.refresh_from_db()
    assert member.password == ""


def test_passwords_are_kept_as_argon2_outside_the_tests() -> None:
    from lastmile import settings as real

    assert real.PASSWORD_HASHERS[0].endswith("Argon2PasswordHasher")


def test_only_an_owner_makes_changes_or_logs_out_an_owner(retailer: RetailerRef) -> None:
    owner, manager = add_member(Role.OWNER), add_member(Role.MANAGER)
    by = principal_of_member(manager)
    before = list(Member.objects.order_by("pk").values())
    audits = AuditEntry.objects.count()
    for act in (
        lambda: services.add_member(email="x@example.org", name="X", role="owner", by=by),
        lambda: services.change_member(public_id=owner.public_id, by=by, name="New owner"),
        lambda: services.change_member(public_id=manager.public_id, by=by, role="owner"),
        lambda: services.end_sessions(public_id=owner.public_id, by=by),
        lambda: services.offer_password_link(public_id=owner.public_id, by=by),
    ):
        with pytest.raises(OwnersOnly):
            act()
    assert list(Member.objects.order_by("pk").values()) == before
    assert AuditEntry.objects.count() == audits


def test_the_last_owner_stays(retailer: RetailerRef) -> None:
    owner = add_member(Role.OWNER)
    for change in ({"role": "manager"}, {"active": False}):
        with pytest.raises(LastOwner):
            services.change_member(public_id=owner.public_id, by=None, **change)
    add_member(Role.OWNER)
    assert (
        services.change_member(public_id=owner.public_id, by=None, role="manager").role == "manager"
    )


def test_two_owners_who_demote_each_other_leave_one(fresh_db: str, retailer: RetailerRef) -> None:
    owners = [add_member(Role.OWNER), add_member(Role.OWNER)]
    start = threading.Barrier(2)

    def demote(member: Member) -> str:
        start.wait()
        with retailer_context(retailer.schema):
            try:
                services.change_member(public_id=member.public_id, by=None, role="manager")
            except LastOwner:
                return "stays"
            finally:
                connection.close()
        return "demoted"

    for _round in range(5):
        Member.objects.update(role=Role.OWNER)
        with ThreadPoolExecutor(2) as pool:
            assert sorted(pool.map(demote, owners)) == ["demoted", "stays"]
        assert Member.objects.filter(role=Role.OWNER).count() == 1


def test_a_form_from_another_site_is_refused(retailer: RetailerRef) -> None:
    member = add_member()
    strict = Client(enforce_csrf_checks=True, headers={"host": retailer.domain})
    answer = strict.post(
        "/login/", {"email": member.email, "password": PASSWORD}, headers={"hx-request": "true"}
    )
    assert answer.status_code == 403
    assert "Reload" in answer["HX-Trigger"]
    assert not Session.objects.exists()


def test_an_api_call_by_session_needs_a_csrf_token_and_one_by_key_does_not(
    retailer: RetailerRef,
) -> None:
    browser = logged_in(retailer, add_member())
    browser.handler.enforce_csrf_checks = True
    answer = browser.post("/api/v1/ws-tickets/", {}, content_type="application/json")
    assert answer.status_code == 403
    assert "CSRF" in answer.json()["detail"]


def test_expired_sessions_and_old_counters_are_tidied(retailer: RetailerRef) -> None:
    member = add_member()
    with time_machine.travel("2026-05-01T08:00:00Z", tick=False):
        logged_in(retailer, member)
        try_login("nobody@example.org")
    with time_machine.travel("2026-05-03T08:00:00Z", tick=False):
        done = services.tidy()
    assert done["sessions"] == 1
    assert done["login_attempts"] >= 2
    assert not Session.objects.exists()
