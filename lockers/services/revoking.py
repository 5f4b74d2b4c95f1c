"""Ends codes: revoked at once here, and confirmed later by the cabinet."""

from __future__ import annotations

from lastmile.core.clock import now
from lastmile.core.events import record_many
from lockers import events
from lockers.models import CodeGrant, LockerReservation
from lockers.states import BankKind, GrantState


def revoke_codes(row: LockerReservation, *, why: str, up_to: int | None = None) -> int:
    """Revoke the live codes of a reservation; return how many there were.

    The cabinet may not know it yet, so the codes are ``ending`` until its journal confirms that
    they open nothing. ``up_to`` is the last generation that ends; None means all.

    Locks: the codes. Records: locker.code.revoked for each. Raises: nothing.
    """
    grants = CodeGrant.objects.select_for_update().filter(reservation=row, state=GrantState.LIVE)
    if up_to is not None:
        grants = grants.filter(generation__lte=up_to)
    rows = list(grants.order_by("pk"))
    for grant in rows:
        grant.state, grant.revoked_at, grant.revoked_why = GrantState.ENDING, now(), why
    CodeGrant.objects.bulk_update(rows, ["state", "revoked_at", "revoked_why"])
    record_many(events.CODE_REVOKED.new(row.public_id, code_facts(row, grant)) for grant in rows)
    if rows and row.bank.kind != BankKind.OWN:  # no cabinet has them: the server decides alone
        confirm_ended(row, generation=max(grant.generation for grant in rows))
    return len(rows)


def confirm_ended(row: LockerReservation, *, generation: int) -> int:
    """Note that the cabinet's codes of a reservation open nothing, up to a generation.

    Live codes are not touched: the cabinet ended them by mistake, and gets them again.

    Locks: the codes. Records: locker.code.ended for each. Raises: nothing.
    """
    grants = CodeGrant.objects.select_for_update().filter(
        reservation=row, state=GrantState.ENDING, generation__lte=generation
    )
    rows = list(grants.order_by("pk"))
    for grant in rows:
        grant.state, grant.confirmed_at = GrantState.ENDED, now()
    CodeGrant.objects.bulk_update(rows, ["state", "confirmed_at"])
    record_many(events.CODE_ENDED.new(row.public_id, code_facts(row, grant)) for grant in rows)
    return len(rows)


def code_facts(row: LockerReservation, grant: CodeGrant) -> events.CodeFacts:
    """Return the facts of a code for its events; never the code itself."""
    return events.CodeFacts(bank=row.bank.public_id, role=grant.role, generation=grant.generation)
