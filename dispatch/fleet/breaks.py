"""Breaks of a shift, as rows keep them and as planning reads them."""

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
    """A pause of ``duration_s`` that begins within [opens_at, closes_at]."""

    opens_at: dt.datetime
    closes_at: dt.datetime
    duration_s: int
    paid: bool = False

    def as_json(self) -> dict[str, Any]:
        """Return the form the row keeps: UTC instants in ISO 8601."""
        return {
            "opens_at": self.opens_at.astimezone(dt.UTC).isoformat(),
            "closes_at": self.closes_at.astimezone(dt.UTC).isoformat(),
            "duration_s": self.duration_s,
            "paid": self.paid,
        }

    @classmethod
    def from_json(cls, kept: dict[str, Any]) -> Break:
        """Read back what :meth:`as_json` wrote."""
        return cls(
            opens_at=dt.datetime.fromisoformat(kept["opens_at"]),
            closes_at=dt.datetime.fromisoformat(kept["closes_at"]),
            duration_s=kept["duration_s"],
            paid=kept["paid"],
        )


def check(breaks: Sequence[Break], starts_at: dt.datetime, ends_at: dt.datetime) -> None:
    """Raise Invalid unless every break fits the shift and they do not overlap."""
    problems = Problems()
    if len(breaks) > MAX_BREAKS:
        problems.add("/breaks", _("A shift has at most %(most)d breaks.") % {"most": MAX_BREAKS})
    last = starts_at
    for n, pause in enumerate(sorted(breaks, key=lambda b: b.opens_at)):
        long = dt.timedelta(seconds=pause.duration_s)
        if not 60 <= pause.duration_s <= 4 * 3600:
            problems.add(f"/breaks/{n}/duration_s", _("A break lasts one minute to four hours."))
        elif pause.opens_at > pause.closes_at:
            problems.add(f"/breaks/{n}", _("The break closes before it opens."))
        elif pause.opens_at < last:
            problems.add(
                f"/breaks/{n}",
                _("The break may begin before the shift, or before an earlier break has ended."),
            )
        elif pause.closes_at + long > ends_at:
            problems.add(
                f"/breaks/{n}", _("The break may end after the shift; let it close earlier.")
            )
        last = pause.closes_at + long
    problems.raise_if_any()
