"""Audit entries are written in the same transaction, name the actor, and hold no secrets."""

from __future__ import annotations

import pytest
from django.db import transaction

from lastmile.core.actor import acting_as
from lastmile.core.tenancy import RetailerRef
from tenants.people.models import AuditEntry, Member
from tenants.people.services import audit, changed
from tenants.permissions import Role
from tests.people import add_member, logged_in


def test_an_entry_is_rolled_back_with_its_transaction(retailer: RetailerRef) -> None:
    with transaction.atomic():
        audit("thing.make", "thg_1")
        transaction.set_rollback(True)
    assert not AuditEntry.objects.exists()


def test_outside_a_transaction_nothing_is_audited(fresh_db: str, retailer: RetailerRef) -> None:
    with pytest.raises(RuntimeError, match="transaction"):
        audit("thing.make", "thg_1")


@pytest.mark.parametrize("field", ["password", "api_secret", "link_token", "secret_hash"])
def test_a_secret_is_refused(retailer: RetailerRef, field: str) -> None:
    with pytest.raises(ValueError, match="secret"):
        audit("thing.change", "thg_1", {field: ("a", "b")})


def test_only_fields_that_differ_are_recorded(retailer: RetailerRef) -> None:
    changes = changed({"a": 1, "b": 2}, {"a": 1, "b": 3, "c": frozenset({"y", "x"})})
    with acting_as("mbr_x"):
        entry = audit("thing.change", "thg_1", changes)
    assert entry.actor == "mbr_x"
    assert entry.changes == {
        "b": {"before": 2, "after": 3},
        "c": {"before": None, "after": ["x", "y"]},
    }


def test_a_change_through_the_api_names_who_did_it(retailer: RetailerRef) -> None:
    owner, picker = add_member(Role.OWNER), add_member(Role.PICKER)
    browser = logged_in(retailer, owner)
    etag = browser.get(f"/api/v1/members/{picker.public_id}/")["ETag"]
    answer = browser.patch(
        f"/api/v1/members/{picker.public_id}/",
        {"role": "dispatcher"},
        content_type="application/json",
        headers={"if-match": etag},
    )
    assert answer.status_code == 200, answer.content
    assert answer["ETag"] != etag
    entry = browser.get(f"/api/v1/audit/?subject={picker.public_id}").json()["items"][0]
    assert entry["actor"] == owner.public_id
    assert entry["act"] == "member.change"
    assert entry["changes"] == {"role": {"before": "picker", "after": "dispatcher"}}
    stale = browser.patch(
        f"/api/v1/members/{picker.public_id}/",
        {"role": "owner"},
        content_type="application/json",
        headers={"if-match": etag},
    )
    assert (stale.status_code, stale.json()["code"]) == (412, "stale")
    assert Member.objects.get(pk=picker.pk).role == "dispatcher"


def test_a_patch_without_a_change_changes_nothing(retailer: RetailerRef) -> None:
    owner, picker = add_member(Role.OWNER), add_member(Role.PICKER)
    before = AuditEntry.objects.count()
    answer = logged_in(retailer, owner).patch(
        f"/api/v1/members/{picker.public_id}/", {}, content_type="application/json"
    )
    assert answer.json()["version"] == 1
    assert AuditEntry.objects.count() == before
