"""The middleware that finds the retailer of a request by its Host header."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any, cast

from asgiref.sync import iscoroutinefunction, markcoroutinefunction, sync_to_async
from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.utils import timezone, translation
from django.utils.html import escape
from django.utils.translation import gettext as _

from lastmile.core.http.problems import ProblemAnswer, plain_problem_response
from lastmile.core.tenancy import HOUSE, RetailerNotOpen, RetailerRef, retailer_context
from tenants.languages import shopper_language
from tenants.models import Status
from tenants.selectors import by_host

RETRY_AFTER_S = 300
# Outside of a retailer there is no template, no session and no script.
_PAGE = """<!doctype html><html lang="{language}" dir="{direction}"><meta charset="utf-8">
<title>{title}</title>
<meta name="viewport" content="width=device-width"><h1>{title}</h1><p>{detail}</p></html>"""


class RetailerMiddleware:
    """The middleware that enters the retailer of the Host header and sets ``request.retailer``.

    An unknown host gets 404, and a retailer that is not active gets 503, before any session or
    view. On BASE_DOMAIN the operator's schema and the public pages are served. The middleware
    works with sync and async handlers, and with the parts of a streamed response.
    """

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self.get_response = get_response
        self._is_async = iscoroutinefunction(get_response)
        if self._is_async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        """Find the retailer of the host, then answer in its context."""
        if self._is_async:
            return self._answer_async(request)
        ref = by_host(request.META.get("HTTP_HOST", ""))
        if ref is None or not _may_enter(ref):
            return _refusal(request, ref)
        _set_retailer(request, ref)
        with retailer_context(ref), timezone.override(ref.zone):
            response: HttpResponseBase = self.get_response(request)
        return _stream_in_context(response, ref)

    async def _answer_async(self, request: HttpRequest) -> HttpResponseBase:
        ref = await sync_to_async(by_host)(request.META.get("HTTP_HOST", ""))
        if ref is None or not _may_enter(ref):
            return _refusal(request, ref)
        _set_retailer(request, ref)
        with retailer_context(ref), timezone.override(ref.zone):
            response: HttpResponseBase = await self.get_response(request)
        return _stream_in_context(response, ref)


def _may_enter(ref: RetailerRef) -> bool:
    return ref.status == Status.ACTIVE


def _set_retailer(request: HttpRequest, ref: RetailerRef) -> None:
    request.retailer = ref  # type: ignore[attr-defined]
    if ref.schema == HOUSE:
        request.urlconf = settings.PUBLIC_SCHEMA_URLCONF


def _refusal(request: HttpRequest, ref: RetailerRef | None) -> HttpResponse:
    """Return 404 for an unknown host, 503 for a retailer that is not active."""
    if request.path.startswith(tuple(settings.SHOPPER_PATHS)):
        language = shopper_language(request, last=ref.language if ref else "")
    else:
        language = translation.get_language_from_request(request)
    with translation.override(language):
        if ref is None:
            title = _("Unknown address")
            detail = _("Check the address for typing errors, or ask the person who gave it to you.")
            problem = ProblemAnswer(404, "not_found", f"{title}. {detail}")
        else:
            title = _("This shop's deliveries are temporarily unavailable")
            detail = _("Try again later, or ask the shop. Your orders are not lost.")
            problem = ProblemAnswer(
                503,
                RetailerNotOpen.code,
                f"{title}. {detail}",
                headers={"Retry-After": str(RETRY_AFTER_S)},
            )
    if request.path.startswith("/api/"):
        return plain_problem_response(problem)
    direction = "rtl" if translation.get_language_info(language)["bidi"] else "ltr"
    page = _PAGE.format(
        language=language, direction=direction, title=escape(title), detail=escape(detail)
    )
    return HttpResponse(page, status=problem.status, headers=dict(problem.headers))


def _stream_in_context(response: HttpResponseBase, ref: RetailerRef) -> HttpResponseBase:
    """Produce the parts of a streamed response in the retailer's context, too."""
    if response.streaming:
        stream = cast("StreamingHttpResponse", response)
        if stream.is_async:
            parts = cast("AsyncIterator[bytes]", stream.streaming_content)
            stream.streaming_content = _async_parts(parts, ref)
        else:
            stream.streaming_content = _sync_parts(
                iter(cast("Iterator[bytes]", stream.streaming_content)), ref
            )
    return response


def _sync_parts(parts: Iterator[bytes], ref: RetailerRef) -> Iterator[bytes]:
    while True:
        with retailer_context(ref), timezone.override(ref.zone):
            try:
                part = next(parts)
            except StopIteration:
                return
        yield part


async def _async_parts(parts: AsyncIterator[bytes], ref: RetailerRef) -> AsyncIterator[bytes]:
    while True:
        with retailer_context(ref), timezone.override(ref.zone):
            try:
                part = await anext(parts)
            except StopAsyncIteration:
                return
        yield part
