"""Opens incidents before a promise breaks, and settles them when they no longer hold.

A risk has a key that names its matter. One incident is open for each risk. If staff settled it, it
is opened again only when it has become clearly worse.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from dispatch.fleet.models import Driver, Shift
from dispatch.live import eta
from dispatch.live.models import Incident
from dispatch.live.policy import DriverPolicy
from dispatch.live.selectors.arrivals import TO_VISIT
from dispatch.live.selectors.rest import Rest, RouteStop
from dispatch.live.services.incidents import IncidentDraft, open_incident, settle_itself
from dispatch.live.states import FORESEEN, IncidentKind, IncidentState, Over
from dispatch.orders.models import Order
from lastmile.core.actor import SYSTEM

#: An incident that staff settled is opened again when it is this much worse. Minutes, chosen.
CLEARLY_WORSE_MIN: Final = 15
#: The figures of an open incident are brought up to date when they moved by this. Minutes, chosen.
SHOWN_MIN: Final = 5
#: Without any position, the acts of the driver are the signs, and these are further apart.
SILENT_TIMES: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Risk:
    """A trouble to expect if nobody acts: the order, the minutes, and the time.

    A small risk opens no incident, but it keeps an open one open.
    """

    kind: IncidentKind
    key: str
    shift: Shift
    driver: Driver | None
    minutes: int
    order_pk: int | None = None
    due_at: dt.datetime | None = None
    params: Mapping[str, Any] = field(default_factory=dict)
    is_small: bool = False


def late_from_s(rules: DriverPolicy) -> int:
    """Return the seconds after the promised window from which an order counts as late."""
    return max(60, rules.late_minutes * 60)


def risks_of(rest: Rest, expected: Sequence[eta.Expected], rules: DriverPolicy) -> list[Risk]:
    """Return the risks of a run: late stops, a long stay at a door, a lost signal."""
    late = [
        risk
        for stop, one in zip(rest.rows, expected, strict=True)
        if (risk := _late(rest, stop, one, rules)) is not None
    ]
    others = [_dwell(rest, expected, rules), _signal(rest, expected, rules)]
    return [*late, *(risk for risk in others if risk is not None)]


def _late(rest: Rest, stop: RouteStop, one: eta.Expected, rules: DriverPolicy) -> Risk | None:
    if stop.closes_at is None:
        return None
    late_s = (one.expected_at - stop.closes_at).total_seconds()
    if late_s <= 0:
        return None
    return Risk(
        kind=IncidentKind.PREDICTED_LATE,
        key=f"late:{stop.order}",
        shift=rest.run.shift,
        driver=rest.run.driver,
        minutes=int(late_s // 60),
        order_pk=stop.order_pk,
        due_at=stop.closes_at,
        params={"expected_at": one.expected_at.isoformat()},
        is_small=late_s < late_from_s(rules),
    )


def _dwell(rest: Rest, expected: Sequence[eta.Expected], rules: DriverPolicy) -> Risk | None:
    here = rest.stops[0] if rest.stops else None
    if here is None or here.arrived_at is None or rest.on_break:
        return None
    begins_at = expected[0].expected_at
    over_s = (rest.at - begins_at).total_seconds() - here.service_s
    if over_s < rules.dwell_minutes * 60:
        return None
    first = first_promise(rest.rows[1:], expected[1:])
    return Risk(
        kind=IncidentKind.LONG_DWELL,
        key=f"dwell:{rest.run.shift.public_id}:{here.key}",
        shift=rest.run.shift,
        driver=rest.run.driver,
        minutes=int((rest.at - here.arrived_at).total_seconds() // 60),
        order_pk=(rest.rows[0] if first is None else first[0]).order_pk,
        due_at=None if first is None else rest.at + _slack(first),
        params={
            "at": here.key,
            "planned_minutes": max(1, round(here.service_s / 60)),
            **_next(first),
        },
    )


def _signal(rest: Rest, expected: Sequence[eta.Expected], rules: DriverPolicy) -> Risk | None:
    if rest.run.left_at is None or rest.on_break or not rest.rows:
        return None
    silent_s = (rest.at - rest.sign_at).total_seconds()
    allowed = rules.signal_minutes * (1 if rest.has_positions else SILENT_TIMES)
    if silent_s < allowed * 60:
        return None
    first = first_promise(rest.rows, expected)
    return Risk(
        kind=IncidentKind.SIGNAL_LOST,
        key=f"signal:{rest.run.shift.public_id}:{rest.sign_at:%H%M%S}",
        shift=rest.run.shift,
        driver=rest.run.driver,
        minutes=int(silent_s // 60),
        order_pk=None if first is None else first[0].order_pk,
        due_at=None if first is None else first[0].closes_at,
        params={"sign_at": rest.sign_at.isoformat(), **_next(first)},
    )


First = tuple[RouteStop, eta.Expected]


def first_promise(rows: Sequence[RouteStop], expected: Sequence[eta.Expected]) -> First | None:
    """Return the stop whose promise breaks first if the vehicle loses time."""
    pairs = [
        (stop, one)
        for stop, one in zip(rows, expected, strict=True)
        if stop.closes_at is not None and stop.closes_at > one.expected_at
    ]
    return min(pairs, key=_slack, default=None)


def _slack(pair: First) -> dt.timedelta:
    stop, one = pair
    return (stop.closes_at or one.expected_at) - one.expected_at


def _next(first: First | None) -> dict[str, Any]:
    """Return when the promise that breaks first ends, as params."""
    if first is None or first[0].closes_at is None:
        return {}
    return {"closes_at": first[0].closes_at.isoformat()}


def reconcile_risks(
    *, shifts: Collection[int], risks: Sequence[Risk], over: Collection[int] = ()
) -> None:
    """Open the incidents of risks that are new, and settle those that no longer hold.

    ``risks`` are all risks of these shifts; ``over`` has those that nobody drives now. Call it in
    a transaction.

    Locks: the incidents that are settled. Records: incident.opened, incident.settled. Raises:
    nothing of its own.
    """
    rows = Incident.objects.filter(
        shift__in=shifts, kind__in=sorted(FORESEEN), state=IncidentState.OPEN
    )
    present = {row.key: row for row in rows.select_related("order")}
    wanted = {risk.key: risk for risk in risks}
    _settle([row for key, row in present.items() if key not in wanted], over)
    fresh = {key: risk for key, risk in wanted.items() if key not in present and not risk.is_small}
    before = _settled_by_staff(fresh)
    fresh = {
        key: risk
        for key, risk in fresh.items()
        if key not in before or risk.minutes >= before[key] + CLEARLY_WORSE_MIN
    }
    orders = Order.objects.in_bulk([risk.order_pk for risk in fresh.values() if risk.order_pk])
    for risk in fresh.values():
        _open(risk, orders.get(risk.order_pk or 0))
    for key, risk in wanted.items():
        if key in present:
            _bring_up_to_date(present[key], risk)


def _open(risk: Risk, order: Order | None) -> None:
    open_incident(
        draft=IncidentDraft(
            kind=risk.kind,
            hub=risk.shift.hub,
            order=order,
            shift=risk.shift,
            driver=risk.driver,
            params={"minutes": risk.minutes, **risk.params},
            key=risk.key,
            due_at=risk.due_at,
        )
    )


def _bring_up_to_date(row: Incident, risk: Risk) -> None:
    """Write new figures into an open incident. Its version stays, so that a form still fits."""
    if abs(risk.minutes - int(row.params.get("minutes", 0))) < SHOWN_MIN:
        return
    params = {"minutes": risk.minutes, **risk.params}
    Incident.objects.filter(pk=row.pk, state=IncidentState.OPEN).update(
        params=params, due_at=risk.due_at
    )


def _settled_by_staff(keys: Collection[str]) -> dict[str, int]:
    """Return the minutes of the risks that staff settled, by key; the worst if several times."""
    if not keys:
        return {}
    rows = Incident.objects.filter(key__in=sorted(keys), state=IncidentState.SETTLED)
    minutes: dict[str, int] = {}
    for key, params in rows.exclude(settled_by=SYSTEM).values_list("key", "params"):
        minutes[key] = max(minutes.get(key, 0), int(params.get("minutes", 0)))
    return minutes


_WHY: Final = {
    IncidentKind.SIGNAL_LOST: Over.SEEN,
    IncidentKind.SHIFT_NOT_STARTED: Over.STARTED,
    IncidentKind.LONG_DWELL: Over.GONE_ON,
    IncidentKind.PREDICTED_LATE: Over.IN_TIME,
}


def _settle(rows: Sequence[Incident], over: Collection[int]) -> None:
    """Settle incidents with the word of why; ``over`` has the shifts that nobody drives now."""
    by_word: dict[Over, list[Incident]] = {}
    for row in rows:
        is_open = row.order is None or row.order.state in TO_VISIT
        if row.kind == IncidentKind.PREDICTED_LATE and not is_open:
            word = Over.VISITED
        elif row.shift_id in over:
            word = Over.ENDED
        else:
            word = _WHY[IncidentKind(row.kind)]
        by_word.setdefault(word, []).append(row)
    for word, group in by_word.items():
        settle_itself(incidents=group, how=str(word))


def risk_of_start(
    shift: Shift, stops: Sequence[RouteStop], starts_at: dt.datetime, at: dt.datetime
) -> Risk:
    """Return the risk of a shift that nobody has begun."""
    first = min(
        (stop for stop in stops if stop.closes_at is not None),
        key=lambda stop: stop.planned_at + dt.timedelta(seconds=stop.slack_s),
        default=None,
    )
    due_at = None if first is None else first.planned_at + dt.timedelta(seconds=first.slack_s)
    params: dict[str, Any] = {"starts_at": starts_at.isoformat(), "stops": len(stops)}
    if first is not None and first.closes_at is not None:
        params["closes_at"] = first.closes_at.isoformat()
    return Risk(
        kind=IncidentKind.SHIFT_NOT_STARTED,
        key=f"start:{shift.public_id}",
        shift=shift,
        driver=shift.driver,
        minutes=int((at - starts_at).total_seconds() // 60),
        order_pk=None if first is None else first.order_pk,
        due_at=due_at,
        params=params,
    )
