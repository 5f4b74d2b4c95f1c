"""Calls to addresses of users: public ones only, to the address that was checked, no redirects."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from ipaddress import ip_address, ip_network
from typing import Any

import pytest

from lastmile.core import egress
from lastmile.core.egress import EgressFailed, EgressRefused
from lastmile.env import BadEnvironment, networks

PRIVATE = [
    "0.0.0.0", "0.1.2.3", "10.0.0.1", "100.64.0.1", "127.0.0.1", "127.255.255.254",
    "169.254.169.254", "172.16.0.1", "192.0.2.1", "192.168.0.1", "198.18.0.1", "224.0.0.1",
    "240.0.0.1", "255.255.255.255", "::", "::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1",
    "64:ff9b::127.0.0.1", "64:ff9b::a00:1", "2002:7f00:1::", "2002:a00:1::1", "fc00::1",
    "fe80::1", "ff02::1", "2001:db8::1",
]  # fmt: skip
PUBLIC = ["93.184.216.34", "8.8.8.8", "2606:4700:4700::1111", "64:ff9b::808:808"]


@pytest.fixture
def connects(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """List the addresses to which a connection is attempted; none succeeds."""
    attempts: list[Any] = []

    def refuse(address: Any, *_rest: Any, **_options: Any) -> None:
        attempts.append(address)
        raise ConnectionRefusedError

    monkeypatch.setattr(socket, "create_connection", refuse)
    return attempts


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Return a function that sets what a name resolves to, answer by answer."""

    def resolve(*answers: list[str]) -> None:
        left: Iterator[list[str]] = iter(answers)

        def answer(_host: str, port: int, **_options: Any) -> list[Any]:
            return [(0, 0, 0, "", (address, port)) for address in next(left)]

        monkeypatch.setattr(socket, "getaddrinfo", answer)

    return resolve


@pytest.mark.parametrize("text", PRIVATE)
def test_a_private_address_is_not_public(text: str) -> None:
    assert not egress.is_public(ip_address(text))


@pytest.mark.parametrize("text", PUBLIC)
def test_a_public_address_is_public(text: str) -> None:
    assert egress.is_public(ip_address(text))


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1/", "https://2130706433/", "https://0177.0.0.1/", "https://0x7f.1/",
        "https://127.1/", "https://localhost/", "https://LOCALHOST./", "https://[::1]/",
        "https://[::ffff:127.0.0.1]/", "https://[::]/", "https://0/", "https://10.0.0.1/",
        "https://169.254.169.254/latest/meta-data/", "https://[fe80::1%25lo]/",
        "http://93.184.216.34/", "https://93.184.216.34:22/", "https://a:b@93.184.216.34/",
        "gopher://93.184.216.34/", "https://93.184.216.34\\@127.0.0.1/", "https:127.0.0.1",
        "https://１２７.0.0.1/", "https://exa mple/", "https://[::1/", "",
    ],
)  # fmt: skip
def test_no_form_of_a_private_address_is_called(connects: list[Any], url: str) -> None:
    with pytest.raises((EgressRefused, EgressFailed)):
        egress.post(url, body=b"", headers={})
    assert connects == []


def test_one_private_address_refuses_the_whole_name(
    connects: list[Any], names: Callable[..., None]
) -> None:
    names(["93.184.216.34", "10.0.0.1"])
    with pytest.raises(EgressRefused):
        egress.post("https://two.example/", body=b"", headers={})
    assert connects == []


def test_the_connection_goes_to_the_address_that_was_checked(
    connects: list[Any], names: Callable[..., None]
) -> None:
    names(["93.184.216.34"], ["127.0.0.1"])  # a second look-up would get the private one
    with pytest.raises(EgressFailed) as failed:
        egress.post("https://changing.example/", body=b"", headers={})
    assert [address[0] for address in connects] == ["93.184.216.34"]
    assert not failed.value.unclear


def test_an_allowed_network_may_be_called_on_any_port(
    connects: list[Any], names: Callable[..., None], settings: Any
) -> None:
    settings.EGRESS_ALLOW = (ip_network("10.1.0.0/16"),)
    names(["10.1.2.3"], ["10.2.2.3"], ["93.184.216.34"])
    with pytest.raises(EgressFailed):
        egress.post("http://inside.example:8080/", body=b"", headers={})
    assert connects == [("10.1.2.3", 8080)]
    for url in ("http://other.example:8080/", "http://outside.example:8080/"):
        with pytest.raises(EgressRefused):
            egress.post(url, body=b"", headers={})
    assert len(connects) == 1


def test_a_name_that_does_not_resolve_may_do_so_later(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_args: Any, **_options: Any) -> None:
        raise socket.gaierror

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(EgressFailed) as failed:
        egress.post("https://nowhere.example/", body=b"", headers={})
    assert not failed.value.permanent


def test_allowed_networks_are_read_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EGRESS_ALLOW", "10.0.0.0/8, fd00::/8")
    assert networks("EGRESS_ALLOW") == (ip_network("10.0.0.0/8"), ip_network("fd00::/8"))
    monkeypatch.delenv("EGRESS_ALLOW")
    assert networks("EGRESS_ALLOW") == ()
    monkeypatch.setenv("EGRESS_ALLOW", "inside")
    with pytest.raises(BadEnvironment):
        networks("EGRESS_ALLOW")
