"""Makes, shows and rotates pickup codes. A code is computed when it is shown, and not stored."""

from __future__ import annotations

import datetime as dt
import secrets
from dataclasses import dataclass
from typing import Final

from django.db import transaction
from django.utils.translation import gettext as _

from lastmile.core.actor import current_actor
from lastmile.core.clock import now, real_time_of
from lastmile.core.errors import NotAllowed
from lastmile.core.events import record
from lastmile.core.limits import CallLimit, count_call, give_back
from lockers import codes, events
from lockers.errors import CodeNotValid
from lockers.models import CodeGrant, LockerBank, LockerReservation
from lockers.services.generations import code_key_of, give_generation
from lockers.services.revoking import code_facts, revoke_codes
from lockers.states import HELD, INSIDE, BankKind, CodeRole, GrantState, Purpose, ReservationState

#: Wrong codes at one keypad within the period, before it is locked. The cabinet counts the same.
WRONG_TRIES: Final = 5
WRONG_IN_S: Final = 600
S = ReservationState
_OPERATOR: Final = (HELD | INSIDE) - {S.SOFT_HELD}
_OPENS: Final = {
    CodeRole.COURIER: HELD - {S.SOFT_HELD},
    CodeRole.SHOPPER: frozenset({S.READY}),
    CodeRole.RETURNER: frozenset({S.COLLECT_EXPIRED, S.COURIER_TO_COLLECT}),
    CodeRole.OPERATOR: _OPERATOR,
}
#: A parcel that a shopper drops, to return it or to send it: the shopper deposits with the code of
#: the returner, and a courier takes it out with the courier's code.
_OPENS_DROP: Final = {
    CodeRole.COURIER: frozenset({S.DEPOSITED, S.COURIER_TO_COLLECT}),
    CodeRole.SHOPPER: frozenset[ReservationState](),
    CodeRole.RETURNER: HELD - {S.SOFT_HELD},
    CodeRole.OPERATOR: _OPERATOR,
}


def may_open(row: LockerReservation, role: CodeRole) -> bool:
    """Return True if the state of a reservation allows a role to open its door."""
    table = _OPENS if row.purpose == Purpose.DELIVERY else _OPENS_DROP
    return S(row.state) in table[role]


def taking_out_role(row: LockerReservation) -> CodeRole:
    """Return the role with whose code a courier takes out a parcel that nobody else collects."""
    return CodeRole.RETURNER if row.purpose == Purpose.DELIVERY else CodeRole.COURIER


@dataclass(frozen=True, slots=True)
class ShownCode:
    """A code to show: the PIN, the text of the QR, and until when it opens the door."""

    pin: str
    token: str
    role: CodeRole
    expires_at: dt.datetime


def show_code(*, reservation: LockerReservation, role: str) -> ShownCode:
    """Compute the code of a role of a reservation, and note the first time that it was given.

    Only the first look writes: staff must see which codes may open a door (field row L06).

    Locks: the reservation, the first time. Records: locker.code.issued the first time. Raises:
    CodeNotValid unless the state of the reservation allows the role to open the door.
    """
    who = CodeRole(role)
    rows = LockerReservation.objects.select_related("bank__hub", "compartment", "order")
    row = rows.get(pk=reservation.pk)
    grant = row.grants.filter(role=who, generation=row.generation).first()
    until = expiry_of(row, who)
    _refuse_without_code(row, who, until)
    if grant is None or grant.expires_at != until:
        row, until = _note_grant(row, who)
    return _shown(row, who, until)


@transaction.atomic
def _note_grant(
    reservation: LockerReservation, who: CodeRole
) -> tuple[LockerReservation, dt.datetime]:
    row = lock_reservation(reservation)
    until = expiry_of(row, who)
    _refuse_without_code(row, who, until)
    grant, created = CodeGrant.objects.get_or_create(
        reservation=row,
        role=who,
        generation=row.generation,
        defaults={"made_by": current_actor(), "expires_at": until},
    )
    if not created and grant.expires_at != until:
        CodeGrant.objects.filter(pk=grant.pk).update(expires_at=until)
    if created:
        record(events.CODE_ISSUED, code_facts(row, grant), subject=row.public_id)
    return row, until


def _refuse_without_code(row: LockerReservation, who: CodeRole, until: dt.datetime) -> None:
    is_ours = row.bank.kind != BankKind.VENDOR and row.generation > 0
    if is_ours and may_open(row, who) and now() < until:
        return
    raise CodeNotValid(
        _("There is no code for this now. The reservation has the status “%(status)s”.")
        % {"status": row.state},
        data={"reservation": row.public_id, "state": row.state},
    )


def _shown(row: LockerReservation, role: CodeRole, until: dt.datetime) -> ShownCode:
    key = code_key_of(row.bank)
    box = row.compartment.number if row.compartment else ""
    token = codes.Token(
        reservation=row.public_id,
        role=role,
        box=box,
        generation=row.generation,
        not_before_s=_token_time(now()) - 300,
        expires_s=_token_time(until),
        nonce=secrets.token_hex(4),
    )
    pin = codes.pin(key, row.public_id, role, row.generation)
    return ShownCode(pin, codes.token_text(key, token), role, until)


def _token_time(at: dt.datetime) -> int:
    """Return a time of the retailer's clock for a token.

    A cabinet reads tokens without us and knows real time only. So tokens have real times, like all
    that a cabinet is told. Deposit-by and collect-by stay business time: they are promises.
    """
    return int(real_time_of(at).timestamp())


def opens_door(row: LockerReservation, role: CodeRole) -> bool:
    """Return True if the state of a reservation allows a role to open its door."""
    return may_open(row, role) and row.generation > 0


def expiry_of(row: LockerReservation, role: CodeRole) -> dt.datetime:
    """Return until when the code of a role opens the door."""
    depositor = CodeRole.COURIER if row.purpose == Purpose.DELIVERY else CodeRole.RETURNER
    if role == depositor:
        return row.deposit_by
    if role == CodeRole.SHOPPER and row.collect_by is not None:
        return row.collect_by
    return now() + dt.timedelta(days=1)


@transaction.atomic
def rotate_codes(*, reservation: LockerReservation) -> LockerReservation:
    """Give a reservation new codes; the codes before are revoked.

    Use it when a code was seen by another person, or is handed over to another phone.

    Locks: the reservation, its codes, the codes of the bank. Records: locker.code.revoked. Raises:
    CodeNotValid if the reservation has ended.
    """
    row = lock_reservation(reservation)
    if row.bank.kind == BankKind.VENDOR:
        raise CodeNotValid(_("The network makes the codes of this bank, so we cannot change them."))
    if S(row.state) not in HELD | INSIDE or row.generation == 0:
        raise CodeNotValid(_("The reservation has ended, so it has no codes."))
    revoke_codes(row, why="rotated")
    give_generation(row)
    return row


def check_pin(*, bank: LockerBank, typed: str, roles: frozenset[CodeRole]) -> LockerReservation:
    """Return the reservation whose PIN was typed at a keypad that asks the server.

    The try is counted in PostgreSQL before the PIN is compared, so guesses at the same time are not
    more than the limit. Call it outside any transaction.

    Locks: the count. Records: nothing. Raises: TooMany after five tries in ten minutes;
    NotAllowed, with one text for every wrong PIN.
    """
    limit = CallLimit(
        scope="locker.pin", subject=bank.public_id, most=WRONG_TRIES, per_s=WRONG_IN_S
    )
    count_call([limit])
    bank = LockerBank.objects.get(pk=bank.pk)
    rows = LockerReservation.objects.filter(bank=bank, generation__gt=0)
    live = rows.filter(state__in=[s.value for s in (HELD | INSIDE)]).select_related("compartment")
    by_id = {row.public_id: row for row in live}
    known = [codes.Known(reservation=row.public_id, generation=row.generation) for row in live]
    matched = codes.match(code_key_of(bank), typed, known, roles) if bank.code_key else None
    if matched is not None:
        row, role = by_id[matched[0].reservation], matched[1]
        if may_open(row, role) and now() < expiry_of(row, role):
            give_back(limit)
            return row
    raise NotAllowed(_("The code is wrong or expired. Check it and try again."))


def reservation_of_token(*, bank: LockerBank, text: str) -> LockerReservation:
    """Return the reservation whose QR code a shopper shows at a counter.

    Locks: nothing. Records: nothing. Raises: NotAllowed, with the text of a wrong PIN.
    """
    wrong = NotAllowed(_("The code is wrong or expired. Check it and try again."))
    if bank.code_key is None:
        raise wrong
    try:
        token = codes.read_token(bytes(bank.code_key), text)
    except codes.BadToken:
        raise wrong from None
    rows = LockerReservation.objects.filter(bank=bank, public_id=token.reservation)
    row = rows.select_related("compartment").first()
    is_right = (
        row is not None
        and token.role == CodeRole.SHOPPER
        and token.generation == row.generation
        and token.is_valid_at(_token_time(now()))
        and may_open(row, CodeRole.SHOPPER)
    )
    if row is None or not is_right:
        raise wrong
    return row


def lock_reservation(reservation: LockerReservation) -> LockerReservation:
    """Return the present row of a reservation, locked, with its bank, order and compartment."""
    rows = LockerReservation.objects.select_for_update(of=("self",), no_key=True)
    return rows.select_related("bank__hub", "compartment", "order").get(pk=reservation.pk)


def grants_that_may_open(bank: LockerBank) -> list[CodeGrant]:
    """Return the codes that may still open a door of a bank: live ones, and unconfirmed ones."""
    rows = CodeGrant.objects.filter(
        reservation__bank=bank, state__in=[GrantState.LIVE, GrantState.ENDING]
    )
    return list(rows.select_related("reservation__compartment").order_by("pk")[:1000])
