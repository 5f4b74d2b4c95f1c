"""Variables that hold addresses, and absolute links on an unusual port."""

from __future__ import annotations

from typing import Any

import pytest

from lastmile.core.tenancy import RetailerRef
from lastmile.env import BadEnvironment, address
from tenants.links import absolute


def test_secrets_are_not_sent_over_http_outside_a_laptop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TWILIO_API_BASE", "http://proxy.example")
    assert address("TWILIO_API_BASE") == "http://proxy.example"
    with pytest.raises(BadEnvironment) as refused:
        address("TWILIO_API_BASE", https_only=True)
    assert "proxy.example" not in str(refused.value)
    monkeypatch.setenv("TWILIO_API_BASE", "https://proxy.example")
    assert address("TWILIO_API_BASE", https_only=True) == "https://proxy.example"
    monkeypatch.delenv("TWILIO_API_BASE")
    assert address("TWILIO_API_BASE", https_only=True) == ""


@pytest.mark.parametrize(
    ("local", "scheme", "port", "origin"),
    [
        (True, "http", 0, "http://t1.localhost:8000"),
        (True, "http", 8080, "http://t1.localhost:8080"),
        (False, "https", 0, "https://t1.localhost"),
        (False, "https", 443, "https://t1.localhost"),
        (False, "https", 8443, "https://t1.localhost:8443"),
        (False, "http", 0, "http://t1.localhost"),
    ],
)
def test_an_unusual_public_port_is_in_absolute_links(
    retailer: RetailerRef, settings: Any, local: bool, scheme: str, port: int, origin: str
) -> None:
    settings.LOCAL, settings.PUBLIC_SCHEME, settings.PUBLIC_PORT = local, scheme, port
    assert absolute("/t/x/") == f"{origin}/t/x/"
