"""Invalid JSON for tests: one value of a valid problem is replaced by a bad one."""

from __future__ import annotations

import copy
import json
import random
from typing import Any, Final

VALUES: Final[tuple[Any, ...]] = (
    None,
    True,
    -1,
    0,
    1,
    10**9,
    2**31,
    2**63,
    10**30,
    -(2**63),
    0.5,
    1e308,
    float("nan"),
    float("inf"),
    "",
    "0",
    "v0",
    "a\x00b",
    "\ud800",
    "x" * 10_000,
    "'; DROP TABLE visits; --",
    [],
    [[]],
    [None],
    [[0, 0]],
    ["v0", "v0"],
    {},
    {"a": 1},
    {"__class__": "Problem"},
)


def spoiled(rng: random.Random, data: Any) -> str:
    """Return the data as JSON with one or two bad values, sometimes truncated."""
    whole = copy.deepcopy(data)
    for _ in range(rng.choice([1, 1, 2])):
        _spoil(rng, whole)
    text = json.dumps(whole)
    return text[: rng.randrange(len(text))] if rng.random() < 0.05 else text


def _spoil(rng: random.Random, whole: Any) -> None:
    holder, key = _place(rng, whole)
    kind = rng.randrange(5)
    if kind == 0 and isinstance(holder, dict):
        holder[rng.choice(["visitz", "", "__init__", "place"])] = rng.choice(VALUES)
    elif kind == 1:
        del holder[key]
    elif kind == 2 and isinstance(holder, list):
        holder.extend([copy.deepcopy(holder[key])] * rng.choice([1, 3]))
    else:
        holder[key] = rng.choice(VALUES)


def _place(rng: random.Random, whole: Any) -> tuple[Any, Any]:
    """Return a random nested list or object, and one of its keys."""
    holder: Any = whole
    while True:
        keys = list(holder) if isinstance(holder, dict) else list(range(len(holder)))
        key = rng.choice(keys)
        inner = holder[key]
        if not isinstance(inner, dict | list) or not inner or rng.random() < 0.15:
            return holder, key
        holder = inner
