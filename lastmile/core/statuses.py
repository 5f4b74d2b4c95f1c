"""A status is one tone, one icon and one word. ``settings.NAVIGATION`` lists them, once each."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.functional import Promise

from lastmile.core import navigation


@dataclass(frozen=True, slots=True)
class Status:
    """How a state is shown: CSS tone (``ok risk late failed idle active``), icon, word."""

    tone: str
    icon: str
    word: str | Promise


def statuses() -> dict[str, Status]:
    """Return every status by its code: the tables of all owners, merged."""
    return {
        code: status
        for table in navigation.status_tables().values()
        for code, status in table.items()
    }


def status_of(code: str) -> Status:
    """Return the status of a code; an unknown code is shown as itself, in grey, never hidden."""
    for table in navigation.status_tables().values():
        if code in table:
            found: Status = table[code]
            return found
    return Status("idle", "circle", str(code).replace("_", " ").capitalize())
