"""Refuse by name what an operation does not know: body fields and query parameters.

A misspelt field that is ignored is a promise lost in silence: ``windows`` instead of ``window``
would make an order without a window. What an operation takes is read from its OpenAPI
declaration, so the document and the refusal cannot differ.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from typing import Any

from django.core.exceptions import SuspiciousOperation
from django.http import HttpRequest
from django.http.multipartparser import MultiPartParserError
from django.utils.translation import gettext as _
from rest_framework import serializers
from rest_framework.exceptions import UnsupportedMediaType, ValidationError
from rest_framework.request import Request

from lastmile.core.errors import FieldProblem, Invalid
from lastmile.core.http.problems import field_problems

UNKNOWN = "unknown"
_NAMED = 20  # unknown names listed in one answer; a hostile body may hold thousands
_LONGEST_NAME = 80
_FORMS = frozenset({"multipart/form-data", "application/x-www-form-urlencoded"})


@dataclass(frozen=True, slots=True)
class Declared:
    """What one operation takes.

    Parameters
    ----------
    query : frozenset of str
        Names of its query parameters.
    body : bool
        Whether it takes a body.
    """

    query: frozenset[str]
    body: bool


@cache
def declared(view: Any, method: str) -> Declared:
    """Return what an operation's OpenAPI declaration says that it takes.

    Parameters
    ----------
    view : type[APIView]
        The view's class.
    method : str
        ``get``, ``post`` … in small letters; the class has such a method.
    """
    declaration = getattr(getattr(view, method), "kwargs", {}).get("schema")
    if declaration is None:
        return Declared(frozenset(), body=False)
    schema = declaration()
    instance = view(request=None, args=(), kwargs={}, format_kwarg=None)
    schema.view, schema.method, schema.path = instance, method.upper(), ""
    query = {p.name for p in schema.get_override_parameters() if p.location == "query"}
    body = method != "get" and schema.get_request_serializer() is not None
    return Declared(frozenset(query), body)


def refuse_undeclared(request: Request, takes: Declared) -> None:
    """Raise Invalid for query parameters, and for a body, that the operation does not take."""
    problems = [
        FieldProblem(f"?{name}", _no_such(name, takes.query), UNKNOWN)
        for name in list(request.query_params)[: _NAMED + 1]
        if name not in takes.query
    ]
    problems += [
        FieldProblem(f"?{name}", _("%(name)s is given twice. Keep one.") % {"name": name}, "twice")
        for name in takes.query
        if len(request.query_params.getlist(name)) > 1
    ]
    if not takes.body:
        text = _("This call takes no body. Leave it out.")
        names = _members(request)
        problems += [FieldProblem(f"/{_escaped(n)}" if n else "", text, UNKNOWN) for n in names]
    if problems:
        raise Invalid(problems[0].detail, errors=problems)


def _members(request: Request) -> list[str]:
    """Names of what the body of a call holds; [""] for a body that has none, [] without a body.

    An empty JSON object, and a form without fields, are no body: some clients always send one.
    Raises UnsupportedMediaType for a body of another kind than JSON.
    """
    if request.method not in {"POST", "PUT", "PATCH", "DELETE"}:
        return []
    kind = (request.content_type or "").partition(";")[0].strip().lower()
    if kind == "application/json":
        if isinstance(request.data, Mapping):
            return [str(name) for name in list(request.data)[:_NAMED]]
        return [""] if request.data else []
    if kind in _FORMS and request.method == "POST":
        brought = _holds_fields(request._request)  # noqa: SLF001  the API itself reads no form
    else:
        brought = int(request.META.get("CONTENT_LENGTH") or 0) > 0
    if brought:
        raise UnsupportedMediaType(kind)
    return []


def _holds_fields(form: HttpRequest) -> bool:
    """Whether a form has fields, or is one that cannot be read."""
    try:
        return bool(form.POST or form.FILES)
    except (MultiPartParserError, SuspiciousOperation):
        return True


def validated(shape: serializers.BaseSerializer[Any]) -> Any:
    """Return the validated value of a bound serializer. Raises Invalid with every fault at once."""
    unknown = list(unknown_fields(shape, shape.initial_data))[:_NAMED]  # type: ignore[attr-defined]
    if shape.is_valid(raise_exception=not unknown):
        if not unknown:
            return shape.validated_data
        found: list[FieldProblem] = []
    else:
        faults: Any = shape.errors
        found = field_problems(ValidationError(faults))
    raise Invalid(_("Some values do not fit; see errors."), errors=[*unknown, *found])


def unknown_fields(
    shape: serializers.BaseSerializer[Any], data: Any, pointer: str = ""
) -> Iterator[FieldProblem]:
    """Yield the members of a body that its shape does not know, nested ones too."""
    if isinstance(shape, serializers.ListSerializer):
        child: Any = shape.child
        for at, item in enumerate(data if isinstance(data, list) else ()):
            yield from unknown_fields(child, item, f"{pointer}/{at}")
        return
    if not isinstance(shape, serializers.Serializer) or not isinstance(data, Mapping):
        return
    taken = {name: field for name, field in shape.fields.items() if not field.read_only}
    for name, value in data.items():
        field = taken.get(name)
        where = f"{pointer}/{_escaped(str(name))}"
        if field is None:
            yield FieldProblem(where, _no_such(str(name), taken), UNKNOWN)
        elif isinstance(field, serializers.BaseSerializer):
            yield from unknown_fields(field, value, where)


def _no_such(name: str, known: Collection[str]) -> str:
    shown = name[:_LONGEST_NAME]
    meant = get_close_matches(shown, known, n=1)
    if meant:
        return _("%(name)s is not known here. Did you mean %(meant)s?") % {
            "name": shown,
            "meant": meant[0],
        }
    if not known:
        return _("%(name)s is not known here. Leave it out.") % {"name": shown}
    return _("%(name)s is not known here. Use only: %(words)s.") % {
        "name": shown,
        "words": ", ".join(sorted(known)),
    }


def _escaped(name: str) -> str:
    return name[:_LONGEST_NAME].replace("~", "~0").replace("/", "~1")
