"""The options that ``manage.py seed_demo`` passes to the functions that make the demo data.

The command calls two rolls of the switchboard:

``OPEN_DEMO``  functions ``def f(demo: Demo) -> Mapping``, run in the reserved retailer ``house``.
               They load the streets and open the demo retailers.
``SEED_DEMO``  functions of the same form, run in each demo retailer, in the order of the roll.

Each function may be run again, also after an interruption. It changes nothing that exists and adds
what is missing.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass

from lastmile.core.clock import local_date, now
from lastmile.core.tenancy import current_retailer


@dataclass(frozen=True, slots=True, kw_only=True)
class Demo:
    """The options of the demo.

    Parameters
    ----------
    schemas : tuple of str
        Schemas of the demo retailers to fill; () for all.
    seed : int
        Seed of the random orders. The same seed and streets give the same orders.
    orders : int or None
        Orders per retailer and day; None uses each retailer's default.
    report : callable
        Called with one line of progress.
    """

    schemas: tuple[str, ...] = ()
    seed: int = 1
    orders: int | None = None
    report: Callable[[str], None] = lambda _line: None

    def means(self, schema: str) -> bool:
        """Return True if the demo data is to be added to the retailer of this schema."""
        return not self.schemas or schema in self.schemas


#: Days from today for which the demo has shifts, so that shoppers can choose among some days.
SHIFT_DAYS = 7


def shift_days() -> list[dt.date]:
    """Return the days for which the demo has shifts, in the time zone of the retailer."""
    today, _tomorrow = demo_days()
    return [today + dt.timedelta(days=n) for n in range(SHIFT_DAYS)]


def demo_days() -> tuple[dt.date, dt.date]:
    """Return today and tomorrow in the time zone of the current retailer."""
    today = local_date(now(), current_retailer().zone)
    return today, today + dt.timedelta(days=1)
