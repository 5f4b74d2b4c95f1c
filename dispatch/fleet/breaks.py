"""The breaks of a shift: their value class, their JSON form and their check."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from lastmile.core.errors import Problems

MAX_BREAKS = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Break:
    """A break that lasts ``duration_s`` and begins within [opens_at, closes_at]."""

    opens_at: dt.datetime
    closes_at: dt.datetime
    duration_s: int
    paid: bool = False

    def as_json(self) -> dict[str, Any]:
        """Return the form that is stored in the row: UTC instants in ISO 8601."""
        return {
            "opens_at": self.opens_at.astimezone(dt.UTC).isoformat(),
            "closes_at": self.closes_at.astimezone(dt.UTC).isoformat(),
            "duration_s": self.duration_s,
            "paid": self.paid,
        }

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> Break:
        """Return the break from its stored form; see :meth:`as_json`."""
        return cls(
            opens_at=dt.datetime.fromisoformat(stored["opens_at"]),
            closes_at=dt.datetime.fromisoformat(stored["closes_at"]),
            duration_s=stored["duration_s"],
            paid=stored["paid"],
        )


def check(breaks: Sequence[Break], starts_at: dt.datetime, ends_at: dt.datetime) -> None:
    """Check the breaks of a shift.

    Raises Invalid if there are more than MAX_BREAKS breaks, or if a break is too short or too long,
    could lie outside the shift, or could overlap another break.
    """
    problems = Problems()
    if len(breaks) > MAX_BREAKS:
        problems.add(
            "/breaks",
            _("A shift can have at most %(most)d breaks. Remove some.") % {"most": MAX_BREAKS},
        )
    last = starts_at
    for n, pause in enumerate(sorted(breaks, key=lambda b: b.opens_at)):
        long = dt.timedelta(seconds=pause.duration_s)
        if not 60 <= pause.duration_s <= 4 * 3600:
            problems.add(
                f"/breaks/{n}/duration_s",
                _("A break must last between one minute and four hours."),
            )
        elif pause.opens_at > pause.closes_at:
            problems.add(
                f"/breaks/{n}",
                _("The latest start of the break is before its earliest start. Check both times."),
            )
        elif pause.opens_at < last:
            problems.add(
                f"/breaks/{n}",
                _("The break could begin before the shift, or before the previous break ends. "
                  "Choose a later start."),
            )  # fmt: skip
        elif pause.closes_at + long > ends_at:
            problems.add(
                f"/breaks/{n}",
                _("The break could end after the shift. Choose an earlier start."),
            )
        last = pause.closes_at + long
    problems.raise_if_any()
