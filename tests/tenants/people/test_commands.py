"""The operator's commands: member_create and apikey_create."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from lastmile.core.tenancy import RetailerRef, retailer_context
from tenants.people import services
from tenants.people.models import ApiKey, AuditEntry, Member
from tests.people import KeyClient


def run(*words: str) -> str:
    out = StringIO()
    call_command(*words, stdout=out)
    return out.getvalue()


def test_a_member_is_made_with_a_password_from_a_file(other: RetailerRef, tmp_path: Path) -> None:
    secret = tmp_path / "password"
    secret.write_text("a good long password\n", encoding="utf-8")
    words = ("member_create", "--schema", "t2", "--role", "owner", "--email", "ana@example.org")
    result: dict[str, Any] = json.loads(run(*words, "--password-file", str(secret), "--json"))
    assert "set_password_url" not in result
    with retailer_context(other):
        member = Member.objects.get(public_id=result["id"])
        assert (member.name, member.role) == ("ana", "owner")
        services.log_in(email="ana@example.org", password="a good long password", address="x")
        assert AuditEntry.objects.get().actor == "system"


def test_without_a_password_the_answer_holds_a_link(other: RetailerRef) -> None:
    words = ("member_create", "--schema", "t2", "--role", "picker", "--email", "bo@example.org")
    result = run(*words)
    assert "http://t2.localhost:8000/set-password/" in result


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"--schema": "t_nobody"}, "retailer"),
        ({"--email": "no-address"}, "/email"),
        ({"--password-file": "/nowhere"}, "/nowhere"),
    ],
)
def test_a_refusal_is_a_sentence_and_exit_status_1(
    other: RetailerRef, changes: dict[str, str], words: str
) -> None:
    options = {"--schema": "t2", "--role": "owner", "--email": "x@example.org", **changes}
    with pytest.raises(CommandError, match=words):
        run("member_create", *(word for pair in options.items() for word in pair))
    with retailer_context(other):
        assert not Member.objects.exists()


def test_a_key_is_made_and_works(other: RetailerRef) -> None:
    words = ("apikey_create", "--schema", "t2", "--role", "driver", "--ref", "drv_1")
    result = json.loads(run(*words, "--json"))
    assert KeyClient(other, result["key"]).get("/api/v1/me/").json()["id"] == result["id"]
    with retailer_context(other):
        assert ApiKey.objects.get().ref == "drv_1"
    assert run(*words).strip().startswith("lm_t2_")


def test_a_checkout_key_needs_an_origin(other: RetailerRef) -> None:
    words = ("apikey_create", "--schema", "t2", "--role", "checkout")
    with pytest.raises(CommandError, match="/origins"):
        run(*words)
    assert run(*words, "--origin", "https://shop.example").startswith("lm_t2_")
