"""The event kinds of the live day: devices, runs, arrivals and incidents."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Annotated

from dispatch.fleet.events import HubRef
from lastmile.core.kinds import FieldDoc, Kind

DriverRef = Annotated[str, FieldDoc("Public id of the driver.", "drv_4t8x2b6f0j5n9r3w7z1c")]
RunShiftRef = Annotated[str, FieldDoc("Public id of the shift.", "sft_8k2m6q0t4w9y3c7f1h5j")]
RunDay = Annotated[dt.date, FieldDoc("Service date of the shift.", "2026-11-30")]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceFacts:
    """A phone was logged in, or its log-in ended. The subject is the device."""

    driver: DriverRef
    hub: HubRef


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFacts:
    """A run began, left the hub, came back or ended (see the kind). The subject is the run."""

    shift: RunShiftRef
    driver: DriverRef
    hub: HubRef
    service_date: RunDay
    at: Annotated[dt.datetime, FieldDoc("When it happened.", "2026-11-30T08:12:00+00:00")]


@dataclass(frozen=True, slots=True, kw_only=True)
class ArrivedFacts:
    """A driver arrived at a stop. The subject is the order."""

    run: Annotated[str, FieldDoc("Public id of the run.", "run_6w0y4c8f2h5k9n3q7s1v")]
    shift: RunShiftRef
    hub: HubRef
    service_date: RunDay
    at: Annotated[dt.datetime, FieldDoc("When the driver arrived.", "2026-11-30T10:04:00+00:00")]
    source: Annotated[
        str, FieldDoc("tap: told by the driver; position: seen by positions.", "position")
    ] = "tap"


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftDoorFacts:
    """The positions show that a vehicle left a door. The subject is the order.

    If the visit has no outcome, the driver did not deliver, or has not told of it yet.
    """

    run: Annotated[str, FieldDoc("Public id of the run.", "run_6w0y4c8f2h5k9n3q7s1v")]
    shift: RunShiftRef
    hub: HubRef
    service_date: RunDay
    stood_from_at: Annotated[
        dt.datetime, FieldDoc("Since when the vehicle was there.", "2026-11-30T10:04:00+00:00")
    ]
    stood_until_at: Annotated[
        dt.datetime, FieldDoc("When the vehicle left.", "2026-11-30T10:11:00+00:00")
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedFacts:
    """The expected arrival at an open stop moved by more than a minute. The subject is the order.

    It is also recorded when the number of stops before it changed. Stops that are far away move
    with every stop before them, so for them it is recorded for larger moves only.
    """

    run: Annotated[str, FieldDoc("Public id of the run.", "run_6w0y4c8f2h5k9n3q7s1v")]
    shift: RunShiftRef
    hub: HubRef
    service_date: RunDay
    low_at: Annotated[dt.datetime, FieldDoc("Not before this time.", "2026-11-30T10:04:00+00:00")]
    high_at: Annotated[dt.datetime, FieldDoc("Not after this time.", "2026-11-30T10:22:00+00:00")]
    stops_before: Annotated[int, FieldDoc("Number of stops that come first.", 2)]


@dataclass(frozen=True, slots=True, kw_only=True)
class LateFacts(ExpectedFacts):
    """An order is expected after its promised window, or later still. The subject is the order."""

    closes_at: Annotated[
        dt.datetime, FieldDoc("When the promised window ends.", "2026-11-30T10:00:00+00:00")
    ]
    late_minutes: Annotated[int, FieldDoc("Expected minutes after the window.", 12)]


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentFacts:
    """An incident was opened or settled (see the kind). The subject is the incident."""

    kind: Annotated[str, FieldDoc("Kind of the incident.", "delivered_after_cancel")]
    hub: HubRef
    order: Annotated[
        str | None, FieldDoc("Public id of the order, if any.", "ord_5d9h3j7b1n4p8s2v6x0z")
    ] = None
    shift: Annotated[
        str | None, FieldDoc("Public id of the shift, if any.", "sft_8k2m6q0t4w9y3c7f1h5j")
    ] = None
    driver: Annotated[
        str | None, FieldDoc("Public id of the driver, if any.", "drv_4t8x2b6f0j5n9r3w7z1c")
    ] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AtBankFacts:
    """A driver did something at a bank of lockers. The subject is the order.

    It tells what the driver said. The events of the locker tell what counts.
    """

    act: Annotated[str, FieldDoc("Public id of the act.", "act_5f9j2n6r0t4x8z3w7y1c")]
    kind: Annotated[str, FieldDoc("deposited, bank_fault or taken_out.", "deposited")]
    reservation: Annotated[
        str, FieldDoc("Public id of the reservation.", "rsv_4k8m2q6t0w4y8c2f6h0j")
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProofFacts:
    """The proof of a delivery was checked, so its shopper can be told. The subject is the order.

    Each order.delivered of a driver is followed by one, at once if there is nothing to check.
    """

    complete: Annotated[bool, FieldDoc("False if a photo did not arrive in time.", True)]


DEVICE_ADDED = Kind("device.added", facts=DeviceFacts)
DEVICE_REVOKED = Kind("device.revoked", facts=DeviceFacts)
RUN_STARTED = Kind("run.started", facts=RunFacts, public=True)
RUN_LEFT = Kind("run.left", facts=RunFacts, public=True)
RUN_BACK = Kind("run.back", facts=RunFacts, public=True)
RUN_ENDED = Kind("run.ended", facts=RunFacts, public=True)
VISIT_ARRIVED = Kind("visit.arrived", facts=ArrivedFacts, public=True)
VISIT_AT_BANK = Kind("visit.at_bank", facts=AtBankFacts)
VISIT_LEFT = Kind("visit.left", facts=LeftDoorFacts, public=True)
ARRIVAL_CHANGED = Kind("arrival.changed", facts=ExpectedFacts, public=True)
ARRIVAL_LATE = Kind("arrival.late", facts=LateFacts, public=True)
PROOF_CHECKED = Kind("proof.checked", facts=ProofFacts, public=True)
INCIDENT_OPENED = Kind("incident.opened", facts=IncidentFacts, public=True)
INCIDENT_SETTLED = Kind("incident.settled", facts=IncidentFacts, public=True)
