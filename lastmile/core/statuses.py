"""Statuses: a tone, an icon and a word for each status code.

``settings.NAVIGATION`` names the module that lists them.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.functional import Promise

from lastmile.core import navigation


@dataclass(frozen=True, slots=True)
class Status:
    """The look of a status: CSS tone (``ok risk late failed idle active``), icon and word."""

    tone: str
    icon: str
    word: str | Promise


def statuses() -> dict[str, Status]:
    """Return code -> status, from the tables of all owners."""
    return {
        code: status
        for table in navigation.status_tables().values()
        for code, status in table.items()
    }


def status_of(code: str) -> Status:
    """Return the status of a code. For an unknown code it is grey, with the code as its word."""
    for table in navigation.status_tables().values():
        if code in table:
            status: Status = table[code]
            return status
    return Status("idle", "circle", str(code).replace("_", " ").capitalize())
