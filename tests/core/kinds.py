"""Event kinds for the tests of core, all with the same optional facts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from lastmile.core.kinds import FieldDoc, Kind


@dataclass(frozen=True, slots=True, kw_only=True)
class ThingFacts:
    """The facts of a test event."""

    number: Annotated[int | None, FieldDoc("Its number.", 7)] = None


def _kind(name: str) -> Kind[Any]:
    return Kind(name, facts=ThingFacts)


PLACED = _kind("order.placed")
TWICE = _kind("order.twice")
BROKEN = _kind("order.broken")
GONE = _kind("order.gone")
DELIVERED = _kind("order.delivered")
NOTED = _kind("order.noted")
NEAR = _kind("driver.near")
TRACE = _kind("test.trace")
MANY = _kind("test.many")
FIRST, SECOND, THIRD = _kind("test.first"), _kind("test.second"), _kind("test.third")
BY_NAME = {kind.name: kind for kind in (PLACED, NOTED, TWICE, BROKEN, GONE, DELIVERED, NEAR, TRACE)}
NO_FACTS = ThingFacts()
