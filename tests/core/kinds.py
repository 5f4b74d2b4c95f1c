"""Kinds of events for the tests of the machinery: one shape of facts, everything optional."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from lastmile.core.kinds import FieldDoc, Kind


@dataclass(frozen=True, slots=True, kw_only=True)
class ThingFacts:
    """Something happened to a thing."""

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
