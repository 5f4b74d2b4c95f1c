"""Idempotency-Key: a repeated call has one effect and gets one answer."""

from __future__ import annotations

import json
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest
import time_machine
from django.db import OperationalError, connection, transaction
from rest_framework.response import Response

from lastmile.core import idempotency
from lastmile.core.errors import Conflict, TooMany
from lastmile.core.http.problems import problem_from, problem_response
from lastmile.core.idempotency import Call, run_once
from lastmile.core.models import Event, IdempotencyRecord
from lastmile.core.tenancy import RetailerRef, retailer_context
from tenants.people.models import ApiKey, AuditEntry
from tenants.permissions import Role
from tests.people import add_member, key_client, logged_in

CALL = Call("key_test", "POST /api/v1/things/", "k", "hash")
KEY = {"name": "Shop", "role": "integration"}


def refuse(fault: Exception) -> Response:
    return problem_response(problem_from(fault))


def make_entry(subject: str = "x") -> AuditEntry:
    return AuditEntry.objects.create(actor="a", act="thing.make", subject=subject)


def test_a_call_by_key_without_idempotency_key_is_refused_and_changes_nothing(
    retailer: RetailerRef,
) -> None:
    client = key_client(retailer)
    before = ApiKey.objects.count(), Event.objects.count()
    answer = client.post("/api/v1/ws-tickets/", idempotency_key="")
    assert answer.status_code == 400
    assert answer.json()["code"] == "idempotency_key_missing"
    assert (ApiKey.objects.count(), Event.objects.count()) == before


@pytest.mark.parametrize("key", ["x" * 256, "with space", "tab\there", "ключ"])
def test_a_malformed_idempotency_key_is_422(retailer: RetailerRef, key: str) -> None:
    answer = key_client(retailer).post("/api/v1/ws-tickets/", idempotency_key=key)
    assert answer.status_code == 422
    assert "Idempotency-Key" in answer.json()["detail"]


def test_the_same_key_and_body_replays_the_answer_without_its_secret(
    retailer: RetailerRef,
) -> None:
    browser = logged_in(retailer, add_member(Role.OWNER))

    def create(body: Any) -> Any:
        return browser.post(
            "/api/v1/api-keys/",
            body,
            content_type="application/json",
            headers={"idempotency-key": "one"},
        )

    first, second = create(KEY), create(KEY)
    assert first.status_code == second.status_code == 201
    assert "Idempotency-Replayed" not in first
    assert second["Idempotency-Replayed"] == "true"
    assert second["Content-Type"] == first["Content-Type"] == "application/json"
    assert second["ETag"] == first["ETag"]
    assert first.json()["secret"].startswith("lm_t1_")
    assert second.json() == {**first.json(), "secret": None, "secret_already_shown": True}
    assert ApiKey.objects.count() == 1
    stored = IdempotencyRecord.objects.get()
    assert first.json()["secret"] not in json.dumps([stored.body, stored.headers])
    other = create({**KEY, "name": "Another"})
    assert other.status_code == 422
    assert other.json()["code"] == "idempotency_key_reused"
    assert ApiKey.objects.count() == 1


def test_a_key_belongs_to_one_principal_and_one_route(retailer: RetailerRef) -> None:
    one, two = key_client(retailer), key_client(retailer)
    tickets = [
        client.post("/api/v1/ws-tickets/", idempotency_key="same").json()["ticket"]
        for client in (one, two)
    ]
    assert None not in tickets
    assert tickets[0] != tickets[1]
    job = one.post("/api/v1/operations/job_none/cancel/", idempotency_key="same")
    assert job.status_code == 404
    assert "Idempotency-Replayed" not in job


def test_a_key_of_one_retailer_has_no_answer_at_another(
    retailer: RetailerRef, other: RetailerRef
) -> None:
    key_client(retailer).post("/api/v1/ws-tickets/", idempotency_key="same")
    answer = key_client(other).post("/api/v1/ws-tickets/", idempotency_key="same")
    assert answer.status_code == 201
    assert "Idempotency-Replayed" not in answer
    with retailer_context(other):
        assert IdempotencyRecord.objects.count() == 1


def test_a_final_error_is_replayed_too(retailer: RetailerRef) -> None:
    client = key_client(retailer)
    first = client.post("/api/v1/operations/job_x/cancel/", idempotency_key="r")
    second = client.post("/api/v1/operations/job_x/cancel/", idempotency_key="r")
    assert first.status_code == second.status_code == 404
    assert second["Idempotency-Replayed"] == "true"
    assert second["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("fault", [TooMany("Later."), RuntimeError("boom")])
def test_an_error_that_may_pass_is_not_stored(retailer: RetailerRef, fault: Exception) -> None:
    def act() -> Response:
        make_entry()
        raise fault

    answer = run_once(CALL, act, refuse)
    assert answer.status_code in {429, 500}
    assert not IdempotencyRecord.objects.exists()
    assert not AuditEntry.objects.exists()
    assert run_once(CALL, lambda: Response({"ok": True}), refuse).data == {"ok": True}


def test_an_error_undoes_the_writes_and_is_stored(retailer: RetailerRef) -> None:
    def act() -> Response:
        make_entry()
        raise Conflict("Somebody was first.")

    assert run_once(CALL, act, refuse).status_code == 409
    assert not AuditEntry.objects.exists()
    assert IdempotencyRecord.objects.get().status == 409


def test_an_answer_of_400_and_above_undoes_the_writes(retailer: RetailerRef) -> None:
    def act() -> Response:
        make_entry()
        return Response({"code": "no"}, status=409)

    assert run_once(None, act, refuse).status_code == 409
    assert not AuditEntry.objects.exists()


def test_after_24_hours_a_key_is_new_and_its_answer_is_deleted(retailer: RetailerRef) -> None:
    with time_machine.travel("2026-05-01T08:00:00Z", tick=False) as clock:
        assert run_once(CALL, lambda: Response({"n": 1}), refuse).data == {"n": 1}
        clock.move_to("2026-05-02T07:59:59Z")
        assert run_once(CALL, lambda: Response({"n": 2}), refuse).data == {"n": 1}
        assert idempotency.forget_expired() == 0
        clock.move_to("2026-05-02T08:00:00Z")
        assert run_once(CALL, lambda: Response({"n": 3}), refuse).data == {"n": 3}
        clock.move_to("2026-05-03T08:00:01Z")
        assert idempotency.forget_expired() == 1


def test_twenty_parallel_calls_with_one_key_are_one_effect(
    fresh_db: str, retailer: RetailerRef
) -> None:
    secret_of = key_client(retailer)
    start = threading.Barrier(20)

    def call(number: int) -> tuple[int, str, Any]:
        start.wait()
        try:
            answer = secret_of.post("/api/v1/ws-tickets/", idempotency_key="race")
            return answer.status_code, answer.get("Idempotency-Replayed", ""), answer.json()
        finally:
            connection.close()

    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(call, range(20)))
    counts = Counter((status, replayed) for status, replayed, _body in answers)
    assert counts[201, ""] == 1, counts
    assert set(counts) <= {(201, ""), (201, "true"), (409, "")}, counts
    assert sum(counts.values()) == 20
    for status, _replayed, body in answers:
        if status == 409:
            assert body["code"] == "idempotency_running"
    assert sum(1 for *_, body in answers if body.get("ticket")) == 1
    from tenants.people.models import SocketTicket

    assert SocketTicket.objects.count() == 1
    assert IdempotencyRecord.objects.count() == 1


def test_while_the_first_call_runs_the_second_is_refused(
    fresh_db: str, retailer: RetailerRef
) -> None:
    inside, go_on = threading.Event(), threading.Event()

    def slow() -> Response:
        inside.set()
        assert go_on.wait(10)
        return Response({"done": True})

    def first() -> Response:
        with retailer_context(retailer.schema):
            try:
                return run_once(CALL, slow, refuse)
            finally:
                connection.close()

    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(first)
        assert inside.wait(10)
        second = run_once(CALL, lambda: Response({"done": False}), refuse)
        go_on.set()
        assert running.result(10).data == {"done": True}
    assert second.status_code == 409
    assert second.data["code"] == "idempotency_running"
    assert second["Retry-After"] == "1"
    assert run_once(CALL, lambda: Response({}), refuse).data == {"done": True}


def test_a_deadlock_is_run_again_until_it_is_done(fresh_db: str, retailer: RetailerRef) -> None:
    rows = [make_entry(f"row {n}").pk for n in range(2)]
    both_hold_one = threading.Barrier(2)
    tries: Counter[int] = Counter()

    def act_of(worker: int) -> Response:
        tries[worker] += 1
        for step, pk in enumerate(rows if worker == 0 else reversed(rows)):
            AuditEntry.objects.filter(pk=pk).update(actor=f"w{worker}")
            if step == 0 and tries[worker] == 1:
                both_hold_one.wait(10)
        make_entry(f"done by {worker}")
        return Response({"worker": worker})

    def work(worker: int) -> Response:
        with retailer_context(retailer.schema):
            try:
                call = Call("key_test", "POST /x/", f"k{worker}", "h")
                return run_once(call, lambda: act_of(worker), refuse)
            finally:
                connection.close()

    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(work, range(2)))
    assert [answer.status_code for answer in answers] == [200, 200]
    assert sum(tries.values()) >= 3, "no deadlock happened, so nothing was shown"
    assert AuditEntry.objects.filter(subject__startswith="done by").count() == 2


def test_a_lost_connection_is_503_with_retry_after_and_no_effect(
    fresh_db: str, retailer: RetailerRef
) -> None:
    def act() -> Response:
        make_entry()
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            pid = cursor.fetchone()[0]
        with psycopg.connect(_dsn(), autocommit=True) as admin:
            admin.execute("SELECT pg_terminate_backend(%s)", [pid])
        make_entry("never")
        return Response({})

    def work() -> Response:
        with retailer_context(retailer.schema):
            try:
                return run_once(CALL, act, refuse)
            finally:
                connection.close()

    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(work).result(20)
    assert answer.status_code == 503
    assert int(answer["Retry-After"]) >= 1
    assert answer.data["code"] == "unavailable"
    assert not AuditEntry.objects.exists()
    assert not IdempotencyRecord.objects.exists()


def _dsn() -> str:
    database = connection.settings_dict
    words = {
        "host": database["HOST"],
        "user": database["USER"],
        "password": database["PASSWORD"],
        "port": database["PORT"],
    }
    return psycopg.conninfo.make_conninfo(
        dbname="postgres", **{name: value for name, value in words.items() if value}
    )


def test_a_permanent_failure_is_given_up_after_four_attempts(
    retailer: RetailerRef, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(idempotency.time, "sleep", lambda _s: None)
    tries = 0

    def act() -> Response:
        nonlocal tries
        tries += 1
        fault = OperationalError("deadlock detected")
        fault.__cause__ = psycopg.errors.DeadlockDetected()
        raise fault

    answer = run_once(CALL, act, refuse)
    assert answer.status_code == 503
    assert tries == idempotency.TRIES


def test_services_keep_their_own_transactions_inside(retailer: RetailerRef) -> None:
    def act() -> Response:
        try:
            with transaction.atomic():
                make_entry("undone")
                raise Conflict("inner")
        except Conflict:
            make_entry("kept")
        return Response({})

    assert run_once(CALL, act, refuse).status_code == 200
    assert list(AuditEntry.objects.values_list("subject", flat=True)) == ["kept"]
