"""Set the clock of a sandbox retailer: its time, its rate, or back to the real time."""

from __future__ import annotations

import datetime as dt
from typing import ClassVar, Final

from django.db import transaction
from django.utils.translation import gettext as _

from lastmile.core.clock import UTC, RetailerClock, real_now
from lastmile.core.errors import Conflict, FieldProblem, Invalid
from lastmile.core.events import record
from tenants.events import CLOCK_SET, ClockSetFacts
from tenants.models import Retailer
from tenants.people.services import audit
from tenants.selectors import clock_of, row_of

EARLIEST: Final = dt.datetime(2000, 1, 1, tzinfo=UTC)
LATEST: Final = dt.datetime(2100, 1, 1, tzinfo=UTC)
FASTEST: Final = 3600.0  # one hour per second; faster, a day ends before a job has run


class NotASandbox(Conflict):
    """The retailer is not a sandbox, so its clock cannot be set."""

    code: ClassVar[str] = "no_sandbox"


def set_clock(
    schema: str, *, at: dt.datetime | None = None, rate: float | None = None, real: bool = False
) -> Retailer:
    """Set the clock of a sandbox retailer; with `real` the clock shows the real time again.

    Without `at` the clock continues from its current time. Without `rate` it keeps its rate. Call
    it in the operator's schema. Locks: the row. Records: retailer.clock_set, an audit entry.
    Raises: NotFound; NotASandbox; Invalid.
    """
    if real == (at is not None or rate is not None):
        raise Invalid(_("Give a time or a rate for the clock, or choose the real time."))
    with transaction.atomic():
        row = row_of(Retailer.objects.select_for_update(), schema)
        if not row.is_sandbox:
            raise NotASandbox(
                _(
                    "%(name)s is not a sandbox, so its clock cannot be set. To try things out,"
                    " open a retailer with --sandbox."
                )
                % {"name": row.name}
            )
        set_at = real_now()
        before = clock_of(row)
        if real:
            row.clock_set_at, row.clock_shows, row.clock_rate = None, None, 1.0
        else:
            current = before or RetailerClock(set_at, set_at)
            row.clock_set_at = set_at
            row.clock_shows = _checked_at(at) if at else current.at(set_at)
            row.clock_rate = current.rate if rate is None else _checked_rate(rate)
        row.version += 1
        row.save()
        changes = {"clock": (_clock_text(before, set_at), _clock_text(clock_of(row), set_at))}
        record(CLOCK_SET, ClockSetFacts(rate=row.clock_rate, real=real), subject=row.public_id)
        audit("retailer.clock_set", row.public_id, changes)
    return row


def _checked_at(at: dt.datetime) -> dt.datetime:
    if at.tzinfo is None or not EARLIEST <= at <= LATEST:
        raise Invalid(
            _("Give a time from 2000 to 2099 with its UTC offset, for example 2026-11-23T08:00Z."),
            errors=[FieldProblem("/at", _("Give a time with its UTC offset."))],
        )
    return at.astimezone(UTC)


def _checked_rate(rate: float) -> float:
    if not 0 < rate <= FASTEST:
        raise Invalid(
            _("The rate must be above 0 and at most 3,600 (one hour per second)."),
            errors=[FieldProblem("/rate", _("Choose a rate above 0 and at most 3,600."))],
        )
    return rate


def _clock_text(clock: RetailerClock | None, real: dt.datetime) -> str:
    return "real" if clock is None else f"{clock.at(real).isoformat()} x{clock.rate:g}"
