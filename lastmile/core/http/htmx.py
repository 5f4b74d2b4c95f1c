"""Helpers for responses to htmx requests."""

from __future__ import annotations

import json
from typing import Literal, TypeVar

from django.http import HttpRequest, HttpResponse

R = TypeVar("R", bound=HttpResponse)
Level = Literal["info", "success", "warning", "error"]


def is_fragment(request: HttpRequest) -> bool:
    """Return True if htmx asks for a fragment. A boosted or restored page is a whole page."""
    return (
        request.headers.get("HX-Request") == "true"
        and request.headers.get("HX-Boosted") != "true"
        and request.headers.get("HX-History-Restore-Request") != "true"
    )


def toast(response: R, text: str, level: Level = "success") -> R:
    """Add a short message to a response, as an event ``toast`` with ``{text, level}``."""
    triggers = json.loads(response.get("HX-Trigger", "{}"))
    triggers["toast"] = {"text": str(text), "level": level}
    response["HX-Trigger"] = json.dumps(triggers)  # ASCII: headers carry nothing else
    return response
