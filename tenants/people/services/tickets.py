"""Tickets for clients that cannot send a cookie: each opens one websocket within a minute."""

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
    """Return a new ticket and its expiry. The ticket has the same rights as the credential.

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
    """Use a ticket up; None if it is unknown, used, expired or from another retailer.

    Locks: the ticket, by deleting the row, so that of two parallel uses only one succeeds.
    Records: nothing. Raises: nothing of its own.
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
