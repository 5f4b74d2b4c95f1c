"""The search on several threads: rounds of pieces with falling temperature. PURE.

A search has STAGES stages, each at one temperature. A plan of ``WHOLE`` visits or more is divided
again into pieces every STAGES / ROUNDS stages; the threads search the pieces in parallel. With
fewer visits, each thread searches the whole plan with its own seed, and the best plan is
returned. The random numbers of a piece derive from the seed, the round and the number of the
piece. The iterations of each piece in each stage are recorded. With this record a search can be
repeated with the same plan, independent of the timing of the threads.
"""

from __future__ import annotations

import random
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from dispatch.solver.classic.arrays import BEST, Int32, Int64, State
from dispatch.solver.classic.interface import Limit, SearchResult
from dispatch.solver.classic.near import near_of
from dispatch.solver.classic.piece import Piece
from dispatch.solver.classic.rng import seeded
from dispatch.solver.classic.setup import (
    Tours,
    concatenated,
    construct,
    cost_of,
    load,
    state_of,
    terrain_of,
    tours_of,
)
from dispatch.solver.classic.split import cut, middles
from dispatch.solver.classic.stages import StagedSearch
from dispatch.solver.classic.tuning import (
    COLD,
    PIECE,
    POLISH_STAGES,
    POLISHES,
    SPARE_SLOTS,
    STAGES,
    TUNE,
    WARM,
)


class Search(StagedSearch):
    """A search for the best plan of a model.

    Its rounds search the pieces of the plan. A polish may follow: a second search with other
    moves, see ``interface.Polisher``.
    """

    def run(self) -> SearchResult:
        """Search and return the best plan found."""
        with ThreadPoolExecutor(self.threads) as pool:
            if self.start is None:
                # The first plan needs no neighbour lists, so it exists even with little time.
                plan, cost = self._first(pool)
            lists = None if self._over() else near_of(self.model, self.threads, self._over)
            if lists is None:
                self.polisher = None  # the time is up, so there is no search either
            else:
                self.near = lists
            if self.start is not None:
                plan, cost = self._as_given(pool)
            best = (cost, plan)
            self.heat = (cost - self._missed_price(plan)) / max(1, len(plan.visits))
            for round_no in range(self.rounds):
                if self._over():
                    break
                if self._skipped(round_no):
                    self.record += [0] * (self.pieces * self.steps)
                    continue
                self.best = best[0]
                self.slice_s = self._slice_s(self.rounds - round_no)
                pieces = self._pieces(plan, round_no, pool)
                jobs = [
                    pool.submit(self._search_stages, p, round_no, at) for at, p in enumerate(pieces)
                ]
                for job in jobs:
                    job.result()
                self._record_counts(pieces, self.steps)
                if not any(count for p in pieces for count in p.counts):
                    continue  # the search was stopped before the first iteration
                best = min(best, self._best_of(pieces), key=lambda b: b[0])
                plan = concatenated([p.plan(best=False) for p in pieces]) if self.apart else plan
            self.until = self.budget.until
            if self.polisher is not None and self.budget.iterations is None:
                missing = 2 + STAGES * self.pieces - len(self.record)
                if missing > 0 and not self._over():  # rounds that were skipped for lack of time
                    self.record += [0] * missing
                best = self._polish(best, pool)
        return SearchResult(best[1], best[0], tuple(self.record))

    def _polish(self, best: tuple[int, Tours], pool: ThreadPoolExecutor) -> tuple[int, Tours]:
        """Improve the first piece of each round with the polisher, and search the other pieces."""
        rounds = POLISHES[self.apart]
        for round_no in range(rounds):
            if self._over():
                break
            self.best = best[0]
            self.slice_s = self._slice_s(rounds - round_no)
            pieces = self._pieces(best[1], self.rounds + round_no, pool)
            plans = [pool.submit(self._polished, p, round_no, at) for at, p in enumerate(pieces)]
            results = [plan.result() for plan in plans]
            self._record_counts(pieces[:1], 1)
            self._record_counts(pieces[1:], POLISH_STAGES)
            if self.apart:
                together = (sum(c for c, _ in results), concatenated([p for _, p in results]))
                best = min(best, together, key=lambda b: b[0])
            else:
                best = min(best, *results, key=lambda b: b[0])
        return best

    def _polished(self, piece: Piece, round_no: int, number: int) -> tuple[int, Tours]:
        """Polish the first piece, or search another one; return its cost and tours."""
        first = 2 + self.rounds * self.pieces * self.steps
        first += round_no * (1 + (self.pieces - 1) * POLISH_STAGES)
        if number:
            first += 1 + (number - 1) * POLISH_STAGES
            hot = COLD if self.apart else WARM
            self._search(piece, number, POLISH_STAGES, hot, lambda stage: first + stage)
            return piece.best, piece.plan(best=True)
        assert self.polisher is not None
        present = (piece.best, piece.plan(best=True))  # read it before ``_cost_of`` overwrites it
        before = present[1]
        if not len(before):
            piece.counts.append(0)
            return present
        record = self.budget.record
        limit = Limit(
            None if self.until is None else time.perf_counter() + self.slice_s,
            None if record is None else record[first] if first < len(record) else 0,
            self._stopped,
        )
        free = np.bincount(piece.kinds, minlength=len(self.model.kinds)) - np.bincount(
            before.kinds, minlength=len(self.model.kinds)
        )
        after, count = self.polisher(
            self.model, before, free, seed=self.seed + round_no, limit=limit
        )
        piece.counts.append(count)
        cost = self._cost_of(piece, after)
        return min(present, (cost, after), key=lambda b: b[0])

    def _stopped(self) -> bool:
        """Report progress; return True if the search must stop."""
        self.tell(self.done, self.best)
        return self.stopped()

    def _cost_of(self, piece: Piece, plan: Tours) -> int:
        """Return the cost of tours for the visits of a piece, unserved visits included."""
        local = np.zeros(self.model.size + 1, np.int32)
        local[piece.visits] = np.arange(1, len(piece.visits) + 1)
        return cost_of(piece.terrain, piece.state, local[plan.visits], plan.ends, plan.kinds)

    def _best_of(self, pieces: list[Piece]) -> tuple[int, Tours]:
        """Return the least cost and its plan: the best plans of all pieces, joined.

        If each thread searched the whole plan, return the best result of a thread instead.
        """
        if self.apart:
            return sum(p.best for p in pieces), concatenated([p.plan(best=True) for p in pieces])
        chosen = min(pieces, key=lambda p: p.best)
        return chosen.best, chosen.plan(best=True)

    def _slice_s(self, rounds: int) -> float:
        """Return the seconds for one piece in a round; all rounds get the same time."""
        if self.until is None:
            return 0.0
        remaining = max(0.0, self.until - time.perf_counter())
        return remaining / rounds / -(-self.pieces // self.threads)

    # --- the first plan

    def _first(self, pool: ThreadPoolExecutor) -> tuple[Tours, int]:
        """Build a first plan by insertion; many visits are first divided into clusters."""
        model, rng = self.model, random.Random(self.seed)  # noqa: S311 - not used for security
        groups = [np.arange(1, model.size + 1)]
        if model.size > 2 * PIECE:
            cuts = cut(self.at[1:], np.ones(model.size, np.int64), self.at[0], self.pieces, rng)
            groups = [np.sort(c) + 1 for c in cuts]
        shares = _shared([len(k.vehicles) for k in model.kinds], [len(g) for g in groups])
        pieces = list(
            pool.map(lambda at: self._built(groups[at], shares[at], at), range(len(groups)))
        )
        return concatenated([p for p, _ in pieces]), sum(c for _, c in pieces)

    def _built(self, visits: Int64, slots: Int32, number: int) -> tuple[Tours, int]:
        """Insert visits in three orders; return the cheapest of the three plans and its cost."""
        model = self.model
        terrain = terrain_of(model, self.near, visits, slots)
        state = self._state(visits, slots, -1, number)
        best: tuple[int, Tours] | None = None
        away = terrain.cost[0, 0, 1 : len(visits) + 1]
        for keys in (
            model.closes[visits],
            -away,
            model.closes[visits].astype(np.int64) - model.opens[visits],
        ):
            order = (np.argsort(keys, kind="stable") + 1).astype(np.int32)
            construct(terrain, state, order)
            cost = int(state.num[BEST])
            if best is None or cost < best[0]:
                best = (cost, tours_of(state, visits, slots, best=True))
        assert best is not None
        return best[1], best[0]

    def _as_given(self, pool: ThreadPoolExecutor) -> tuple[Tours, int]:
        """Return the given start plan and its cost."""
        assert self.start is not None
        pieces = self._pieces(self.start, 0, pool)
        return self.start, sum(p.now for p in pieces) if self.apart else pieces[0].now

    def _missed_price(self, plan: Tours) -> int:
        return int(self.model.price.sum() - self.model.price[plan.visits].sum())

    # --- one round

    def _pieces(self, plan: Tours, round_no: int, pool: ThreadPoolExecutor) -> list[Piece]:
        """Divide the plan into the pieces of this round; each thread gets all of a small plan."""
        model = self.model
        rng = random.Random(f"{self.seed} {round_no}")  # noqa: S311 - not used for security
        count = np.array([len(k.vehicles) for k in model.kinds])
        used = np.bincount(plan.kinds, minlength=len(count))
        if not self.apart:
            tours = [np.arange(len(plan))] * self.pieces
            free = [count - used] * self.pieces
        else:
            sizes = np.diff(plan.ends, prepend=0)
            tours = cut(middles(plan, self.at), sizes, self.at[0], self.pieces, rng)
            free = _spread(count - used, len(tours))
        homes = self._homes(plan, tours)
        jobs = range(len(tours))
        return list(
            pool.map(
                lambda at: self._piece(plan, tours[at], free[at], homes[at], round_no, at), jobs
            )
        )

    def _homes(self, plan: Tours, tours: list[Int64]) -> list[Int64]:
        """Assign each unserved visit to the piece of its nearest served neighbour, else to any."""
        served = np.zeros(self.model.size + 1, bool)
        served[plan.visits] = True
        missed = np.flatnonzero(~served)[1:]
        if not self.apart:
            return [missed] * len(tours)
        piece_of_tour = np.zeros(len(plan), np.int64)
        for number, chosen in enumerate(tours):
            piece_of_tour[chosen] = number
        home = np.full(self.model.size + 1, -1)
        home[plan.visits] = np.repeat(piece_of_tour, np.diff(plan.ends, prepend=0))
        assigned: list[list[int]] = [[] for _ in tours]
        for visit in missed:
            beside = home[self.near.around[visit]]
            beside = beside[beside >= 0]
            assigned[int(beside[0]) if len(beside) else int(visit) % len(tours)].append(int(visit))
        return [np.array(d, np.int64) for d in assigned]

    def _piece(
        self, plan: Tours, tours: Int64, free: Int64, missed: Int64, round_no: int, number: int
    ) -> Piece:
        """Return a piece with some tours of the plan, free vehicles and unserved visits."""
        starts = plan.starts
        rows = [plan.visits[starts[t] : plan.ends[t]] for t in tours]
        served = np.concatenate([*rows, np.zeros(0, np.int32)]).astype(np.int64)
        visits = np.concatenate([served, missed])
        driven = plan.kinds[tours]
        spare = np.minimum(free, np.bincount(driven, minlength=len(free)) + SPARE_SLOTS)
        slots = np.concatenate([driven, np.repeat(np.arange(len(free)), spare)]).astype(np.int32)
        terrain = terrain_of(self.model, self.near, visits, slots)
        state = self._state(visits, slots, round_no, number)
        ends = np.cumsum([len(r) for r in rows], dtype=np.int64)
        load(terrain, state, np.arange(1, len(served) + 1, dtype=np.int32), ends)
        return Piece(terrain, state, visits, slots)

    def _state(self, visits: Int64, slots: Int32, round_no: int, number: int) -> State:
        word = seeded(self.seed, round_no + 1, number)
        return state_of(self.model, self.away, visits, slots, word, np.array(TUNE))

    def _over(self) -> bool:
        """Return True if the search must end: by the clock, the record, or on request."""
        if self.until is not None and time.perf_counter() >= self.until - 0.001:
            return True
        if self.budget.record is not None:
            return len(self.record) >= len(self.budget.record)
        return self.stopped()

    def _skipped(self, round_no: int) -> bool:
        """Return True if the record has no iterations in a round."""
        whole = self.pieces * self.steps
        record, first = self.budget.record, 2 + round_no * whole
        return record is not None and not any(record[first : first + whole])

    def _record_counts(self, pieces: list[Piece], stages: int) -> None:
        """Append the iterations of the pieces to the record, padded with 0 for skipped stages."""
        for piece in pieces:
            self.record += [*piece.counts, *([0] * (stages - len(piece.counts)))]
            self.done += sum(piece.counts)
        self.record[1] = self.done


def _shared(vehicles: list[int], sizes: list[int]) -> list[Int32]:
    """Divide the vehicles of each kind among groups by their size; return the slots by group."""
    ends = np.cumsum([0, *sizes]) / max(1, sum(sizes))
    shares: list[Int32] = []
    for at in range(len(sizes)):
        own = [round(v * ends[at + 1]) - round(v * ends[at]) for v in vehicles]
        shares.append(np.repeat(np.arange(len(vehicles)), own).astype(np.int32))
    return shares


def _spread(free: Int64, pieces: int) -> list[Int64]:
    """Divide the free vehicles of each kind evenly among the pieces."""
    return [free * (at + 1) // pieces - free * at // pieces for at in range(pieces)]
