"""Cards for the board's templates: rows with their texts and figures already prepared."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from dispatch.console.board.progress import ProgressCard, VisitCard
from dispatch.fleet.models import Shift
from dispatch.orders.models import Order, Promise
from dispatch.planning.models import Route, Stop, TentativeVisit, Unserved
from dispatch.planning.selectors.explaining import Explanation, Opening, Spot
from dispatch.planning.selectors.schedule import RouteBreak, breaks_of, rows_of, wait_s
from dispatch.planning.selectors.words import (
    SCALES,
    say_leg_note,
    say_need,
    say_unserved,
    say_violation,
)
from lastmile.core import formatting
from lastmile.core.models import Job, JobState
from lastmile.core.palette import colour_of

MOST_UNPLACED = 20  # orders without a place that are listed
MAX_OPENINGS = 2  # openings that are shown per vehicle


@dataclass(frozen=True, slots=True)
class LoadBar:
    """A bar that shows how much of one capacity of a vehicle its route uses."""

    name: str
    percent: int
    text: str

    @property
    def over(self) -> bool:
        """Is the load larger than the capacity?"""
        return self.percent > 100

    @property
    def width(self) -> int:
        """The width of the filled part in per cent, at most 100."""
        return min(self.percent, 100)


@dataclass(frozen=True, slots=True)
class StopCard:
    """A stop as a row of the list."""

    stop: Stop
    promise: Promise | None
    violations: list[str]
    leg_notes: list[str]
    wait_s: int
    first: bool
    last: bool
    visit: VisitCard | None = None
    pause: None = None
    bank: None = None

    @property
    def waits(self) -> bool:
        """Does the driver wait a minute or more before the service begins?"""
        return self.wait_s >= 60

    @property
    def tight(self) -> bool:
        """Is the slack of this promised stop below five minutes, and the stop not done?"""
        is_done = self.visit is not None and bool(self.visit.outcome)
        return not is_done and self.promise is not None and self.stop.slack_s < 300


@dataclass(frozen=True, slots=True)
class PauseCard:
    """A driver's break as a row between two stops."""

    pause: RouteBreak
    bank: None = None


@dataclass(frozen=True, slots=True)
class BankCard:
    """A stop for several orders at a bank of lockers, with the rows of the orders."""

    rows: list[StopCard]
    bank: Order  # the first of its orders, which has the place and the hours
    pause: None = None

    @property
    def key(self) -> str:
        """The id of the stop on the page."""
        return self.bank.public_id

    @property
    def done(self) -> int:
        """The number of orders whose visit has ended without a failure."""
        outcomes = [row.visit.outcome for row in self.rows if row.visit is not None]
        return sum(outcome not in {"", "failed"} for outcome in outcomes)

    @property
    def failed(self) -> int:
        """The number of orders that failed."""
        return sum(row.visit is not None and row.visit.outcome == "failed" for row in self.rows)

    @property
    def broken(self) -> int:
        """The number of orders that break a rule."""
        return sum(bool(row.violations) for row in self.rows)


@dataclass(frozen=True, slots=True)
class RouteCard:
    """A route as a card; ``stops`` holds its stops and breaks, or None while the card is closed."""

    route: Route
    colour: int
    loads: list[LoadBar]
    violations: list[str]
    stops: list[StopCard | PauseCard | BankCard] | None
    progress: ProgressCard | None = None

    @property
    def broken(self) -> int:
        """The number of broken rules on the route and on its stops."""
        return len(self.violations) + int(self.route.late_count)  # type: ignore[attr-defined]


@dataclass(frozen=True, slots=True)
class UnservedCard:
    """An unserved order with the reason and a remedy."""

    order: Order
    why: str
    remedy: str


@dataclass(frozen=True, slots=True)
class UnplacedCard:
    """The orders of a day without a place: their number, the first ones, and how many follow."""

    count: int
    cards: list[UnservedCard]
    more: int


@dataclass(frozen=True, slots=True)
class OpeningCard:
    """The changes that would let an order into the plan, and the place it would then have."""

    needs: list[str]
    spot: Spot
    one_more: bool  # the place needs a vehicle that the day does not have yet


@dataclass(frozen=True, slots=True)
class WhyCard:
    """The explanation of an order's place.

    ``obstacles`` are the shifts that cannot take the order, each with the changes it would need.
    ``openings`` are the changes that would let an unserved order in.
    """

    explanation: Explanation
    obstacles: list[tuple[Shift, list[OpeningCard]]]
    openings: list[OpeningCard]


@dataclass(frozen=True, slots=True)
class JobCard:
    """The progress of a planning job, as a text and in per cent."""

    job: Job
    percent: int
    text: str

    @property
    def running(self) -> bool:
        """Is the job still waiting or running?"""
        return not self.job.finished


@dataclass(frozen=True, slots=True)
class BoardFilter:
    """The part of a plan that is shown: search text, kind of routes, and the open route cards."""

    text: str = ""
    only: str = ""
    opened: frozenset[str] = field(default_factory=frozenset)


def loads_of(route: Route) -> list[LoadBar]:
    """Return the three load bars of a route, for the largest load on board at any time."""
    names = {"weight_g": _("weight"), "volume_cm3": _("volume"), "parcels": _("parcels")}
    bars = []
    for name, (scale, unit) in SCALES.items():
        used, capacity = getattr(route, f"most_{name}"), getattr(route.vehicle, name)
        text = _("%(used)s of %(most)s") % {
            "used": formatting.number(used / scale),
            "most": f"{formatting.number(capacity / scale, 3, trim=True)} {unit}".strip(),
        }
        bars.append(LoadBar(names[name], round(used * 100 / capacity), text))
    return bars


def route_cards(
    routes: Sequence[Route],
    stops: Mapping[int, list[Stop]],
    progress: Mapping[int, ProgressCard],
) -> list[RouteCard]:
    """Return the cards of routes; a route whose stops are given gets an open card."""
    return [
        RouteCard(
            route=route,
            colour=colour_of(route.number),
            loads=loads_of(route),
            violations=violation_texts(route.violations),
            stops=_rows(route, stops, progress) if route.pk in stops else None,
            progress=progress.get(route.pk),
        )
        for route in routes
    ]


def _rows(
    route: Route, stops: Mapping[int, Sequence[Stop]], progress: Mapping[int, ProgressCard]
) -> list[StopCard | PauseCard | BankCard]:
    card = progress.get(route.pk)
    visits = card.visits if card else {}
    last = int(route.stop_count)  # type: ignore[attr-defined]
    return with_banks(stop_cards(route, stops[route.pk], last, visits))


def with_banks(rows: Iterable[StopCard | PauseCard]) -> list[StopCard | PauseCard | BankCard]:
    """Return rows with those at one bank of lockers, one after the other, as one stop."""
    result: list[StopCard | PauseCard | BankCard] = []
    for key, group in groupby(rows, key=_place_of):
        members = list(group)
        stops = [row for row in members if isinstance(row, StopCard)]
        if key and len(stops) > 1:
            result.append(BankCard(stops, stops[0].stop.order))
        else:
            result.extend(members)
    return result


def _place_of(row: StopCard | PauseCard) -> str:
    shared = row.stop.order.shared_stop if isinstance(row, StopCard) else None
    return shared.key if shared else ""


def stop_cards(
    route: Route, stops: Sequence[Stop], last: int, visits: Mapping[str, VisitCard] | None = None
) -> list[StopCard | PauseCard]:
    """Return the rows of a route's stops.

    ``last`` is the number of stops on the route; ``visits`` holds what really happened, by public
    id of the order. The route's breaks are included only if all of its stops are given.
    """
    breaks = breaks_of(route)
    rows = rows_of(route, stops) if len(stops) == last else iter(stops)
    return [
        PauseCard(row)
        if isinstance(row, RouteBreak)
        else StopCard(
            stop=row,
            promise=row.order.promise,
            violations=violation_texts(row.violations),
            leg_notes=leg_note_texts(row.leg_notes),
            wait_s=wait_s(row, breaks),
            first=row.position == 1,
            last=row.position == last,
            visit=(visits or {}).get(row.order.public_id),
        )
        for row in rows
    ]


def unserved_cards(rows: Iterable[Unserved]) -> list[UnservedCard]:
    """Return the cards of unserved orders, each with its reason and remedy."""
    return [UnservedCard(row.order, *say_unserved(row.reason, row.params)) for row in rows]


def unplaced_card(rows: QuerySet[TentativeVisit]) -> UnplacedCard:
    """Return the card of the orders without a place in the tentative plan of a day."""
    shown = list(rows[:MOST_UNPLACED])
    count = rows.count() if len(shown) == MOST_UNPLACED else len(shown)
    return UnplacedCard(
        count=count,
        cards=[
            UnservedCard(row.order, *say_unserved(row.reason, row.params))
            for row in shown
            if row.order is not None
        ],
        more=count - len(shown),
    )


def why_card(explanation: Explanation) -> WhyCard:
    """Return the card of an explanation, with its codes turned into sentences."""

    def opening_card(opening: Opening) -> OpeningCard:
        return OpeningCard(
            needs=[say_need(n.kind, n.params) for n in opening.needs],
            spot=opening.spot,
            one_more=any(n.kind == "another_vehicle" for n in opening.needs),
        )

    return WhyCard(
        explanation=explanation,
        obstacles=[
            (obstacle.shift, [opening_card(o) for o in obstacle.openings[:MAX_OPENINGS]])
            for obstacle in explanation.obstacles
        ],
        openings=[opening_card(o) for o in explanation.openings],
    )


def leg_note_texts(notes: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return what is special on the way to a stop, as sentences."""
    return [say_leg_note(note) for note in notes]


def violation_texts(violations: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return a sentence for each violation."""
    return [say_violation(str(v["code"]), v) for v in violations]


def job_card(job: Job | None) -> JobCard | None:
    """Return the card of a job, or None if there is no job."""
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
