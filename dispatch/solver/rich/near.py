"""The nearest neighbours of each visit, by price of the way between them. PURE."""

from __future__ import annotations

from typing import Final

import numpy as np

from dispatch.solver.rich.model import PER_M, PER_S, PLACE, PROFILE, RATE, Int64, Model

# Neighbours kept of each visit: 1 or more. Chosen, not measured.
AROUND: Final = 60


def near(model: Model, count: int = AROUND) -> Int64:
    """Return the nearest other visits of each visit, nearest first. Shape [visit, count].

    Rows are filled up with -1. Nearness is the price of metres and seconds in the cheaper
    direction, for the vehicle with the highest prices. Where metres and seconds are free, it is
    their sum.
    """
    visits = len(model.visit)
    count = max(1, min(count, visits - 1))
    neighbours = np.full((visits, count), -1, dtype=np.int64)
    if visits < 2 or not len(model.vehicle):
        return neighbours
    vehicle = int(np.argmax(model.price[:, PER_M] + model.price[:, PER_S]))
    row = model.vehicle[vehicle]
    metre, second = model.price[vehicle, PER_M], model.price[vehicle, PER_S]
    if metre + second == 0:
        metre, second = 1.0, 1.0
    places = model.visit[:, PLACE]
    ways, times = model.metres[row[PROFILE]], model.fast[row[RATE]]
    for at, place in enumerate(places):
        there = metre * ways[place, places] + second * times[place, places]
        back = metre * ways[places, place] + second * times[places, place]
        price = np.minimum(there, back).astype(np.float64)
        price[at] = np.inf
        nearest = np.argpartition(price, count - 1)[:count] if count < visits else np.arange(visits)
        nearest = nearest[np.argsort(price[nearest], kind="stable")]
        nearest = nearest[np.isfinite(price[nearest])]
        neighbours[at, : len(nearest)] = nearest
    return neighbours
