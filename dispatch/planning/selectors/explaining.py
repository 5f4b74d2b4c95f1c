"""Explains the place of an order in a plan, or which changes would let an unserved order fit.

The explanation is computed on each request from the stored problem and the present routes.
Nothing is stored, so the explanation always matches the plan as it is now.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.utils.translation import gettext as _

from dispatch.fleet.models import Shift
from dispatch.orders.models import Order
from dispatch.planning.errors import OrderNotInPlan
from dispatch.planning.models import Plan
from dispatch.planning.problem.keep import unpack
from dispatch.planning.selectors.spots import arrangement_of
from dispatch.solver.why.answer import Placement, Relax, Relaxation, Way
from dispatch.solver.why.explainer import Explainer

SECONDS: Final = 0.8  # time limit of the search; options not found by then are missing


@dataclass(frozen=True, slots=True, kw_only=True)
class Spot:
    """A place for an order on a shift's route (position from 1), with the added figures."""

    shift: Shift
    number: int | None  # number of the route; None if the shift has no route yet
    position: int
    starts_at: dt.datetime
    added_s: int
    added_m: int
    added_cost_minor: int
    added_co2_g: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """A rule that would have to change, and by how much; ``params`` fill its sentence."""

    kind: str
    amount: int
    shift: str
    order: str
    what: str
    params: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """A set of rule changes with which the order fits, and the place that it would then get."""

    needs: tuple[Need, ...]
    spot: Spot


@dataclass(frozen=True, slots=True, kw_only=True)
class Obstacle:
    """A shift that cannot take the order, with each smallest set of changes that would help."""

    shift: Shift
    openings: tuple[Opening, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """The explanation for an order of a plan.

    ``here`` is its present place, None for an unserved order. ``others`` are other places where it
    fits. ``complete`` is False if the search ran out of time.
    """

    order: str
    here: Spot | None
    others: tuple[Spot, ...]
    obstacles: tuple[Obstacle, ...]
    openings: tuple[Opening, ...]
    complete: bool


def why(plan: Plan, order: str, *, seconds: float = SECONDS) -> Explanation:
    """Explain the place of an order (public id) in a plan. Raises OrderNotInPlan."""
    problem = unpack(bytes(plan.input.problem))
    if order not in problem.visit_index:
        raise OrderNotInPlan(
            _("This order is not part of this plan. Update the plan or plan the day again."),
            data={"order": order},
        )
    answer = Explainer(problem, arrangement_of(plan, problem)).explain(order, seconds=seconds)
    # Where no street leads any vehicle to, permission for a vehicle would not help.
    off_streets = problem.visits[problem.visit_index[order]].vehicles == frozenset()
    words = _Words(plan, [vehicle.id for vehicle in problem.vehicles])
    words.read_orders(
        r
        for w in (*answer.ways, *(w for f in answer.refusals for w in f.ways))
        for r in w.relaxations
    )
    return Explanation(
        order=order,
        here=words.spot(answer.place) if answer.place else None,
        others=tuple(words.spot(place) for place in answer.alternatives),
        obstacles=tuple(
            Obstacle(
                shift=words.shifts[refusal.vehicle],
                openings=tuple(words.opening(way) for way in refusal.ways),
            )
            for refusal in (() if off_streets else answer.refusals)
        ),
        openings=() if off_streets else tuple(words.opening(way) for way in answer.ways),
        complete=answer.complete,
    )


class _Words:
    """Replaces the solver's ids with rows and names."""

    def __init__(self, plan: Plan, shifts: Sequence[str]) -> None:
        self.plan = plan
        rows = Shift.objects.select_related("vehicle", "driver").filter(public_id__in=shifts)
        self.shifts = {shift.public_id: shift for shift in rows}
        self.numbers = dict(plan.routes.values_list("shift__public_id", "number"))
        self.orders: dict[str, str] = {}

    def read_orders(self, relaxations: Iterable[Relaxation]) -> None:
        """Read the retailer's own ids of the orders that the relaxations name."""
        named = {name for r in relaxations for name in (r.visit, r.what) if name}
        rows = Order.objects.filter(public_id__in=named).values_list("public_id", "external_id")
        self.orders = {public_id: external or public_id for public_id, external in rows}

    def spot(self, place: Placement) -> Spot:
        return Spot(
            shift=self.shifts[place.vehicle],
            number=self.numbers.get(place.vehicle),
            position=place.position + 1,
            starts_at=self.plan.origin_at + dt.timedelta(seconds=place.start_s),
            added_s=place.added_s,
            added_m=place.added_m,
            added_cost_minor=place.cost,
            added_co2_g=place.co2_g,
        )

    def opening(self, way: Way) -> Opening:
        needs = tuple(self._need(r, way.place) for r in way.relaxations)
        return Opening(needs=needs, spot=self.spot(way.place))

    def _need(self, relaxation: Relaxation, place: Placement) -> Need:
        other = relaxation.what if relaxation.kind in _COMPANY else relaxation.visit
        return Need(
            kind=relaxation.kind.value,
            amount=relaxation.amount,
            shift=relaxation.vehicle,
            order=other,
            what="" if relaxation.kind in _COMPANY else relaxation.what,
            params={
                "by": relaxation.amount,
                "dimension": relaxation.what,
                "what": relaxation.what,
                "vehicle": self.shifts[relaxation.vehicle].vehicle.name
                if relaxation.vehicle
                else "",
                "order": self.orders.get(other, other),
                "of_another": relaxation.kind not in _COMPANY and other not in {"", place.visit},
                "currency": self.plan.currency,
            },
        )


_COMPANY: Final = frozenset({Relax.APART, Relax.TOGETHER})
