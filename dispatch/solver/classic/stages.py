"""The stages of the search of a piece: iterations at one temperature, by clock or count. PURE.

A piece's random numbers derive from the seed, the round and the piece's number. The iterations of
each stage are counted. With these counts the search can be repeated with the same plan,
independent of the timing of the threads.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from dispatch.solver.classic.arrays import Float
from dispatch.solver.classic.interface import Budget, Polisher, Watch
from dispatch.solver.classic.kernel import iterate
from dispatch.solver.classic.kinds import change_kinds
from dispatch.solver.classic.model import Model
from dispatch.solver.classic.near import Near, empty_lists
from dispatch.solver.classic.piece import Piece
from dispatch.solver.classic.setup import (
    Tours,
    single_visit_costs,
)
from dispatch.solver.classic.split import layout
from dispatch.solver.classic.tuning import (
    COLD,
    COUNTED,
    DISCOUNT,
    DISCOUNT_OF_MANY,
    DISCOUNT_SHARE,
    FIRST_ITERATIONS,
    HOT,
    LEAST,
    MANY,
    PIECE,
    PIECE_OF_MANY,
    POLISH_S,
    POLISHED,
    POLISHED_MOST,
    ROUNDS,
    SLICE_S,
    STAGES,
    WARM,
    WHOLE,
)


class StagedSearch:
    """The data of a search, and the search of one piece through several stages."""

    def __init__(
        self,
        model: Model,
        *,
        seed: int,
        threads: int,
        budget: Budget,
        watch: Watch,
        start: Tours | None = None,
        polisher: Polisher | None = None,
    ) -> None:
        self.model, self.seed, self.budget, self.start = model, seed, budget, start
        self.stopped, self.tell = watch.stopped, watch.tell
        self.threads = max(1, threads)
        self.polisher = polisher
        self.near: Near = empty_lists(model)
        self.away = single_visit_costs(model)
        self.apart = model.size >= WHOLE  # the plan is divided, instead of searched whole
        self.pieces = self._piece_count()
        self.rounds = ROUNDS if self.apart else 1
        self.steps = STAGES // self.rounds  # stages of a round
        self.done = 0  # iterations so far
        self.record: list[int] = [self.pieces, 0]
        self.at: Float = layout(model) if self.apart else np.zeros((model.size + 1, 2))
        self.heat = 0.0  # unit of temperature: mean cost per visit of the first plan
        self.hot = WARM if start is not None else HOT
        share = DISCOUNT if model.size < MANY else DISCOUNT_OF_MANY
        self.discount = share * float(self.away[1:].mean()) if start is None else 0.0
        self.best = 0  # least cost so far, for progress
        self.slice_s = 0.0  # seconds for a piece in this round
        self.until = self._main_until()

    def _main_until(self) -> float | None:
        """Return the moment at which the polish begins, or the end if there is no polish."""
        until = self.budget.until
        if until is None:
            return None
        remaining = until - time.perf_counter()
        worth = 0 < self.model.size <= POLISHED_MOST and remaining >= POLISH_S * self.model.size
        if not worth or math.isinf(remaining):
            self.polisher = None
        return until if self.polisher is None else until - POLISHED * remaining

    def _piece_count(self) -> int:
        """Return the number of pieces, or of searches of the whole plan."""
        if self.budget.record is not None:
            return self.budget.record[0]
        many = self.threads if self.budget.until is not None else 1
        if not self.apart:
            return many
        size = PIECE if self.model.size < MANY else PIECE_OF_MANY
        # A multiple of the number of threads, so that no thread waits for the last piece.
        return many * max(1, -(-self.model.size // (size * many)))

    def _search_stages(self, piece: Piece, round_no: int, number: int) -> None:
        """Search one piece through the stages of a round."""
        first = round_no * self.steps
        at = 2 + (round_no * self.pieces + number) * self.steps
        self._search(piece, number, self.steps, self.hot, lambda stage: at + stage, first)

    def _search(
        self, piece: Piece, number: int, stages: int, hot: float, at: Callable[[int], int],
        first: int | None = None,
    ) -> None:  # fmt: skip
        """Search one piece through several stages, by the clock or by count.

        ``hot`` : first temperature, in the unit ``heat``.
        ``at`` : position of a stage in the record.
        ``first`` : number of the first stage among all stages of the search; None: these stages
        cool down from ``hot`` to COLD by themselves.
        """
        began = time.perf_counter()
        pace = FIRST_ITERATIONS / 0.001
        for step in range(stages):
            self._change_kinds(piece)
            if first is None:
                share = step / (stages - 1)
            else:
                share = (first + step) / (STAGES - 1)
                remaining = max(0.0, 1 - (first + step) / (STAGES * DISCOUNT_SHARE))
                piece.set_discount(int(self._discount(number) * remaining))
            heat = self.heat * hot * (COLD / hot) ** share
            if self.until is None:
                count = self._count_of(at(step), (first or 0) + step, number)
                complete = self._iterate_counted(piece, count, heat)
                piece.save_if_best()
                if not complete:
                    return
                continue
            end = began + self.slice_s * (step + 1) / stages
            done = 0
            while True:
                remaining = end - time.perf_counter()
                if remaining <= 0 and done:
                    break
                if self.stopped() or remaining < -1.0:
                    piece.save_if_best()
                    piece.counts.append(done)
                    return
                count = max(LEAST, int(pace * min(SLICE_S, max(remaining, 0.0005))))
                before = time.perf_counter()
                self._iterate(piece, count, heat)
                pace = count / max(1e-6, time.perf_counter() - before)
                done += count
                self._report(piece, number)
            piece.save_if_best()
            piece.counts.append(done)

    def _discount(self, number: int) -> float:
        """Return the initial discount of a piece; every second search of a whole plan has none."""
        return self.discount if self.apart or number % 2 == 0 else 0.0

    def _iterate_counted(self, piece: Piece, count: int, heat: float) -> bool:
        """Make ``count`` iterations; return False if the search was stopped before."""
        done = 0
        while done < count:
            if self.stopped():
                piece.counts.append(done)
                return False
            some = min(count - done, COUNTED)
            self._iterate(piece, some, heat)
            done += some
        piece.counts.append(count)
        return True

    def _iterate(self, piece: Piece, count: int, heat: float) -> None:
        """Call the compiled search for ``count`` iterations at temperature ``heat``."""
        if len(piece.visits):
            arrays: tuple[Any, ...] = (*piece.terrain, *piece.state)
            iterate(*arrays, 1.0 + self.near.back, count, heat)  # type: ignore[call-arg]

    def _change_kinds(self, piece: Piece) -> None:
        if len(self.model.kinds) > 1 and len(piece.visits):
            change_kinds(piece.terrain, piece.state)

    def _count_of(self, at: int, stage: int, number: int) -> int:
        """Return the iterations of a stage: from the record, or an even share of all."""
        budget = self.budget
        if budget.record is not None:
            return budget.record[at] if at < len(budget.record) else 0
        assert budget.iterations is not None
        at, slices = stage * self.pieces + number, STAGES * self.pieces
        return budget.iterations * (at + 1) // slices - budget.iterations * at // slices

    def _report(self, piece: Piece, number: int) -> None:
        """Report progress; only the first piece does."""
        if number == 0:
            self.tell(self.done + sum(piece.counts), self.best if self.apart else piece.best)
