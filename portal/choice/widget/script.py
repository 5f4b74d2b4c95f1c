"""Composes ``/widget.js``: one file without dependencies, made of the parts in ``source/``.

The file begins with constants of the retailer's host: its origin, the texts, and the locales in
which hours and amounts are written. So it works wherever and however a shop's page loads it.
"""

from __future__ import annotations

import gzip
import hashlib
import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from django.conf import settings

from lastmile.core.formatting import intl_tag
from portal.choice.widget.texts import all_texts

_SOURCE: Final = Path(__file__).parent / "source"
PARTS: Final = ("language.js", "client.js", "dom.js", "view.js", "picker.js")
STYLE: Final = "picker.css"
_RIGHT_TO_LEFT: Final = ("ar", "fa", "he", "ur")


@dataclass(frozen=True, slots=True)
class Script:
    """The script of one host: its bytes, the same compressed, and the version of its content."""

    content: bytes
    compressed: bytes
    version: str


@lru_cache(maxsize=256)
def script_of(origin: str, country: str) -> Script:
    """Return the script of a retailer's host.

    ``country`` (``CL``, "" if unknown) decides how a language without a region writes hours.
    """
    constants: dict[str, Any] = {
        "HOST": origin,
        "LOCALES": {code: intl_tag(code, country) for code, _n in settings.SHOPPER_LANGUAGES},
        "RIGHT_TO_LEFT": _RIGHT_TO_LEFT,
        "TEXTS": all_texts(),
        "CSS_TEXT": _read(STYLE),
    }
    lines = [
        f"const {name} = {json.dumps(value, ensure_ascii=False)};"
        for name, value in constants.items()
    ]
    body = "\n".join(["(() => {", '"use strict";', *lines, *map(_read, PARTS), "})();", ""])
    content = body.encode()
    version = hashlib.sha256(content).hexdigest()[:16]
    return Script(content, gzip.compress(content, 9, mtime=0), version)


def _read(name: str) -> str:
    return (_SOURCE / name).read_text(encoding="utf-8")
