"""The parameters of the classic search. PURE.

Each comment gives the meaning, the unit, the bounds, and how the value was found:

- *Paper*: the value of Christiaens and Vanden Berghe (2020).
- *Prototype*: the best value on 18 instances of 100 to 1,000 visits, before this code existed.
  There, 20 candidates, longer strings and cold starts gave worse results.
- *Here*: the best value with this code, two or three seeds each; the README has the figures.
- *Chosen*: a round number that was not tuned.
"""

from __future__ import annotations

import math
from typing import Final

# --- the shape of a search

# Number of temperatures of a search: 2 or more, a multiple of ROUNDS. Prototype.
STAGES: Final = 200
# Number of rounds; a large plan is divided again in each: 1 to STAGES. Prototype; here 100 rounds
# were not better.
ROUNDS: Final = 40
# Visits from which the plan is divided: 2 or more. Here: for fewer visits two searches of the
# whole plan gave better results than two halves, because many long tours cross their border.
WHOLE: Final = 600
# Largest size of a piece, approximately, in visits: 2 or more. Prototype: the matrices of a piece
# fit in the cache.
PIECE: Final = 600
# Visits from which the time allows only few changes of whole tours: 2 or more. Here.
MANY: Final = 3_000
# The same as PIECE, from MANY visits. Here: with 5,000 visits and 200 iterations per visit the cost
# was 1.1 % lower than with 1,000. With more iterations, 850 and 2,500 gave no difference beyond
# the 0.3 % between seeds.
PIECE_OF_MANY: Final = 1_250
# Unused vehicles of a kind that a piece gets in addition to the number that it uses: 0 or more.
# Chosen.
SPARE_SLOTS: Final = 8

# --- temperatures, in units of the mean cost per visit of the first plan: above 0, HOT above COLD

# First and last temperature. Prototype; here other values were not better.
HOT: Final = 3.0
COLD: Final = 0.03
# First temperature with a given start plan; a higher one would destroy the plan. Chosen.
WARM: Final = 0.3

# --- an extra price for each tour at the begin of the search

# Reduction of the cost of each tour, in units of the mean cost of a tour for one visit: 0 to 1.
# Here: a first plan by insertion has too few tours if tours are long.
DISCOUNT: Final = 0.6
# The same from MANY visits: -3 to 0, a surcharge on each tour. Here: without it too many tours
# remain; with 500 iterations per visit the cost was 0.3 to 0.4 % lower with it.
DISCOUNT_OF_MANY: Final = -1.5
# Share of the search after which the discount has fallen to 0: above 0, at most 1. Chosen.
DISCOUNT_SHARE: Final = 0.5

# --- one iteration; see the array ``tune`` in ``arrays``

# Largest length of a string, and mean number of removed visits: 1 or more. Paper.
LONGEST_STRING: Final = 10.0
MEAN_OUT: Final = 10.0
# Probability that a string preserves a visit in its middle, and that it preserves one more: 0 to
# 1. Paper.
SPLIT_CHANCE: Final = 0.5
MORE_CHANCE: Final = 0.01
# Probability that an improving gap is skipped ("blink"): above 0, below 1. Paper.
BLINK_CHANCE: Final = 0.01
# Probability of a tail exchange before an iteration: 0 to 1. Here; see the README.
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

# Share of the time for the polish, at the end of the search: 0 to below 1. Here.
POLISHED: Final = 0.3
# Rounds of the polish, for a plan that is searched whole and for a divided plan: 1 or more. Chosen.
POLISHES: Final = (2, 4)
# Largest number of visits with a polish: 1 or more. Here: beyond it the few polished pieces are
# not worth the time.
POLISHED_MOST: Final = 2_400
# Least time of the search per visit with a polish, in seconds: 0 or more. Here.
POLISH_S: Final = 0.005
# Stages of a round for the pieces that are searched while another is polished: 2 or more. Chosen.
POLISH_STAGES: Final = 10

# --- the clock

# Seconds of one compiled call, which is the longest delay of a stop: above 0. Chosen.
SLICE_S: Final = 0.01
# Iterations per millisecond, until the speed of this machine is measured: 1 or more. Chosen.
FIRST_ITERATIONS: Final = 100
# Iterations of one compiled call: the most in a search by count, the least in a search by the
# clock. Chosen.
COUNTED: Final = 2_000
LEAST: Final = 20
