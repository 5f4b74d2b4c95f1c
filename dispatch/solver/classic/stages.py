"""One piece searched through its stages: each at one temperature, by the clock or by count. PURE.

A piece's random numbers derive from the seed, the round and the piece's number. The iterations of
each stage are counted; with those counts the same plan comes out whatever the threads' timing.
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
from dispatch.solver.classic.near import Near, nobody_near
from dispatch.solver.classic.piece import Piece
from dispatch.solver.classic.setup import (
    Tours,
    alone,
)
from dispatch.solver.classic.split import layout
from dispatch.solver.classic.tuning import (
    COLD,
    COUNTED,
    FIRST_ITERATIONS,
    HOT,
    LEAST,
    MANY,
    PIECE,
    PIECE_OF_MANY,
    POLISH_S,
    POLISHED,
    POLISHED_MOST,
    REBATE,
    REBATE_OF_MANY,
    REBATED,
    ROUNDS,
    SLICE_S,
    STAGES,
    WARM,
    WHOLE,
)


class StagedSearch:
    """What a search knows, and how it searches one piece through some stages."""

    def __init__(
        self,
        model: Model,
        *,
        seed: int,
        threads: int,
        budget: Budget,
        watch: Watch,
        given: Tours | None = None,
        polisher: Polisher | None = None,
    ) -> None:
        self.model, self.seed, self.budget, self.given = model, seed, budget, given
        self.stopped, self.tell = watch.stopped, watch.tell
        self.threads = max(1, threads)
        self.polisher = polisher
        self.near: Near = nobody_near(model)
        self.away = alone(model)
        self.apart = model.size >= WHOLE
        self.pieces = self._pieces_wanted()
        self.rounds = ROUNDS if self.apart else 1
        self.steps = STAGES // self.rounds
        self.done = 0
        self.record: list[int] = [self.pieces, 0]
        self.at: Float = layout(model) if self.apart else np.zeros((model.size + 1, 2))
        self.heat = 0.0
        self.hot = WARM if given is not None else HOT
        share = REBATE if model.size < MANY else REBATE_OF_MANY
        self.rebate = share * float(self.away[1:].mean()) if given is None else 0.0
        self.best = 0
        self.slice_s = 0.0
        self.until = self._main_until()

    def _main_until(self) -> float | None:
        """Return the moment at which a polisher comes in, or at which all ends."""
        until = self.budget.until
        if until is None:
            return None
        left = until - time.perf_counter()
        some = 0 < self.model.size <= POLISHED_MOST and left >= POLISH_S * self.model.size
        if not some or math.isinf(left):
            self.polisher = None
        return until if self.polisher is None else until - POLISHED * left

    def _pieces_wanted(self) -> int:
        if self.budget.record is not None:
            return self.budget.record[0]
        many = self.threads if self.budget.until is not None else 1
        if not self.apart:
            return many
        size = PIECE if self.model.size < MANY else PIECE_OF_MANY
        return many * max(1, -(-self.model.size // (size * many)))  # no thread waits for the last

    def _search_stages(self, piece: Piece, turn: int, number: int) -> None:
        """Search one piece through its round's stages."""
        first = turn * self.steps
        at = 2 + (turn * self.pieces + number) * self.steps
        self._search(piece, number, self.steps, self.hot, lambda stage: at + stage, first)

    def _search(
        self, piece: Piece, number: int, stages: int, hot: float, at: Callable[[int], int],
        first: int | None = None,
    ) -> None:  # fmt: skip
        """Search one piece through some stages, by the clock or by count.

        ``first``: the first of them among all stages; None: they cool down by themselves.
        """
        begun = time.perf_counter()
        pace = FIRST_ITERATIONS / 0.001
        for step in range(stages):
            self._change_kinds(piece)
            if first is None:
                share = step / (stages - 1)
            else:
                share = (first + step) / (STAGES - 1)
                left = max(0.0, 1 - (first + step) / (STAGES * REBATED))
                piece.grant(int(self._rebate(number) * left))
            heat = self.heat * hot * (COLD / hot) ** share
            if self.until is None:
                count = self._counted(at(step), (first or 0) + step, number)
                whole = self._made(piece, count, heat)
                piece.note()
                if not whole:
                    return
                continue
            end = begun + self.slice_s * (step + 1) / stages
            made = 0
            while True:
                left = end - time.perf_counter()
                if left <= 0 and made:
                    break
                if self.stopped() or left < -1.0:
                    piece.note()
                    piece.counts.append(made)
                    return
                count = max(LEAST, int(pace * min(SLICE_S, max(left, 0.0005))))
                before = time.perf_counter()
                self._iterate(piece, count, heat)
                pace = count / max(1e-6, time.perf_counter() - before)
                made += count
                self._say(piece, number)
            piece.note()
            piece.counts.append(made)

    def _rebate(self, number: int) -> float:
        """Return the first rebate of a piece; of searches of the whole every other has none."""
        return self.rebate if self.apart or number % 2 == 0 else 0.0

    def _made(self, piece: Piece, count: int, heat: float) -> bool:
        """Make counted iterations; False when told to stop on the way."""
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
        if len(piece.visits):
            arrays: tuple[Any, ...] = (*piece.terrain, *piece.state)
            iterate(*arrays, 1.0 + self.near.back, count, heat)  # type: ignore[call-arg]

    def _change_kinds(self, piece: Piece) -> None:
        if len(self.model.kinds) > 1 and len(piece.visits):
            change_kinds(piece.terrain, piece.state)

    def _counted(self, at: int, stage: int, number: int) -> int:
        """Return the iterations of a stage: by the record, where it stands there, or a share."""
        budget = self.budget
        if budget.record is not None:
            return budget.record[at] if at < len(budget.record) else 0
        assert budget.iterations is not None
        at, slices = stage * self.pieces + number, STAGES * self.pieces
        return budget.iterations * (at + 1) // slices - budget.iterations * at // slices

    def _say(self, piece: Piece, number: int) -> None:
        if number == 0:
            self.tell(self.done + sum(piece.counts), self.best if self.apart else piece.best)
