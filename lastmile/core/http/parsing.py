"""JSON as it may enter the house: UTF-8, finite numbers, no NUL, no half characters, not too deep.

What PostgreSQL or a recursive walk would choke on later is refused here, with its reason.
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
    """The API's parser; bodies over DATA_UPLOAD_MAX_MEMORY_SIZE raise RequestDataTooBig (413)."""

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        """Return the parsed body. Raises ParseError (400)."""
        request = (parser_context or {}).get("request")
        # Through .body, because it counts the bytes; the bare stream does not.
        raw = request.body if request is not None else stream.read()
        return strict_json(raw)


def strict_json(raw: bytes) -> Any:
    """Return the value of a JSON text.

    Raises
    ------
    ParseError
        Not UTF-8, not JSON, a member that stands twice in one object, a number without end, a
        NUL, half of a surrogate pair, or more than 64 levels deep.
    """
    try:
        text = raw.decode("utf-8-sig")
        found = json.loads(
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
    _check(found, escapes="\\u" in text)
    return found


def _refuse_constant(word: str) -> NoReturn:
    raise ValueError(f"{word} is not a JSON number")


def _refuse_repeated(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Make an object of its members. Which of two of one name is meant, nobody knows."""
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _value in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ParseError(
            _("The body names %(name)s twice in one object. Keep one of them.")
            % {"name": ascii(twice[:40])}
        )
    return found


def _too_deep() -> str:
    return _("The body is nested more than %(most)d levels deep.") % {"most": DEEPEST}


def _check(found: Any, *, escapes: bool) -> None:
    """Walk without recursion. Bad characters can only have come from ``\\u`` escapes."""
    level = [found]
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
                raise ParseError(_("A number in the body is too large to be held."))
        if not below:
            return
        level = below
    raise ParseError(_too_deep())


def _check_text(text: str) -> None:
    if "\x00" in text:
        raise ParseError(_("A text in the body holds a NUL character. Leave it out."))
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise ParseError(
            _("A text in the body holds half of a character (a lone surrogate).")
        ) from None
