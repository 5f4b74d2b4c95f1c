"""The numbers that the classic search is tuned by. PURE.

Each says what it means, its unit, between what it may lie, and how its value was found. *Paper*:
Christiaens and Vanden Berghe (2020), whose values are kept. *Prototype*: tried on 18 instances of
100 to 1,000 visits before this code was written; 20 candidates, longer strings and cold starts did
not pay there. *Here*: tried with this code, two or three seeds each; the README has the figures.
*Chosen*: a round number that was not tuned.
"""

from __future__ import annotations

import math
from typing import Final

# --- the shape of a search

# Temperatures of a search: 2 or more, a multiple of ROUNDS. Prototype.
STAGES: Final = 200
# Times that a large plan is cut anew: 1 to STAGES. Prototype; here 100 were no better.
ROUNDS: Final = 40
# Visits from which the plan is cut: 2 or more. Here: below, two searches of the whole paid more
# than halves, whose borders long tours cross everywhere.
WHOLE: Final = 600
# Visits of a piece at most, about: 2 or more. Prototype: its matrices lie in the cache.
PIECE: Final = 600
# Visits from which there are iterations for few moves of whole tours. Here.
MANY: Final = 3_000
# As PIECE, from MANY visits. Here: with 5,000 visits and 200 iterations a visit 1.1 % below
# pieces of 1,000; with more iterations 850 and 2,500 changed nothing beyond the 0.3 % between
# seeds.
PIECE_OF_MANY: Final = 1_250
# Free vehicles of a kind that a piece gets beyond as many as it drives: 0 or more. Chosen.
SPARE_SLOTS: Final = 8

# --- temperatures, in mean costs a visit of the first plan: above 0, HOT above COLD

# The first and the last. Prototype; here others were no better.
HOT: Final = 3.0
COLD: Final = 0.03
# The first where a plan is given; a hotter one would forget the plan. Chosen.
WARM: Final = 0.3

# --- what a tour costs besides, at first

# By how much each tour is cheaper, in what a tour for one visit alone costs on the mean: 0 to 1.
# Here: a first plan by insertion has too few tours where they are long.
REBATE: Final = 0.6
# The same from MANY visits: a charge, -3 to 0. Here: too many tours are left over otherwise; with
# 500 iterations a visit 0.3 to 0.4 % below none.
REBATE_OF_MANY: Final = -1.5
# Share of the search in which it goes back to nothing: above 0, 1 at most. Chosen.
REBATED: Final = 0.5

# --- one iteration; see the array tune in ``arrays``

# Visits in a string at most, and visits taken out on the mean: 1 or more. Paper.
LONGEST_STRING: Final = 10.0
MEAN_OUT: Final = 10.0
# Chance that a string keeps a piece in its middle, and that this piece is one longer: 0 to 1.
# Paper.
SPLIT_CHANCE: Final = 0.5
MORE_CHANCE: Final = 0.01
# Chance that a gap is overlooked: above 0, below 1. Paper.
BLINK_CHANCE: Final = 0.01
# Chance of a look at an exchange of tails before an iteration: 0 to 1. Here; see the README.
TAILS_CHANCE: Final = 0.5
TUNE: Final = (
    LONGEST_STRING,
    MEAN_OUT,
    SPLIT_CHANCE,
    MORE_CHANCE,
    math.log(1 - BLINK_CHANCE),
    TAILS_CHANCE,
)

# --- the polish by PyVRP (ADR 0017)

# Share of the time in which it takes part: 0 to below 1. Here.
POLISHED: Final = 0.3
# Rounds of it, for a plan that is searched whole and for one in pieces: 1 or more. Chosen.
POLISHES: Final = (2, 4)
# Visits beyond which a few polished pieces are not worth the time. Here.
POLISHED_MOST: Final = 2_400
# Seconds a visit below which they are not either. Here.
POLISH_S: Final = 0.005
# StagedSearch of the pieces that are searched beside it in a round: 2 or more. Chosen.
POLISH_STAGES: Final = 10

# --- the clock

# Seconds of one compiled call: so late may a stop be noticed. Chosen.
SLICE_S: Final = 0.01
# Iterations a millisecond, until the pace of this machine is known. Chosen.
FIRST_ITERATIONS: Final = 100
# Iterations of one compiled call: at most where they are counted, at least by the clock. Chosen.
COUNTED: Final = 2_000
LEAST: Final = 20
