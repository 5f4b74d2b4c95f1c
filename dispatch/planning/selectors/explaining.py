"""Why an order stands where it stands in a plan, and what would let in one that stands nowhere.

Worked out anew from what the plan keeps; nothing is stored, so the answer is always of the plan
as it is now.
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

SECONDS: Final = 0.8  # of a request; what is not found by then is not said


@dataclass(frozen=True, slots=True, kw_only=True)
class Spot:
    """A place for an order on a shift's route (position from 1), and what it adds."""

    shift: Shift
    number: int | None  # of the route; None where there is none yet
    position: int
    starts_at: dt.datetime
    added_s: int
    added_m: int
    added_cost_minor: int
    added_co2_g: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """One thing that would have to give way; ``params`` are what its sentence needs."""

    kind: str
    amount: int
    shift: str
    order: str
    what: str
    params: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """Needs that are enough together, and where the order would then be."""

    needs: tuple[Need, ...]
    spot: Spot


@dataclass(frozen=True, slots=True, kw_only=True)
class Obstacle:
    """A shift that cannot take the order: what each smallest set of needs would be."""

    shift: Shift
    openings: tuple[Opening, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """The answer for one order of a plan; ``here`` is None where it is unserved."""

    order: str
    here: Spot | None
    others: tuple[Spot, ...]
    obstacles: tuple[Obstacle, ...]
    openings: tuple[Opening, ...]
    complete: bool


def why(plan: Plan, order: str, *, seconds: float = SECONDS) -> Explanation:
    """Say why an order (public id) of a plan is where it is. Raises OrderNotInPlan."""
    problem = unpack(bytes(plan.input.problem))
    if order not in problem.visit_index:
        raise OrderNotInPlan(
            _("This order is not part of this plan. Update the plan or plan the day again."),
            data={"order": order},
        )
    found = Explainer(problem, arrangement_of(plan, problem)).explain(order, seconds=seconds)
    words = _Words(plan, [vehicle.id for vehicle in problem.vehicles])
    words.read_orders(
        r
        for w in (*found.ways, *(w for f in found.refusals for w in f.ways))
        for r in w.relaxations
    )
    return Explanation(
        order=order,
        here=words.spot(found.place) if found.place else None,
        others=tuple(words.spot(place) for place in found.alternatives),
        obstacles=tuple(
            Obstacle(
                shift=words.shifts[refusal.vehicle],
                openings=tuple(words.opening(way) for way in refusal.ways),
            )
            for refusal in found.refusals
        ),
        openings=tuple(words.opening(way) for way in found.ways),
        complete=found.complete,
    )


class _Words:
    """Puts rows in the place of ids."""

    def __init__(self, plan: Plan, shifts: Sequence[str]) -> None:
        self.plan = plan
        rows = Shift.objects.select_related("vehicle", "driver").filter(public_id__in=shifts)
        self.shifts = {shift.public_id: shift for shift in rows}
        self.numbers = dict(plan.routes.values_list("shift__public_id", "number"))
        self.orders: dict[str, str] = {}

    def read_orders(self, relaxations: Iterable[Relaxation]) -> None:
        """Read how the retailer calls the orders that are named."""
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

    def _need(self, it: Relaxation, place: Placement) -> Need:
        other = it.what if it.kind in _COMPANY else it.visit
        return Need(
            kind=it.kind.value,
            amount=it.amount,
            shift=it.vehicle,
            order=other,
            what="" if it.kind in _COMPANY else it.what,
            params={
                "by": it.amount,
                "dimension": it.what,
                "what": it.what,
                "vehicle": self.shifts[it.vehicle].vehicle.name if it.vehicle else "",
                "order": self.orders.get(other, other),
                "of_another": it.kind not in _COMPANY and other not in {"", place.visit},
                "currency": self.plan.currency,
            },
        )


_COMPANY: Final = frozenset({Relax.APART, Relax.TOGETHER})
