"""Problem responses (RFC 9457, ``application/problem+json``), made from any exception.

``problem_from`` gives each expected exception a status, a code and a sentence with the remedy. An
unexpected exception is logged with a reference, and the caller gets only this reference.
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
from django.utils.translation import ngettext
from rest_framework import exceptions as drf
from rest_framework.response import Response

from lastmile.core.errors import DomainError, FieldProblem, Unavailable
from lastmile.core.formatting import number
from lastmile.core.refusals import unknown

MEDIA_TYPE = "application/problem+json"
log = logging.getLogger("lastmile.problems")
# Serialisation failure and deadlock: the same call succeeds when it is repeated.
RETRY_AT_ONCE = frozenset({"40001", "40P01"})


@dataclass(frozen=True, slots=True)
class ProblemAnswer:
    """The content of a problem response."""

    status: int
    code: str
    detail: str
    errors: tuple[FieldProblem, ...] = ()
    data: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    retryable: bool = False

    def body(self) -> dict[str, Any]:
        """Return the members of RFC 9457 plus our own. Members of ``data`` never overwrite them."""
        members: dict[str, Any] = dict(self.data)
        members |= {
            "type": f"{reverse('api:problems')}#{self.code}",
            "title": self.code.replace("_", " ").capitalize(),
            "status": self.status,
            "code": self.code,
            "detail": self.detail,
        }
        if self.errors:
            members["errors"] = [
                {"pointer": e.pointer, "code": e.code, "detail": e.detail} for e in self.errors
            ]
        return members


def sqlstate(fault: BaseException) -> str:
    """Return PostgreSQL's five-character error code of a Django database error, or ``""``."""
    return getattr(fault.__cause__, "sqlstate", None) or getattr(fault, "sqlstate", None) or ""


def problem_from(fault: BaseException) -> ProblemAnswer:
    """Return the problem for an exception. An unexpected exception is logged and gives 500."""
    return known_problem(fault) or _unexpected(fault)


def known_problem(fault: BaseException) -> ProblemAnswer | None:
    """Return the problem for an expected exception, or None for an unexpected one."""
    if isinstance(fault, DomainError):
        return _from_domain(fault)
    for kind, say in _KNOWN:
        if isinstance(fault, kind):
            return say(fault)
    if isinstance(fault, DatabaseError | InterfaceError):
        return _from_database(fault)
    return None


def problem_response(problem: ProblemAnswer) -> Response:
    """Return the DRF response of a problem."""
    response = Response(
        problem.body(),
        status=problem.status,
        headers=dict(problem.headers) or None,
        content_type=MEDIA_TYPE,
    )
    response.retryable = problem.retryable  # type: ignore[attr-defined]
    return response


def plain_problem_response(problem: ProblemAnswer) -> HttpResponse:
    """Return the Django response of a problem, for code outside DRF (middleware, unknown URLs)."""
    return JsonResponse(
        problem.body(),
        status=problem.status,
        headers=dict(problem.headers) or None,
        content_type=MEDIA_TYPE,
    )


def drf_exception_handler(fault: Exception, context: Mapping[str, Any]) -> Response:
    """Turn every exception of an API view into a problem response (DRF's EXCEPTION_HANDLER)."""
    return problem_response(problem_from(fault))


def unavailable(detail: str = "", *, after_s: int = 2) -> ProblemAnswer:
    """Return the problem 503 with Retry-After."""
    return ProblemAnswer(
        503,
        "unavailable",
        detail or _("The service is temporarily unavailable. Try again in a minute."),
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
        log.warning("PostgreSQL refused a value that passed the serializers", exc_info=fault)
        return ProblemAnswer(
            422, "invalid", _("A value is out of range or contains a forbidden character.")
        )
    if isinstance(fault, OperationalError | InterfaceError):
        log.warning("PostgreSQL is unavailable or refused (%s)", sqlstate(fault) or "no code")
        return unavailable()
    return None


def _unexpected(fault: BaseException) -> ProblemAnswer:
    reference = secrets.token_hex(6)
    log.error("Unexpected error %s", reference, exc_info=fault)
    return ProblemAnswer(
        500,
        "internal",
        _(
            "Something went wrong on our side. Nothing was changed. Try again. "
            "If it happens again, give support this reference: %(reference)s."
        )
        % {"reference": reference},
        data={"reference": reference},
    )


def _plain(status: int, code: str, say: Callable[[], str]) -> Callable[[Any], ProblemAnswer]:
    return lambda fault: ProblemAnswer(status, code, say())


def field_problems(fault: drf.ValidationError) -> list[FieldProblem]:
    """Return DRF's nested errors as a flat list of problems, each with its JSON pointer."""
    return list(_pointers(fault.get_full_details(), ""))


def _validation(fault: drf.ValidationError) -> ProblemAnswer:
    return ProblemAnswer(
        422,
        "invalid",
        _("Some values are not valid; see errors."),
        tuple(field_problems(fault)),
    )


def _is_leaf(detail: Any) -> bool:
    """Return True for one error, not for a serializer with fields ``message`` and ``code``."""
    return (
        isinstance(detail, dict)
        and set(detail) == {"message", "code"}
        and isinstance(detail["message"], str)
    )


def _pointers(detail: Any, pointer: str) -> list[FieldProblem]:
    """Flatten DRF's nested details to one problem per error, with its RFC 6901 pointer."""
    if _is_leaf(detail):
        return [FieldProblem(pointer, str(detail["message"]), str(detail["code"]))]
    if isinstance(detail, dict):
        return [
            problem
            for name, inner in detail.items()
            for problem in _pointers(
                inner,
                pointer
                if name == "non_field_errors"
                else f"{pointer}/{str(name).replace('~', '~0').replace('/', '~1')}",
            )
        ]
    if isinstance(detail, list):
        # A list has either the errors of one member, or one entry per item of a list.
        leaves = all(_is_leaf(i) for i in detail)
        return [
            problem
            for at, inner in enumerate(detail)
            for problem in _pointers(inner, pointer if leaves else f"{pointer}/{at}")
        ]
    return [FieldProblem(pointer, str(detail))]


def _parse_error(fault: drf.ParseError) -> ProblemAnswer:
    return ProblemAnswer(400, "malformed", str(fault.detail))


def _throttled(fault: drf.Throttled) -> ProblemAnswer:
    after = max(1, int(getattr(fault, "wait", None) or 1))
    return ProblemAnswer(
        429,
        "too_many",
        ngettext(
            "Too many calls. Wait one second and try again.",
            "Too many calls. Wait %(seconds)s seconds and try again.",
            after,
        )
        % {"seconds": number(after)},
        data={"retry_after_s": after},
        headers={"Retry-After": str(after)},
        retryable=True,
    )


def _not_authenticated(fault: drf.APIException) -> ProblemAnswer:
    detail = (
        str(fault.detail)
        if isinstance(fault, drf.AuthenticationFailed)
        else _("Sign in, or send an API key as Authorization: Bearer <key>.")
    )
    header = getattr(fault, "auth_header", "") or 'Bearer realm="lastmile"'
    return ProblemAnswer(401, "not_authenticated", detail, headers={"WWW-Authenticate": header})


def _forbidden(fault: Any) -> ProblemAnswer:
    return ProblemAnswer(
        403,
        "not_allowed",
        str(getattr(fault, "detail", "")) or _("You are not allowed to do this."),
    )


def _method(fault: drf.MethodNotAllowed) -> ProblemAnswer:
    return ProblemAnswer(
        405, "method_not_allowed", _("This address does not accept this method; see Allow.")
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
        _plain(406, "not_acceptable", lambda: _("The API answers in application/json only.")),
    ),
    (
        drf.UnsupportedMediaType,
        _plain(415, "unsupported_media_type", lambda: _("Send application/json in UTF-8.")),
    ),
    (drf.Throttled, _throttled),
    (
        RequestDataTooBig,
        _plain(
            413,
            "too_large",
            lambda: _("The body is too large for one call. Send it in parts."),
        ),
    ),
    (
        UnreadablePostError,
        _plain(400, "malformed", lambda: _("The body is incomplete. Send it again.")),
    ),
    (
        SuspiciousOperation,
        _plain(400, "malformed", lambda: _("The request is malformed.")),
    ),
    (BadRequest, _plain(400, "malformed", lambda: _("The request is malformed."))),
)

# Codes without a DomainError of their own; the page of problem codes lists them too.
CODES: tuple[tuple[str, int, str], ...] = (
    ("malformed", 400, "The request is malformed."),
    ("not_authenticated", 401, "The request has no valid session or API key."),
    ("csrf_failed", 403, "The form has expired or comes from another site."),
    ("method_not_allowed", 405, "The address does not accept this method."),
    ("not_acceptable", 406, "The API answers in application/json only."),
    ("erased", 410, "The stored answer contained a person whose data has been erased since."),
    ("unsupported_media_type", 415, "The API accepts application/json only."),
    ("internal", 500, "An error on our side; the reference finds it in our logs."),
)
