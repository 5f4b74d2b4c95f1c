"""Reads the expected arrivals of runs that are under way."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from django.db.models import F, QuerySet

from dispatch.fleet.models import Hub
from dispatch.live.models import Arrival
from dispatch.orders.selectors import of_stop
from dispatch.orders.states import OrderState

#: States of an order that a vehicle still has to visit.
TO_VISIT: Final = frozenset({OrderState.PLANNED, OrderState.LOADED, OrderState.OUT})


@dataclass(frozen=True, slots=True)
class ExpectedArrival:
    """The expected arrival of a vehicle at one open stop.

    Parameters
    ----------
    run, order, stop : str
        Public ids.
    place_in_route, stops_before : int
        The place among the open orders in the order of visiting, from 1, and the number of stops
        that come first. Orders for one place are one stop.
    expected_at, low_at, high_at : datetime
        When the service can begin, with its bounds.
    computed_at : datetime
        When it was computed.
    position_at : datetime, optional
        Time of the position that it began from; None without one.
    closes_at : datetime, optional
        The end of the promised window; at a place that orders share, of the place's hours.
    """

    run: str
    order: str
    stop: str
    place_in_route: int
    stops_before: int
    expected_at: dt.datetime
    low_at: dt.datetime
    high_at: dt.datetime
    computed_at: dt.datetime
    position_at: dt.datetime | None
    closes_at: dt.datetime | None

    @property
    def slack_s(self) -> int | None:
        """Seconds until the promise would be missed; negative if it will be. None without one."""
        if self.closes_at is None:
            return None
        return round((self.closes_at - self.expected_at).total_seconds())


def arrival_of_order(order_id: int) -> ExpectedArrival | None:
    """Return when the vehicle with an order comes; None unless it is on the road to visit it."""
    return arrivals_of_orders([order_id]).get(order_id)


def arrivals_of_orders(order_ids: Iterable[int]) -> dict[int, ExpectedArrival]:
    """Return the same for many orders, by pk, in one query."""
    rows = Arrival.objects.filter(order__in=list(order_ids), run__left_at__isnull=False)
    return dict(_read(rows, "order_id"))


def arrivals_of_day(hub: Hub, service_date: dt.date) -> dict[int, list[ExpectedArrival]]:
    """Return the arrivals of a hub's day by pk of the shift, each run in the order of visiting.

    Vehicles that are still at the hub are included.
    """
    of_day = Arrival.objects.filter(run__shift__hub=hub, run__shift__service_date=service_date)
    by_shift: dict[int, list[ExpectedArrival]] = defaultdict(list)
    for shift, arrival in _read(of_day, "run__shift_id"):
        by_shift[shift].append(arrival)
    return dict(by_shift)


def _read(rows: QuerySet[Arrival], key: str) -> Iterator[tuple[int, ExpectedArrival]]:
    """Yield the arrivals that are still open, each with a key of its row."""
    still_open = rows.filter(
        run__back_at__isnull=True, run__ended_at__isnull=True, order__state__in=sorted(TO_VISIT)
    )
    closes_at = of_stop("closes_at", F("order__promise__closes_at"))
    still_open = still_open.annotate(window_closes_at=closes_at)
    values = still_open.order_by("run_id", "place_in_route").values_list(
        key, "run__public_id", "order__public_id", "stop", "place_in_route", "stops_before",
        "expected_at", "low_at", "high_at", "computed_at", "position_at",
        "window_closes_at",
    )  # fmt: skip
    for row_key, *columns in values:
        yield row_key, ExpectedArrival(*columns)
