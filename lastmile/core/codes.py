"""Short codes that a person types: six digits to confirm an action or to collect a parcel.

A code comes from the system's random source and is stored as an HMAC with a field key. Each try is
counted in PostgreSQL by one conditional UPDATE before the code is compared. So guesses at the same
time cannot exceed the limit. For each purpose and subject only the newest code is valid.

    code = make_code(purpose="confirm_address", subject=order.public_id)  # send it in a message
    checked = check_code(purpose=…, subject=…, code=typed)                # outside a transaction
    with transaction.atomic():
        use_code(checked)                                                 # together with its effect
        …
"""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import secrets
from dataclasses import dataclass
from typing import ClassVar, Final
from unicodedata import decimal

from django.db import connection, transaction
from django.db.models import F
from django.db.models.functions import Now
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from lastmile.core.errors import Conflict, Invalid, TooMany
from lastmile.core.formatting import number
from lastmile.core.keys import FieldKey, UnknownKey, ring
from lastmile.core.models import ShortCode
from lastmile.core.tenancy import current_retailer

LONGEST: Final = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeRules:
    """The length, the lifetime and the limits of a short code.

    Parameters
    ----------
    digits : int
        Number of digits, 4 to 12.
    lasts_s : int
        Seconds until the code expires.
    most_tries : int
        Number of wrong tries after which the code is locked.
    most_codes : int
        Codes that may be made for one purpose and subject within `codes_in_s` seconds. Together
        with `most_tries` this limits guessing: by default to 25 of a million codes per hour.
    codes_in_s : int
        Length of the period for `most_codes`, in seconds.
    """

    digits: int = 6
    lasts_s: int = 600
    most_tries: int = 5
    most_codes: int = 5
    codes_in_s: int = 3600

    def __post_init__(self) -> None:
        if not 4 <= self.digits <= LONGEST or self.most_tries < 1 or self.most_codes < 1:
            raise ValueError("A code has 4 to 12 digits, and at least one try and one code.")


@dataclass(frozen=True, slots=True)
class CheckedCode:
    """A code that was checked and is correct; ``use_code`` uses it."""

    pk: int
    digest: str


class CodeWrong(Invalid):
    """The code is wrong."""

    code: ClassVar[str] = "code_wrong"


class CodeLocked(Conflict):
    """The code is locked after too many wrong tries."""

    code: ClassVar[str] = "code_locked"


class CodeEnded(Conflict):
    """There is no valid code: none was made, or it has expired, or it was used."""

    code: ClassVar[str] = "code_ended"


class TooManyCodes(TooMany):
    """Too many codes were requested in a short time."""

    code: ClassVar[str] = "too_many_codes"


SIX_DIGITS: Final = CodeRules()


@transaction.atomic
def make_code(*, purpose: str, subject: str, rules: CodeRules = SIX_DIGITS) -> str:
    """Make a new code and return it; an earlier code for the same purpose and subject ends.

    Locks: the row of purpose and subject. Records: nothing. Raises: TooManyCodes.
    """
    code = "".join(secrets.choice("0123456789") for _digit in range(rules.digits))
    now = _database_instant()
    fresh = {
        "digest": _hash(ring().first, purpose, subject, code),
        "key_id": ring().first.id,
        "tries": 0,
        "most_tries": rules.most_tries,
        "expires_at": now + dt.timedelta(seconds=rules.lasts_s),
        "used_at": None,
    }
    window = {"codes_made": 1, "window_ends_at": now + dt.timedelta(seconds=rules.codes_in_s)}
    row, created = ShortCode.objects.select_for_update().get_or_create(
        purpose=purpose, subject=subject, defaults=fresh | window
    )
    if created:
        return code
    if row.window_ends_at > now:
        window = {"codes_made": row.codes_made + 1, "window_ends_at": row.window_ends_at}
    if window["codes_made"] > rules.most_codes:  # type: ignore[operator]
        wait_s = max(1, int((row.window_ends_at - now).total_seconds()))
        minutes = -(-wait_s // 60)
        raise TooManyCodes(
            ngettext(
                "Too many codes were requested. Wait one minute, then request a new one.",
                "Too many codes were requested. Wait %(minutes)s minutes, then request a new one.",
                minutes,
            )
            % {"minutes": number(minutes)},
            data={"retry_after_s": wait_s},
        )
    ShortCode.objects.filter(pk=row.pk).update(**fresh, **window)
    return code


def has_code(*, purpose: str, subject: str) -> bool:
    """Return True if a code was made that can still be typed."""
    rows = ShortCode.objects.filter(purpose=purpose, subject=subject, used_at__isnull=True)
    return rows.filter(expires_at__gt=Now(), tries__lt=F("most_tries")).exists()


def check_code(*, purpose: str, subject: str, code: str) -> CheckedCode:
    """Count a try, then compare the code. Call it outside any transaction.

    Inside a transaction it raises RuntimeError, because a rollback would undo the count.

    Locks: the code's row during the check. Records: nothing. Raises: CodeWrong, CodeLocked,
    CodeEnded.
    """
    with transaction.atomic(durable=True):
        alive = ShortCode.objects.filter(
            purpose=purpose, subject=subject, used_at__isnull=True, expires_at__gt=Now()
        )
        counted = alive.filter(tries__lt=F("most_tries")).update(tries=F("tries") + 1)
        row = alive.first()
    if row is None:
        raise CodeEnded(_("This code is no longer valid. Request a new one."))
    if not counted:
        raise _locked()
    if not _is_right(row, code):
        tries_left = row.most_tries - row.tries
        if tries_left <= 0:
            raise _locked()
        raise CodeWrong(
            ngettext(
                "The code is wrong. Check it. You have one more try.",
                "The code is wrong. Check it. You have %(left)s more tries.",
                tries_left,
            )
            % {"left": number(tries_left)},
            data={"tries_left": tries_left},
        )
    return CheckedCode(row.pk, row.digest)


def use_code(checked: CheckedCode) -> None:
    """Use a correct code once, in the transaction of the action that it confirms.

    When two callers use it at the same time, one of them fails.

    Locks: the code's row. Records: nothing. Raises: CodeEnded when the code was used or replaced
    in the meantime.
    """
    spent = ShortCode.objects.filter(
        pk=checked.pk, digest=checked.digest, used_at__isnull=True
    ).update(used_at=Now())
    if not spent:
        raise CodeEnded(_("This code was already used. Request a new one."))


def redeem_code(*, purpose: str, subject: str, code: str) -> None:
    """Check a code and use it. Locks, Records, Raises: as ``check_code`` and ``use_code``."""
    use_code(check_code(purpose=purpose, subject=subject, code=code))


def end_code(*, purpose: str, subject: str) -> None:
    """End the current code, if any, because its action is done or no longer possible.

    Locks: the code's row. Records: nothing. Raises: nothing of its own.
    """
    rows = ShortCode.objects.filter(purpose=purpose, subject=subject, used_at__isnull=True)
    rows.update(used_at=Now())


def forget_codes() -> dict[str, int]:
    """Delete codes that have expired and whose period for counting codes is over.

    Locks: the deleted rows. Records: nothing. Raises: nothing of its own.
    """
    over = ShortCode.objects.filter(window_ends_at__lte=Now(), expires_at__lte=Now())
    return {"codes": over.delete()[0]}


def _is_right(row: ShortCode, code: str) -> bool:
    try:
        key = ring().by_id(row.key_id)
    except UnknownKey:  # the key was removed from FIELD_KEYS, so no code can be correct
        return False
    # A person may type other digits than 0 to 9, such as those of an Arabic keyboard.
    typed = "".join(str(decimal(sign, sign)) for sign in code if not sign.isspace())
    typed = typed[: LONGEST + 1]
    return hmac.compare_digest(row.digest, _hash(key, row.purpose, row.subject, typed))


def _hash(key: FieldKey, purpose: str, subject: str, code: str) -> str:
    derived = key.derive("code", current_retailer().public_id, purpose, subject)
    return hmac.digest(derived, code.encode(), hashlib.sha256).hex()


def _locked() -> CodeLocked:
    return CodeLocked(_("Too many wrong codes. Request a new code."))


def _database_instant() -> dt.datetime:
    with connection.cursor() as cursor:
        cursor.execute("SELECT statement_timestamp()")
        instant: dt.datetime = cursor.fetchone()[0]
    return instant
