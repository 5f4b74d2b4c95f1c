"""Calls to external systems are limited in time and size; every failure is a ProviderError."""

from __future__ import annotations

import time
from typing import Any

import pytest

from lastmile.core.providers import HttpClient, Limits, ProviderError
from tests.captured import Captured, Replay, served


def client(*exchanges: Captured, **limits: Any) -> HttpClient:
    return HttpClient("http://outside.test", transport=Replay(*exchanges), limits=Limits(**limits))


def test_json_is_returned_and_the_user_agent_is_sent() -> None:
    http = client(Captured(path="/a", params={"q": "x"}, body={"found": 1}))
    assert http.get_json("/a", {"q": "x"}) == {"found": 1}
    sent = http._client._transport.requests[0]  # type: ignore[attr-defined]
    assert sent.headers["User-Agent"].startswith("Lastmile/")


@pytest.mark.parametrize(
    ("status", "permanent"),
    [(400, True), (401, True), (404, True), (302, True), (429, False), (500, False), (503, False)],
)
def test_an_error_states_whether_a_retry_can_help(status: int, permanent: bool) -> None:
    location = {"Location": "http://elsewhere.test/"}
    with pytest.raises(ProviderError) as refused:
        client(Captured(path="/a", status=status, answer_headers=location)).get_json("/a")
    assert refused.value.permanent is permanent


def test_retry_after_is_passed_on() -> None:
    busy = Captured(path="/a", status=429, answer_headers={"Retry-After": "7"})
    with pytest.raises(ProviderError) as refused:
        client(busy).get_json("/a")
    assert refused.value.retry_after_s == 7


def test_an_answer_that_is_not_json_or_too_large_is_refused() -> None:
    with pytest.raises(ProviderError, match="not JSON"):
        client(Captured(path="/a", body=b"<html>")).get_json("/a")
    with pytest.raises(ProviderError, match="too large"):
        client(Captured(path="/a", body="x" * 100), most_bytes=50).get_json("/a")


def test_a_slow_answer_times_out_even_if_bytes_arrive() -> None:
    limits = Limits(connect_s=0.2, total_s=0.3)
    for pause_s, body in ((1.0, {}), (0.2, {"a": "b"})):
        with served(Captured(body=body, pause_s=pause_s)) as address:
            began = time.monotonic()
            with pytest.raises(ProviderError, match="in time") as refused:
                HttpClient(address, limits=limits).get_json("/")
            assert not refused.value.permanent
            assert time.monotonic() - began < 1.0


def test_an_unreachable_server_raises_provider_error() -> None:
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
def test_only_http_urls_are_called(address: str) -> None:
    with pytest.raises(ValueError, match="http"):
        HttpClient(address)
