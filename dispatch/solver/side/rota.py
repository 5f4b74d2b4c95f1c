"""Who drives what: each duty of a day gets a van and a driver, for the least money. PURE.

``assign`` begins with a greedy rota, lets CP-SAT better it, and returns what ``judge`` has nothing
against. OR-Tools is loaded when it is first needed.
"""

from __future__ import annotations

import importlib
import math
from dataclasses import dataclass
from typing import Any, Final

from dispatch.solver.side.rota_fill import Board, Eligible, choices, skilled
from dispatch.solver.side.rota_judge import Cost, Fault, cost_of, judge, rounded
from dispatch.solver.side.rota_problem import Assignment, Crew, Duty, Rota, Van
from lastmile.core.errors import Problems

__all__ = [
    "Assigned",
    "Assignment",
    "Cost",
    "Crew",
    "Duty",
    "Fault",
    "Rota",
    "Undone",
    "Unsound",
    "Van",
    "assign",
    "cost_of",
    "judge",
]

MODEL: Final = "dispatch.solver.side.rota_model"
MAX_SEED: Final = 2**31 - 1
MAX_THREADS: Final = 64


class Unsound(RuntimeError):
    """The search, the referee and the price list disagree: a fault of ours, never of the input."""


@dataclass(frozen=True, slots=True)
class Undone:
    """A duty nobody has, and why.

    ``reason`` is ``no_van`` or ``no_crew`` (none could take it even alone; ``no_van`` where both
    hold), ``no_pair`` (van and driver exist, but no two with the skills between them), ``no_room``
    (possible alone, not beside the duties that are done) or ``not_worth`` (there is room, but it
    adds no less than its price).
    """

    duty: str
    reason: str


@dataclass(frozen=True, slots=True)
class Assigned:
    """A rota that holds.

    ``bound`` is what no rota can cost less than, in minor units (0 where nothing was searched);
    ``proven`` that there is none cheaper than this.
    """

    assignments: tuple[Assignment, ...]
    undone: tuple[Undone, ...]
    cost: Cost
    proven: bool
    bound: int


def assign(
    rota: Rota,
    *,
    seconds: float | None = 5.0,
    work: float | None = None,
    seed: int = 0,
    threads: int = 1,
) -> Assigned:
    """Give duties a van and a driver each, or leave them undone, for the least money.

    Parameters
    ----------
    rota : Rota
    seconds : float or None
        Wall-clock seconds of the search; with 0 the greedy rota is the answer.
    work : float or None
        CP-SAT's deterministic time, about a second each. The search ends at whichever is first;
        the same answer comes again with ``seconds=None``, one thread and the same seed.
    seed : int
    threads : int

    Returns
    -------
    Assigned
        Never dearer than the greedy rota. In the order of the duties.

    Raises
    ------
    Invalid
        Neither ``seconds`` nor ``work`` is given, or a value does not fit.
    Unsound
        The answer breaks a rule or has another price than was found: a fault of ours.
    """
    _stops(seconds, work, seed, threads)
    possible = choices(rota)
    board = Board(rota, possible)
    board.fill()
    proven, bound = False, 0
    if seconds != 0 and work != 0:
        # Late, so that a web process does not load OR-Tools with this module.
        model: Any = importlib.import_module(MODEL)
        found = model.search(
            rota,
            possible,
            dict(board.taken),
            seconds=seconds,
            work=work,
            seed=seed,
            threads=threads,
        )
        if found is not None:
            board = _better(rota, board, found)
            proven, bound = found.proven, max(0, found.bound)
    answer = _named(rota, board)
    if faults := judge(rota, answer):
        raise Unsound(f"The rota breaks rules: {faults[:5]}")
    cost = cost_of(rota, answer)
    if cost.exact < bound:
        raise Unsound(f"The rota costs {cost.exact}, less than the bound {bound}.")
    undone = tuple(
        Undone(duty.id, _reason(rota, possible, board, at))
        for at, duty in enumerate(rota.duties)
        if at not in board.taken
    )
    return Assigned(answer, undone, cost, proven, rounded(bound))


def _stops(seconds: float | None, work: float | None, seed: int, threads: int) -> None:
    faults = Problems()
    if seconds is None and work is None:
        faults.add("/seconds", "Say when to stop: give seconds, work or both.")
    for name, value in (("seconds", seconds), ("work", work)):
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if value is not None and not (number and math.isfinite(value) and value >= 0):
            faults.add(f"/{name}", f"Give a number from 0 up, not {value!r:.40}.")
    for name, whole, least, top in (
        ("seed", seed, 0, MAX_SEED),
        ("threads", threads, 1, MAX_THREADS),
    ):
        if not isinstance(whole, int) or isinstance(whole, bool) or not least <= whole <= top:
            faults.add(f"/{name}", f"Give a whole number from {least} to {top}.")
    faults.raise_if_any()


def _named(rota: Rota, board: Board) -> tuple[Assignment, ...]:
    return tuple(
        Assignment(rota.duties[d].id, rota.vans[v].id, rota.crews[c].id)
        for d, (v, c) in sorted(board.taken.items())
    )


def _better(rota: Rota, greedy: Board, found: Any) -> Board:
    """Return the cheaper of the greedy rota and the one found, which has its price checked."""
    board = Board(rota, greedy.choices)
    for duty, (van, crew) in found.taken.items():
        board.put(duty, van, crew)
    answer = _named(rota, board)
    if faults := judge(rota, answer):
        raise Unsound(f"The rota breaks rules: {faults[:5]}")
    exact = cost_of(rota, answer).exact
    # One that is not proven may pay for a flag it need not have set.
    if exact > found.exact or (found.proven and exact != found.exact):
        raise Unsound(f"The rota costs {exact}, not {found.exact}.")
    if cost_of(rota, _named(rota, greedy)).exact < exact:
        return greedy
    board.fill()
    return board


def _reason(rota: Rota, possible: Eligible, board: Board, at: int) -> str:
    vans, crews = possible.vans[at], possible.crews[at]
    if not vans:
        return "no_van"
    if not crews:
        return "no_crew"
    duty = rota.duties[at]
    if not any(skilled(duty, rota.vans[v], rota.crews[c]) for v in vans for c in crews):
        return "no_pair"
    return "no_room" if board.cheapest(at) is None else "not_worth"
