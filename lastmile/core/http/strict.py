"""Refuse body fields and query parameters that an operation does not know.

A misspelt field must not be ignored: ``windows`` instead of ``window`` would give an order without
a time window. The known names are read from the OpenAPI declaration of the operation, so the
API document and these checks always agree.
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
_NAMED = 20  # unknown names listed in one answer; a hostile body may have thousands
_LONGEST_NAME = 80
_FORMS = frozenset({"multipart/form-data", "application/x-www-form-urlencoded"})


@dataclass(frozen=True, slots=True)
class Declared:
    """The parameters and body that one operation accepts.

    Parameters
    ----------
    query : frozenset of str
        Names of its query parameters.
    body : bool
        True if the operation accepts a body.
    """

    query: frozenset[str]
    body: bool


@cache
def declared(view: Any, method: str) -> Declared:
    """Return the parameters and body that an operation's OpenAPI declaration accepts.

    Parameters
    ----------
    view : type[APIView]
        The view's class.
    method : str
        ``get``, ``post`` … in lower case; the class must have this method.
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
    """Raise Invalid for query parameters or a body that the operation does not accept."""
    problems = [
        FieldProblem(f"?{name}", _no_such(name, takes.query), UNKNOWN)
        for name in list(request.query_params)[: _NAMED + 1]
        if name not in takes.query
    ]
    problems += [
        FieldProblem(f"?{name}", _("%(name)s occurs twice. Keep one.") % {"name": name}, "twice")
        for name in takes.query
        if len(request.query_params.getlist(name)) > 1
    ]
    if not takes.body:
        text = _("This call does not accept a body. Remove it.")
        names = _members(request)
        problems += [FieldProblem(f"/{_escaped(n)}" if n else "", text, UNKNOWN) for n in names]
    if problems:
        raise Invalid(problems[0].detail, errors=problems)


def _members(request: Request) -> list[str]:
    """Return the names of the members of a body; [""] for JSON that is not an object.

    Without a body the result is []. An empty JSON object and a form without fields count as no
    body, because some clients always send one. Raises UnsupportedMediaType for a body that is not
    JSON.
    """
    if request.method not in {"POST", "PUT", "PATCH", "DELETE"}:
        return []
    kind = (request.content_type or "").partition(";")[0].strip().lower()
    if kind == "application/json":
        if isinstance(request.data, Mapping):
            return [str(name) for name in list(request.data)[:_NAMED]]
        return [""] if request.data else []
    if kind in _FORMS and request.method == "POST":
        has_body = _holds_fields(request._request)  # noqa: SLF001  DRF's request parses no forms here
    else:
        has_body = int(request.META.get("CONTENT_LENGTH") or 0) > 0
    if has_body:
        raise UnsupportedMediaType(kind)
    return []


def _holds_fields(form: HttpRequest) -> bool:
    """Return True if a form has fields, or cannot be read."""
    try:
        return bool(form.POST or form.FILES)
    except (MultiPartParserError, SuspiciousOperation):
        return True


def validated(shape: serializers.BaseSerializer[Any]) -> Any:
    """Return the validated data of a serializer. Raises Invalid with all errors at once."""
    _name_choices(shape)
    unknown = list(unknown_fields(shape, shape.initial_data))[:_NAMED]  # type: ignore[attr-defined]
    if shape.is_valid(raise_exception=not unknown):
        if not unknown:
            return shape.validated_data
        problems: list[FieldProblem] = []
    else:
        faults: Any = shape.errors
        problems = field_problems(ValidationError(faults))
    raise Invalid(_("Some values are not valid; see errors."), errors=[*unknown, *problems])


def _name_choices(field: serializers.Field[Any, Any, Any, Any]) -> None:
    """Let a field that refuses a choice name the choices, also nested. Changes this field only."""
    if isinstance(field, serializers.ChoiceField):
        words = [str(value) for value in field.choices if value != ""]
        text = _("Use one of: %(known)s.") % {"known": ", ".join(words)}
        field.error_messages["invalid_choice"] = text.replace("{", "{{").replace("}", "}}")
    elif isinstance(field, serializers.Serializer):
        for inner in field.fields.values():
            _name_choices(inner)
    elif isinstance(field, serializers.ListField | serializers.ListSerializer) and field.child:
        _name_choices(field.child)


def unknown_fields(
    shape: serializers.BaseSerializer[Any], data: Any, pointer: str = ""
) -> Iterator[FieldProblem]:
    """Yield a problem for each member of a body that its serializer does not know, also nested."""
    if isinstance(shape, serializers.ListSerializer):
        child: Any = shape.child
        for at, item in enumerate(data if isinstance(data, list) else ()):
            yield from unknown_fields(child, item, f"{pointer}/{at}")
        return
    if not isinstance(shape, serializers.Serializer) or not isinstance(data, Mapping):
        return
    writable = {name: field for name, field in shape.fields.items() if not field.read_only}
    for name, value in data.items():
        field = writable.get(name)
        where = f"{pointer}/{_escaped(str(name))}"
        if field is None:
            yield FieldProblem(where, _no_such(str(name), writable), UNKNOWN)
        elif isinstance(field, serializers.BaseSerializer):
            yield from unknown_fields(field, value, where)


def _no_such(name: str, allowed: Collection[str]) -> str:
    short = name[:_LONGEST_NAME]
    similar = get_close_matches(short, allowed, n=1)
    if similar:
        return _("%(name)s is unknown here. Did you mean %(meant)s?") % {
            "name": short,
            "meant": similar[0],
        }
    if not allowed:
        return _("%(name)s is unknown here. Remove it.") % {"name": short}
    return _("%(name)s is unknown here. Use only: %(words)s.") % {
        "name": short,
        "words": ", ".join(sorted(allowed)),
    }


def _escaped(name: str) -> str:
    return name[:_LONGEST_NAME].replace("~", "~0").replace("/", "~1")
