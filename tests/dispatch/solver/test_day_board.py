"""A board on which visits come and go answers like a problem that has exactly those visits."""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace
from itertools import pairwise

import numpy as np
import pytest

from dispatch.solver.model.cost import cost
from dispatch.solver.model.problem import Problem, Visit, Window
from dispatch.solver.placing.day_board import DayBoard
from dispatch.solver.placing.grids import PlaceTravel
from dispatch.solver.placing.insertion import Board, evaluate
from dispatch.solver.referee.check import check
from dispatch.solver.solve import solve
from lastmile.core.errors import Invalid
from tests.bench.same_plans import kinds, windowed
from tests.dispatch.solver.features import FEATURES, mixed
from tests.dispatch.solver.problems import rich
from tests.dispatch.solver.trials import TRIALS

SPARE = 3  # so small that some boards grow
STEPS = 14


@dataclass
class Double:
    """A board, and the same day as a problem that is built again for each question."""

    truth: Problem
    rng: random.Random
    board: DayBoard = field(init=False)
    places: list[int] = field(init=False)  # for each place of the board the place of the truth
    origin: dict[str, Visit] = field(init=False)  # by the present id: the visit in the truth
    absent: list[Visit] = field(init=False)

    def __post_init__(self) -> None:
        bound = {v for p in self.truth.pairs for v in (p.pickup, p.delivery)}
        bound |= {v for s in (*self.truth.together, *self.truth.apart) for v in s}
        bound |= {v for k in self.truth.vehicles for v in (*k.prefix, *(k.loaded or ()))}
        free = [v for v in self.truth.visits if v.id not in bound and not v.group]
        self.absent = self.rng.sample(free, len(free) // 2)
        names = {v.id for v in self.absent}
        base = replace(self.truth, visits=tuple(v for v in self.truth.visits if v.id not in names))
        self.origin = {v.id: v for v in base.visits}
        plan = solve(base, iterations=40, seed=1, threads=1, engine="rich").solution
        self.board = DayBoard(base, plan.sequences, spare=SPARE)
        self.places = list(range(self.truth.places))
        self.single = {v.id for v in free}

    def travel(self, place: int) -> list[PlaceTravel]:
        at = np.array(self.places)
        return [
            PlaceTravel(
                t.duration_s[at, place], t.duration_s[place, at],
                t.distance_m[at, place], t.distance_m[place, at],
                tuple((s.duration_s[at, place], s.duration_s[place, at]) for s in t.hourly),
            )
            for t in self.truth.profiles
        ]  # fmt: skip

    def fresh(self, *more: Visit) -> Problem:
        """Return the day as a problem: the visits of the board and some more."""
        named = [replace(v, id=name) for name, v in self.origin.items()]
        return replace(self.truth, visits=(*named, *more))

    def insert(self, visit: Visit, vehicle: str, position: int) -> None:
        self.board.insert(visit, self.travel(visit.place), vehicle, position)
        self.origin[visit.id] = visit
        self.absent.remove(visit)
        place = self.board.place_of(visit.id)
        self.places[place : place + 1] = [visit.place]

    def remove(self, name: str) -> None:
        self.board.remove(name)
        visit = self.origin.pop(name)
        self.single.discard(name)
        self.single.add(visit.id)
        self.absent.append(visit)

    def rename(self, name: str, new: str) -> None:
        self.board.rename(name, new)
        self.origin = {new if key == name else key: v for key, v in self.origin.items()}
        self.single.add(new)

    def compare(self, visit: Visit, without: tuple[str, ...] = ()) -> int:
        """Compare the places of a visit with those in a fresh problem; return their number."""
        problem = self.fresh(visit)
        with self.board.without(without):
            sequences = self.board.sequences
            plan = evaluate(problem, sequences)
            due = Board(problem, plan).places(visit.id)
            assert self.board.places(visit, self.travel(visit.place)) == due
            for it in due[:2]:
                travel = self.travel(visit.place)
                assert not self.board.violations_with(visit, travel, it.vehicle, it.position)
        assert not set(without).intersection(v for s in sequences.values() for v in s)
        return len(due)

    def best(self, visit: Visit) -> int:
        """Compare the best places for several windows with those for each of them."""
        edges = sorted(self.rng.sample(range(0, 40_000, 20), 6))
        windows: list[Window | None] = [Window(a, b) for a, b in pairwise(edges)]
        windows += [None, *visit.windows]
        travel, count = self.travel(visit.place), 0
        places = self.board.best(visit, travel, windows)
        for window, place in zip(windows, places, strict=True):
            one = replace(visit, windows=() if window is None else (window,))
            due = self.board.places(one, travel)
            assert place == (due[0] if due else None)
            count += place is not None
        return count

    def sound(self) -> None:
        """Assert that the referee accepts the plan, and that costs agree."""
        problem, plan = self.fresh(), self.board.solution()
        served = {s.visit for r in plan.routes for s in r.visits}
        assert set(self.board.visits) == set(self.origin)
        faults = [f for f in check(problem, plan) if f.kind != "missing"]
        assert not faults
        assert not any(self.board.check_route(v.id) for v in problem.vehicles)
        again = evaluate(problem, self.board.sequences)
        assert cost(problem, replace(again, unserved=())).exact == self.board.cost().exact
        assert served == {v for visits in self.board.sequences.values() for v in visits}

    def step(self) -> int:
        """Change the board at random, then compare; return the number of places compared."""
        single = sorted(self.single.intersection(self.origin))
        act = self.rng.choice(["insert", "insert", "remove", "rename"])
        if act == "insert" and self.absent:
            visit = self.rng.choice(self.absent)
            places = self.board.places(visit, self.travel(visit.place))
            if places:
                place = self.rng.choice(places)
                before = self.board.cost().exact
                self.insert(visit, place.vehicle, place.position)
                rise = (self.board.cost().exact - before) / 9_000_000
                assert abs(rise - place.cost) <= 1
        elif act == "remove" and single:
            self.remove(self.rng.choice(single))
        elif act == "rename" and single:
            name = self.rng.choice(single)
            self.rename(name, f"{name}'")
        if not self.absent:
            return 0
        visit = self.rng.choice(self.absent)
        taken = tuple(self.rng.sample(sorted(self.origin), min(2, len(self.origin))))
        return self.compare(visit) + self.compare(visit, taken) + self.best(visit)


def run(truth: Problem, seed: str, steps: int = STEPS) -> int:
    double = Double(truth, random.Random(seed))
    compared = 0
    for _ in range(steps):
        compared += double.step()
        double.sound()
    return compared


@pytest.mark.parametrize("seed", range(12 * TRIALS))
def test_a_board_answers_as_a_fresh_problem_does_after_any_changes(seed: int) -> None:
    rng = random.Random(f"day board {seed}")
    names = [name for name in FEATURES if name != "prefix"]  # prefixes can be infeasible
    chosen = rng.sample(names, rng.randint(1, 10))
    run(mixed(rng, visits=12, vehicles=3, features=chosen, unit=60), f"steps {seed}")


@pytest.mark.parametrize("feature", ["breaks", "windows", "collect", "skills", "hourly", "late"])
def test_a_board_answers_as_a_fresh_problem_does_with(feature: str) -> None:
    assert feature in FEATURES
    rng = random.Random(f"day board with {feature}")
    problem = mixed(rng, visits=14, vehicles=4, features=["demand", "shift", feature], unit=60)
    assert run(problem, feature) > 0


@pytest.mark.parametrize(
    "day",
    [
        windowed(3, visits=40, kind="rc", vehicles=6),
        kinds(4, visits=40),
        rich(5, visits=30, vehicles=5),
    ],
)
def test_a_larger_day_answers_as_a_fresh_problem_does(day: Problem) -> None:
    assert run(day, "larger") > 100


def small_board() -> Double:
    return Double(windowed(8, visits=12, kind="r", vehicles=3), random.Random(4))


def test_a_plain_day_takes_a_return_and_is_plain_again_without_it() -> None:
    double = small_board()
    visit = double.absent[0]
    back = replace(visit, demand=(0,), collect=(3,))
    place = double.board.places(back, double.travel(back.place))[0]
    double.board.insert(back, double.travel(back.place), place.vehicle, place.position)
    double.places[double.board.place_of(back.id) :] = [back.place]
    other = double.absent[1]
    problem = replace(double.fresh(back, other))
    due = Board(problem, evaluate(problem, double.board.sequences)).places(other.id)
    assert double.board.places(other, double.travel(other.place)) == due
    double.board.remove(back.id)
    assert double.compare(other)


def test_a_visit_that_breaks_a_rule_is_refused_and_the_board_stays_as_it_was() -> None:
    double = small_board()
    board, visit = double.board, double.absent[0]
    travel = double.travel(visit.place)
    before, visits, left = board.sequences, set(board.visits), board.spare_left
    vehicle, served = max(before.items(), key=lambda pair: len(pair[1]))
    soon = replace(visit, windows=(Window(0, 1),))
    with pytest.raises(Invalid):
        board.insert(soon, travel, vehicle, len(served))
    heavy = replace(visit, demand=(10**6,))
    with pytest.raises(Invalid):
        board.insert(heavy, travel, vehicle, 0)
    assert board.violations_with(heavy, travel, vehicle, 0)
    assert board.violations_with(soon, travel, vehicle, len(served))
    with pytest.raises(Invalid):
        board.insert(visit, travel, "no vehicle", 0)
    with pytest.raises(Invalid):
        board.insert(visit, travel[:0], vehicle, 0)
    with pytest.raises(Invalid):
        board.remove(visit.id)
    with pytest.raises(Invalid):
        board.rename(served[0], served[1])
    assert (board.sequences, set(board.visits), board.spare_left) == (before, visits, left)
    assert double.compare(visit)


def test_a_known_visit_is_not_asked_for_again() -> None:
    double = small_board()
    known = next(iter(double.origin.values()))
    with pytest.raises(Invalid):
        double.board.places(known, double.travel(known.place))


def test_a_route_that_breaks_a_rule_takes_no_visit() -> None:
    double = small_board()
    board, (first, second) = double.board, double.absent[:2]
    vehicle = next(iter(board.sequences))
    late = replace(first, windows=(Window(0, 1),))
    board.insert(late, double.travel(late.place), vehicle, 1, check=False)
    double.places[board.place_of(late.id) :] = [late.place]
    assert board.check_route(vehicle)
    assert all(
        place.vehicle != vehicle for place in board.places(second, double.travel(second.place))
    )
    board.remove(late.id)
    assert not board.check_route(vehicle)
    assert double.compare(second)


def test_the_places_of_removed_visits_are_used_again_so_that_nothing_grows() -> None:
    double = small_board()
    board = double.board
    size, bytes_before = board.problem.places, None
    for _ in range(8 * SPARE):
        visit = double.absent[0]
        place = board.places(visit, double.travel(visit.place))[0]
        double.insert(visit, place.vehicle, place.position)
        double.remove(visit.id)
        bytes_before = bytes_before or board.nbytes
        assert (board.problem.places, board.nbytes) == (size, bytes_before)


def test_a_reason_names_the_rule_that_excludes_a_visit_even_alone() -> None:
    double = small_board()
    visit = double.absent[0]
    travel = double.travel(visit.place)
    assert double.board.why_not(visit, travel) == ""
    heavy = replace(visit, demand=(10**6,))
    assert double.board.why_not(heavy, travel) == "too_heavy"
    soon = replace(visit, windows=(Window(0, 1),))
    assert double.board.why_not(soon, travel) == "window_impossible"
    skilled = replace(visit, skills=frozenset({"crane"}))
    assert double.board.why_not(skilled, travel) == "no_skill"


@pytest.mark.parametrize("engine_is_plain", [True, False])
def test_many_equal_vehicles_give_the_first_of_equal_places(engine_is_plain: bool) -> None:
    day = windowed(2, visits=10, kind="r", vehicles=3)
    vehicles = tuple(replace(day.vehicles[0], id=f"k{n}") for n in range(30))
    if not engine_is_plain:
        vehicles = tuple(replace(v, max_stops=20) for v in vehicles)
    visit = day.visits[-1]
    base = replace(day, vehicles=vehicles, visits=day.visits[:-1])
    board = DayBoard(base, {})
    travel = [
        PlaceTravel(t.duration_s[:, visit.place], t.duration_s[visit.place],
                    t.distance_m[:, visit.place], t.distance_m[visit.place])
        for t in day.profiles
    ]  # fmt: skip
    due = board.places(visit, travel)
    assert board.best(visit, travel, [visit.windows[0] if visit.windows else None])[0] == due[0]
    assert due[0].vehicle == "k0"


@pytest.mark.parametrize(("speed", "shared"), [(100, True), (80, False)])
def test_the_compiled_scan_uses_the_matrices_of_the_board_where_it_can(
    speed: int, shared: bool
) -> None:
    day = rich(7, visits=20, vehicles=4)
    vehicles = tuple(replace(v, speed_percent=speed) for v in day.vehicles)
    double = Double(replace(day, vehicles=vehicles), random.Random(3))
    assert double.compare(double.absent[0]) >= 0
    board = double.board
    matrices = sum(grid.seconds.nbytes + grid.metres.nbytes for grid in board._grids)
    model = board._drafts[False].context.model
    assert np.shares_memory(model.seconds, board._grids[0].seconds) == shared
    assert np.shares_memory(model.metres, board._grids[-1].metres) == shared
    assert board.nbytes > matrices
    for _ in range(6):
        double.step()
        double.sound()
