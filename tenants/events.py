"""The kinds of events of retailers. The operator's journal has changes of status."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from lastmile.core.kinds import FieldDoc, Kind


@dataclass(frozen=True, slots=True, kw_only=True)
class RetailerMovedFacts:
    """The status of a retailer changed. The subject is the retailer."""

    from_: Annotated[str, FieldDoc("Old status: opening, active, suspended, closing.", "active")]


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyChangedFacts:
    """Some settings of a retailer were changed. The subject is the retailer."""

    fields: Annotated[tuple[str, ...], FieldDoc("Changed settings.", ["units", "zone"])]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockSetFacts:
    """The clock of a sandbox retailer was set. The subject is the retailer."""

    rate: Annotated[float, FieldDoc("Seconds of this clock per real second.", 60.0)]
    real: Annotated[bool, FieldDoc("True if the clock shows the real time again.", False)]


#: Verb of ``tenants.states.VERBS`` -> kind of event.
RETAILER: Mapping[str, Kind[Any]] = {
    verb: Kind(f"retailer.{verb}", facts=RetailerMovedFacts)
    for verb in ("opened", "given_up", "suspended", "resumed", "closed")
}
CLOCK_SET = Kind("retailer.clock_set", facts=ClockSetFacts)
POLICY_CHANGED = Kind("policy.changed", facts=PolicyChangedFacts)
