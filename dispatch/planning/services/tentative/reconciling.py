"""Brings a tentative plan to its content: every order that can be planned, and every live hold.

What does not fit on any route becomes unplaced, with the reason. It is never dropped.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from django.db import transaction

from dispatch.fleet.models import Hub
from dispatch.planning.boards.requesting import request_reconciling
from dispatch.planning.events import (
    HOLD_UNPLACED,
    UNPLACED,
    HoldUnplacedFacts,
    UnplacedFacts,
)
from dispatch.planning.models import TentativeDay, TentativeVisit
from dispatch.planning.problem.closed import ROUTE_LEFT
from dispatch.planning.problem.day import order_input, pin_of
from dispatch.planning.problem.tentative import DayState, network_of, read_state
from dispatch.planning.services.tentative.arranging import NO_SHIFT, Arrangement, arrange
from dispatch.planning.services.tentative.catching_up import (
    insert_missing,
    move_changed,
    remove_strays,
)
from dispatch.planning.services.tentative.locking import LockedDay, lock_days
from dispatch.planning.services.tentative.removing import remove_visits
from dispatch.planning.services.tentative.writing import (
    Content,
    Places,
    TakenElsewhere,
    Written,
    write_places,
)
from lastmile.core.clock import now
from lastmile.core.events import Lane, record_many

TRIES: Final = 5  # computations outside the lock, before the missing promises go in one by one
BY_HAND: Final = "by_hand"


@dataclass(frozen=True, slots=True)
class Reconciled:
    """The outcome: how many visits got a place, lost it or left the plan, and the version."""

    placed: int
    unplaced: int
    removed: int
    version: int


def reconcile_day(*, hub: Hub, service_date: dt.date) -> Reconciled:
    """Bring the tentative plan of a hub's day to its content.

    Places are computed outside the lock, and written only if the plan has not changed meanwhile.
    If it keeps changing, the visits that no longer belong to it are removed, promises that changed
    or that it lacks are inserted one by one, and another job brings the rest. So no search ever
    runs under the lock. Call it outside a transaction.

    Locks: the day, and the days from which orders moved here. Records: visit.unplaced,
    hold.unplaced. Raises: nothing of its own.
    """
    with transaction.atomic():
        (day,) = lock_days([(hub, service_date)])
    for _try in range(TRIES):
        state = read_state(_fresh(day.row), now())
        arrangement = arrange(state.day, state.sequences, state.at)
        with suppress(TakenElsewhere), transaction.atomic():
            day, others = _lock(hub, service_date, _elsewhere(day.row, state.orders))
            if day.row.version != state.version:
                continue
            for other, keys in others:
                remove_visits(other, keys)
            return write_state(day, state, arrangement)
    removed = remove_strays(hub=hub, service_date=service_date)
    placed = move_changed(hub=hub, service_date=service_date)
    placed += insert_missing(hub=hub, service_date=service_date)
    request_reconciling(hub=hub, service_date=service_date)
    return Reconciled(placed, 0, removed, _fresh(day.row).version)


def _fresh(row: TentativeDay) -> TentativeDay:
    return TentativeDay.objects.select_related("hub", "base_plan").get(pk=row.pk)


def _elsewhere(row: TentativeDay, keys: Iterable[str]) -> dict[tuple[Hub, dt.date], list[str]]:
    """Return the visits of these orders in the plans of other days, by hub and date."""
    rows = TentativeVisit.objects.filter(key__in=list(keys)).exclude(day=row)
    result: dict[tuple[Hub, dt.date], list[str]] = {}
    for visit in rows.select_related("day__hub"):
        result.setdefault((visit.day.hub, visit.day.service_date), []).append(visit.key)
    return result


def _lock(
    hub: Hub, service_date: dt.date, elsewhere: Mapping[tuple[Hub, dt.date], list[str]]
) -> tuple[LockedDay, list[tuple[LockedDay, list[str]]]]:
    """Lock the day and the other days; return it, and the others with their visits to remove."""
    locked = lock_days([(hub, service_date), *elsewhere])
    by_day = {(day.hub.pk, day.service_date): day for day in locked}
    others = [(by_day[other.pk, date], keys) for (other, date), keys in elsewhere.items()]
    return by_day[hub.pk, service_date], others


def write_state(day: LockedDay, state: DayState, arrangement: Arrangement) -> Reconciled:
    """Write the places of a day's visits to its locked tentative plan.

    Locks: nothing more. Records: visit.unplaced and hold.unplaced for those without a place now.
    Raises: TakenElsewhere if another day takes a visit at this moment.
    """
    content, places = _content(state), _places(state, arrangement)
    stray = set(_stray(day, content))
    content = {key: it for key, it in content.items() if key not in stray}
    row = day.row
    plan_pk = state.plan.pk if state.plan else None
    reset = row.fleet != state.fleet or row.base_plan_id != plan_pk
    written = write_places(day, content, places, reset=reset)
    row.base_plan_id, row.fleet, row.network = plan_pk, state.fleet, network_of(day.hub)
    has_shift = bool(state.day.shifts or state.frozen)
    row.ready, row.reason = has_shift, "" if has_shift else NO_SHIFT
    row.save(update_fields=["base_plan", "fleet", "network", "ready", "reason"])
    _tell(day, content, places, written)
    return Reconciled(len(written.placed), len(written.unplaced), len(written.removed), row.version)


def _stray(day: LockedDay, content: Mapping[str, Content]) -> list[str]:
    """Return the keys that another day took in the meantime; its own job decides about them."""
    rows = TentativeVisit.objects.filter(key__in=list(content)).exclude(day=day.row)
    return list(rows.values_list("key", flat=True))


def _content(state: DayState) -> dict[str, Content]:
    content = {
        key: Content(
            visit=visit,
            point=point,
            order=state.orders.get(key),
            expires_at=None if key in state.orders else state.rows[key].expires_at,
        )
        for key, (visit, point) in state.visits.items()
    }
    settled = {key for keys in state.frozen.values() for key in keys} | state.by_hand
    for key in settled:
        order = state.orders[key]
        content[key] = Content(
            visit=order_input(order), point=pin_of(order), order=order, expires_at=None
        )
    return content


def _places(state: DayState, arrangement: Arrangement) -> Places:
    sequences = {
        state.shift_pks[shift]: list(keys)
        for shift, keys in {**arrangement.sequences, **state.frozen}.items()
    }
    unplaced: dict[str, tuple[str, Mapping[str, Any]]] = dict(arrangement.unplaced)
    frozen_shifts = {state.shift_pks[shift] for shift in state.frozen}
    for key in arrangement.unplaced:
        row = state.rows.get(key)
        if row is not None and row.shift_id in frozen_shifts:
            unplaced[key] = (ROUTE_LEFT, {})
    return Places(
        sequences=sequences, unplaced=unplaced | dict.fromkeys(state.by_hand, (BY_HAND, {}))
    )


def _tell(day: LockedDay, content: Mapping[str, Content], places: Places, written: Written) -> None:
    """Record the visits that are unplaced now and were not before, except those taken off."""
    lost = [key for key in sorted(written.unplaced) if places.unplaced[key][0] != BY_HAND]
    events = []
    for key in lost:
        facts: dict[str, Any] = {
            "hub": day.hub.public_id,
            "service_date": day.service_date,
            "reason": places.unplaced[key][0],
        }
        events.append(
            UNPLACED.new(key, UnplacedFacts(**facts))
            if content[key].order is not None
            else HOLD_UNPLACED.new(key, HoldUnplacedFacts(**facts))
        )
    record_many(events, lane=Lane.BULK)
