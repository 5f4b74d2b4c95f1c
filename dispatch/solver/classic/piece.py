"""A piece of the problem that one thread searches: arrays, counts and discount. PURE."""

from __future__ import annotations

from dataclasses import dataclass, field

from dispatch.solver.classic.arrays import (
    AWAY,
    BEST,
    COST,
    FAR,
    FIXED,
    MISSED_PRICE,
    USED,
    Int32,
    Int64,
    State,
    Terrain,
)
from dispatch.solver.classic.kernel import save_best
from dispatch.solver.classic.setup import Tours, tours_of


@dataclass(slots=True)
class Piece:
    """A piece of the problem that one thread searches.

    While there is a discount, the fixed cost of each tour in ``state`` is lower than its true cost
    by ``discount`` (or higher, if negative). ``least`` is then the true cost of the best plan.
    """

    terrain: Terrain
    state: State
    visits: Int64  # numbers in the model, by node - 1
    kinds: Int32  # kind of vehicle, by slot
    counts: list[int] = field(default_factory=list)  # iterations by stage
    discount: int = 0
    least: int = FAR

    @property
    def best(self) -> int:
        """The true cost of the best plan so far."""
        return self.least if self.discount else int(self.state.num[BEST])

    @property
    def now(self) -> int:
        """The true cost of the present plan: its cost without the discount."""
        num = self.state.num
        return int(num[COST] + num[MISSED_PRICE] + self.discount * num[USED])

    def set_discount(self, discount: int) -> None:
        """Set the discount: from now on each tour costs this amount less than its true cost."""
        if discount == self.discount:
            return
        self.save_if_best()
        least, more = self.best, discount - self.discount
        state = self.state
        state.tour[:, FIXED] -= more
        state.visit[1:, AWAY] -= more
        state.num[COST] -= more * state.num[USED]
        # With a discount the compiled code must not save a best plan, since its costs are not true.
        state.num[BEST] = -FAR if discount else least
        self.discount, self.least = discount, least

    def save_if_best(self) -> None:
        """Save the plan as the best by its true cost; only needed while there is a discount."""
        if self.discount and self.now < self.least:
            self.least = self.now
            save_best(self.state.node, len(self.visits), self.state.best)

    def plan(self, *, best: bool) -> Tours:
        """Return the best or the present plan, with visits by their numbers in the model."""
        return tours_of(self.state, self.visits, self.kinds, best=best)
