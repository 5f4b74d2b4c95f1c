"""Random numbers for compiled code: one word of state, determined by the seed. PURE.

Source: Marsaglia (2003), Xorshift RNGs; the shifts 13, 7, 17.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from dispatch.solver.compiling.compiled import compiled

Words = npt.NDArray[np.uint64]

_SCALE = 1.0 / 9007199254740992.0  # 2 ** -53


def seeded(*numbers: int) -> Words:
    """Return the state for some numbers, e.g. seed, round and piece."""
    state: Words = np.random.SeedSequence([n & 0xFFFFFFFF for n in numbers]).generate_state(
        1, np.uint64
    )  # type: ignore[assignment]
    state[0] |= np.uint64(1)  # 0 is the only state that never changes
    return state


@compiled
def unit(word: Words) -> float:
    """Draw a random number from [0, 1)."""
    x = word[0]
    x ^= x << np.uint64(13)
    x ^= x >> np.uint64(7)
    x ^= x << np.uint64(17)
    word[0] = x
    return np.float64(x >> np.uint64(11)) * _SCALE


@compiled
def below(word: Words, count: int) -> int:
    """Draw a random whole number from 0 to ``count`` - 1."""
    return int(unit(word) * count)


@compiled
def until(word: Words, log_rest: float) -> int:
    """Draw the number of trials until a success; ``log_rest`` is log(1 - its probability)."""
    return int(math.log(unit(word) + 1e-300) / log_rest) + 1
