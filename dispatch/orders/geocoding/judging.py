"""The rules that decide whether an answer is reliable enough to send a driver there.

They are the same for every geocoder. A pin is set without a person only if all of this is true:

- the street has exactly the requested name;
- the street is in the requested town, and the place has no other postcode;
- no equally good answer is far away.

In all other cases a person chooses from suggestions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from dispatch.orders.doubts import Doubt
from dispatch.orders.geocoding.base import Answer
from dispatch.roads.geocode import Candidate
from lastmile.core.geo import distance_m

# The lowest confidence for a pin, by precision. A house, or a point between its neighbours, needs
# more than an even chance; the middle of a street needs a certain street. The middle of a town is
# never used, because the driver would go to the wrong door and a person can choose better.
SURE_ENOUGH: Final[Mapping[str, float]] = {"house": 0.5, "interpolated": 0.5, "street": 0.8}
APART_M: Final = 300  # the same limit as for houses of one number that count as one address
EQUAL_CONFIDENCE: Final = 0.1  # answers whose confidence differs by at most this are equally good


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer that becomes the pin, or the doubt that prevents a pin.

    If no answer is confident enough, both are empty.
    """

    answer: Answer | None = None
    doubt: str = ""


def judge(answers: Sequence[Answer]) -> Verdict:
    """Choose the answer for the pin, or the doubt that prevents a pin."""
    sure = [answer for answer in answers if _is_sure(answer.candidate)]
    fitting = [answer for answer in sure if _fits(answer.candidate)]
    if not fitting:
        return Verdict(doubt=_doubt(sure))
    best = max(fitting, key=lambda answer: answer.candidate.confidence)
    if any(_are_rivals(best.candidate, other.candidate) for other in fitting):
        return Verdict(doubt=Doubt.RIVALS.value)
    return Verdict(best)


def _is_sure(candidate: Candidate) -> bool:
    return candidate.confidence >= SURE_ENOUGH.get(candidate.precision, 2.0)


def _fits(candidate: Candidate) -> bool:
    is_there = candidate.town in {"same", "unasked"} and not candidate.other_postcode
    return candidate.exact and is_there


def _are_rivals(best: Candidate, other: Candidate) -> bool:
    """Return True if two answers are equally good and far apart."""
    equally_good = best.confidence - other.confidence <= EQUAL_CONFIDENCE
    return equally_good and distance_m(best.point, other.point) > APART_M


def _doubt(sure: Sequence[Answer]) -> str:
    if not sure:
        return ""
    exact = [answer.candidate for answer in sure if answer.candidate.exact]
    if any(one.other_postcode and one.town in {"same", "unasked"} for one in exact):
        return Doubt.OTHER_POSTCODE.value
    if exact:
        return Doubt.OTHER_TOWN.value
    return Doubt.OTHER_STREET.value
