"""One way to say no: RFC 9457 ``application/problem+json`` for programs, made from any exception.

``problem_from`` knows every exception that may reach a face and gives it a status, a code and a
sentence with the remedy. What it does not know is our fault: it is logged under an id, and the id
is all that the caller learns.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.core.exceptions import (
    BadRequest,
    PermissionDenied,
    RequestDataTooBig,
    SuspiciousOperation,
)
from django.db import DatabaseError, DataError, InterfaceError, OperationalError
from django.http import Http404, HttpResponse, JsonResponse
from django.http.request import UnreadablePostError
from django.urls import reverse
from django.utils.translation import gettext as _
from rest_framework import exceptions as drf
from rest_framework.response import Response

from lastmile.core.errors import DomainError, FieldProblem, Unavailable
from lastmile.core.refusals import unknown

MEDIA_TYPE = "application/problem+json"
log = logging.getLogger("lastmile.problems")
# Serialisation failure and deadlock: the same call, repeated, succeeds.
RETRY_AT_ONCE = frozenset({"40001", "40P01"})


@dataclass(frozen=True, slots=True)
class ProblemAnswer:
    """What a problem answer holds."""

    status: int
    code: str
    detail: str
    errors: tuple[FieldProblem, ...] = ()
    data: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    retryable: bool = False

    def body(self) -> dict[str, Any]:
        """Return the members of RFC 9457 and ours; facts in ``data`` never overwrite them."""
        shown: dict[str, Any] = dict(self.data)
        shown |= {
            "type": f"{reverse('api:problems')}#{self.code}",
            "title": self.code.replace("_", " ").capitalize(),
            "status": self.status,
            "code": self.code,
            "detail": self.detail,
        }
        if self.errors:
            shown["errors"] = [
                {"pointer": e.pointer, "code": e.code, "detail": e.detail} for e in self.errors
            ]
        return shown


def sqlstate(fault: BaseException) -> str:
    """Return PostgreSQL's five-character code behind a Django database error, or ``""``."""
    return getattr(fault.__cause__, "sqlstate", None) or getattr(fault, "sqlstate", None) or ""


def problem_from(fault: BaseException) -> ProblemAnswer:
    """Return the problem that an exception means; an unknown one is logged and answered 500."""
    return known_problem(fault) or _unexpected(fault)


def known_problem(fault: BaseException) -> ProblemAnswer | None:
    """Return the problem that an exception means, None for what nobody expected."""
    if isinstance(fault, DomainError):
        return _from_domain(fault)
    for kind, say in _KNOWN:
        if isinstance(fault, kind):
            return say(fault)
    if isinstance(fault, DatabaseError | InterfaceError):
        return _from_database(fault)
    return None


def problem_response(problem: ProblemAnswer) -> Response:
    """Return the answer as DRF sends it."""
    response = Response(
        problem.body(),
        status=problem.status,
        headers=dict(problem.headers) or None,
        content_type=MEDIA_TYPE,
    )
    response.retryable = problem.retryable  # type: ignore[attr-defined]
    return response


def plain_problem_response(problem: ProblemAnswer) -> HttpResponse:
    """Return the answer where DRF has not been reached (middleware, unknown addresses)."""
    return JsonResponse(
        problem.body(),
        status=problem.status,
        headers=dict(problem.headers) or None,
        content_type=MEDIA_TYPE,
    )


def drf_exception_handler(fault: Exception, context: Mapping[str, Any]) -> Response:
    """DRF's hook: every exception of an API view becomes a problem."""
    return problem_response(problem_from(fault))


def unavailable(detail: str = "", *, after_s: int = 2) -> ProblemAnswer:
    """Return 503 with Retry-After."""
    return ProblemAnswer(
        503,
        "unavailable",
        detail or _("A part of the house is away for the moment. Try again shortly."),
        headers={"Retry-After": str(after_s)},
        retryable=True,
    )


def _from_domain(fault: DomainError) -> ProblemAnswer:
    headers = {}
    after = fault.data.get("retry_after_s")
    if after is not None or isinstance(fault, Unavailable):
        headers["Retry-After"] = str(int(after) if after is not None else 2)
    return ProblemAnswer(
        fault.status,
        fault.code,
        str(fault.detail),
        fault.errors,
        fault.data,
        headers,
        fault.retryable,
    )


def _from_database(fault: BaseException) -> ProblemAnswer | None:
    if isinstance(fault, DataError):
        log.warning("A value passed the serializers and not PostgreSQL", exc_info=fault)
        return ProblemAnswer(
            422, "invalid", _("A value is out of range or holds a forbidden character.")
        )
    if isinstance(fault, OperationalError | InterfaceError):
        log.warning("PostgreSQL refused or was away (%s)", sqlstate(fault) or "no code")
        return unavailable()
    return None


def _unexpected(fault: BaseException) -> ProblemAnswer:
    reference = secrets.token_hex(6)
    log.error("Unexpected fault %s", reference, exc_info=fault)
    return ProblemAnswer(
        500,
        "internal",
        _(
            "Something failed on our side and nothing was changed. "
            "Try again; if it stays, give support this reference: %(reference)s."
        )
        % {"reference": reference},
        data={"reference": reference},
    )


def _plain(status: int, code: str, say: Callable[[], str]) -> Callable[[Any], ProblemAnswer]:
    return lambda fault: ProblemAnswer(status, code, say())


def field_problems(fault: drf.ValidationError) -> list[FieldProblem]:
    """Return DRF's nested faults as one problem per fault, each with its JSON pointer."""
    return list(_pointers(fault.get_full_details(), ""))


def _validation(fault: drf.ValidationError) -> ProblemAnswer:
    return ProblemAnswer(
        422,
        "invalid",
        _("Some values do not fit; see errors."),
        tuple(field_problems(fault)),
    )


def _is_leaf(found: Any) -> bool:
    """Tell a fault from a serializer that happens to have fields ``message`` and ``code``."""
    return (
        isinstance(found, dict)
        and set(found) == {"message", "code"}
        and isinstance(found["message"], str)
    )


def _pointers(found: Any, pointer: str) -> list[FieldProblem]:
    """Flatten DRF's nested details to one problem per fault, by RFC 6901 pointer."""
    if _is_leaf(found):
        return [FieldProblem(pointer, str(found["message"]), str(found["code"]))]
    if isinstance(found, dict):
        return [
            problem
            for name, inner in found.items()
            for problem in _pointers(
                inner,
                pointer
                if name == "non_field_errors"
                else f"{pointer}/{str(name).replace('~', '~0').replace('/', '~1')}",
            )
        ]
    if isinstance(found, list):
        # A list holds either the faults of one member, or one entry per item of a list.
        leaves = all(_is_leaf(i) for i in found)
        return [
            problem
            for at, inner in enumerate(found)
            for problem in _pointers(inner, pointer if leaves else f"{pointer}/{at}")
        ]
    return [FieldProblem(pointer, str(found))]


def _parse_error(fault: drf.ParseError) -> ProblemAnswer:
    return ProblemAnswer(400, "malformed", str(fault.detail))


def _throttled(fault: drf.Throttled) -> ProblemAnswer:
    after = max(1, int(getattr(fault, "wait", None) or 1))
    return ProblemAnswer(
        429,
        "too_many",
        _("Too many calls. Wait %(seconds)d seconds and go on.") % {"seconds": after},
        data={"retry_after_s": after},
        headers={"Retry-After": str(after)},
        retryable=True,
    )


def _not_authenticated(fault: drf.APIException) -> ProblemAnswer:
    detail = (
        str(fault.detail)
        if isinstance(fault, drf.AuthenticationFailed)
        else _("Say who you are: log in, or send an API key as Authorization: Bearer <key>.")
    )
    header = getattr(fault, "auth_header", "") or 'Bearer realm="lastmile"'
    return ProblemAnswer(401, "not_authenticated", detail, headers={"WWW-Authenticate": header})


def _forbidden(fault: Any) -> ProblemAnswer:
    return ProblemAnswer(
        403, "not_allowed", str(getattr(fault, "detail", "")) or _("This is not allowed.")
    )


def _method(fault: drf.MethodNotAllowed) -> ProblemAnswer:
    return ProblemAnswer(
        405, "method_not_allowed", _("This address does not take that method; see Allow.")
    )


_MISSING = _plain(404, "not_found", lambda: unknown().detail)
_KNOWN: tuple[tuple[type[BaseException], Callable[[Any], ProblemAnswer]], ...] = (
    (drf.ValidationError, _validation),
    (drf.ParseError, _parse_error),
    (drf.NotAuthenticated, _not_authenticated),
    (drf.AuthenticationFailed, _not_authenticated),
    (drf.PermissionDenied, _forbidden),
    (PermissionDenied, _forbidden),
    (drf.NotFound, _MISSING),
    (Http404, _MISSING),
    (drf.MethodNotAllowed, _method),
    (
        drf.NotAcceptable,
        _plain(406, "not_acceptable", lambda: _("Only application/json is served here.")),
    ),
    (
        drf.UnsupportedMediaType,
        _plain(415, "unsupported_media_type", lambda: _("Send application/json, in UTF-8.")),
    ),
    (drf.Throttled, _throttled),
    (
        RequestDataTooBig,
        _plain(
            413,
            "too_large",
            lambda: _("The body is larger than one call may be. Send it in parts."),
        ),
    ),
    (
        UnreadablePostError,
        _plain(400, "malformed", lambda: _("The body broke off before its end. Send it again.")),
    ),
    (
        SuspiciousOperation,
        _plain(400, "malformed", lambda: _("The request is not well formed.")),
    ),
    (BadRequest, _plain(400, "malformed", lambda: _("The request is not well formed."))),
)

# Codes that are not a DomainError's; the page of problems shows them too.
CODES: tuple[tuple[str, int, str], ...] = (
    ("malformed", 400, "The request is not well formed."),
    ("not_authenticated", 401, "Nobody was recognised."),
    ("csrf_failed", 403, "A form that is out of date, or from elsewhere."),
    ("method_not_allowed", 405, "The address does not take that method."),
    ("not_acceptable", 406, "Only application/json is served."),
    ("erased", 410, "The kept answer named a person who has been erased since."),
    ("unsupported_media_type", 415, "Only application/json is taken."),
    ("internal", 500, "Our fault; the reference names it in our logs."),
)
