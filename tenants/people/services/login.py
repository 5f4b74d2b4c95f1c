"""Sign in with e-mail and password. Attempts are counted before the password is checked."""

from __future__ import annotations

import datetime as dt
import hashlib
from functools import lru_cache

from django.contrib.auth.hashers import check_password, make_password
from django.db import connection
from django.utils.translation import gettext as _

from lastmile.core.clock import now, real_now
from tenants.people.errors import LoginLocked, LoginRefused
from tenants.people.models import LoginAttempt, Member

WINDOW = dt.timedelta(minutes=15)
ACCOUNT_TRIES = 10
ADDRESS_TRIES = 100  # all people of an office may share one address


def log_in(*, email: str, password: str, address: str) -> Member:
    """Return the member with this e-mail and password.

    Locks: nothing beyond its two counters. Records: nothing. Raises: LoginLocked, LoginRefused.

    Notes
    -----
    Each attempt first increments two counters, each with one atomic statement. So even a hundred
    parallel attempts check at most ten passwords. An unknown or inactive account takes the same
    time and gets the same answer as a wrong password.
    """
    _count_attempt("address", address, ADDRESS_TRIES)
    _count_attempt("account", email.strip().lower(), ACCOUNT_TRIES)
    member = None
    if "\x00" not in email:
        member = Member.objects.filter(email__iexact=email.strip(), active=True).first()
    encoded = member.password if member is not None and member.password else _dummy_hash()
    right = check_password(password, encoded)
    if member is None or not member.password or not right:
        raise LoginRefused(_("The e-mail or the password is wrong. Check both and try again."))
    forget_tries(member.email)
    Member.objects.filter(pk=member.pk).update(last_login_at=now())
    return member


def forget_tries(email: str) -> None:
    """Unlock an account, after the correct password or after a new password by link."""
    LoginAttempt.objects.filter(
        scope="account", subject_hash=_hash("account", email.strip().lower())
    ).delete()


def _count_attempt(scope: str, subject: str, most: int) -> None:
    instant = real_now()
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO people_loginattempt AS l (scope, subject_hash, tries, window_ends_at)
            VALUES (%(scope)s, %(subject)s, 1, %(ends)s)
            ON CONFLICT (scope, subject_hash) DO UPDATE SET
                tries = CASE WHEN l.window_ends_at <= %(now)s THEN 1 ELSE l.tries + 1 END,
                window_ends_at =
                    CASE WHEN l.window_ends_at <= %(now)s THEN %(ends)s ELSE l.window_ends_at END
            RETURNING tries, window_ends_at
            """,
            {
                "scope": scope,
                "subject": _hash(scope, subject),
                "now": instant,
                "ends": instant + WINDOW,
            },
        )
        tries, ends_at = cursor.fetchone()
    if tries > most:
        wait_s = max(1, int((ends_at - instant).total_seconds()))
        raise LoginLocked(
            _(
                "Too many attempts. Wait %(minutes)d minutes, or ask an owner or manager "
                "for a link to set a new password."
            )
            % {"minutes": -(-wait_s // 60)},
            data={"retry_after_s": wait_s},
        )


def _hash(scope: str, subject: str) -> str:
    return hashlib.sha256(f"{scope}|{subject}".encode("utf-8", "replace")).hexdigest()


@lru_cache(maxsize=1)
def _dummy_hash() -> str:
    """Return the hash of a dummy password, so that unknown accounts take the same time."""
    return make_password("nobody")
