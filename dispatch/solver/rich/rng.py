"""Random numbers in compiled code, repeatable: one word of state, set by a seed. PURE.

Source: Marsaglia (2003), Xorshift RNGs; the shifts 13, 7, 17.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from dispatch.solver.rich.compiled import compiled

Word = npt.NDArray[np.uint64]


def seeded(seed: int, thread: int) -> Word:
    """Return the generator's state for a seed and a thread."""
    word = np.random.SeedSequence([seed & 0xFFFFFFFF, thread]).generate_state(1, np.uint64)
    word[0] |= np.uint64(1)  # from state 0 the generator would return 0 for ever
    return np.asarray(word, dtype=np.uint64)


@compiled
def unit(word: Word) -> float:
    """Draw a number from [0, 1)."""
    x = word[0]
    x ^= x << np.uint64(13)
    x ^= x >> np.uint64(7)
    x ^= x << np.uint64(17)
    word[0] = x
    return float(np.float64(x >> np.uint64(11)) * 1.1102230246251565e-16)


@compiled
def below(word: Word, count: int) -> int:
    """Draw a whole number from 0 to ``count`` - 1."""
    return int(unit(word) * count)
