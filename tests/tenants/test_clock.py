"""A sandbox's own clock dates its events; jobs, leases and sessions use the real time."""

from __future__ import annotations

import datetime as dt
import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import IntegrityError, transaction

from lastmile.core import clock, jobs
from lastmile.core.clock import UTC, RetailerClock, now, real_now
from lastmile.core.models import Event, Job
from lastmile.core.tenancy import HOUSE, RetailerRef, find_retailer, retailer_context
from tenants.models import Retailer
from tenants.people.errors import LoginRefused
from tenants.people.models import AuditEntry, LoginAttempt
from tenants.people.services import log_in
from tenants.services import NotASandbox, set_clock
from tests.factories import make_order
from tests.people import add_member, logged_in

HOUR = dt.timedelta(hours=1)
SHOWS = dt.datetime(2031, 5, 6, 7, 8, tzinfo=UTC)


def run(*argv: str) -> dict[str, Any]:
    out = StringIO()
    call_command("retailer_clock", *argv, "--json", stdout=out)
    result: dict[str, Any] = json.loads(out.getvalue())
    return result


@pytest.fixture
def sandbox(db: None) -> RetailerRef:
    """Make t2 a sandbox whose clock shows May 2031."""
    with retailer_context(HOUSE):
        Retailer.objects.filter(schema_name="t2").update(is_sandbox=True)
        set_clock("t2", at=SHOWS)
    ref = find_retailer("t2")
    assert ref is not None
    return ref


def about(instant: dt.datetime, expected: dt.datetime) -> bool:
    return abs(instant - expected) < dt.timedelta(minutes=5)


def test_a_clock_runs_from_where_it_was_set_at_its_rate() -> None:
    real = dt.datetime(2026, 1, 1, tzinfo=UTC)
    own = RetailerClock(real, SHOWS, rate=60)
    assert own.at(real) == SHOWS
    assert own.at(real + HOUR) == SHOWS + 60 * HOUR
    assert own.at(real - HOUR / 60) == SHOWS - HOUR
    assert RetailerClock(real, SHOWS, 3600).at(real + 10**5 * HOUR).year == 2200  # and no further


def test_a_clock_changes_no_other_retailer(sandbox: RetailerRef, retailer: RetailerRef) -> None:
    assert about(now(), real_now())
    with retailer_context(sandbox):
        assert about(now(), SHOWS)
        assert not about(real_now(), SHOWS)
    assert about(now(), real_now())


def test_a_sandbox_dates_its_rows_by_its_own_clock(
    sandbox: RetailerRef, retailer: RetailerRef
) -> None:
    order = make_order()
    assert about(order.created_at, real_now())
    with retailer_context(sandbox):
        there = make_order()
        assert about(there.created_at, SHOWS)
        event = Event.objects.get(subject=there.public_id, kind="order.placed")
        assert about(event.occurred_at, SHOWS)


def test_jobs_leases_and_sessions_use_the_real_time(sandbox: RetailerRef) -> None:
    with retailer_context(sandbox):
        member = add_member()
        job = jobs.enqueue("intake.import", payload={"batch": "imp_none"})
        claimed = jobs.claim(job.public_id)
        assert claimed is not None
        row = Job.objects.get(public_id=job.public_id)
        assert row.lease_until is not None
        assert about(row.lease_until, real_now())
        assert about(row.due_at, real_now())
        browser = logged_in(sandbox, member)
    assert browser.get("/account/").status_code == 200


def test_wrong_passwords_are_counted_in_real_time(sandbox: RetailerRef) -> None:
    with retailer_context(sandbox):
        with pytest.raises(LoginRefused):
            log_in(email="nobody@example.org", password="x", address="10.0.0.1")
        ends = LoginAttempt.objects.values_list("window_ends_at", flat=True)
        assert all(real_now() < instant < real_now() + 24 * HOUR for instant in ends)


def test_a_retailer_with_real_orders_keeps_the_real_time(db: None) -> None:
    with pytest.raises(CommandError, match="not a sandbox"):
        run("--schema", "t1", "--at", "2031-05-06T07:08Z")
    with retailer_context(HOUSE), pytest.raises(NotASandbox):
        set_clock("t1", rate=2)
    for changes in ({"clock_rate": 2}, {"clock_set_at": SHOWS, "clock_shows": SHOWS}):
        with retailer_context("t1"), pytest.raises(IntegrityError), transaction.atomic():
            Retailer.objects.filter(schema_name="t1").update(**changes)
    assert run("--schema", "t1")["real"] is True


def test_the_command_sets_time_and_rate_and_returns_to_real_time(sandbox: RetailerRef) -> None:
    clock_at_first = run("--schema", "t2")
    assert (clock_at_first["real"], clock_at_first["rate"]) == (False, 1.0)
    hurried = run("--schema", "t2", "--rate", "60")
    assert about(dt.datetime.fromisoformat(hurried["now"]), SHOWS)  # it goes on from there
    moved = run("--schema", "t2", "--at", "2030-01-01T00:00:00+02:00")
    assert about(dt.datetime.fromisoformat(moved["now"]), dt.datetime(2029, 12, 31, 22, tzinfo=UTC))
    assert moved["rate"] == 60
    real = run("--schema", "t2", "--real")
    assert (real["real"], real["rate"]) == (True, 1.0)
    assert about(dt.datetime.fromisoformat(real["now"]), real_now())
    with retailer_context(HOUSE):
        assert AuditEntry.objects.filter(act="retailer.clock_set").count() == 4
        assert Event.objects.filter(kind="retailer.clock_set", subject=sandbox.public_id).exists()


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["--at", "2031-05-06T07:08"], "offset"),
        (["--at", "tomorrow"], "not a time"),
        (["--at", "1999-12-31T00:00Z"], "2000 to 2099"),
        (["--rate", "0"], "above 0"),
        (["--rate", "3601"], "3,600"),
        (["--rate", "nan"], "above 0"),
        (["--real", "--rate", "2"], "real time"),
    ],
)
def test_an_invalid_time_or_rate_is_refused(
    sandbox: RetailerRef, argv: list[str], message: str
) -> None:
    before = Retailer.objects.filter(schema_name="t2")
    with retailer_context(HOUSE):
        stored = before.values("clock_set_at", "clock_shows", "clock_rate", "version").get()
    with pytest.raises(CommandError, match=message):
        run("--schema", "t2", *argv)
    with retailer_context(HOUSE):
        assert before.values("clock_set_at", "clock_shows", "clock_rate", "version").get() == stored


def test_a_sandbox_is_opened_as_one(fresh_db: str) -> None:
    call_command(
        "retailer_open", "--schema", "t_try", "--domain", "try", "--tz", "UTC", "--currency",
        "EUR", "--sandbox", stdout=StringIO(),
    )  # fmt: skip
    assert about(
        dt.datetime.fromisoformat(run("--schema", "t_try", "--at", SHOWS.isoformat())["now"]), SHOWS
    )


def test_the_clock_of_tests_moves_every_clock(
    sandbox: RetailerRef, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "clock"
    file.write_text((dt.datetime.now(UTC) + 48 * HOUR).isoformat())
    monkeypatch.setenv("TEST_CLOCK_FILE", str(file))
    assert about(real_now(), dt.datetime.now(UTC))  # not without ALLOW_TEST_CLOCK
    monkeypatch.setenv("ALLOW_TEST_CLOCK", "1")
    assert about(real_now(), dt.datetime.now(UTC) + 48 * HOUR)
    with retailer_context(sandbox):
        assert about(now(), SHOWS + 48 * HOUR)
    assert about(clock.shift_for_tests() + SHOWS, SHOWS + 48 * HOUR)
