"""Error responses of pages: a toast for htmx, a problem under /api/, otherwise a whole page."""

from __future__ import annotations

import logging
import secrets
import sys
from collections.abc import Callable

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.loader import render_to_string
from django.urls import Resolver404, resolve
from django.utils.http import escape_leading_slashes
from django.utils.translation import gettext as _

from lastmile.core.http.htmx import is_fragment, toast
from lastmile.core.http.problems import (
    ProblemAnswer,
    known_problem,
    plain_problem_response,
    unavailable,
)
from lastmile.core.refusals import unknown

log = logging.getLogger("lastmile.problems")
API = "/api/"
# Plain HTML without a template: the templates, the database or the translation may have failed.
_BARE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>{status}</title>
<h1>{title}</h1><p>{detail}</p>"""


class ProblemMiddleware:
    """Refuses URLs with a NUL character, and turns the exceptions of views into responses."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer 400 to a URL with NUL, before a view or a query reads it."""
        if "\x00" in request.path or "%00" in request.META.get("QUERY_STRING", ""):
            detail = _("The address contains a NUL character. Remove it.")
            return refusal(request, ProblemAnswer(400, "malformed", detail))
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, fault: Exception) -> HttpResponse | None:
        """Answer known exceptions; leave the others to Django's error reporting and handler500."""
        problem = known_problem(fault)
        return None if problem is None else refusal(request, problem)


def refusal(request: HttpRequest, problem: ProblemAnswer) -> HttpResponse:
    """Return a problem as API response, toast or page, depending on the request."""
    if request.path.startswith(API):
        return plain_problem_response(problem)
    if is_fragment(request):
        quiet = HttpResponse(status=problem.status, headers={"HX-Reswap": "none"})
        return toast(quiet, problem.detail, "error")
    template = getattr(request, "problem_template", "problem.html")
    html = render_to_string(template, {"problem": problem}, request)
    return HttpResponse(html, status=problem.status, headers=dict(problem.headers))


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Answer a URL without a view (handler404)."""
    if not request.path.endswith("/"):
        # Only safe methods are redirected: a redirected POST would lose its body. Mail programs cut
        # the final slash of links, and people do not type it.
        with_slash = f"{request.path}/"
        if _resolves(with_slash):
            if request.method in {"GET", "HEAD"}:
                full = request.get_full_path(force_append_slash=True)
                return HttpResponseRedirect(escape_leading_slashes(full))
            detail = _("This address ends with a slash. Send the call to %(path)s.")
            return refusal(request, ProblemAnswer(404, "not_found", detail % {"path": with_slash}))
    return refusal(request, ProblemAnswer(404, "not_found", unknown().detail))


def _resolves(path: str) -> bool:
    try:
        resolve(path)
    except Resolver404:
        return False
    return True


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Answer a request that Django refuses before it reaches a view (handler400)."""
    problem = known_problem(exception) if exception else None
    if problem is None:
        problem = ProblemAnswer(400, "malformed", _("The request is malformed."))
    return refusal(request, problem)


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Answer a request that the caller may not make (handler403)."""
    return refusal(request, ProblemAnswer(403, "not_allowed", _("You are not allowed to do this.")))


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Answer a form with a wrong CSRF token (CSRF_FAILURE_VIEW).

    The form comes from another site, or was opened before the user signed in in another tab.
    """
    log.info("CSRF refused %s: %s", request.path, reason)
    detail = _("This form has expired. Reload the page and send it again.")
    return refusal(request, ProblemAnswer(403, "csrf_failed", detail))


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer an error that no view caught (handler500), without template or database.

    A database that does not answer, also before any view, is 503. Any other error gets a reference.
    """
    fault = sys.exc_info()[1]
    if isinstance(fault, OperationalError | InterfaceError):
        return _bare(request, known_problem(fault) or unavailable())
    reference = secrets.token_hex(6)
    log.error("The error above has reference %s", reference)
    detail = (
        "Something went wrong on our side. Try again. If it happens again, give support this "
        f"reference: {reference}."
    )
    return _bare(request, ProblemAnswer(500, "internal", detail, data={"reference": reference}))


def _bare(request: HttpRequest, problem: ProblemAnswer) -> HttpResponse:
    """Return a problem without template or database."""
    if request.path.startswith(API):
        return plain_problem_response(problem)
    headers = dict(problem.headers)
    if request.headers.get("HX-Request") == "true":
        quiet = HttpResponse(status=problem.status, headers=headers | {"HX-Reswap": "none"})
        return toast(quiet, problem.detail, "error")
    title = "Something went wrong"
    return HttpResponse(
        _BARE.format(status=problem.status, title=title, detail=problem.detail),
        status=problem.status,
        headers=headers,
    )
