"""The green option and the order of offers, each with the reason for its position. PURE."""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

#: The first offers are the best of all in one respect: greenest, cheapest, soonest. The others
#: follow by price, then grams, then time. Their reason is the first difference from the offer
#: before them in this order, which is above them too: its price is lower, or at the same price its
#: grams are fewer or known, or at the same grams it is earlier.
RankReason = Literal[
    "greenest_and_cheapest",
    "greenest",
    "cheapest",
    "soonest",
    "costs_more",
    "more_co2",
    "co2_unknown",
    "later",
]
_UNKNOWN = 2**62  # grams that are not known come after all others


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """An offer to rank. ``key`` is unique; ``co2_g`` None means not known (never green)."""

    key: str
    opens_at: dt.datetime
    price_minor: int
    co2_g: int | None

    @property
    def grams(self) -> int:
        return _UNKNOWN if self.co2_g is None else self.co2_g


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranked:
    """The position of an offer, from 1, and the reason for it."""

    key: str
    rank: int
    reason: RankReason


def green_of(candidates: Sequence[Candidate], *, before: str = "", stickiness_percent: int) -> str:
    """Return the key of the green offer, "" if no grams are known.

    It is the offer with the fewest grams; of several, the earliest. The offer ``before``, which was
    green in this session, stays green while it is there, until another one has at most
    ``100 - stickiness_percent`` per cent of its grams, and fewer.
    """
    known = [c for c in candidates if c.co2_g is not None]
    if not known:
        return ""
    best = min(known, key=lambda c: (c.grams, c.opens_at, c.key))
    kept = next((c for c in known if c.key == before), None)
    if kept is None:
        return best.key
    saves = best.grams < kept.grams
    saves = saves and best.grams * 100 <= kept.grams * (100 - stickiness_percent)
    return best.key if saves else kept.key


def ranked(candidates: Sequence[Candidate], *, green: str) -> list[Ranked]:
    """Return the offers in their order: green, cheapest, soonest, then by price, grams and time."""
    if not candidates:
        return []
    by_price = sorted(candidates, key=lambda c: (c.price_minor, c.grams, c.opens_at, c.key))
    soonest = min(candidates, key=lambda c: (c.opens_at, c.price_minor, c.grams, c.key))
    greens = [c for c in candidates if c.key == green]
    order: list[Candidate] = []
    reasons: list[RankReason] = []
    best: list[tuple[RankReason, Candidate]] = [("greenest", c) for c in greens]
    best += [("cheapest", by_price[0]), ("soonest", soonest)]
    for reason, candidate in best:
        if candidate not in order:
            order.append(candidate)
            reasons.append(reason)
    if greens and greens[0].price_minor == by_price[0].price_minor:
        reasons[0] = "greenest_and_cheapest"
    for above, candidate in itertools.pairwise(by_price):
        if candidate not in order:
            reasons.append(_difference(above, candidate))
            order.append(candidate)
    return [
        Ranked(key=candidate.key, rank=n, reason=reason)
        for n, (candidate, reason) in enumerate(zip(order, reasons, strict=True), start=1)
    ]


def _difference(above: Candidate, candidate: Candidate) -> RankReason:
    """Return the first difference that puts an offer below another one."""
    if candidate.price_minor > above.price_minor:
        return "costs_more"
    if candidate.grams > above.grams:
        return "co2_unknown" if candidate.co2_g is None else "more_co2"
    return "later"
