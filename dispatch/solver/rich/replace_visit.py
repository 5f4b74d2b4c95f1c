"""Replacing one visit of a model by another without building the model again. PURE.

Only what depends on the visit is written: its row, its windows, the vehicles that may serve it, and
the legs from and to its place. No matrix is copied.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Final

from dispatch.solver.model.problem import Problem
from dispatch.solver.rich.model import (
    BRINGS,
    HARD,
    HARD_END,
    PLACE,
    SOFT,
    SOFT_END,
    Model,
    write_visit,
)
from dispatch.solver.timing.timer import scaled

TOO_FEW_WINDOWS: Final = "The model has too few rows for the visit's windows. Build it with more."
Space = tuple[int, int]  # the first row of a visit in Model.windows, and the row after its last


def spaces(model: Model) -> list[Space]:
    """Return the rows of each visit in the windows of a model that was just built."""
    firsts = [*model.visit[:, SOFT].tolist(), len(model.windows)]
    return list(pairwise(firsts))


def replace_visit(model: Model, problem: Problem, visit: int, space: Space) -> None:
    """Write a visit of a problem over the same visit of a model.

    Parameters
    ----------
    model : Model
        Built from a problem that differs only in this visit, which is in no pair and no set.
    space : (int, int)
        The rows of ``Model.windows`` that belong to the visit; see ``spaces``. The new visit needs
        one row for each window, and two for each where it may be late.

    Raises
    ------
    ValueError
        When there are too few such rows: a bug in our code.
    """
    it = problem.visits[visit]
    windows: list[tuple[int, int]] = []
    write_visit(model.visit[visit], problem, visit, windows)
    first, end = space
    if first + len(windows) > end:
        raise ValueError(TOO_FEW_WINDOWS)
    for at, window in enumerate(windows, start=first):
        model.windows[at] = window
    model.visit[visit, [SOFT, SOFT_END, HARD, HARD_END]] += first
    model.visit[visit, BRINGS] = any(it.demand)
    model.service[visit] = it.service_s
    model.demand[visit] = it.demand
    model.collect[visit] = it.collect or (0,) * len(problem.dimensions)
    model.may[visit] = [
        it.skills <= vehicle.skills and (it.vehicles is None or vehicle.id in it.vehicles)
        for vehicle in problem.vehicles
    ]
    _legs(model, problem, int(model.visit[visit, PLACE]))


def _legs(model: Model, problem: Problem, place: int) -> None:
    """Write the legs from and to a place into the matrices, by profile, hour and speed."""
    rates = sorted({(v.profile, v.speed_percent) for v in problem.vehicles}) or [(0, 100)]
    for profile, travel in enumerate(problem.profiles):
        model.metres[profile, place, :] = travel.distance_m[place]
        model.metres[profile, :, place] = travel.distance_m[:, place]
    for (profile, speed), (first, last) in zip(rates, pairwise(model.slices), strict=True):
        travel = problem.profiles[profile]
        hours = [travel.duration_s, *(part.duration_s for part in travel.hourly)]
        for number, matrix in zip(range(first, last), hours, strict=True):
            model.seconds[number, place, :] = scaled(matrix[place], speed)
            model.seconds[number, :, place] = scaled(matrix[:, place], speed)
    if model.fast is not model.seconds:
        for rate, (first, last) in enumerate(pairwise(model.slices)):
            model.fast[rate, place, :] = model.seconds[first:last, place, :].min(axis=0)
            model.fast[rate, :, place] = model.seconds[first:last, :, place].min(axis=0)
