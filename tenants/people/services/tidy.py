"""Delete expired rows: sessions, tickets, sign-in counters, old audit entries."""

from __future__ import annotations

import datetime as dt

from django.db.models import QuerySet

from lastmile.core.clock import now
from lastmile.core.idempotency import forget_expired
from lastmile.core.tenancy import current_retailer
from lastmile.core.timing import database_now
from tenants.people.models import AuditEntry, BrandImage, LoginAttempt, Session, SocketTicket
from tenants.people.selectors import policy
from tenants.retention import Retention


def tidy() -> dict[str, int]:
    """Delete expired rows of the current retailer; return the number of deleted rows by kind.

    Locks: only the deleted rows. Records: nothing. Raises: nothing of its own.
    """
    instant = database_now()
    audit_age = dt.timedelta(days=policy(Retention).audit_days)
    return {
        "sessions": Session.objects.filter(expire_date__lte=instant).delete()[0],
        "tickets": SocketTicket.objects.filter(expires_at__lte=instant).delete()[0],
        "login_attempts": LoginAttempt.objects.filter(window_ends_at__lte=instant).delete()[0],
        "audit": AuditEntry.objects.filter(at__lte=now() - audit_age).delete()[0],
        "idempotency": forget_expired(),
        "images": _old_images().delete()[0],
    }


def _old_images() -> QuerySet[BrandImage]:
    """Return the images of yesterday and before that the brand does not show."""
    digest = current_retailer().brand.logo.rstrip("/").rpartition("/")[2]
    images = BrandImage.objects.filter(created_at__lte=now() - dt.timedelta(days=1))
    return images.exclude(digest=digest)
