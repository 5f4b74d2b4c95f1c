"""The Host header, in any spelling, selects the retailer of a request and no other."""

from __future__ import annotations

import asyncio

import pytest
from django.http import HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.test import Client
from django.urls import include, path

from lastmile.core.models import Event
from lastmile.core.tenancy import NoRetailer, RetailerRef, current_schema, retailer_context
from lastmile.urls import API
from tenants.links import absolute, origin
from tenants.models import Retailer
from tenants.selectors import active, host_name
from tests.databases import async_client_of


def whose(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"schema": current_schema(), "link": absolute("/x/")})


async def whose_async(request: HttpRequest) -> JsonResponse:
    await asyncio.sleep(0)
    return JsonResponse({"schema": current_schema(), "link": absolute("/x/")})


def streamed(request: HttpRequest) -> StreamingHttpResponse:
    return StreamingHttpResponse(str(Event.objects.count()) for _turn in range(3))


def broken(request: HttpRequest) -> HttpResponse:
    raise ZeroDivisionError


urlpatterns = [
    path("whose/", whose),
    path("whose-async/", whose_async),
    path("api/v1/whose/", whose),
    path("api/v1/", include((API, "api"))),  # a problem names its page there
    path("streamed/", streamed),
    path("broken/", broken),
]


class Public:
    """The addresses of the operator's host."""

    urlpatterns = (path("whose/", whose),)


@pytest.fixture(autouse=True)
def _wired(settings: object) -> None:
    settings.MIDDLEWARE = ["tenants.middleware.RetailerMiddleware"]  # type: ignore[attr-defined]
    settings.ROOT_URLCONF = __name__  # type: ignore[attr-defined]
    settings.PUBLIC_SCHEMA_URLCONF = Public  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "host",
    ["t1.localhost", "t1.localhost:8000", "T1.LocalHost", "t1.localhost.", "T1.localhost.:80"],
)
def test_a_host_is_found_however_it_is_written(db: None, host: str) -> None:
    answer = Client(headers={"host": host}).get("/whose/").json()
    assert answer == {"schema": "t1", "link": "http://t1.localhost:8000/x/"}


@pytest.mark.parametrize(
    "host",
    [
        "t3.localhost", "xt1.localhost", "t1.localhost.evil.org", "t1", "127.0.0.1", "[::1]:8000",
        "t1.localhost:port", "t1.localhost,t2.localhost", "", "..", "t1.localhost/../t2", "'\"",
    ],
)  # fmt: skip
def test_an_unknown_host_is_404_and_says_nothing(db: None, host: str) -> None:
    answer = Client(headers={"host": host}).get("/whose/")
    assert answer.status_code == 404
    assert b"t1" not in answer.content


def test_only_the_host_header_selects_the_retailer(db: None) -> None:
    headers = {
        "host": "t1.localhost",
        "x-forwarded-host": "t2.localhost",
        "forwarded": "host=t2.localhost",
        "x-tenant": "t2",
    }
    assert Client(headers=headers).get("/whose/").json()["schema"] == "t1"


def test_links_come_from_the_domain_row_not_from_the_request(db: None, settings: object) -> None:
    link = Client(headers={"host": "t1.localhost:6666"}).get("/whose/").json()["link"]
    assert link == "http://t1.localhost:8000/x/"
    settings.LOCAL = False  # type: ignore[attr-defined]
    settings.PUBLIC_SCHEME = "https"  # type: ignore[attr-defined]
    with retailer_context("t2") as ref:
        assert (origin(ref), absolute("/t/")) == ("https://t2.localhost", "https://t2.localhost/t/")


def test_the_base_domain_is_the_houses_and_has_its_own_addresses(db: None) -> None:
    at_house = Client(headers={"host": "localhost:8000"})
    assert at_house.get("/whose/").json()["schema"] == "house"
    assert at_house.get("/streamed/").status_code == 404


def test_a_suspended_retailer_is_503_with_a_remedy_from_the_next_request_on(db: None) -> None:
    browser = Client(headers={"host": "t1.localhost", "accept-language": "en"})
    assert browser.get("/whose/").status_code == 200
    with retailer_context("house"):
        Retailer.objects.filter(schema_name="t1").update(status="suspended")
    page = browser.get("/whose/")
    assert (page.status_code, page.headers["Retry-After"]) == (503, "300")
    assert b"Try again later" in page.content
    problem = browser.get("/api/v1/whose/")
    assert problem.headers["Content-Type"] == "application/problem+json"
    assert problem.json()["code"] == "retailer_not_open"
    assert Client(headers={"host": "t2.localhost"}).get("/whose/").status_code == 200


def test_an_unknown_host_of_the_api_is_a_problem(db: None) -> None:
    answer = Client(headers={"host": "nobody.localhost"}).get("/api/v1/whose/")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_a_streamed_answer_reads_its_own_retailer(db: None) -> None:
    with retailer_context("t1"):
        Event.objects.create(kind="test.mark", subject="x")
    for host, count in (("t1.localhost", "1"), ("t2.localhost", "0")):
        answer = Client(headers={"host": host}).get("/streamed/")
        assert answer.getvalue().decode() == count * 3
        with pytest.raises(NoRetailer):
            current_schema()


def test_the_thread_has_no_retailer_after_the_request(db: None) -> None:
    with pytest.raises(ZeroDivisionError):
        Client(headers={"host": "t1.localhost"}).get("/broken/")
    with pytest.raises(NoRetailer):
        current_schema()


def test_async_views_have_their_own_retailer(fresh_db: str) -> None:
    browsers = {ref.schema: async_client_of(ref) for ref in active()}

    async def ask(schema: str) -> str:
        return (await browsers[schema].get("/whose-async/")).json()["schema"]

    async def ask_all() -> list[str]:
        return await asyncio.gather(*(ask(("t1", "t2")[turn % 2]) for turn in range(20)))

    assert asyncio.run(ask_all()) == ["t1", "t2"] * 10


def test_a_host_header_is_read_strictly() -> None:
    assert host_name(" Acme.Example.ORG.:443 ") == "acme.example.org"
    assert host_name("acme:80:80") == ""
    assert host_name("[::1]") == ""


def test_the_origin_is_what_a_browser_sends(other: RetailerRef) -> None:
    assert origin(other) == "http://t2.localhost:8000"
