"""The words of the live day: results of acts, kinds and states of incidents, states of a run."""

from __future__ import annotations

from enum import StrEnum


class Result(StrEnum):
    """The result of a driver's act.

    - applied: the act had its effect, or needed none.
    - incident: the act is kept, and an incident tells staff what did not fit.
    - rejected: the act was malformed and had no effect.
    """

    APPLIED = "applied"
    INCIDENT = "incident"
    REJECTED = "rejected"


class IncidentKind(StrEnum):
    """The kind of an incident."""

    DELIVERED_AFTER_CANCEL = "delivered_after_cancel"
    DONE_BY_OTHER_VEHICLE = "done_by_other_vehicle"
    ORDER_NOT_ON_ROUTE = "order_not_on_route"
    CORRECTED_TOO_LATE = "corrected_too_late"
    ACT_REFUSED = "act_refused"
    ACT_FAILED = "act_failed"
    PARCEL_MISSING = "parcel_missing"
    VEHICLE_DEFECT = "vehicle_defect"
    PROOF_MISSING = "proof_missing"
    PROOF_DOUBTFUL = "proof_doubtful"
    PREDICTED_LATE = "predicted_late"
    LONG_DWELL = "long_dwell"
    SIGNAL_LOST = "signal_lost"
    SHIFT_NOT_STARTED = "shift_not_started"
    NO_OTHER_OPTION = "no_other_option"
    LOCKER_DISPUTE = "locker_dispute"
    LOCKER_FORCED = "locker_forced"
    LOCKER_OFFLINE = "locker_offline"
    LOCKER_TWO_CABINETS = "locker_two_cabinets"
    LOCKER_REFUSED = "locker_refused"
    LOCKER_LEFT = "locker_left"


#: Kinds that staff can still put right before a shopper notices them. They come first.
URGENT: frozenset[IncidentKind] = frozenset(
    {
        IncidentKind.PARCEL_MISSING,
        IncidentKind.VEHICLE_DEFECT,
        IncidentKind.PREDICTED_LATE,
        IncidentKind.LONG_DWELL,
        IncidentKind.SIGNAL_LOST,
        IncidentKind.SHIFT_NOT_STARTED,
    }
)
#: Kinds that the system foresees. They are settled without a person when they no longer hold.
FORESEEN: frozenset[IncidentKind] = frozenset(
    {
        IncidentKind.PREDICTED_LATE,
        IncidentKind.LONG_DWELL,
        IncidentKind.SIGNAL_LOST,
        IncidentKind.SHIFT_NOT_STARTED,
    }
)


class Over(StrEnum):
    """The reason for which a foreseen incident was settled without a person.

    - in_time: the vehicle is expected within the promise again.
    - visited: the stop was visited, or is no longer on the route.
    - gone_on: the stay at the stop is over.
    - seen: the vehicle was seen again.
    - started: the driver has begun.
    - ended: the run is over, or its route was changed.
    - proof_given: the driver gave the proof later.
    - parcel_out: the cabinet reported that the parcel was taken out.
    """

    IN_TIME = "in_time"
    VISITED = "visited"
    GONE_ON = "gone_on"
    SEEN = "seen"
    STARTED = "started"
    ENDED = "ended"
    PROOF_GIVEN = "proof_given"
    PARCEL_OUT = "parcel_out"


class IncidentState(StrEnum):
    """The state of an incident."""

    OPEN = "open"
    SETTLED = "settled"


class CustodyKind(StrEnum):
    """The kind of a step in the custody of a parcel.

    - loaded: it went into the vehicle.
    - missing: it was not there to load.
    - handed_over: it was given to its receiver.
    - kept: the visit failed, and it stayed in the vehicle.
    - picked_up: a return was taken on board.
    - brought_back: it came back to the hub with the vehicle.
    """

    LOADED = "loaded"
    MISSING = "missing"
    HANDED_OVER = "handed_over"
    KEPT = "kept"
    PICKED_UP = "picked_up"
    BROUGHT_BACK = "brought_back"


class CustodyProof(StrEnum):
    """The way in which a step is known.

    - scan: the parcel itself was scanned.
    - list: the driver told of it in a list, or with the whole order.
    """

    SCAN = "scan"
    LIST = "list"


class PhotoState(StrEnum):
    """The state of a photo.

    - expected: an act names it, and not all of its bytes are here.
    - received: all bytes are here, and it waits to be re-encoded.
    - kept: it is stored without metadata, and the original is deleted.
    - refused: it cannot be read as a photo.
    - erased: it was deleted, by age or on request.
    """

    EXPECTED = "expected"
    RECEIVED = "received"
    KEPT = "kept"
    REFUSED = "refused"
    ERASED = "erased"


class RunState(StrEnum):
    """The state of a run, from its times.

    - before: the driver has not begun.
    - loading: the driver is at work and has not left the hub.
    - on_road: the vehicle has left the hub.
    - back: the vehicle is back at the hub.
    - ended: the driver has ended the shift.
    """

    BEFORE = "before"
    LOADING = "loading"
    ON_ROAD = "on_road"
    BACK = "back"
    ENDED = "ended"


INCIDENT_MOVES: dict[IncidentState, frozenset[IncidentState]] = {
    IncidentState.OPEN: frozenset({IncidentState.SETTLED}),
    IncidentState.SETTLED: frozenset(),
}
