"""Between JSON pointers and form fields: a refusal of a service finds the field it speaks of."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from lastmile.core.errors import DomainError


def pointed(act: Callable[[], Any], fields: Mapping[str, str]) -> Callable[[], Any]:
    """Return the act with its refusals pointing at form fields: ``/shopper/phone`` -> ``/phone``.

    The longest entry of ``fields`` that begins a pointer wins; what none begins stays.
    """

    def acted() -> Any:
        try:
            return act()
        except DomainError as refused:
            refused.errors = tuple(
                replace(error, pointer=_field(error.pointer, fields)) for error in refused.errors
            )
            raise

    return acted


def _field(pointer: str, fields: Mapping[str, str]) -> str:
    path = pointer.strip("/")
    for start in sorted(fields, key=len, reverse=True):
        if path == start or path.startswith(f"{start}/"):
            return f"/{fields[start]}"
    return pointer
