"""What the htmx pages need from the server."""

from __future__ import annotations

import json
from typing import Literal, TypeVar

from django.http import HttpRequest, HttpResponse

R = TypeVar("R", bound=HttpResponse)
Level = Literal["info", "success", "warning", "error"]


def is_fragment(request: HttpRequest) -> bool:
    """Tell whether htmx asks for a fragment (a boosted or restored page is a whole page)."""
    return (
        request.headers.get("HX-Request") == "true"
        and request.headers.get("HX-Boosted") != "true"
        and request.headers.get("HX-History-Restore-Request") != "true"
    )


def toast(response: R, text: str, level: Level = "success") -> R:
    """Add a passing message: the browser gets an event ``toast`` with ``{text, level}``."""
    told = json.loads(response.get("HX-Trigger", "{}"))
    told["toast"] = {"text": str(text), "level": level}
    response["HX-Trigger"] = json.dumps(told)  # ASCII: headers carry nothing else
    return response
