"""The flat arrays that the compiled core works on. PURE.

Nodes: 0 stands for nobody, 1 … n are visits, n + 1 + s is the depot of slot s. A slot is a
vehicle that may drive one tour; its tour is a ring through its depot. What changes with a move
lies side by side, ``WIDTH`` numbers a node, so that a look at a gap costs one line of the cache.

The functions of an iteration take the arrays one by one (``iterate(*terrain, *state, …)``), not the
two tuples below. Tried: with tuples the same plans came at 0.89 (100 visits, plain) to 1.0 (1,000
visits; kinds of vehicles) times the iterations a second of processor time, three pairs each. What
is called once a leg (``kinds``) takes the tuples.
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
NEXT: Final = 0  # node behind
PREV: Final = 1  # node before
SLOT: Final = 2  # whose tour; below 0 while in none
READY: Final = 3  # second of the earliest departure: early start, windows, service
DUE: Final = 4  # second at which service must begin for all behind to hold
OUT: Final = 5  # cost of the leg to the node behind
INTO: Final = 6  # cost of the leg from the node before
TIME: Final = 7  # seconds of the leg to the node behind

# The array span, int32: [node, field]; segments as in ``segments``,
# where working time has a price or a limit; one row where not
AHEAD: Final = 0  # least seconds of work up to and with this node
LATEST: Final = 1  # latest start of work for which all up to this node holds
BEHIND: Final = 2  # least seconds of work from the begin of service here to the end
EARLIEST: Final = 3  # earliest begin of service here for which BEHIND is enough

# The array visit, int64; behind SERVICE one number a time layer, then one a load dimension
OPENS: Final = 0  # first second of service
CLOSES: Final = 1  # last second of its begin
PRICE: Final = 2  # of missing it
AWAY: Final = 3  # least cost of a tour for it alone, without the time's price
MISSED_AT: Final = 4  # its place in ``missed``, or NOWHERE
SERVICE: Final = 5

# The array tour, int64; behind ROOM one number a load dimension
COUNT: Final = 0  # visits in it
WORK: Final = 1  # least seconds of work
DRIVEN: Final = 2  # metres
FREE_AT: Final = 3  # its place among the empty slots of its kind, or NOWHERE
STAMP: Final = 4  # the last iteration that touched it
KIND: Final = 5
COST_LAYER: Final = 6
TIME_LAYER: Final = 7
METRE_LAYER: Final = 8
FIXED: Final = 9  # cost of leaving at all
SECOND: Final = 10  # cost of a second of work
LONGEST: Final = 11  # seconds of work at most
REACH: Final = 12  # metres at most
ROOM: Final = 13  # what is left of each load

# The array num, int64
COST: Final = 0  # of all tours, without what is missed
BEST: Final = 1  # least cost with what is missed so far
DONE: Final = 2  # iterations made
TAKEN: Final = 3  # of those accepted
USED: Final = 4  # slots with a tour
MISSED: Final = 5  # visits in no tour
BLINK: Final = 6  # gaps to look at until the next is overlooked
LOST: Final = 7  # price of the visits in no tour
NUMBERS: Final = 8

# The array tune, float
LENGTH: Final = 0  # longest string
MEAN: Final = 1  # mean of visits taken out
SPLIT: Final = 2  # chance that a string keeps a piece in its middle
MORE: Final = 3  # chance that this piece is one longer
OVERLOOK: Final = 4  # log(1 - chance that a gap is overlooked)
TAILS: Final = 5  # chance of a look at an exchange of tails before an iteration

NOWHERE: Final = -1
LOOSE: Final = -(1 << 28)  # cost of the leg of a visit in no tour: no gap beside it is cheap
NEVER: Final = 1 << 30  # second behind all others, with room to add to
FAR: Final = 1 << 60  # dearer than everything


class Terrain(NamedTuple):
    """A problem, or a piece of one, that does not change while it is searched.

    Rows of the matrices are visits by node and places of depots (row 0 and behind the visits).
    ``before`` and ``after`` hold for each visit those that may well come just before or behind,
    best first, each with cost and seconds of the leg on the first layers; name 0 ends.

    Where one layer is all there is and a leg and its way back differ, a second one holds the same
    turned over, so that a visit finds the legs to it side by side as well, in the cache.
    """

    cost: Any  # int32[cost layer, from row, to row]; the turned one: [to row, from row]
    time: Any  # int32[time layer, from row, to row]; the same array as cost where both are the same
    metres: Any  # int32[metre layer, row, row], one number where nobody's way is limited
    row: Int32  # [node, 2] rows to leave from and to come to
    before: Any  # int32[visit, …, 3]
    after: Any  # int32[visit, …, 3]
    around: Int32  # [visit, …] visits nearby, nearest first; 0 ends
    may: UInt8  # [visit, kind], one number where everybody may serve all
    gate: Int64  # [slot, 4] first and latest start of work, loading, last second of return
    full: int  # 0 where one matrix, load, windows and shifts are all there is


class State(NamedTuple):
    """A plan under change, and the scratch space of the search."""

    node: Int32
    span: Int32
    visit: Int64
    tour: Int64
    free: Int32  # [kind, …] the number of empty slots, then these
    missed: Int32  # visits in no tour
    best: Int32  # [node] node behind, in the best plan
    absent: Int32  # visits taken out in this iteration, in the order of their return
    key: Float
    gone: Int32  # [..., 2] visits taken out, in that order, and the node before each then
    touched: Int32
    num: Int64
    word: Words
    tune: Float
