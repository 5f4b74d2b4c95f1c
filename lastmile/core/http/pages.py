"""How pages say no: a toast inside htmx, a whole page else, a problem under /api/."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.loader import render_to_string
from django.urls import Resolver404, resolve
from django.utils.translation import gettext as _

from lastmile.core.http.htmx import is_fragment, toast
from lastmile.core.http.problems import ProblemAnswer, known_problem, plain_problem_response
from lastmile.core.refusals import unknown

log = logging.getLogger("lastmile.problems")
API = "/api/"
# Written by hand: when this is needed, templates, database or language may be what failed.
_BARE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>{status}</title>
<h1>{title}</h1><p>{detail}</p>"""


class ProblemMiddleware:
    """Refuses addresses with NUL, and turns what plain views raise into an answer."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer 400 before any view or query sees a NUL."""
        if "\x00" in request.path or "%00" in request.META.get("QUERY_STRING", ""):
            detail = _("The address holds a NUL character. Leave it out.")
            return refusal(request, ProblemAnswer(400, "malformed", detail))
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, fault: Exception) -> HttpResponse | None:
        """Answer what has a meaning; leave the rest to Django's reporting and handler500."""
        problem = known_problem(fault)
        return None if problem is None else refusal(request, problem)


def refusal(request: HttpRequest, problem: ProblemAnswer) -> HttpResponse:
    """Return the answer in the shape that this request can use."""
    if request.path.startswith(API):
        return plain_problem_response(problem)
    if is_fragment(request):
        quiet = HttpResponse(status=problem.status, headers={"HX-Reswap": "none"})
        return toast(quiet, problem.detail, "error")
    html = render_to_string("problem.html", {"problem": problem}, request)
    return HttpResponse(html, status=problem.status, headers=dict(problem.headers))


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """handler404: an address without a view."""
    if request.path.startswith(API) and not request.path.endswith("/"):
        # Only safe methods may be led on: a redirected POST would arrive without its body.
        with_slash = f"{request.path}/"
        if _resolves(with_slash):
            if request.method in {"GET", "HEAD"}:
                query = request.META.get("QUERY_STRING", "")
                return HttpResponseRedirect(f"{with_slash}{'?' + query if query else ''}")
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
    """handler400: what Django refuses before a view is reached."""
    problem = known_problem(exception) if exception else None
    if problem is None:
        problem = ProblemAnswer(400, "malformed", _("The request is not well formed."))
    return refusal(request, problem)


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """handler403."""
    return refusal(request, ProblemAnswer(403, "not_allowed", _("This is not allowed.")))


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """CSRF_FAILURE_VIEW: a form from elsewhere, or from before a log-in in another tab."""
    log.info("CSRF refused %s: %s", request.path, reason)
    detail = _(
        "This form is out of date or came from elsewhere. Reload the page and send it again."
    )
    return refusal(request, ProblemAnswer(403, "csrf_failed", detail))


def server_error(request: HttpRequest) -> HttpResponse:
    """handler500: a reference and nothing of the inside; leans on no template and no database."""
    reference = secrets.token_hex(6)
    log.error("The fault above has reference %s", reference)
    detail = (
        "Something failed on our side. Try again; if it stays, give support this reference: "
        f"{reference}."
    )
    problem = ProblemAnswer(500, "internal", detail, data={"reference": reference})
    if request.path.startswith(API):
        return plain_problem_response(problem)
    if request.headers.get("HX-Request") == "true":
        quiet = HttpResponse(status=500, headers={"HX-Reswap": "none"})
        return toast(quiet, detail, "error")
    return HttpResponse(
        _BARE.format(status=500, title="Something failed", detail=detail), status=500
    )
