"""Sections of the policy have types, defaults, checks, audit entries and a page each."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import FrozenInstanceError, replace
from typing import Any

import pytest
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext

from lastmile.core.errors import Invalid, Stale
from lastmile.core.models import Event
from lastmile.core.tenancy import RetailerRef, retailer_context
from lastmile.core.wiring import NotWired
from tenants.people.models import AuditEntry, PolicySection
from tenants.people.selectors import policies_read_once, policy, versioned_policy
from tenants.people.services import set_section
from tenants.permissions import Role
from tenants.sections import section_of, sections
from tests.people import add_member, logged_in
from tests.tenants import policy_app
from tests.tenants.policy_app import SlotsPolicy

FORM = {
    "cutoff_minutes": "120", "markup": "2.5", "open_sundays": "on", "rounding": "down",
    "greeting": "Hi", "most_days": "", "version": "0",
}  # fmt: skip


@pytest.fixture(autouse=True)
def wired(settings: Any) -> None:
    settings.SWITCHBOARD = "tests.tenants.policy_app"


def change(**values: Any) -> PolicySection:
    return set_section(section=section_of(SlotsPolicy), policy=replace(SlotsPolicy(), **values))


def counts() -> tuple[int, int, int]:
    return tuple(m.objects.count() for m in (PolicySection, AuditEntry, Event))  # type: ignore[return-value]


def test_without_a_row_the_defaults_apply_and_are_immutable(
    retailer: RetailerRef,
) -> None:
    values = policy(SlotsPolicy)
    assert values == SlotsPolicy()
    with pytest.raises(FrozenInstanceError):
        values.cutoff_minutes = 1  # type: ignore[misc]


def test_a_section_is_each_retailer_s_own(retailer: RetailerRef, other: RetailerRef) -> None:
    change(cutoff_minutes=120)
    assert policy(SlotsPolicy).cutoff_minutes == 120
    with retailer_context(other):
        assert policy(SlotsPolicy).cutoff_minutes == 90


def test_a_change_is_audited_with_both_values_and_recorded_as_an_event(
    retailer: RetailerRef,
) -> None:
    change(cutoff_minutes=120, greeting="Hi")
    entry = AuditEntry.objects.get(act="policy.set")
    assert entry.subject == retailer.public_id
    assert entry.changes == {
        "slots.cutoff_minutes": {"before": 90, "after": 120},
        "slots.greeting": {"before": "Hello", "after": "Hi"},
    }
    event = Event.objects.get(kind="policy.changed")
    assert event.data == {"fields": ["slots.cutoff_minutes", "slots.greeting"]}


def test_the_same_values_again_change_nothing(retailer: RetailerRef) -> None:
    change()
    assert counts() == (0, 0, 0)
    change(cutoff_minutes=120)
    before = counts()
    assert change(cutoff_minutes=120).version == 1
    assert counts() == before


def test_all_invalid_values_are_reported_together_and_nothing_is_stored(
    retailer: RetailerRef,
) -> None:
    with pytest.raises(Invalid) as refused:
        change(
            cutoff_minutes=1441, markup=-1.0, open_sundays="yes", rounding="left",
            greeting="x" * 21, most_days=0,
        )  # fmt: skip
    pointers = {problem.pointer for problem in refused.value.errors}
    assert pointers == {f"/{name}" for name in (
        "cutoff_minutes", "markup", "open_sundays", "rounding", "greeting", "most_days",
    )}  # fmt: skip
    with pytest.raises(Invalid, match="errors") as refused:
        change(open_sundays=True, cutoff_minutes=30)
    assert [problem.pointer for problem in refused.value.errors] == ["/cutoff_minutes"]
    with pytest.raises(Invalid):
        change(cutoff_minutes=True)
    assert counts() == (0, 0, 0)


def test_of_two_parallel_changes_of_a_version_one_is_refused(
    fresh_db: str, retailer: RetailerRef
) -> None:
    gate = threading.Barrier(4)

    def want(minutes: int) -> str:
        try:
            with retailer_context("t1"):
                gate.wait(timeout=20)
                set_section(
                    section=section_of(SlotsPolicy),
                    policy=SlotsPolicy(cutoff_minutes=minutes),
                    expected_version=0,
                )
        except Stale:
            return "stale"
        finally:
            connections.close_all()
        return "kept"

    with ThreadPoolExecutor(4) as pool:
        answers = sorted(pool.map(want, (100, 101, 102, 103)))
    assert answers == ["kept", "stale", "stale", "stale"]
    assert AuditEntry.objects.filter(act="policy.set").count() == 1


def test_values_stored_by_an_older_class_are_read_with_defaults(retailer: RetailerRef) -> None:
    PolicySection.objects.create(section="slots", values={"cutoff_minutes": 100, "gone": 1})
    assert policy(SlotsPolicy) == SlotsPolicy(cutoff_minutes=100)


def test_a_request_reads_a_section_once_and_sees_what_it_writes(retailer: RetailerRef) -> None:
    with policies_read_once():
        policy(SlotsPolicy)
        with CaptureQueriesContext(connection) as queries:
            policy(SlotsPolicy)
        assert len(queries) == 0
        change(cutoff_minutes=120)
        assert policy(SlotsPolicy).cutoff_minutes == 120
    PolicySection.objects.update(values={"cutoff_minutes": 130})
    assert policy(SlotsPolicy).cutoff_minutes == 130, "nothing is kept beyond the request"


def test_each_section_has_a_page_under_settings(retailer: RetailerRef, other: RetailerRef) -> None:
    owner = logged_in(retailer, add_member(Role.OWNER))
    assert 'href="/settings/slots/"' in owner.get("/settings/").content.decode()
    page = owner.get("/settings/slots/").content.decode()
    assert "Cut-off, minutes" in page
    assert 'value="90"' in page
    assert owner.post("/settings/slots/", FORM)["Location"] == "/settings/slots/"
    assert policy(SlotsPolicy) == SlotsPolicy(
        cutoff_minutes=120, markup=2.5, open_sundays=True, rounding="down", greeting="Hi"
    )
    stale = owner.post("/settings/slots/", {**FORM, "cutoff_minutes": "200"})
    assert stale.status_code == 422
    assert "Someone else changed these settings" in stale.content.decode()
    odd = owner.post("/settings/slots/", {**FORM, "cutoff_minutes": "30", "version": "1"})
    assert odd.status_code == 422
    assert "an hour is the least" in odd.content.decode()
    assert versioned_policy(sections()["slots"])[1] == 1
    assert owner.get("/settings/nowhere/").status_code == 404
    with retailer_context(other):
        assert policy(SlotsPolicy) == SlotsPolicy()


def test_a_member_who_cannot_edit_the_policy_can_read_it(retailer: RetailerRef) -> None:
    reader = logged_in(retailer, add_member(Role.READONLY))
    page = reader.get("/settings/slots/")
    assert page.status_code == 200
    assert "disabled" in page.content.decode()
    assert reader.post("/settings/slots/", FORM).status_code == 403
    assert policy(SlotsPolicy) == SlotsPolicy()


@pytest.mark.parametrize("name", ["Thawed", "NoDefault", "OddKind", "setting"])
def test_a_class_that_is_not_a_frozen_dataclass_with_defaults_is_refused(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = {"odd": f"tests.tenants.policy_app.{name}"}
    monkeypatch.setattr(policy_app, "POLICIES", wrong)
    with pytest.raises(NotWired, match="odd"):
        sections()
