"""The event kinds of the fleet: hubs, zones, vehicles, drivers and shifts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from lastmile.core.kinds import FieldDoc, Kind

HubRef = Annotated[str, FieldDoc("Public id of the hub.", "hub_2p6s0r8m4k9d1f7c3v5x")]


@dataclass(frozen=True, slots=True, kw_only=True)
class AddedFacts:
    """A row was added. The subject is the hub, zone, vehicle, driver or shift."""

    hub: HubRef


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangedFacts:
    """Some fields of a row changed. The subject is the hub, zone, vehicle, driver or shift."""

    hub: HubRef
    changed: Annotated[tuple[str, ...], FieldDoc("Names of the changed fields.", ["active"])]


@dataclass(frozen=True, slots=True, kw_only=True)
class RemovedFacts:
    """A row was removed. The subject is the zone."""

    hub: HubRef


def _kinds(verb: str, facts: type[Any], *nouns: str) -> dict[str, Kind[Any]]:
    return {noun: Kind(f"{noun}.{verb}", facts=facts) for noun in nouns}


NOUNS = ("hub", "zone", "vehicle", "driver", "shift")
ADDED: Mapping[str, Kind[AddedFacts]] = _kinds("added", AddedFacts, *NOUNS)
CHANGED: Mapping[str, Kind[ChangedFacts]] = _kinds("changed", ChangedFacts, *NOUNS)
RETIRED: Mapping[str, Kind[ChangedFacts]] = _kinds(
    "retired", ChangedFacts, "hub", "vehicle", "driver"
)
SHIFT_CANCELLED = Kind("shift.cancelled", facts=ChangedFacts)
ZONE_REMOVED = Kind("zone.removed", facts=RemovedFacts)
