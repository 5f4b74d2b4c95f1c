"""A status is one tone, one icon and one word, defined here and nowhere else."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import pgettext_lazy


@dataclass(frozen=True, slots=True)
class Status:
    """How a state is shown: CSS tone (``ok risk late failed idle active``), icon, word."""

    tone: str
    icon: str
    word: str | Promise


STATUSES: dict[str, Status] = {
    # an order's life
    "new": Status("idle", "circle-dashed", pgettext_lazy("status", "New")),
    "needs_pin": Status("risk", "map-pin-off", pgettext_lazy("status", "Needs a pin")),
    "placed": Status("risk", "circle-dashed", pgettext_lazy("status", "No hub or date")),
    "ready": Status("idle", "circle-dot", pgettext_lazy("status", "To plan")),
    "promised": Status("idle", "calendar-days", pgettext_lazy("status", "Promised")),
    "planned": Status("active", "route", pgettext_lazy("status", "Planned")),
    "published": Status("active", "send", pgettext_lazy("status", "Published")),
    "loaded": Status("active", "package-check", pgettext_lazy("status", "Loaded")),
    "out": Status("active", "truck", pgettext_lazy("status", "On its way")),
    "delivered": Status("ok", "circle-check", pgettext_lazy("status", "Delivered")),
    "returned": Status("idle", "undo-2", pgettext_lazy("status", "Returned")),
    "cancelled": Status("idle", "ban", pgettext_lazy("status", "Cancelled")),
    "unserved": Status("risk", "triangle-alert", pgettext_lazy("status", "Not planned")),
    # against the promise
    "on_time": Status("ok", "circle-check", pgettext_lazy("status", "On time")),
    "at_risk": Status("risk", "clock-alert", pgettext_lazy("status", "At risk")),
    "late": Status("late", "clock-alert", pgettext_lazy("status", "Late")),
    # plans, jobs, people, retailers
    "draft": Status("idle", "pencil", pgettext_lazy("status", "Draft")),
    "discarded": Status("idle", "ban", pgettext_lazy("status", "Discarded")),
    "superseded": Status("idle", "history", pgettext_lazy("status", "Superseded")),
    "queued": Status("idle", "clock", pgettext_lazy("status", "Waiting")),
    "running": Status("active", "loader", pgettext_lazy("status", "Working")),
    "succeeded": Status("ok", "circle-check", pgettext_lazy("status", "Done")),
    "failed": Status("failed", "circle-x", pgettext_lazy("status", "Failed")),
    "active": Status("ok", "circle-check", pgettext_lazy("status", "Active")),
    "suspended": Status("risk", "circle-pause", pgettext_lazy("status", "Suspended")),
    "closed": Status("idle", "lock", pgettext_lazy("status", "Closed")),
    "revoked": Status("idle", "ban", pgettext_lazy("status", "Revoked")),
    "invited": Status("idle", "send", pgettext_lazy("status", "Invited")),
}


def status_of(code: str) -> Status:
    """The status of a code; an unknown code is shown as itself, in grey, and never hidden."""
    found = STATUSES.get(code)
    return found or Status("idle", "circle", str(code).replace("_", " ").capitalize())
