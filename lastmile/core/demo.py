"""What every room is told when the demo is sown: ``manage.py seed_demo`` walks two rolls.

``OPEN_DEMO``  functions ``def room(demo: Demo) -> Mapping``, standing in the house: what retailers
               stand on, and the retailers themselves.
``SEED_DEMO``  the same, once in each demo retailer, in the order of the roll.

Each function may run at any time, again and after any interruption: what is there stays as it is,
what is missing is added.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass

from lastmile.core.clock import local_date, now
from lastmile.core.tenancy import current_retailer


@dataclass(frozen=True, slots=True, kw_only=True)
class Demo:
    """How the demo is sown.

    Parameters
    ----------
    schemas : tuple of str
        The demo retailers that are meant; () for every one.
    seed : int
        The same seed draws the same orders on the same streets.
    orders : int or None
        Orders for each retailer and day; None leaves it to the retailer's own size.
    report : callable
        Takes one line of progress.
    """

    schemas: tuple[str, ...] = ()
    seed: int = 1
    orders: int | None = None
    report: Callable[[str], None] = lambda _line: None

    def means(self, schema: str) -> bool:
        """Tell whether a retailer is meant."""
        return not self.schemas or schema in self.schemas


def demo_days() -> tuple[dt.date, dt.date]:
    """Return today and tomorrow where the retailer at hand lives."""
    today = local_date(now(), current_retailer().zone)
    return today, today + dt.timedelta(days=1)
