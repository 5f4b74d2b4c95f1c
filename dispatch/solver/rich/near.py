"""Which visits lie near one another, in price and time of the way between. PURE."""

from __future__ import annotations

from typing import Final

import numpy as np

from dispatch.solver.rich.model import PER_M, PER_S, PLACE, PROFILE, RATE, Int64, Model

# Neighbours of a visit that a ruin goes along: 1 or more. Chosen.
AROUND: Final = 60


def near(model: Model, count: int = AROUND) -> Int64:
    """Return for each visit the nearest others, nearest first; -1 ends. Shape [visit, count].

    The measure is the price of the way there and back for the dearest kind of vehicle, or the
    seconds where ways cost nothing.
    """
    visits = len(model.visit)
    count = max(1, min(count, visits - 1))
    found = np.full((visits, count), -1, dtype=np.int64)
    if visits < 2 or not len(model.vehicle):
        return found
    dearest = int(np.argmax(model.price[:, PER_M] + model.price[:, PER_S]))
    row = model.vehicle[dearest]
    metre, second = model.price[dearest, PER_M], model.price[dearest, PER_S]
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
        found[at, : len(nearest)] = nearest
    return found
