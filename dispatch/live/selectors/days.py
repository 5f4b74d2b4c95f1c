"""Reads the day of a driver: the shift, its run, its published route and its stops."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from dispatch.fleet.models import Driver, Shift
from dispatch.live import words
from dispatch.live.day import (
    DayAccess,
    DayBreak,
    DayChanges,
    DayHandover,
    DayHub,
    DayParcel,
    DayRoute,
    DayRun,
    DayStop,
    DayVehicle,
    DayWindow,
    DayWords,
    DriverDay,
    OtherShift,
    changed_stops,
)
from dispatch.live.driving import ARRIVED_POSITION
from dispatch.live.models import Run, VisitProgress
from dispatch.live.policy import ProofPolicy, proof_policy
from dispatch.live.selectors.loads import facts_of
from dispatch.live.selectors.proof import given_of, needed_of
from dispatch.live.selectors.shifts import route_of_shift, shifts_around
from dispatch.live.states import RunState
from dispatch.orders.models import AccessKind, AccessNote, Attempt, Direction, Order
from dispatch.planning.models import Route, Stop
from dispatch.planning.selectors.schedule import breaks_of
from dispatch.planning.selectors.words import say_leg_note
from dispatch.planning.states import PUBLISHED, SUPERSEDED


def day_of(*, driver: Driver, at: dt.datetime) -> DriverDay:
    """Return the day of a driver at an instant, with words in the reader's language.

    It has the nearest shift that is not over; other shifts around this time are listed only.
    """
    shifts = shifts_around(driver, at)
    shift = shifts[0] if shifts else None
    hub = shift.hub if shift else driver.hub
    run = None if shift is None else getattr(shift, "run", None)
    route = None if shift is None else route_of_shift(shift)
    stops = [] if route is None else _stops(route, run)
    empty = _empty(shift, route, stops)
    facts = facts_of(run)
    return DriverDay(
        driver=driver.public_id,
        driver_name=driver.name,
        zone=hub.zone,
        hub=DayHub(name=hub.name, address=hub.address, lat=hub.lat, lon=hub.lon),
        run=None if shift is None else _run(shift, run),
        route=None if route is None else _route(route),
        stops=stops,
        reasons=[DayWords(code=code, words=str(text)) for code, text in words.REASONS.items()],
        changes=None if route is None or run is None else changes_of(run, route),
        other_shifts=[
            OtherShift(
                shift=other.public_id,
                hub=other.hub.name,
                starts_at=other.starts_at,
                ends_at=other.ends_at,
            )
            for other in shifts[1:]
        ],
        loaded=facts.loaded,
        missing=facts.missing,
        is_checked=facts.is_checked,
        break_since=facts.break_since,
        empty=empty,
        empty_words=str(words.EMPTY.get(empty, "")),
    )


def run_state(run: Run | None) -> RunState:
    """Return the state of a run from its times."""
    if run is None:
        return RunState.BEFORE
    if run.ended_at is not None:
        return RunState.ENDED
    if run.back_at is not None:
        return RunState.BACK
    return RunState.LOADING if run.left_at is None else RunState.ON_ROAD


def changes_of(run: Run, route: Route) -> DayChanges | None:
    """Return what changed on a route since the plan that the driver confirmed; None if nothing."""
    before, after = run.confirmed_plan, route.plan.number
    if before is None or before == after:
        return None
    old = Stop.objects.filter(
        plan__hub=route.plan.hub_id,
        plan__service_date=route.plan.service_date,
        plan__number=before,
        plan__status__in=[PUBLISHED, SUPERSEDED],
        route__shift=run.shift_id,
    )
    added, removed, moved = changed_stops(_orders(old), _orders(route.stops.all()))
    changes = DayChanges(before=before, after=after, added=added, removed=removed, moved=moved)
    return None if changes.is_empty else changes


def _orders(stops: object) -> list[str]:
    rows = stops.order_by("position")  # type: ignore[attr-defined]
    return list(rows.values_list("order__public_id", flat=True))


def _empty(shift: Shift | None, route: Route | None, stops: Sequence[DayStop]) -> str:
    if shift is None:
        return "no_shift"
    if route is None:
        return "no_plan"
    return "" if stops else "no_stops"


def _run(shift: Shift, run: Run | None) -> DayRun:
    state = str(run_state(run))
    if run is None:
        return DayRun(shift=shift.public_id, state=state)
    return DayRun(
        shift=shift.public_id,
        state=state,
        started_at=run.started_at,
        left_at=run.left_at,
        back_at=run.back_at,
        ended_at=run.ended_at,
    )


def _route(route: Route) -> DayRoute:
    vehicle = route.vehicle
    return DayRoute(
        id=route.public_id,
        plan=route.plan.public_id,
        number=route.plan.number,
        vehicle=DayVehicle(
            name=vehicle.name,
            plate=vehicle.plate,
            profile=vehicle.profile,
            energy=vehicle.energy,
            range_m=vehicle.range_m,
        ),
        starts_at=route.starts_at,
        ends_at=route.ends_at,
        distance_m=route.distance_m,
        geometry=[point for leg in route.geometry for point in leg],
        breaks=[
            DayBreak(starts_at=pause.starts_at, ends_at=pause.ends_at, after=pause.after)
            for pause in breaks_of(route)
        ],
    )


def _stops(route: Route, run: Run | None) -> list[DayStop]:
    rows = list(
        route.stops.select_related(
            "order__shopper", "order__place", "order__promise__place", "order__common_stop"
        )
        .prefetch_related("order__parcels")
        .order_by("position")
    )
    orders = [stop.order_id for stop in rows]
    access = {note.order_id: note for note in AccessNote.objects.filter(order__in=orders)}
    visits = {visit.order_id: visit for visit in VisitProgress.objects.filter(run=run)} \
        if run is not None else {}  # fmt: skip
    attempts = _last_attempts(orders)
    rules, shift = proof_policy(), route.shift_id
    proofs = given_of(run) if run is not None else {}
    return [
        replace(
            _stop(row, access.get(row.order_id), visits.get(row.order_id), attempts, shift, rules),
            proof_given=proofs.get(row.order_id, ()),
        )
        for row in rows
    ]


def _last_attempts(orders: Sequence[int]) -> Mapping[int, Attempt]:
    rows = Attempt.objects.filter(order__in=orders).order_by("order_id", "number")
    return {attempt.order_id: attempt for attempt in rows}


def _stop(
    stop: Stop,
    note: AccessNote | None,
    visit: VisitProgress | None,
    attempts: Mapping[int, Attempt],
    shift: int,
    rules: ProofPolicy,
) -> DayStop:
    order, promise = stop.order, stop.order.promise
    place, common = order.delivery_place, order.shared_stop
    handover = (promise.handover if promise else "") or order.handover
    done = _done(stop, visit, attempts.get(order.pk), shift)
    return DayStop(
        stop=stop.public_id,
        order=order.public_id,
        external_id=order.external_id,
        position=stop.position,
        direction="return" if order.direction == Direction.RETURN else "delivery",
        name=order.shopper.name,
        address=place.text or _address(order),
        lat=place.lat,
        lon=place.lon,
        window=_window(order),
        arrives_at=stop.arrives_at,
        starts_at=stop.starts_at,
        departs_at=stop.departs_at,
        service_s=common.service_s if common else order.service_s,
        parcels=_parcels(order),
        handover=DayHandover(kind=handover, words=str(words.HANDOVERS.get(handover, ""))),
        access=None if note is None else _access(note),
        notes="\n".join(filter(None, [*map(say_leg_note, stop.leg_notes), order.notes])),
        has_code=note is not None and bool(note.code) and note.kind != AccessKind.PIN,
        age_check=order.least_age or None,
        signature=order.signature,
        proof=[str(kind) for kind in needed_of(order, note, rules)],
        proof_given=(),
        state=order.state,
        common=common.key if common else "",
        **done,
    )


def _window(order: Order) -> DayWindow | None:
    """Return the promised window; at a common stop, the hours of its place."""
    times = order.shared_stop or order.promise
    if times is None or times.opens_at is None or times.closes_at is None:
        return None
    return DayWindow(opens_at=times.opens_at, closes_at=times.closes_at)


def _parcels(order: Order) -> list[DayParcel]:
    parcels = list(order.parcels.all())
    of_order = order.external_id or order.public_id
    return [
        DayParcel(
            id=parcel.public_id,
            name=parcel.external_id
            or parcel.barcode
            or (of_order if len(parcels) == 1 else f"{of_order} · {number}/{len(parcels)}"),
            external_id=parcel.external_id,
            barcode=parcel.barcode,
            weight_g=parcel.weight_g,
        )
        for number, parcel in enumerate(parcels, 1)
    ]


def _done(
    stop: Stop, visit: VisitProgress | None, attempt: Attempt | None, shift: int
) -> dict[str, Any]:
    """Return what the server knows about the visit: from this run, else from another vehicle.

    An attempt from before the plan was made belongs to an earlier day. A cabinet may report the
    parcel before the driver taps: the visit is then over, with the arrival that the driver told. An
    arrival that only the positions show does not change the phone: the driver decides at which stop
    he is.
    """
    is_told = visit is not None and visit.arrived_from != ARRIVED_POSITION
    has_ended = attempt is not None and stop.order.state in _ENDED_BY_ATTEMPT
    if visit is not None and (visit.outcome or (is_told and not has_ended)):
        return {
            "arrived_at": visit.arrived_at,
            "departed_at": visit.departed_at,
            "outcome": visit.outcome,
            "reason": visit.reason,
        }
    if attempt is None or not has_ended:
        return {}
    told_at = visit.arrived_at if visit is not None and is_told else None
    return {
        "arrived_at": told_at or attempt.arrived_at,
        "departed_at": attempt.departed_at,
        "outcome": attempt.outcome,
        "reason": attempt.reason,
        "is_mine": attempt.shift_id == shift or (told_at is not None and attempt.shift_id is None),
    }


_ENDED_BY_ATTEMPT = frozenset({"delivered", "failed", "awaiting_collection"})


def _access(note: AccessNote) -> DayAccess | None:
    if not (note.kind or note.text):
        return None
    return DayAccess(kind=note.kind, words=str(words.ACCESS.get(note.kind, "")), text=note.text)


def _address(order: Order) -> str:
    place = order.delivery_place
    line = " ".join(filter(None, (place.street, place.house_number)))
    return ", ".join(filter(None, (line, place.unit, f"{place.postcode} {place.city}".strip())))
