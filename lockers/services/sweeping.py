"""Ends what is over: holds, deposits and collections whose time has passed, silent cabinets."""

from __future__ import annotations

import datetime as dt
from typing import Final

from django.db import transaction
from django.db.models import Q, QuerySet

from dispatch.live.services import IncidentDraft, open_incident
from dispatch.live.states import IncidentKind
from dispatch.orders.services import lock_orders
from lastmile.core import clock
from lastmile.core.clock import real_now
from lastmile.core.events import Lane, record
from lockers import events
from lockers.models import LockerBank, LockerReservation
from lockers.services.changing import HERE, move, set_bank_state
from lockers.services.commanding import expire_commands
from lockers.services.couriers import DEPOSITED
from lockers.services.depositing import ready_if_complete
from lockers.services.holding import serve_queue
from lockers.services.pickups import plan_pickups
from lockers.services.told import settle_told
from lockers.states import BankKind, BankState, DeviceState, ReservationState

S = ReservationState
HEARTBEAT: Final = dt.timedelta(seconds=60)
DEGRADED_AFTER: Final = 3 * HEARTBEAT
OFFLINE_AFTER: Final = 10 * HEARTBEAT
#: Hours after the deposit at which a reminder is due, if the parcel is still inside.
REMINDERS_H: Final = (24, 48, 66)
BATCH: Final = 200


def look_after_lockers() -> int:
    """End what is over, and tell staff of silent cabinets; return the number of changes.

    Locks, Records: as the functions below. Raises: nothing.
    """
    changes = watch_banks() + expire_holds() + expire_deposits() + expire_collections()
    changes += remind() + settle_told() + plan_pickups()
    with transaction.atomic():
        changes += expire_commands()
    for bank in LockerBank.objects.filter(
        active=True,
        pk__in=LockerReservation.objects.filter(state=S.QUEUED).values("bank"),
    ):
        changes += serve_queue(bank)
    return changes


@transaction.atomic
def watch_banks() -> int:
    """Mark banks whose cabinet is silent as degraded, then as offline; return how many changed.

    Locks: the banks. Records: locker.bank.degraded and offline, incident.opened. Raises: nothing.
    """
    now = real_now()
    rows = LockerBank.objects.filter(
        kind=BankKind.OWN, active=True, heard_at__lte=now - DEGRADED_AFTER
    ).exclude(state=BankState.OFFLINE)
    changed = 0
    for bank in rows.select_related("hub").order_by("pk"):
        is_offline = bank.heard_at is not None and bank.heard_at <= now - OFFLINE_AFTER
        state = BankState.OFFLINE if is_offline else BankState.DEGRADED
        changed += set_bank_state(bank, state, cause="heartbeats_missing")
        if is_offline and bank.devices.filter(state=DeviceState.LIVE).exists():
            open_incident(
                draft=IncidentDraft(
                    kind=IncidentKind.LOCKER_OFFLINE,
                    hub=bank.hub,
                    key=f"locker_offline:{bank.public_id}",
                    params={"bank": bank.public_id, "bank_name": bank.name},
                )
            )
    return changed


@transaction.atomic
def expire_holds() -> int:
    """End soft holds and waits in a queue whose time is over; return how many.

    Locks: the orders, the reservations. Records: locker.reservation.expired. Raises: nothing.
    """
    now = clock.now()
    over = Q(state=S.SOFT_HELD, held_until__lte=now) | Q(state=S.QUEUED, queued_until__lte=now)
    rows = _locked(LockerReservation.objects.filter(over).exclude(courier_act=DEPOSITED))
    for row in rows:
        move(row, S.HOLD_EXPIRED, cause="time_over")
    return len(rows)


@transaction.atomic
def expire_deposits() -> int:
    """End hard holds whose parcel did not come in time; return how many.

    Holds of a bank that is not online stay: the parcel may be inside already. So do those
    that a courier told as deposited: ``settle_told`` decides about them.

    Locks: the orders, the reservations. Records: locker.reservation.expired. Raises: nothing.
    """
    rows = _locked(
        LockerReservation.objects.filter(
            state__in=[S.HARD_HELD, S.AWAITING_DEPOSIT], deposit_by__lte=clock.now()
        )
        .exclude(courier_act=DEPOSITED)
        .exclude(Q(bank__kind=BankKind.OWN) & ~Q(bank__state=BankState.ONLINE))
    )
    for row in rows:
        move(row, S.DEPOSIT_EXPIRED, cause="time_over")
        if row.order is not None:
            others = row.order.locker_reservations.filter(state=S.DEPOSITED)
            first = others.select_related("bank__hub", "compartment").first()
            if first is not None:
                first.order = row.order
                ready_if_complete(first, HERE)
    return len(rows)


@transaction.atomic
def expire_collections() -> int:
    """Mark parcels that nobody collected in time; return how many. A courier takes them out later.

    Locks: the orders, the reservations. Records: locker.parcel.collect_expired. Raises: nothing.
    """
    rows = _locked(LockerReservation.objects.filter(state=S.READY, collect_by__lte=clock.now()))
    for row in rows:
        move(row, S.COLLECT_EXPIRED, cause="time_over")
    return len(rows)


@transaction.atomic
def remind() -> int:
    """Record the reminders that are due; return how many. Messages send them.

    Locks: the orders, the reservations. Records: locker.parcel.reminder_due. Raises: nothing.
    """
    now, sent = clock.now(), 0
    due = Q(pk__in=[])
    for number, hours in enumerate(REMINDERS_H):
        due |= Q(reminders=number, deposited_at__lte=now - dt.timedelta(hours=hours))
    for row in _locked(LockerReservation.objects.filter(due, state=S.READY, collect_by__gt=now)):
        waited = now - (row.deposited_at or now)
        row.reminders = sum(waited >= dt.timedelta(hours=hours) for hours in REMINDERS_H)
        row.save(update_fields=["reminders"])
        facts = events.ParcelFacts(
            bank=row.bank.public_id,
            state=row.state,
            compartment=row.compartment.public_id if row.compartment else None,
            order=row.order.public_id if row.order else None,
        )
        record(events.REMINDER_DUE, facts, subject=row.public_id, lane=Lane.PERSON)
        sent += 1
    return sent


def _locked(due: QuerySet[LockerReservation]) -> list[LockerReservation]:
    """Lock the orders of reservations, then all reservations of these; return those still due.

    Nobody is waited for: an order with a reservation that another act has locked is left for the
    next time.
    """
    first = list(due.order_by("pk").values_list("pk", "order_id")[:BATCH])
    named = {order for _pk, order in first if order is not None}
    orders = {order.pk: order for order in lock_orders(named)}
    of_acts = Q(pk__in=[pk for pk, _order in first]) | Q(order__in=named)
    every = LockerReservation.objects.filter(of_acts)
    rows = every.select_for_update(of=("self",), no_key=True, skip_locked=True)
    locked = list(rows.select_related("bank__hub", "compartment").order_by("pk"))
    kept = {row.pk for row in locked}
    busy = {order for pk, order in every.values_list("pk", "order_id") if pk not in kept}
    still = set(due.filter(pk__in=[pk for pk, _order in first]).values_list("pk", flat=True))
    result = []
    for row in locked:
        if row.pk in still and (row.order_id is None or row.order_id not in busy):
            row.order = orders.get(row.order_id) if row.order_id else None
            result.append(row)
    return result
