"""The search: rounds of pieces on threads, cooling down, by the clock or by count. PURE.

A search is STAGES stages, each at one temperature. From ``WHOLE`` visits up the plan is cut anew
every STAGES / ROUNDS stages into pieces that are searched side by side; below, each thread searches
the whole from a seed of its own and the best is taken. A piece's chance derives from the seed,
its round and its number, and each piece's iterations in each stage are recorded: with that record
the same plan comes out whatever the threads' timing.
"""

from __future__ import annotations

import random
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from dispatch.solver.classic.arrays import BEST, Int32, Int64, State
from dispatch.solver.classic.chance import seeded
from dispatch.solver.classic.interface import Limit, SearchResult
from dispatch.solver.classic.near import near_of
from dispatch.solver.classic.piece import Piece
from dispatch.solver.classic.setup import (
    Tours,
    construct,
    cost_of,
    joined,
    load,
    state_of,
    terrain_of,
    written,
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
    """One search over a model: rounds of pieces, each in its stages, then a polish."""

    def run(self) -> SearchResult:
        """Search and return the best plan found."""
        with ThreadPoolExecutor(self.threads) as pool:
            if self.given is None:
                plan, cost = self._first(pool)  # needs no lists: it is there however short the time
            lists = None if self._over() else near_of(self.model, self.threads, self._over)
            if lists is None:
                self.polisher = None  # nor does anybody search without lists
            else:
                self.near = lists
            if self.given is not None:
                plan, cost = self._as_given(pool)
            best = (cost, plan)
            self.heat = (cost - self._missed_price(plan)) / max(1, len(plan.visits))
            for turn in range(self.rounds):
                if self._over():
                    break
                if self._skipped(turn):
                    self.record += [0] * (self.pieces * self.steps)
                    continue
                self.best = best[0]
                self.slice_s = self._slice_s(self.rounds - turn)
                pieces = self._pieces(plan, turn, pool)
                jobs = [
                    pool.submit(self._search_stages, p, turn, at) for at, p in enumerate(pieces)
                ]
                for job in jobs:
                    job.result()
                self._note(pieces, self.steps)
                if not any(count for p in pieces for count in p.counts):
                    continue  # told to stop before the first iteration
                best = min(best, self._best_of(pieces), key=lambda b: b[0])
                plan = joined([p.plan(best=False) for p in pieces]) if self.apart else plan
            self.until = self.budget.until
            if self.polisher is not None and self.budget.iterations is None:
                missing = 2 + STAGES * self.pieces - len(self.record)
                if missing > 0 and not self._over():  # rounds that there was no time for
                    self.record += [0] * missing
                best = self._polish(best, pool)
        return SearchResult(best[1], best[0], tuple(self.record))

    def _polish(self, best: tuple[int, Tours], pool: ThreadPoolExecutor) -> tuple[int, Tours]:
        """Let the polisher work on one piece in turn, and go on with the others meanwhile."""
        rounds = POLISHES[self.apart]
        for turn in range(rounds):
            if self._over():
                break
            self.best = best[0]
            self.slice_s = self._slice_s(rounds - turn)
            pieces = self._pieces(best[1], self.rounds + turn, pool)
            plans = [pool.submit(self._polished, p, turn, at) for at, p in enumerate(pieces)]
            made = [plan.result() for plan in plans]
            self._note(pieces[:1], 1)
            self._note(pieces[1:], POLISH_STAGES)
            if self.apart:
                best = min(best, (sum(c for c, _ in made), joined([p for _, p in made])),
                           key=lambda b: b[0])  # fmt: skip
            else:
                best = min(best, *made, key=lambda b: b[0])
        return best

    def _polished(self, piece: Piece, turn: int, number: int) -> tuple[int, Tours]:
        """Polish the first piece, search on in the others; return cost and tours."""
        first = 2 + self.rounds * self.pieces * self.steps
        first += turn * (1 + (self.pieces - 1) * POLISH_STAGES)
        if number:
            first += 1 + (number - 1) * POLISH_STAGES
            hot = COLD if self.apart else WARM
            self._search(piece, number, POLISH_STAGES, hot, lambda stage: first + stage)
            return piece.best, piece.plan(best=True)
        assert self.polisher is not None
        given = (piece.best, piece.plan(best=True))  # before the piece takes up anything else
        before = given[1]
        if not len(before):
            piece.counts.append(0)
            return given
        record = self.budget.record
        limit = Limit(
            None if self.until is None else time.perf_counter() + self.slice_s,
            None if record is None else record[first] if first < len(record) else 0,
            self._asked,
        )
        free = np.bincount(piece.kinds, minlength=len(self.model.kinds)) - np.bincount(
            before.kinds, minlength=len(self.model.kinds)
        )
        after, count = self.polisher(self.model, before, free, seed=self.seed + turn, limit=limit)
        piece.counts.append(count)
        cost = self._cost_of(piece, after)
        return min(given, (cost, after), key=lambda b: b[0])

    def _asked(self) -> bool:
        """Say where the search stands, and tell whether it shall stop."""
        self.tell(self.done, self.best)
        return self.stopped()

    def _cost_of(self, piece: Piece, plan: Tours) -> int:
        """Return what tours for a piece's visits cost, those in none of them included."""
        local = np.zeros(self.model.size + 1, np.int32)
        local[piece.visits] = np.arange(1, len(piece.visits) + 1)
        return cost_of(piece.terrain, piece.state, local[plan.visits], plan.ends, plan.kinds)

    def _best_of(self, pieces: list[Piece]) -> tuple[int, Tours]:
        """Put the pieces' best together; of searches of the whole, take the best."""
        if self.apart:
            return sum(p.best for p in pieces), joined([p.plan(best=True) for p in pieces])
        chosen = min(pieces, key=lambda p: p.best)
        return chosen.best, chosen.plan(best=True)

    def _slice_s(self, rounds: int) -> float:
        """Return the seconds that one piece may take in a round; rounds share evenly."""
        if self.until is None:
            return 0.0
        left = max(0.0, self.until - time.perf_counter())
        return left / rounds / -(-self.pieces // self.threads)

    # --- the first plan

    def _first(self, pool: ThreadPoolExecutor) -> tuple[Tours, int]:
        """Build a plan: by insertion, in clusters where there are many visits."""
        model, lots = self.model, random.Random(self.seed)  # noqa: S311 - the search's chance
        groups = [np.arange(1, model.size + 1)]
        if model.size > 2 * PIECE:
            cuts = cut(self.at[1:], np.ones(model.size, np.int64), self.at[0], self.pieces, lots)
            groups = [np.sort(c) + 1 for c in cuts]
        shares = _shared([len(k.vehicles) for k in model.kinds], [len(g) for g in groups])
        pieces = list(
            pool.map(lambda at: self._built(groups[at], shares[at], at), range(len(groups)))
        )
        return joined([p for p, _ in pieces]), sum(c for _, c in pieces)

    def _built(self, visits: Int64, slots: Int32, number: int) -> tuple[Tours, int]:
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
                best = (cost, written(state, visits, slots, best=True))
        assert best is not None
        return best[1], best[0]

    def _as_given(self, pool: ThreadPoolExecutor) -> tuple[Tours, int]:
        """Begin with the plan that was given."""
        assert self.given is not None
        pieces = self._pieces(self.given, 0, pool)
        return self.given, sum(p.now for p in pieces) if self.apart else pieces[0].now

    def _missed_price(self, plan: Tours) -> int:
        return int(self.model.price.sum() - self.model.price[plan.visits].sum())

    # --- one round

    def _pieces(self, plan: Tours, turn: int, pool: ThreadPoolExecutor) -> list[Piece]:
        """Cut the plan into this round's pieces; whole for each thread where it is small."""
        model = self.model
        lots = random.Random(f"{self.seed} {turn}")  # noqa: S311 - the search's chance
        count = np.array([len(k.vehicles) for k in model.kinds])
        used = np.bincount(plan.kinds, minlength=len(count))
        if not self.apart:
            tours = [np.arange(len(plan))] * self.pieces
            free = [count - used] * self.pieces
        else:
            sizes = np.diff(plan.ends, prepend=0)
            tours = cut(middles(plan, self.at), sizes, self.at[0], self.pieces, lots)
            free = _spread(count - used, len(tours))
        homes = self._homes(plan, tours)
        jobs = range(len(tours))
        return list(
            pool.map(lambda at: self._piece(plan, tours[at], free[at], homes[at], turn, at), jobs)
        )

    def _homes(self, plan: Tours, tours: list[Int64]) -> list[Int64]:
        """Deal the missed visits out: to the piece with a visit near each, else to any."""
        made = np.zeros(self.model.size + 1, bool)
        made[plan.visits] = True
        missed = np.flatnonzero(~made)[1:]
        if not self.apart:
            return [missed] * len(tours)
        piece_of_tour = np.zeros(len(plan), np.int64)
        for number, chosen in enumerate(tours):
            piece_of_tour[chosen] = number
        home = np.full(self.model.size + 1, -1)
        home[plan.visits] = np.repeat(piece_of_tour, np.diff(plan.ends, prepend=0))
        dealt: list[list[int]] = [[] for _ in tours]
        for visit in missed:
            beside = home[self.near.around[visit]]
            beside = beside[beside >= 0]
            dealt[int(beside[0]) if len(beside) else int(visit) % len(tours)].append(int(visit))
        return [np.array(d, np.int64) for d in dealt]

    def _piece(
        self, plan: Tours, tours: Int64, free: Int64, missed: Int64, turn: int, number: int
    ) -> Piece:
        """Set a piece up with the tours it takes over, free vehicles and missed visits."""
        starts = plan.starts
        rows = [plan.visits[starts[t] : plan.ends[t]] for t in tours]
        served = np.concatenate([*rows, np.zeros(0, np.int32)]).astype(np.int64)
        visits = np.concatenate([served, missed])
        driven = plan.kinds[tours]
        spare = np.minimum(free, np.bincount(driven, minlength=len(free)) + SPARE_SLOTS)
        slots = np.concatenate([driven, np.repeat(np.arange(len(free)), spare)]).astype(np.int32)
        terrain = terrain_of(self.model, self.near, visits, slots)
        state = self._state(visits, slots, turn, number)
        ends = np.cumsum([len(r) for r in rows], dtype=np.int64)
        load(terrain, state, np.arange(1, len(served) + 1, dtype=np.int32), ends)
        return Piece(terrain, state, visits, slots)

    def _state(self, visits: Int64, slots: Int32, turn: int, number: int) -> State:
        word = seeded(self.seed, turn + 1, number)
        return state_of(self.model, self.away, visits, slots, word, np.array(TUNE))

    def _over(self) -> bool:
        if self.until is not None and time.perf_counter() >= self.until - 0.001:
            return True
        if self.budget.record is not None:
            return len(self.record) >= len(self.budget.record)
        return self.stopped()

    def _skipped(self, turn: int) -> bool:
        """Tell whether the record knows of no iteration in a round."""
        whole = self.pieces * self.steps
        record, first = self.budget.record, 2 + turn * whole
        return record is not None and not any(record[first : first + whole])

    def _note(self, pieces: list[Piece], stages: int) -> None:
        for piece in pieces:
            self.record += [*piece.counts, *([0] * (stages - len(piece.counts)))]
            self.done += sum(piece.counts)
        self.record[1] = self.done


def _shared(vehicles: list[int], sizes: list[int]) -> list[Int32]:
    """Deal the vehicles of each kind to groups by their size; return each group's slots."""
    ends = np.cumsum([0, *sizes]) / max(1, sum(sizes))
    shares: list[Int32] = []
    for at in range(len(sizes)):
        own = [round(v * ends[at + 1]) - round(v * ends[at]) for v in vehicles]
        shares.append(np.repeat(np.arange(len(vehicles)), own).astype(np.int32))
    return shares


def _spread(free: Int64, pieces: int) -> list[Int64]:
    """Deal the free vehicles of each kind to the pieces, evenly."""
    return [free * (at + 1) // pieces - free * at // pieces for at in range(pieces)]
