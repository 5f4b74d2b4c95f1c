"""API keys are shown once, stored as a hash, bound to one retailer, and revoked immediately."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import pytest
import time_machine

from lastmile.core.errors import Invalid, NotFound
from lastmile.core.tenancy import RetailerRef, retailer_context
from tenants.people import services
from tenants.people.errors import KeyRevoked
from tenants.people.models import ApiKey, AuditEntry
from tenants.permissions import KeyRole
from tests.people import KeyClient, key_client

HUB = "hub_00000000000000000001"


def me(ref: RetailerRef, secret: str, **headers: str) -> int:
    return KeyClient(ref, secret).get("/api/v1/me/", **headers).status_code


def create(**options: Any) -> tuple[ApiKey, str]:
    return services.create_key(**{"name": "Shop", "role": KeyRole.INTEGRATION, **options})


def test_a_key_names_its_retailer_and_only_its_hash_is_stored(retailer: RetailerRef) -> None:
    key, secret = create()
    head, schema, body = secret.split("_")
    assert (head, schema, len(body)) == ("lm", "t1", 32)
    row = json.dumps(
        [list(ApiKey.objects.values()), list(AuditEntry.objects.values())], default=str
    )
    assert secret not in row
    assert body not in row
    assert key.hint == secret[-4:]
    assert me(retailer, secret) == 200


def test_a_key_of_one_retailer_opens_nothing_at_another(
    retailer: RetailerRef, other: RetailerRef
) -> None:
    key, secret = create()
    assert me(other, secret) == 401
    with retailer_context(other):
        ApiKey.objects.create(
            secret_hash=key.secret_hash, hint="x", name="copied", role="integration", created_by="x"
        )
    assert me(other, secret) == 401, "even a copied row: the key itself names t1"


@pytest.mark.parametrize(
    "sent", ["", "lm_t1_", "lm_t1_wrong", "lm__", "x", "lm_t2_" + "0" * 32, "é" * 10, "a b"]
)
def test_an_invalid_key_gets_401(retailer: RetailerRef, sent: str) -> None:
    answer = KeyClient(retailer, sent).get("/api/v1/me/")
    assert answer.status_code == 401
    assert answer.json()["code"] == "not_authenticated"


def test_another_scheme_gets_a_message_with_the_right_one(client: Any) -> None:
    answer = client.get("/api/v1/me/", headers={"authorization": "Basic eDp5"})
    assert answer.status_code == 401
    assert "Bearer" in answer.json()["detail"]


def test_a_key_ends_when_revoked_rotated_or_expired(retailer: RetailerRef) -> None:
    with time_machine.travel("2026-05-01T08:00:00Z", tick=False) as clock:
        ends = dt.datetime(2026, 5, 1, 9, tzinfo=dt.UTC)
        key, secret = create(expires_at=ends)
        assert me(retailer, secret) == 200
        clock.move_to("2026-05-01T09:00:00Z")
        assert me(retailer, secret) == 401
    key, secret = create()
    _key, newer = services.rotate_key(public_id=key.public_id)
    assert (me(retailer, secret), me(retailer, newer)) == (401, 200)
    first = services.revoke_key(public_id=key.public_id).revoked_at
    assert services.revoke_key(public_id=key.public_id).revoked_at == first
    assert me(retailer, newer) == 401
    with pytest.raises(KeyRevoked):
        services.rotate_key(public_id=key.public_id)
    with pytest.raises(NotFound):
        services.revoke_key(public_id="key_none")
    entries = AuditEntry.objects.filter(subject=key.public_id).order_by("pk")
    acts = list(entries.values_list("act", flat=True))
    assert acts == ["key.create", "key.rotate", "key.revoke"]


def test_last_use_is_written_once_in_five_minutes(
    retailer: RetailerRef, django_assert_num_queries: Any
) -> None:
    with time_machine.travel("2026-05-01T08:00:00Z", tick=False) as clock:
        key, secret = create()
        client = KeyClient(retailer, secret)
        seen = []
        for minute in ("08:00", "08:04", "08:05"):
            clock.move_to(f"2026-05-01T{minute}:00Z")
            client.get("/api/v1/me/")
            key.refresh_from_db()
            seen.append(key.last_used_at.strftime("%H:%M"))  # type: ignore[union-attr]
    assert seen == ["08:00", "08:00", "08:05"]


def test_a_call_by_key_asks_the_database_twice(
    retailer: RetailerRef, django_assert_max_num_queries: Any
) -> None:
    client = key_client(retailer)
    client.get("/api/v1/me/")
    with django_assert_max_num_queries(2):  # whose host, whose key
        client.get("/api/v1/me/")


def test_a_checkout_key_is_bound_to_its_origins(retailer: RetailerRef) -> None:
    _key, secret = create(role=KeyRole.CHECKOUT, origins=["https://shop.example/"])
    assert me(retailer, secret, origin="https://shop.example") == 200
    assert me(retailer, secret, origin="https://evil.example") == 401
    assert me(retailer, secret) == 401


@pytest.mark.parametrize(
    ("options", "pointer"),
    [
        ({"name": ""}, "/name"),
        ({"role": "owner"}, "/role"),
        ({"hubs": []}, "/hubs"),
        ({"hubs": ["x"]}, "/hubs"),
        ({"role": "checkout"}, "/origins"),
        ({"origins": ["https://shop.example"]}, "/origins"),
        ({"role": "checkout", "origins": ["shop.example"]}, "/origins/0"),
        ({"role": "checkout", "origins": ["https://u:p@shop.example/x"]}, "/origins/0"),
        ({"role": "checkout", "origins": ["https://shop.example:x"]}, "/origins/0"),
        ({"expires_at": dt.datetime(2020, 1, 1, tzinfo=dt.UTC)}, "/expires_at"),
    ],
)
def test_invalid_values_of_a_key_are_refused_and_no_key_is_created(
    retailer: RetailerRef, options: dict[str, Any], pointer: str
) -> None:
    with pytest.raises(Invalid) as refused:
        create(**options)
    assert pointer in {problem.pointer for problem in refused.value.errors}
    assert not ApiKey.objects.exists()
    assert not AuditEntry.objects.exists()


def test_a_key_may_be_limited_to_hubs(retailer: RetailerRef) -> None:
    answer = key_client(retailer, hubs=[HUB]).get("/api/v1/me/").json()
    assert answer["hubs"] == [HUB]
    assert "events.view" not in answer["acts"]
    assert key_client(retailer, hubs=[HUB]).get("/api/v1/events/").status_code == 403
