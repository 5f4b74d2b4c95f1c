"""The JSON parser of the API: UTF-8, finite numbers, no NUL, no lone surrogates, limited depth.

It refuses values with which PostgreSQL or a recursive function would fail later.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import IO, Any, NoReturn

from django.utils.translation import gettext as _
from rest_framework.exceptions import ParseError
from rest_framework.parsers import JSONParser

DEEPEST = 64


class StrictJSONParser(JSONParser):
    """The API's parser. Bodies over DATA_UPLOAD_MAX_MEMORY_SIZE raise RequestDataTooBig (413)."""

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        """Return the parsed body. Raises ParseError (400)."""
        request = (parser_context or {}).get("request")
        # Read it through .body, which limits the number of bytes; the stream itself does not.
        raw = request.body if request is not None else stream.read()
        return strict_json(raw)


def strict_json(raw: bytes) -> Any:
    """Return the value of a JSON text.

    Raises
    ------
    ParseError
        The text is not UTF-8 or not JSON, or it has a repeated member, an infinite number, a NUL,
        a lone surrogate or more than 64 levels.
    """
    try:
        text = raw.decode("utf-8-sig")
        value = json.loads(
            text, parse_constant=_refuse_constant, object_pairs_hook=_refuse_repeated
        )
    except UnicodeDecodeError:
        raise ParseError(
            _("The body is not UTF-8. Encode it as UTF-8 and send it again.")
        ) from None
    except RecursionError:
        raise ParseError(_too_deep()) from None
    except ValueError as fault:
        raise ParseError(_("The body is not JSON: %(fault)s.") % {"fault": fault}) from None
    _check(value, escapes="\\u" in text)
    return value


def _refuse_constant(word: str) -> NoReturn:
    raise ValueError(f"{word} is not a JSON number")


def _refuse_repeated(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return the members of an object as a dict; raise ParseError when a name occurs twice."""
    members = dict(pairs)
    if len(members) < len(pairs):
        names = [name for name, _value in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ParseError(
            _("The body contains %(name)s twice in one object. Keep only one.")
            % {"name": ascii(twice[:40])}
        )
    return members


def _too_deep() -> str:
    return _("The body is nested more than %(most)d levels deep.") % {"most": DEEPEST}


def _check(root: Any, *, escapes: bool) -> None:
    """Raise ParseError for a bad character, a huge number or too many levels.

    The walk is not recursive. Texts are checked only if the body has ``\\u`` escapes, since
    nothing else can produce a bad character.
    """
    level = [root]
    for _depth in range(DEEPEST + 1):
        below: list[Any] = []
        for value in level:
            if isinstance(value, dict):
                below.extend(value.values())
                if escapes:
                    below.extend(value)
            elif isinstance(value, list):
                below.extend(value)
            elif isinstance(value, str):
                if escapes:
                    _check_text(value)
            elif isinstance(value, float) and not math.isfinite(value):
                raise ParseError(_("A number in the body is too large."))
        if not below:
            return
        level = below
    raise ParseError(_too_deep())


def _check_text(text: str) -> None:
    if "\x00" in text:
        raise ParseError(_("A text in the body contains a NUL character. Remove it."))
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise ParseError(
            _("A text in the body contains half a character (a lone surrogate). Remove it.")
        ) from None
