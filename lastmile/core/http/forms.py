"""Between Django's forms and services: a refusal is written beside the field it speaks of."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.forms import Form

from lastmile.core.errors import DomainError


def tried(form: Form, act: Callable[[], Any]) -> Any | None:
    """Act if the form is well shaped; return what came of it (or True), None when refused."""
    if not form.is_valid():
        return None
    try:
        return act() or True
    except DomainError as refused:
        placed = False
        for problem in refused.errors:
            parts = problem.pointer.strip("/").split("/")
            name = next((part for part in reversed(parts) if part in form.fields), None)
            if name is not None:
                form.add_error(name, problem.detail)
                placed = True
        if not placed:
            form.add_error(None, str(refused.detail))
        return None


def status_of(form: Form) -> int:
    """Return 422 for a form that was sent and refused, else 200."""
    return 422 if form.is_bound and not form.is_valid() else 200
