"""Throw away what has ended: sessions, tickets, windows of counted log-ins."""

from __future__ import annotations

import datetime as dt

from lastmile.core.clock import now
from lastmile.core.idempotency import forget_expired
from lastmile.core.timing import database_now
from tenants.people.models import AuditEntry, LoginAttempt, Session, SocketTicket
from tenants.people.selectors import policy
from tenants.retention import Retention


def tidy() -> dict[str, int]:
    """Delete what has ended in this retailer's schema; return how many of each.

    Locks: nothing that lives. Records: nothing. Raises: nothing of its own.
    """
    ended = database_now()
    kept = dt.timedelta(days=policy(Retention).audit_days)
    return {
        "sessions": Session.objects.filter(expire_date__lte=ended).delete()[0],
        "tickets": SocketTicket.objects.filter(expires_at__lte=ended).delete()[0],
        "login_attempts": LoginAttempt.objects.filter(window_ends_at__lte=ended).delete()[0],
        "audit": AuditEntry.objects.filter(at__lte=now() - kept).delete()[0],
        "idempotency": forget_expired(),
    }
