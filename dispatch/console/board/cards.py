"""What the board's templates are given: rows with their words said, nothing left to work out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _

from dispatch.fleet.models import Shift
from dispatch.orders.models import Order, Promise
from dispatch.planning.models import Route, Stop, Unserved
from dispatch.planning.selectors.explaining import Explanation, Opening, Spot
from dispatch.planning.selectors.schedule import RouteBreak, breaks_of, rows_of, wait_s
from dispatch.planning.selectors.words import SCALES, say_need, say_unserved, say_violation
from lastmile.core import formatting
from lastmile.core.models import Job, JobState
from lastmile.core.palette import colour_of

MOST_SAID = 2  # ways that are said of one shift


@dataclass(frozen=True, slots=True)
class LoadBar:
    """One bar: what of a vehicle's capacity a route uses."""

    name: str
    percent: int
    said: str

    @property
    def over(self) -> bool:
        return self.percent > 100

    @property
    def drawn(self) -> int:
        """The bar's length: a full bar is full."""
        return min(self.percent, 100)


@dataclass(frozen=True, slots=True)
class StopCard:
    """One stop as a row."""

    stop: Stop
    promise: Promise | None
    violations: list[str]
    wait_s: int
    first: bool
    last: bool
    pause: None = None

    @property
    def waits(self) -> bool:
        """A minute or more passes between arrival and service."""
        return self.wait_s >= 60

    @property
    def tight(self) -> bool:
        """Less than five minutes until a promise breaks."""
        return self.promise is not None and self.stop.slack_s < 300


@dataclass(frozen=True, slots=True)
class PauseCard:
    """A break of the driver as a row between stops."""

    pause: RouteBreak


@dataclass(frozen=True, slots=True)
class RouteCard:
    """One route as a card; ``stops`` (with the breaks between) is None while it is closed."""

    route: Route
    colour: int
    loads: list[LoadBar]
    violations: list[str]
    stops: list[StopCard | PauseCard] | None

    @property
    def broken(self) -> int:
        """How many things are wrong on it."""
        return len(self.violations) + int(self.route.late_count)  # type: ignore[attr-defined]


@dataclass(frozen=True, slots=True)
class LeftCard:
    """One unserved order: why, and what would help."""

    order: Order
    why: str
    remedy: str


@dataclass(frozen=True, slots=True)
class OpeningCard:
    """What would have to give way, as sentences, and where the order would then be."""

    needs: list[str]
    spot: Spot
    one_more: bool  # a vehicle that is not there yet


@dataclass(frozen=True, slots=True)
class WhyCard:
    """Why an order stands where it stands: shifts that cannot take it, and what would let it in."""

    found: Explanation
    obstacles: list[tuple[Shift, list[OpeningCard]]]
    openings: list[OpeningCard]


@dataclass(frozen=True, slots=True)
class JobCard:
    """How far the planning is, in words."""

    job: Job
    percent: int
    said: str

    @property
    def running(self) -> bool:
        return not self.job.finished


@dataclass(frozen=True, slots=True)
class Shown:
    """What of a plan is shown: a search, a choice of routes, which routes stand open."""

    text: str = ""
    only: str = ""
    opened: frozenset[str] = field(default_factory=frozenset)


def loads_of(route: Route) -> list[LoadBar]:
    """Return the three bars of a route: the most that is on board at once."""
    names = {"weight_g": _("weight"), "volume_cm3": _("volume"), "parcels": _("parcels")}
    found = []
    for name, (scale, unit) in SCALES.items():
        used, most = getattr(route, f"most_{name}"), getattr(route.vehicle, name)
        said = _("%(used)s of %(most)s") % {
            "used": formatting.number(used / scale),
            "most": f"{formatting.number(most / scale, 3, trim=True)} {unit}".strip(),
        }
        found.append(LoadBar(names[name], round(used * 100 / most), said))
    return found


def route_cards(routes: Sequence[Route], stops: Mapping[int, list[Stop]]) -> list[RouteCard]:
    """Return the cards of routes; those in ``stops`` stand open."""
    return [
        RouteCard(
            route=route,
            colour=colour_of(route.number),
            loads=loads_of(route),
            violations=said(route.violations),
            stops=_rows(route, stops) if route.pk in stops else None,
        )
        for route in routes
    ]


def _rows(route: Route, stops: Mapping[int, Sequence[Stop]]) -> list[StopCard | PauseCard]:
    return stop_cards(route, stops[route.pk], int(route.stop_count))  # type: ignore[attr-defined]


def stop_cards(route: Route, stops: Sequence[Stop], last: int) -> list[StopCard | PauseCard]:
    """Return the rows of stops, with the route's breaks where all of its stops are given.

    ``last`` is how many stops the route has.
    """
    breaks = breaks_of(route)
    rows = rows_of(route, stops) if len(stops) == last else iter(stops)
    return [
        PauseCard(row)
        if isinstance(row, RouteBreak)
        else StopCard(
            stop=row,
            promise=row.order.promise,
            violations=said(row.violations),
            wait_s=wait_s(row, breaks),
            first=row.position == 1,
            last=row.position == last,
        )
        for row in rows
    ]


def left_cards(rows: Iterable[Unserved]) -> list[LeftCard]:
    """Return who is left out, each with the true reason and the remedy."""
    return [LeftCard(row.order, *say_unserved(row.reason, row.params)) for row in rows]


def why_card(found: Explanation) -> WhyCard:
    """Return an explanation with its sentences said."""

    def said_of(opening: Opening) -> OpeningCard:
        return OpeningCard(
            needs=[say_need(n.kind, n.params) for n in opening.needs],
            spot=opening.spot,
            one_more=any(n.kind == "another_vehicle" for n in opening.needs),
        )

    return WhyCard(
        found=found,
        obstacles=[
            (obstacle.shift, [said_of(o) for o in obstacle.openings[:MOST_SAID]])
            for obstacle in found.obstacles
        ],
        openings=[said_of(o) for o in found.openings],
    )


def said(violations: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return violations as sentences."""
    return [say_violation(str(v["code"]), v) for v in violations]


def job_card(job: Job | None) -> JobCard | None:
    """Return how far a job is; while the solver works, by the time it was given."""
    if job is None:
        return None
    words = {
        "reading": _("Reading orders and shifts"),
        "travel_times": _("Calculating travel times"),
        "solving": _("Searching for the best routes"),
        "fitting": _("Updating the plan"),
        "streets": _("Drawing the routes along the streets"),
        "writing": _("Saving the plan"),
    }
    if job.state == JobState.QUEUED:
        return JobCard(job, 0, _("Waiting to start"))
    return JobCard(job, job.progress_percent, words.get(job.progress_note, _("Starting")))
