"""Which answer is sure enough to send a driver there: the same rules for every geocoder.

A pin is set by itself only for the very street name, in the town that the order names, and when
no answer as good lies far away. Everything else waits for a person, with suggestions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from dispatch.orders.doubts import Doubt
from dispatch.orders.geocoding.base import Answer
from dispatch.roads.geocode import Candidate
from lastmile.core.geo import distance_m

# A house, or one between its neighbours, is taken when the geocoder is more sure than not. The
# middle of a street only when the street is certain; the middle of a town never: a driver would
# be sent to the wrong door, and a person can say better.
SURE_ENOUGH: Final[Mapping[str, float]] = {"house": 0.5, "interpolated": 0.5, "street": 0.8}
APART_M: Final = 300  # as the houses of one number that count as one address
ALIKE: Final = 0.1  # confidence: answers closer than this are equally good


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer that is good enough for a pin, or why none is; both empty when none was found."""

    answer: Answer | None = None
    doubt: str = ""


def judge(answers: Sequence[Answer]) -> Verdict:
    """Choose the answer to pin, or say what is doubtful about the best one."""
    sure = [answer for answer in answers if _is_sure(answer.candidate)]
    fitting = [answer for answer in sure if _fits(answer.candidate)]
    if not fitting:
        return Verdict(doubt=_doubt(sure))
    best = max(fitting, key=lambda answer: answer.candidate.confidence)
    if any(_rivals(best.candidate, other.candidate) for other in fitting):
        return Verdict(doubt=Doubt.RIVALS.value)
    return Verdict(best)


def _is_sure(found: Candidate) -> bool:
    return found.confidence >= SURE_ENOUGH.get(found.precision, 2.0)


def _fits(found: Candidate) -> bool:
    return found.exact and found.town in {"same", "unasked"}


def _rivals(best: Candidate, other: Candidate) -> bool:
    """Two answers as good as each other that are not the same place."""
    alike = best.confidence - other.confidence <= ALIKE
    return alike and distance_m(best.point, other.point) > APART_M


def _doubt(sure: Sequence[Answer]) -> str:
    if not sure:
        return ""
    if any(answer.candidate.exact for answer in sure):
        return Doubt.OTHER_TOWN.value
    return Doubt.OTHER_STREET.value
