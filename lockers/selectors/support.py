"""Finds reservations for support, and reads all that happened to one."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.db.models import F, Q, QuerySet

from dispatch.orders.selectors import OrderFilter, filter_orders, orders_of
from lastmile.core.clock import real_now
from lockers.models import (
    CodeGrant,
    JournalEntry,
    LockerChange,
    LockerCommand,
    LockerReservation,
)
from lockers.selectors.lists import reservations_of
from lockers.states import CommandState, GrantState, ReservationState
from tenants.permissions import Principal

#: Orders that a text of the search box may match; more than these need a more exact text.
MOST_ORDERS = 200
MOST_COMMANDS = 10


def search_reservations(principal: Principal, text: str) -> QuerySet[LockerReservation]:
    """Return reservations by order, telephone, name, parcel, id or bank; all for an empty text.

    Orders are found as on the page of orders, with the first 200 that match.
    """
    rows = reservations_of(principal).annotate(number=F("pk"))
    if not text:
        return rows
    orders = filter_orders(orders_of(principal), OrderFilter(text=text)).values("pk")
    keys = list(orders.order_by("-pk").values_list("pk", flat=True)[:MOST_ORDERS])
    exact = Q(public_id=text) | Q(parcel_ref=text) | Q(external_id=text)
    exact |= Q(order__public_id=text)
    return rows.filter(exact | Q(order__in=keys) | Q(bank__name__icontains=text))


def disputes_of(principal: Principal) -> QuerySet[LockerReservation]:
    """Return the reservations that staff must settle, as far as a principal may see them."""
    return reservations_of(principal).filter(state=ReservationState.DISPUTED)


def changes_of_reservation(row: LockerReservation) -> QuerySet[LockerChange]:
    """Return all that changed about a reservation. ``number`` tells changes of one moment apart."""
    rows = LockerChange.objects.filter(reservation=row)
    return rows.select_related("compartment", "reservation", "bank").annotate(number=F("pk"))


def entries_of(row: LockerReservation) -> list[JournalEntry]:
    """Return the last entries of the cabinet's journal about a reservation, the newest first."""
    rows = JournalEntry.objects.filter(reservation=row).select_related("compartment")
    return list(rows.order_by("-pk")[:20])


def last_disputes(rows: list[LockerReservation]) -> dict[int, LockerChange]:
    """Return the change that made each reservation disputed, by its pk."""
    changes = LockerChange.objects.filter(
        reservation__in=rows, what="state", after=ReservationState.DISPUTED
    )
    return {
        change.reservation_id: change
        for change in changes.order_by("pk")
        if change.reservation_id is not None
    }


def codes_that_may_open(row: LockerReservation) -> list[CodeGrant]:
    """Return the codes of a reservation that may still open its door."""
    open_ = row.grants.filter(state__in=[GrantState.LIVE, GrantState.ENDING])
    return list(open_.order_by("-pk")[:20])


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownCommand:
    """A command, and what a person is told about it.

    ``word`` is sent, got, done, failed or expired. ``is_open`` is True while an answer may come.
    """

    command: LockerCommand
    word: str
    is_open: bool


def commands_about(row: LockerReservation) -> list[ShownCommand]:
    """Return the last commands for a reservation, the newest first."""
    rows = LockerCommand.objects.filter(reservation=row).select_related("compartment")
    at = real_now()
    return [_shown(command, at) for command in rows.order_by("-pk")[:MOST_COMMANDS]]


def _shown(command: LockerCommand, at: dt.datetime) -> ShownCommand:
    state = CommandState(command.state)
    is_over = command.expires_at <= at
    if state == CommandState.QUEUED:
        word = "expired" if is_over else "sent"
    elif state == CommandState.DELIVERED:
        word = "silent" if is_over else "got"
    else:
        word = state.value
    return ShownCommand(command=command, word=word, is_open=word in {"sent", "got"})
