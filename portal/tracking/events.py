"""The event kinds of the delivery page. The subject is always the order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from lastmile.core.kinds import FieldDoc, Kind


@dataclass(frozen=True, slots=True, kw_only=True)
class RatedFacts:
    """A shopper rated a delivery, or changed the rating. The comment is not in the event."""

    rating: Annotated[str, FieldDoc("Public id of the rating.", "rat_5k9n3r7v1x5b9d3h7m1q")]
    stars: Annotated[int, FieldDoc("1 (bad) to 5 (very good).", 5)]
    first: Annotated[bool, FieldDoc("False if an earlier rating was changed.", True)]


@dataclass(frozen=True, slots=True, kw_only=True)
class OnTheWayFacts:
    """The shopper is on the way to the curbside."""

    promise: Annotated[str, FieldDoc("Public id of the promise.", "prm_6t0w4y8c2f5j9n3r7v1x")]
    minutes: Annotated[
        int | None, FieldDoc("Minutes until the shopper arrives, by the shopper's estimate.", 15)
    ] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ArrivedFacts:
    """The shopper is at the curbside, or named another bay. The car is not in the event."""

    promise: Annotated[str, FieldDoc("Public id of the promise.", "prm_6t0w4y8c2f5j9n3r7v1x")]
    first: Annotated[bool, FieldDoc("False if only bay or car changed.", True)]


RATED = Kind("delivery.rated", facts=RatedFacts, public=True)
ON_THE_WAY = Kind("curbside.on_the_way", facts=OnTheWayFacts, public=True)
ARRIVED = Kind("curbside.arrived", facts=ArrivedFacts, public=True)
