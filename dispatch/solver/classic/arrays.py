"""The flat arrays of the compiled search, and the meaning of their columns. PURE.

Nodes: 0 means no node, 1 … n are visits, n + 1 + s is the depot of slot s. A slot is a vehicle
that can drive one tour. A tour is a ring of nodes through the depot of its slot: a doubly linked
list. The numbers that change with a move are adjacent in memory, ``WIDTH`` per node, so that the
evaluation of a gap reads one cache line.

The functions of an iteration take the arrays one by one (``iterate(*terrain, *state, …)``), not
the two tuples below. With tuples the same plans took longer: 0.89 (100 visits, plain) to 1.0
(1,000 visits, kinds of vehicles) times the iterations per second of processor time, in three
pairs of runs each. ``kinds``, which is called once per stage, takes the tuples.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]
UInt8 = npt.NDArray[np.uint8]
Float = npt.NDArray[np.float64]
Words = npt.NDArray[np.uint64]

# The array node, int32: [node, field]
WIDTH: Final = 8
NEXT: Final = 0  # next node of the tour
PREV: Final = 1  # previous node of the tour
SLOT: Final = 2  # slot of the tour; below 0 for an unserved visit
READY: Final = 3  # earliest departure, in seconds: after waiting for the window and service
DUE: Final = 4  # latest begin of service at which all later nodes are in time
OUT: Final = 5  # cost of the leg to the next node
INTO: Final = 6  # cost of the leg from the previous node
TIME: Final = 7  # seconds of the leg to the next node

# The array span, int32: [node, field]: segments as in ``timing.segments``, where working time has
# a price or a limit; otherwise the array has one row
AHEAD: Final = 0  # least seconds of work from the start up to this node, its service included
LATEST: Final = 1  # latest start of work at which all nodes up to this one are in time
BEHIND: Final = 2  # least seconds of work from the begin of service here to the end
EARLIEST: Final = 3  # earliest begin of service here for which BEHIND is enough

# The array visit, int64: [visit, field]. From SERVICE on: the service time in each time layer,
# then the load in each dimension
OPENS: Final = 0  # first second at which service may begin
CLOSES: Final = 1  # last second at which service may begin
PRICE: Final = 2  # cost of not serving the visit
AWAY: Final = 3  # least cost of a tour for this visit alone, without the price of time
MISSED_AT: Final = 4  # position in ``missed``, or NOWHERE
SERVICE: Final = 5

# The array tour, int64: [slot, field]. From ROOM on: one number for each load dimension
COUNT: Final = 0  # visits in the tour
WORK: Final = 1  # least seconds of work
DRIVEN: Final = 2  # metres
FREE_AT: Final = 3  # position among the empty slots of its kind, or NOWHERE
STAMP: Final = 4  # number of the last iteration that changed the tour
KIND: Final = 5  # kind of vehicle
COST_LAYER: Final = 6  # index of its matrix in ``Terrain.cost``
TIME_LAYER: Final = 7  # index of its matrix in ``Terrain.time``
METRE_LAYER: Final = 8  # index of its matrix in ``Terrain.metres``
FIXED: Final = 9  # cost of using the vehicle
SECOND: Final = 10  # cost of a second of work
LONGEST: Final = 11  # largest number of seconds of work
REACH: Final = 12  # largest number of metres
ROOM: Final = 13  # remaining capacity in each load dimension

# The array num, int64: counters of the search
COST: Final = 0  # cost of all tours, without the cost of unserved visits
BEST: Final = 1  # least total cost so far, with the cost of unserved visits
DONE: Final = 2  # iterations so far
ACCEPTED: Final = 3  # iterations that were accepted
USED: Final = 4  # slots with a tour
MISSED: Final = 5  # unserved visits
BLINK: Final = 6  # feasible gaps to evaluate until the next one is skipped
MISSED_PRICE: Final = 7  # cost of the unserved visits
NUMBERS: Final = 8

# The array tune, float: the parameters of an iteration, see ``tuning``
LENGTH: Final = 0  # longest string
MEAN: Final = 1  # mean number of removed visits
SPLIT: Final = 2  # probability that a string preserves some visits in its middle
MORE: Final = 3  # probability that one more visit is preserved
OVERLOOK: Final = 4  # log(1 - probability that a gap is skipped)
TAILS: Final = 5  # probability of a tail exchange before an iteration

NOWHERE: Final = -1
# Leg cost of an unserved visit, far below 0. A replaced leg is subtracted from the cost of a gap,
# so no gap beside an unserved visit looks cheap.
LOOSE: Final = -(1 << 28)
NEVER: Final = 1 << 30  # a second after all others; sums with it still fit int32
FAR: Final = 1 << 60  # a cost above all others


class Terrain(NamedTuple):
    """The constant part of a search: a problem, or a piece of one.

    Rows of the matrices are visits by node and the places of depots (row 0 and the rows after the
    visits). ``before`` and ``after`` list for each visit its likely predecessors and successors,
    best first: name, cost and seconds of the leg on the first layers. Name 0 ends a list.

    If there is only one layer and it is not symmetric, a second layer holds the transposed
    matrix. The legs to a visit are then adjacent in the cache, like the legs from it.
    """

    cost: Any  # int32[cost layer, from row, to row]; the transposed layer: [to row, from row]
    time: Any  # int32[time layer, from row, to row]; the same array as cost if they are equal
    metres: Any  # int32[metre layer, row, row]; one number if no tour has a limit of metres
    row: Int32  # [node, 2] the row to leave from and the row to arrive at
    before: Any  # int32[visit, …, 3]
    after: Any  # int32[visit, …, 3]
    around: Int32  # [visit, …] neighbours, nearest first; 0 ends the list
    may: UInt8  # [visit, kind] 1 if the kind may serve it; one number if all kinds may serve all
    gate: Int64  # [slot, 4] first and latest start of work, loading time, latest return
    full: int  # 0 if the problem has only one matrix, loads, windows and shifts


class State(NamedTuple):
    """The changing part of a search: the plan and working space."""

    node: Int32
    span: Int32
    visit: Int64
    tour: Int64
    free: Int32  # [kind, …] the number of empty slots, then their numbers
    missed: Int32  # unserved visits
    best: Int32  # [node] next node in the best plan
    absent: Int32  # visits to insert in this iteration, in their order
    key: Float  # [visit] sort keys of ``absent``
    removed: Int32  # [..., 2] removed visits in order, each with the node that was before it
    touched: Int32  # slots that this iteration changed
    num: Int64
    word: Words  # state of the random numbers
    tune: Float
