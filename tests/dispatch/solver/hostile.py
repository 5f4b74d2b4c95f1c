"""JSON that nobody sane would send: one value of a good problem replaced by a bad one."""

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


def spoiled(lots: random.Random, data: Any) -> str:
    """Return the text of the data with one or two places spoiled, sometimes cut short."""
    whole = copy.deepcopy(data)
    for _ in range(lots.choice([1, 1, 2])):
        _spoil(lots, whole)
    text = json.dumps(whole)
    return text[: lots.randrange(len(text))] if lots.random() < 0.05 else text


def _spoil(lots: random.Random, whole: Any) -> None:
    holder, key = _place(lots, whole)
    kind = lots.randrange(5)
    if kind == 0 and isinstance(holder, dict):
        holder[lots.choice(["visitz", "", "__init__", "place"])] = lots.choice(VALUES)
    elif kind == 1:
        del holder[key]
    elif kind == 2 and isinstance(holder, list):
        holder.extend([copy.deepcopy(holder[key])] * lots.choice([1, 3]))
    else:
        holder[key] = lots.choice(VALUES)


def _place(lots: random.Random, whole: Any) -> tuple[Any, Any]:
    """Return a list or object somewhere inside, and a key of it."""
    holder: Any = whole
    while True:
        keys = list(holder) if isinstance(holder, dict) else list(range(len(holder)))
        key = lots.choice(keys)
        inner = holder[key]
        if not isinstance(inner, dict | list) or not inner or lots.random() < 0.15:
            return holder, key
        holder = inner
