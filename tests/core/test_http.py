"""HTTP rules of all views: one form of errors, no 5xx for a client's error, complete lists."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client
from rest_framework import exceptions as drf
from rest_framework.exceptions import ParseError

from lastmile.core.errors import Invalid, NotFound, Stale, TooMany, Unavailable
from lastmile.core.http import etag, expected_version, require_match, toast
from lastmile.core.http.parsing import strict_json
from lastmile.core.http.problems import problem_from
from lastmile.core.models import Event, IdempotencyRecord
from lastmile.core.tenancy import RetailerRef
from tenants.people.models import ApiKey, AuditEntry, Member
from tenants.people.services import audit
from tenants.permissions import Role
from tests.people import add_member, key_client, logged_in

HOSTILE = {
    "nul": rb'{"name": "a\u0000b", "role": "integration"}',
    "raw nul": b'{"name": "a\x00b"}',
    "half a character": rb'{"name": "\ud800", "role": "integration"}',
    "not UTF-8": b'{"name": "\xff\xfe"}',
    "UTF-16": '{"name": "x"}'.encode("utf-16"),
    "deep": b"[" * 100_000 + b"]" * 100_000,
    "deep but parsed": b"[" * 200 + b"]" * 200,
    "deep object": b'{"a":' * 500 + b"1" + b"}" * 500,
    "NaN": b'{"name": NaN}',
    "infinite": b'{"name": 1e999}',
    "long number": b'{"name": ' + b"9" * 5000 + b"}",
    "empty": b" ",
    "cut off": b'{"name": "x',
    "list": b"[1, 2]",
    "null": b"null",
    "text": b'"x"',
    "number": b"7",
    "wrong types": b'{"name": {"a": 1}, "role": [], "hubs": "x", "origins": {"a": 1}}',
    "nested lists": b'{"name": "x", "role": "integration", "hubs": [[["a"]]]}',
    "huge int": b'{"name": 1, "role": "integration", "expires_at": 99999999999999999999}',
    "odd date": b'{"name": "x", "role": "integration", "expires_at": "0000-00-00T00:00:00Z"}',
    "edge date": b'{"name": "x", "role": "integration", "expires_at": "9999-12-31T23:59:59-23:59"}',
    "no offset": b'{"name": "x", "role": "integration", "expires_at": "2030-01-01T00:00:00"}',
    "too long": b'{"name": "' + b"x" * 200 + b'", "role": "integration"}',
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_body_is_refused_in_words_and_changes_nothing(
    retailer: RetailerRef, name: str
) -> None:
    browser = logged_in(retailer, add_member(Role.OWNER))
    before = ApiKey.objects.count(), AuditEntry.objects.count(), Event.objects.count()
    answer = browser.post("/api/v1/api-keys/", HOSTILE[name], content_type="application/json")
    assert answer.status_code in {400, 422}, answer.content
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json()["detail"]
    assert (ApiKey.objects.count(), AuditEntry.objects.count(), Event.objects.count()) == before


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/members/%00/",
        "/api/v1/members/mbr_%F0%28/",
        "/api/v1/members/?cursor=%00",
        "/api/v1/members/?cursor=AAAA",
        "/api/v1/members/?cursor=W251bGwsbnVsbF0",
        "/api/v1/members/?cursor=WyJ4IiwieSJd",
        "/api/v1/members/?limit=0",
        "/api/v1/members/?limit=101",
        "/api/v1/members/?limit=²",
        "/api/v1/members/?limit=99999999999999999999999",
        "/api/v1/events/?after=-1",
        "/api/v1/events/?after=9999999999999999999",
        "/api/v1/audit/?subject=%00",
        "/api/v1/operations/?state=%ff",
        "/api/v1/nothing/",
        "/api/v1/members/" + "x" * 5000 + "/",
    ],
)
def test_a_hostile_address_is_a_problem_and_never_a_5xx(retailer: RetailerRef, path: str) -> None:
    answer = logged_in(retailer, add_member(Role.OWNER)).get(path)
    assert answer.status_code < 500
    if answer.status_code != 200:
        assert answer["Content-Type"] == "application/problem+json"
        assert answer.json()["status"] == answer.status_code


def test_a_body_over_the_limit_is_413(retailer: RetailerRef, settings: Any) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 2000
    body = json.dumps({"name": "x" * 2100, "role": "integration"})
    answer = logged_in(retailer, add_member(Role.OWNER)).post(
        "/api/v1/api-keys/", body, content_type="application/json"
    )
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")


def test_other_media_types_and_methods_are_refused_as_problems(retailer: RetailerRef) -> None:
    client = key_client(retailer)
    form = client.browser.post("/api/v1/ws-tickets/", {"a": "b"}, headers={"idempotency-key": "f"})
    assert form.status_code == 415
    browser = logged_in(retailer, add_member(Role.OWNER))
    typed = browser.post(
        "/api/v1/api-keys/", "name=x", content_type="application/x-www-form-urlencoded"
    )
    assert (typed.status_code, typed.json()["code"]) == (415, "unsupported_media_type")
    method = client.call("put", "/api/v1/me/", {})
    assert (method.status_code, method.json()["code"]) == (405, "method_not_allowed")
    assert method["Allow"] == "GET, HEAD"
    accept = client.get("/api/v1/me/", accept="text/html")
    assert (accept.status_code, accept.json()["code"]) == (406, "not_acceptable")


def test_validation_points_at_each_fault(retailer: RetailerRef) -> None:
    browser = logged_in(retailer, add_member(Role.OWNER))
    body = {"role": "emperor", "hubs": ["x" * 41], "origins": [1, {"a": 2}]}
    answer = browser.post("/api/v1/api-keys/", body, content_type="application/json")
    assert answer.status_code == 422
    pointers = {error["pointer"]: error["code"] for error in answer.json()["errors"]}
    assert pointers["/name"] == "required"
    assert pointers["/role"] == "invalid_choice"
    (role,) = [error for error in answer.json()["errors"] if error["pointer"] == "/role"]
    assert role["detail"].startswith("Use one of: ")
    assert "checkout" in role["detail"]
    assert pointers["/hubs/0"] == "max_length"
    assert "/origins/1" in pointers


def test_pointers_escape_what_rfc_6901_escapes() -> None:
    fault = drf.ValidationError({"a/b": {"c~d": ["No."]}, "non_field_errors": ["Both."]})
    assert {e.pointer for e in problem_from(fault).errors} == {"/a~1b/c~0d", ""}


def test_an_unexpected_error_shows_only_a_reference(
    caplog: pytest.LogCaptureFixture,
) -> None:
    problem = problem_from(RuntimeError("password=hunter2"))
    assert problem.status == 500
    assert "hunter2" not in json.dumps(problem.body())
    assert problem.body()["reference"] in caplog.text
    assert "hunter2" in caplog.text


def test_data_never_overwrites_the_members_of_a_problem() -> None:
    body = problem_from(Invalid("No.", data={"status": 200, "code": "fine", "slot": "s"})).body()
    assert (body["status"], body["code"], body["slot"]) == (422, "invalid", "s")


def test_retry_after_is_sent_when_it_is_known() -> None:
    assert problem_from(TooMany("x", data={"retry_after_s": 7})).headers == {"Retry-After": "7"}
    assert "Retry-After" in problem_from(Unavailable("x")).headers
    assert not problem_from(NotFound("x")).headers


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        (b'{"a": "\\ud83d\\ude00"}', {"a": "😀"}),
        ('{"a": "🚚"}'.encode(), {"a": "🚚"}),
        (b"\xef\xbb\xbf{}", {}),
    ],
)
def test_whole_characters_pass(raw: bytes, value: dict[str, str]) -> None:
    assert strict_json(raw) == value


def test_sixty_four_levels_pass_and_sixty_five_do_not() -> None:
    strict_json(b"[" * 64 + b"]" * 64)
    with pytest.raises(ParseError, match="64"):
        strict_json(b"[" * 66 + b"]" * 66)


class VersionedRow:
    version = 3


@pytest.mark.parametrize(("header", "version"), [('"3"', 3), ('W/"3"', 3), ("*", None), ("", None)])
def test_if_match_is_read(rf: Any, header: str, version: int | None) -> None:
    request = rf.get("/", headers={"if-match": header})
    assert expected_version(request) == version
    require_match(request, VersionedRow())
    assert etag(VersionedRow()) == '"3"'


def test_if_match_of_an_older_version_is_412(rf: Any) -> None:
    with pytest.raises(Stale) as refused:
        require_match(rf.get("/", headers={"if-match": '"2"'}), VersionedRow())
    assert refused.value.data == {"version": 3}
    with pytest.raises(Invalid):
        expected_version(rf.get("/", headers={"if-match": "3"}))


def test_a_toast_keeps_other_triggers_and_is_ascii() -> None:
    from django.http import HttpResponse

    response = HttpResponse(headers={"HX-Trigger": '{"moved": 1}'})
    header = toast(response, "Añadido ✓")["HX-Trigger"]
    assert header.isascii()
    assert json.loads(header) == {"moved": 1, "toast": {"text": "Añadido ✓", "level": "success"}}


def test_pages_of_a_list_hold_everything_once_while_rows_are_added(
    retailer: RetailerRef,
) -> None:
    browser = logged_in(retailer, add_member(Role.OWNER))
    AuditEntry.objects.all().delete()
    expected = [audit("thing.make", f"s{n}").public_id for n in range(25)]
    # Many rows with the same instant: the second field of the order must separate them.
    AuditEntry.objects.filter(subject__in=["s1", "s2", "s3", "s4", "s5", "s6"]).update(
        at=AuditEntry.objects.get(subject="s0").at
    )
    seen: list[str] = []
    url = "/api/v1/audit/?limit=4"
    while url:
        page = browser.get(url).json()
        seen += [item["id"] for item in page["items"]]
        url = page["next"]
        audit("thing.later", "later")
    assert sorted(seen) == sorted(expected)
    assert len(seen) == len(set(seen))


def test_a_cursor_holds_no_primary_key(retailer: RetailerRef) -> None:
    import base64

    browser = logged_in(retailer, add_member(Role.OWNER))
    for n in range(3):
        audit("thing.make", f"s{n}")
    following = browser.get("/api/v1/audit/?limit=1").json()["next"]
    assert following.startswith("http://t1.localhost/api/v1/audit/?limit=1&cursor=")
    cursor = following.rpartition("=")[2]
    values = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    assert [type(value) for value in values] == [str, str]
    assert values[1].startswith("aud_")


def test_every_list_shows_its_own_retailer_only(
    retailer: RetailerRef, other: RetailerRef, client: Client
) -> None:
    from lastmile.core.tenancy import retailer_context

    own_member = add_member(Role.OWNER, email="mine@example.org")
    with retailer_context(other):
        other_member = add_member(Role.OWNER, email="theirs@example.org")
        key_client(other)
    for path in ("members", "api-keys", "audit", "operations", "events"):
        answer = logged_in(retailer, own_member).get(f"/api/v1/{path}/")
        assert answer.status_code == 200, (path, answer.content)
        assert other_member.public_id not in answer.content.decode()
        assert client.get(f"/api/v1/{path}/").status_code == 401
    emails = [
        m["email"] for m in logged_in(retailer, own_member).get("/api/v1/members/").json()["items"]
    ]
    assert emails == ["mine@example.org"]
    assert Member.objects.count() == 1
    assert not IdempotencyRecord.objects.exists()


def test_calls_without_a_slash_are_redirected_or_404_if_unsafe(client: Client) -> None:
    led = client.get("/api/v1/me?x=1")
    assert (led.status_code, led["Location"]) == (302, "/api/v1/me/?x=1")
    assert client.post("/api/v1/me").status_code == 404


@pytest.mark.parametrize("link", ["/console/orders?q=Rua%20A", f"/t/{'a' * 32}", "/t/%3Fa%0Ab"])
def test_a_page_without_its_final_slash_leads_to_the_page(client: Client, link: str) -> None:
    path, mark, query = link.partition("?")
    led = client.get(link)
    assert (led.status_code, led["Location"]) == (302, f"{path}/{mark}{query}")
    assert client.head(link).status_code == 302


@pytest.mark.parametrize("path", ["/nowhere", "/t", "/%5Cevil.example"])
def test_an_address_of_nothing_leads_nowhere(client: Client, path: str) -> None:
    assert client.get(path).status_code == 404


def test_private_pages_and_files_are_not_cached(retailer: RetailerRef) -> None:
    browser = logged_in(retailer, add_member(Role.OWNER))
    for where in ("/", "/members/", "/settings/", "/console/orders/", "/console/fleet/hubs/"):
        answer = browser.get(where)
        assert answer.status_code == 200, where
        assert answer["Cache-Control"] == "private, no-store", where
    file = browser.get("/console/imports/sample.csv")
    assert file["Cache-Control"] == "private, no-store"
    assert browser.get("/nowhere/")["Cache-Control"] == "private, no-store"
    assert browser.get("/api/v1/me/")["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    ("kind", "body", "status"),
    [
        ("text/plain", b"hello", 415),
        ("application/xml", b"<a/>", 415),
        ("application/x-www-form-urlencoded", b"a=b", 415),
        ("multipart/form-data", b"--x", 415),
        ("multipart/form-data; boundary=x", b"--x\r\nContent-Disp", 201),
        ("application/x-www-form-urlencoded", b"a=1&" * 2_000, 415),
        ("application/json", b'{"a": 1}', 422),
        ("application/json", b"[1]", 422),
        ("application/json", b"{}", 201),
        ("application/x-www-form-urlencoded", b"", 201),
    ],
)
def test_a_call_that_accepts_no_body_refuses_one(
    retailer: RetailerRef, kind: str, body: bytes, status: int
) -> None:
    client = key_client(retailer)
    before = IdempotencyRecord.objects.count()
    answer = client.browser.post(
        "/api/v1/ws-tickets/", body, content_type=kind, headers={"idempotency-key": "b"}
    )
    assert answer.status_code == status, answer.content
    assert (IdempotencyRecord.objects.count() > before) == (status == 201)


def test_a_repeated_member_in_an_object_is_refused(retailer: RetailerRef) -> None:
    browser = logged_in(retailer, add_member(Role.OWNER))
    body = b'{"name": "one", "role": "integration", "name": "two"}'
    answer = browser.post("/api/v1/api-keys/", body, content_type="application/json")
    assert (answer.status_code, "'name'" in answer.json()["detail"]) == (400, True)
    assert not ApiKey.objects.exists()
    assert strict_json(b'[{"a": 1}, {"a": 2, "b": {"a": 3}}]') == [
        {"a": 1},
        {"a": 2, "b": {"a": 3}},
    ]


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ("?limit=1&limit=2", "?limit"),
        ("?state=nonsense", "?state"),
        ("?state=failed,running", "?state"),
    ],
)
def test_a_parameter_that_is_repeated_or_unknown_is_refused_by_name(
    retailer: RetailerRef, query: str, pointer: str
) -> None:
    answer = key_client(retailer).get(f"/api/v1/operations/{query}")
    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]
