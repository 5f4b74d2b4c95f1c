"""Days full of planned visits for the campaigns of slots: one arrangement on many dates.

The streets are those of the demo city. A day is arranged once by the solver. Its visits are then
written as live holds on each date, because the campaigns only read days and hold places in them.
"""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Sequence
from dataclasses import dataclass, replace

from django.conf import settings
from django.db import transaction

from dispatch.fleet.breaks import Break
from dispatch.fleet.models import Hub, Shift
from dispatch.fleet.selectors import shifts_on
from dispatch.planning.boards import NewVisit, prepare_files
from dispatch.planning.models import TentativeVisit
from dispatch.planning.problem.build import build_open
from dispatch.planning.problem.tentative import open_day
from dispatch.planning.services import lock_days
from dispatch.planning.services.tentative.log import RESET, Change, log_changes
from dispatch.roads.demo_city import NAME, draw_homes, fetch_demo_network
from dispatch.solver.solve import solve
from lastmile.core.clock import now
from lastmile.core.geo import Point
from tests.factories.fleet import LAT, LON, make_hub, make_shift, make_vehicle

WINDOWS_A_DAY = 6
OPENS, HOURS = 12, 12  # of the shifts, in UTC
ORDERS_A_VAN = 36
WITH_WINDOW = 0.8  # share of the visits that have a window
SEED = 20261201
MORE = 400  # homes for new visits
Times = tuple[dt.datetime, dt.datetime]


@dataclass(frozen=True, slots=True)
class Days:
    """A hub with days of planned visits, and homes for new ones."""

    hub: Hub
    homes: Sequence[Point]
    planned: int
    dates: Sequence[dt.date]

    def questions(self) -> dict[dt.date, list[Times]]:
        """Return all windows of all dates."""
        return {date: windows(date) for date in self.dates}


def instant(date: dt.date, hour: float) -> dt.datetime:
    """Return an hour of a date in UTC."""
    return dt.datetime.combine(date, dt.time(), dt.UTC) + dt.timedelta(hours=hour)


def windows(date: dt.date) -> list[Times]:
    """Return the windows of a date, two hours each."""
    hours = [OPENS + 2 * number for number in range(WINDOWS_A_DAY)]
    return [(instant(date, hour), instant(date, hour + 2)) for hour in hours]


def new_visit(point: Point, number: int, rng: random.Random) -> NewVisit:
    """Return a new visit with an ordinary load."""
    return NewVisit(
        key=f"hld_{number:022d}",
        point=point,
        service_s=rng.choice([120, 180, 240]),
        weight_g=rng.randint(500, 12_000),
        volume_cm3=rng.randint(2_000, 40_000),
        parcels=1,
    )


def filled_days(
    *, orders: int, days: int, breaks: bool, seconds: float, streets: bool = True, seed: int = SEED
) -> Days:
    """Make a hub with days that each have about ``orders`` planned visits.

    Parameters
    ----------
    breaks : bool
        Each shift has a break, so that the plain arithmetic of routes is not enough.
    seconds : float
        Time to arrange one day; all days have the same arrangement.
    streets : bool
        False: straight lines in Lisbon instead of the streets of the demo city.
    """
    rng = random.Random(seed)
    homes = _homes(orders + MORE, seed, rng, streets=streets)
    middle = Point(
        lat=sum(p.lat for p in homes) / len(homes), lon=sum(p.lon for p in homes) / len(homes)
    )
    hub = make_hub(
        lat=middle.lat, lon=middle.lon, zone="UTC", network=NAME if streets else "", loading_s=900
    )
    vans = [make_vehicle(hub=hub, parcels=200) for _ in range(-(-orders // ORDERS_A_VAN))]
    dates = [now().date() + dt.timedelta(days=number + 2) for number in range(days)]
    for date in dates:
        rests = [Break(opens_at=instant(date, OPENS + 4), closes_at=instant(date, OPENS + 7),
                       duration_s=1_800)] if breaks else []  # fmt: skip
        for van in vans:
            make_shift(vehicle=van, starts_at=instant(date, OPENS),
                       ends_at=instant(date, OPENS + HOURS), breaks=rests)  # fmt: skip
    visits = [(_planned(number, dates[0], rng), homes[number]) for number in range(orders)]
    arrangement = _arranged(hub, dates[0], visits, seconds)
    planned = 0
    for number, date in enumerate(dates):
        later = dt.timedelta(days=number)
        planned = _write(hub, date, later, visits, arrangement)
        prepare_files(hub=hub, service_date=date)
    return Days(hub, homes[orders:], planned, dates)


def _homes(count: int, seed: int, rng: random.Random, *, streets: bool) -> list[Point]:
    if streets:
        fetch_demo_network(settings.VAR)
        return [home.point for home in draw_homes(NAME, count, seed, settings.VAR)]
    return [Point(lat=LAT + rng.gauss(0, 0.03), lon=LON + rng.gauss(0, 0.04)) for _ in range(count)]


Planned = tuple[NewVisit, Times | None]


def _planned(number: int, date: dt.date, rng: random.Random) -> Planned:
    visit = new_visit(Point(lat=0, lon=0), number, rng)
    return visit, rng.choice(windows(date)) if rng.random() < WITH_WINDOW else None


def _arranged(
    hub: Hub, date: dt.date, visits: Sequence[tuple[Planned, Point]], seconds: float
) -> list[list[int]]:
    """Return the visits by number on each shift, in sequence, without those that do not fit."""
    shifts: list[Shift] = list(shifts_on(hub, date))
    inputs = [(visit.as_input(times), point) for (visit, times), point in visits]
    problem = build_open(open_day(hub, date, shifts, shifts, inputs)).problem
    sequences = solve(problem, seconds=seconds, seed=1).solution.sequences
    number = {visit.key: at for at, ((visit, _times), _point) in enumerate(visits)}
    return [[number[key] for key in sequences.get(shift.public_id, ())] for shift in shifts]


def _write(
    hub: Hub,
    date: dt.date,
    later: dt.timedelta,
    visits: Sequence[tuple[Planned, Point]],
    arrangement: Sequence[Sequence[int]],
) -> int:
    """Write the arrangement to a date; return the number of visits."""
    with transaction.atomic():
        (day,) = lock_days([(hub, date)])
        rows = []
        for shift, route in zip(shifts_on(hub, date), arrangement, strict=True):
            for rank, at in enumerate(route):
                (visit, times), point = visits[at]
                one = replace(visit, key=f"hld_{hub.pk:08d}{later.days:02d}{at:012d}", point=point)
                opens_at, closes_at = times or (None, None)
                rows.append(
                    TentativeVisit(
                        day=day.row,
                        key=one.key,
                        lat=point.lat,
                        lon=point.lon,
                        opens_at=opens_at and opens_at + later,
                        closes_at=closes_at and closes_at + later,
                        service_s=one.service_s,
                        weight_g=one.weight_g,
                        volume_cm3=one.volume_cm3,
                        parcels=one.parcels,
                        shift=shift,
                        rank=rank,
                        expires_at=instant(date, 48),
                    )
                )
        TentativeVisit.objects.bulk_create(rows, batch_size=1000)
        day.row.ready, day.row.reason = True, ""
        day.row.save(update_fields=["ready", "reason"])
        log_changes(day, [Change(op=RESET)])
    return len(rows)
