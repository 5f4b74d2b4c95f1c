"""A piece of the problem under search: its arrays, its record, the price of its tours. PURE."""

from __future__ import annotations

from dataclasses import dataclass, field

from dispatch.solver.classic.arrays import (
    AWAY,
    BEST,
    COST,
    FAR,
    FIXED,
    LOST,
    USED,
    Int32,
    Int64,
    State,
    Terrain,
)
from dispatch.solver.classic.kernel import remember
from dispatch.solver.classic.setup import Tours, written


@dataclass(slots=True)
class Piece:
    """A piece of the problem under search."""

    terrain: Terrain
    state: State
    visits: Int64
    kinds: Int32
    counts: list[int] = field(default_factory=list)
    rebate: int = 0  # what each tour is cheaper by than in truth, for now
    least: int = FAR  # cost of the best plan in truth, while there is a rebate

    @property
    def best(self) -> int:
        """Cost of the best plan so far."""
        return self.least if self.rebate else int(self.state.num[BEST])

    @property
    def now(self) -> int:
        """Cost of the plan as it stands."""
        num = self.state.num
        return int(num[COST] + num[LOST] + self.rebate * num[USED])

    def grant(self, rebate: int) -> None:
        """Let each tour cost so much less from now on."""
        if rebate == self.rebate:
            return
        self.note()
        least, more = self.best, rebate - self.rebate
        state = self.state
        state.tour[:, FIXED] -= more
        state.visit[1:, AWAY] -= more
        state.num[COST] -= more * state.num[USED]
        state.num[BEST] = -FAR if rebate else least  # no cost with a rebate is a plan's best
        self.rebate, self.least = rebate, least

    def note(self) -> None:
        """Keep the plan as the best if it is, in truth."""
        if self.rebate and self.now < self.least:
            self.least = self.now
            remember(self.state.node, len(self.visits), self.state.best)

    def plan(self, *, best: bool) -> Tours:
        """Return the best plan or the present one, in the model's numbers."""
        return written(self.state, self.visits, self.kinds, best=best)
