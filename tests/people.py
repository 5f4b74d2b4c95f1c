"""People for tests: members, signed-in browsers, and clients with API keys."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from typing import Any

from django.test import Client

from lastmile.core.tenancy import RetailerRef, retailer_context
from tenants.people import services
from tenants.people.models import Member
from tenants.permissions import KeyRole, Role

PASSWORD = "correct horse battery"


def add_member(
    role: str = Role.OWNER,
    *,
    email: str = "",
    hubs: Iterable[str] | None = None,
    password: str | None = PASSWORD,
    language: str = "",
) -> Member:
    """Add a member to the current retailer."""
    return services.add_member(
        email=email or f"{role}-{uuid.uuid4().hex[:8]}@example.org",
        name=f"A {role}",
        role=role,
        hubs=hubs,
        password=password,
        language=language,
    )


def logged_in(ref: RetailerRef, member: Member, **options: Any) -> Client:
    """Return a browser for a retailer's host in which the member is signed in."""
    browser = Client(headers={"host": ref.domain}, **options)
    answer = browser.post("/login/", {"email": member.email, "password": PASSWORD})
    assert answer.status_code == 302, answer.content
    return browser


class KeyClient:
    """Calls a retailer's API with a key and JSON; each unsafe call gets a new Idempotency-Key."""

    def __init__(self, ref: RetailerRef, secret: str) -> None:
        self.browser = Client(headers={"host": ref.domain, "authorization": f"Bearer {secret}"})

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """Send a call; headers are keyword arguments, with underscores for dashes."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if method not in {"get", "head", "options"}:
            sent.setdefault("idempotency-key", uuid.uuid4().hex)
        sent = {name: value for name, value in sent.items() if value}
        kwargs: dict[str, Any] = {"headers": sent}
        if body is not None:
            kwargs |= {"data": body, "content_type": "application/json"}
        return getattr(self.browser, method)(path, **kwargs)

    def get(self, path: str, **headers: str) -> Any:
        """Send a GET request; return the answer."""
        return self.call("get", path, **headers)

    def post(self, path: str, body: Any = None, **headers: str) -> Any:
        """Send a POST request; return the answer."""
        return self.call("post", path, {} if body is None else body, **headers)


def key_client(
    ref: RetailerRef, role: str = KeyRole.INTEGRATION, hubs: Iterable[str] | None = None
) -> KeyClient:
    """Create an API key in a retailer; return a client that uses it."""
    with retailer_context(ref):
        origins = ["https://shop.example"] if role == KeyRole.CHECKOUT else []
        ref_of = "inpost" if role == KeyRole.LOCKER else ""  # the key of a network names it
        _key, secret = services.create_key(
            name="Test", role=role, hubs=hubs, ref=ref_of, origins=origins
        )
    return KeyClient(ref, secret)
