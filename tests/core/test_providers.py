"""Calls to systems outside: bounded in time and size, and every failure of one kind."""

from __future__ import annotations

import time
from typing import Any

import pytest

from lastmile.core.providers import HttpClient, Limits, ProviderError
from tests.captured import Captured, Replay, served


def client(*exchanges: Captured, **limits: Any) -> HttpClient:
    return HttpClient("http://outside.test", transport=Replay(*exchanges), limits=Limits(**limits))


def test_json_is_returned_and_the_caller_names_itself() -> None:
    asked = client(Captured(path="/a", params={"q": "x"}, body={"found": 1}))
    assert asked.get_json("/a", {"q": "x"}) == {"found": 1}
    sent = asked._client._transport.requests[0]  # type: ignore[attr-defined]
    assert sent.headers["User-Agent"].startswith("Lastmile/")


@pytest.mark.parametrize(
    ("status", "permanent"),
    [(400, True), (401, True), (404, True), (302, True), (429, False), (500, False), (503, False)],
)
def test_a_refusal_says_whether_trying_again_helps(status: int, permanent: bool) -> None:
    location = {"Location": "http://elsewhere.test/"}
    with pytest.raises(ProviderError) as refused:
        client(Captured(path="/a", status=status, answer_headers=location)).get_json("/a")
    assert refused.value.permanent is permanent


def test_when_to_come_back_is_told() -> None:
    busy = Captured(path="/a", status=429, answer_headers={"Retry-After": "7"})
    with pytest.raises(ProviderError) as refused:
        client(busy).get_json("/a")
    assert refused.value.retry_after_s == 7


def test_what_is_no_json_or_too_large_is_refused() -> None:
    with pytest.raises(ProviderError, match="not JSON"):
        client(Captured(path="/a", body=b"<html>")).get_json("/a")
    with pytest.raises(ProviderError, match="too large"):
        client(Captured(path="/a", body="x" * 100), most_bytes=50).get_json("/a")


def test_a_slow_answer_is_given_up_and_so_is_one_that_drips() -> None:
    limits = Limits(connect_s=0.2, total_s=0.3)
    for pause_s, body in ((1.0, {}), (0.2, {"a": "b"})):
        with served(Captured(body=body, pause_s=pause_s)) as address:
            began = time.monotonic()
            with pytest.raises(ProviderError, match="in time") as refused:
                HttpClient(address, limits=limits).get_json("/")
            assert not refused.value.permanent
            assert time.monotonic() - began < 1.0


def test_a_server_that_is_not_there_is_no_other_kind_of_error() -> None:
    with served(Captured()) as address:
        pass
    with pytest.raises(ProviderError, match="cannot be reached") as refused:
        HttpClient(address).get_json("/")
    assert not refused.value.permanent


def test_no_proxy_is_taken_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    with served(Captured(body=[1])) as address:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, "http://127.0.0.1:1")
        assert HttpClient(address).get_json("/") == [1]


@pytest.mark.parametrize("address", ["", "ftp://outside.test", "outside.test", "file:///etc/hosts"])
def test_only_addresses_of_http_are_called(address: str) -> None:
    with pytest.raises(ValueError, match="http"):
        HttpClient(address)
