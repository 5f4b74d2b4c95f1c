"""The kinds of events of plans."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Annotated

from dispatch.fleet.events import HubRef
from lastmile.core.kinds import FieldDoc, Kind

PlanDay = Annotated[dt.date, FieldDoc("Day that is planned, in the hub's zone.", "2026-11-30")]


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestedFacts:
    """A plan of a day was requested. The subject is the hub."""

    job: Annotated[str, FieldDoc("Public id of the operation.", "job_0c4n8w2z6y1t5r9q3m7k")]
    service_date: PlanDay


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanFacts:
    """A plan was drafted, published or discarded (see the kind). The subject is the plan."""

    hub: HubRef
    service_date: PlanDay
    number: Annotated[int, FieldDoc("Number of the plan within its hub's day, from 1.", 3)]
    status: Annotated[str, FieldDoc("draft, published, superseded or discarded.", "published")]
    version: Annotated[int, FieldDoc("Version of the plan; each change adds one.", 2)]
    orders: Annotated[int, FieldDoc("Number of orders on routes.", 118)]
    unserved: Annotated[int, FieldDoc("Number of orders on no route.", 2)]
    violations: Annotated[int, FieldDoc("Number of promises and limits that the plan breaks.", 0)]
    cost_minor: Annotated[int, FieldDoc("Cost in minor units of the currency.", 284500)]
    currency: Annotated[str, FieldDoc("ISO 4217 code of the currency.", "CLP")]
    distance_m: Annotated[int, FieldDoc("Distance of all routes in metres.", 412300)]
    co2_g: Annotated[int, FieldDoc("CO2e of all routes in grams.", 61800)]


@dataclass(frozen=True, slots=True, kw_only=True)
class EditedFacts(PlanFacts):
    """A person changed a draft. The subject is the plan."""

    act: Annotated[str, FieldDoc("move, take_off, sequence or undo.", "move")]
    edit: Annotated[int, FieldDoc("Number of the edit within the plan, from 1.", 4)]
    order: Annotated[
        str | None, FieldDoc("Public id of the order that was moved.", "ord_5d9h3j7b1n4p8s2v6x0z")
    ] = None
    shift: Annotated[
        str | None, FieldDoc("Public id of the shift of the route.", "sft_8k2m6q0t4w9y3c7f1h5j")
    ] = None
    position: Annotated[int | None, FieldDoc("Position on the route, from 1.", 2)] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SupersededFacts:
    """Another plan superseded a published plan. The subject is the superseded plan."""

    by: Annotated[str, FieldDoc("Public id of the new published plan.", "pln_7r1v5z9d3h6m0q4t8w2y")]
    hub: HubRef


@dataclass(frozen=True, slots=True, kw_only=True)
class UnplacedFacts:
    """An order fits on no route of its day any more, or never did. The subject is the order."""

    hub: HubRef
    service_date: PlanDay
    reason: Annotated[str, FieldDoc("Code of the reason.", "no_capacity_left")]


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldUnplacedFacts(UnplacedFacts):
    """A place that a shopper holds no longer fits the tentative plan. The subject is the hold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UnplannedFacts:
    """On the evening before, a day had orders and no published plan. The subject is the hub."""

    service_date: PlanDay
    orders: Annotated[int, FieldDoc("Number of orders that wait for a plan.", 42)]


REQUESTED = Kind("plan.requested", facts=RequestedFacts)
DRAFTED = Kind("plan.drafted", facts=PlanFacts)
EDITED = Kind("plan.edited", facts=EditedFacts)
PUBLISHED = Kind("plan.published", facts=PlanFacts, public=True)
SUPERSEDED = Kind("plan.superseded", facts=SupersededFacts)
DISCARDED = Kind("plan.discarded", facts=PlanFacts)
UNPLACED = Kind("visit.unplaced", facts=UnplacedFacts, public=True)
HOLD_UNPLACED = Kind("hold.unplaced", facts=HoldUnplacedFacts)
DAY_UNPLANNED = Kind("day.unplanned", facts=UnplannedFacts, public=True)
