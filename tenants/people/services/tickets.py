"""Tickets open a websocket for clients that cannot send a cookie; once, within a minute."""

from __future__ import annotations

import datetime as dt
import secrets

from django.db import connection

from lastmile.core.clock import real_now, shift_for_tests
from tenants.credentials import Credential
from tenants.people.models import SocketTicket
from tenants.people.selectors import hash_of

LASTS = dt.timedelta(seconds=60)


def issue_ticket(*, credential: Credential) -> tuple[str, dt.datetime]:
    """Return a new ticket and when it ends; it carries no more rights than the credential has.

    Locks: nothing. Records: nothing. Raises: nothing of its own.
    """
    secret = f"tkt_{secrets.token_urlsafe(24)}"
    expires_at = real_now() + LASTS
    SocketTicket.objects.create(
        secret_hash=hash_of(secret),
        kind=credential.name,
        principal_id=credential.principal_id,
        session_key=credential.session_key,
        expires_at=expires_at,
    )
    return secret, expires_at


def take_ticket(*, secret: str) -> Credential | None:
    """Use a ticket up; None for one that is unknown, used, late or of another retailer.

    Locks: the ticket, by deleting it: of two users at once one gets nothing. Records: nothing.
    Raises: nothing of its own.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM people_socketticket WHERE secret_hash = %s"
            " RETURNING kind, principal_id, session_key,"
            " expires_at > statement_timestamp() + make_interval(secs => %s)",
            [hash_of(secret), shift_for_tests().total_seconds()],
        )
        row = cursor.fetchone()
    if row is None or not row[3]:
        return None
    return Credential(name=row[0], principal_id=row[1], session_key=row[2])
