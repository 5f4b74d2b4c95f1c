"""Idempotency-Key: a repeated call has one effect and gets the first answer again.

The effect of a call and its stored answer are committed in one transaction, so neither exists
without the other. While a call runs, it holds an advisory lock that PostgreSQL releases with the
transaction. If the process dies, nothing remains, and the repeated call runs as new.

The transaction of a call is the only outer transaction in the code. The transactions of the
services become savepoints inside it.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import random
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar

from django.db import DatabaseError, InterfaceError, connection, transaction
from django.utils.translation import gettext as _
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from lastmile.core.clock import real_now
from lastmile.core.errors import Conflict, DomainError, Invalid
from lastmile.core.http.problems import RETRY_AT_ONCE, sqlstate
from lastmile.core.models import IdempotencyRecord
from lastmile.core.tenancy import current_schema

KEPT = dt.timedelta(hours=24)
TRIES = 4
REPLAYED = "Idempotency-Replayed"
_KEPT_HEADERS = ("Location", "ETag")
# Statuses whose answer may differ the next time, so that it is not stored.
_NOT_FINAL = frozenset({401, 403, 408, 425, 429})
R = TypeVar("R", bound=Response)
Refuse = Callable[[Exception], Response]


class KeyMissing(DomainError):
    """A call by API key that changes something needs an Idempotency-Key."""

    code: ClassVar[str] = "idempotency_key_missing"
    status: ClassVar[int] = 400


class KeyReused(Invalid):
    """This Idempotency-Key was used before with another body."""

    code: ClassVar[str] = "idempotency_key_reused"


class StillRunning(Conflict):
    """The first call with this Idempotency-Key is still running."""

    code: ClassVar[str] = "idempotency_running"
    retryable: ClassVar[bool] = True


class _Refused(Exception):
    """Carries a response with status 400 or above out of a savepoint, so that this rolls back."""

    def __init__(self, response: Response) -> None:
        super().__init__()
        self.response = response


@dataclass(frozen=True, slots=True)
class Call:
    """An unsafe call: caller, route, key, and the hash of everything that determines its effect."""

    principal: str
    route: str
    key: str
    body_hash: str

    def lock_number(self) -> int:
        """Return the number of this call's advisory lock.

        It is a 64-bit hash of retailer, principal, route and key.
        """
        name = f"{current_schema()}\x1f{self.principal}\x1f{self.route}\x1f{self.key}"
        return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big", signed=True)


def secret_once(response: R, *fields: str) -> R:
    """Mark top-level members that are not stored with the answer; a replay shows null for them."""
    response.secret_fields = fields  # type: ignore[attr-defined]
    return response


def call_of(request: Request, principal: str, *, required: bool) -> Call | None:
    """Return the call with its Idempotency-Key; None if the key is absent and not required.

    Raises
    ------
    KeyMissing
        The key is required and absent.
    Invalid
        The key is longer than 255 characters or has characters other than printable ASCII.
    """
    key = request.headers.get("Idempotency-Key", "")
    if not key:
        if required:
            raise KeyMissing(
                _("Calls by API key that change something need an Idempotency-Key, such as a UUID.")
            )
        return None
    if not re.fullmatch(r"[\x21-\x7e]{1,255}", key):
        raise Invalid(_("Idempotency-Key must be 1 to 255 printable ASCII characters."))
    return Call(principal, f"{request.method} {request.path}"[:300], key, _body_hash(request))


def run_once(call: Call | None, act: Callable[[], Response], refuse: Refuse) -> Response:
    """Run an act in one transaction and return its response; with a ``call``, once per key.

    Parameters
    ----------
    act : callable
        The work. An exception, or a response with status 400 or above, rolls everything back.
    refuse : callable
        Turns an exception into a response.

    Notes
    -----
    Serialisation failures and deadlocks roll everything back, so the act is run again. It runs up
    to four times, with a growing random pause. A lost connection is answered 503. Only the stored
    answer tells whether the commit succeeded, and the repeated call finds it.
    """
    for attempt in range(TRIES):
        try:
            with transaction.atomic():
                if call is None:
                    return _attempt(act)
                return _first_or_replay(call, act, refuse)
        except _Refused as refused:
            return refused.response
        except (DatabaseError, InterfaceError) as fault:
            if sqlstate(fault) not in RETRY_AT_ONCE or attempt == TRIES - 1:
                return refuse(fault)
            time.sleep(random.uniform(0.01, 0.05) * 2**attempt)  # noqa: S311
        except Exception as fault:  # noqa: BLE001  refuse() logs unexpected exceptions
            return refuse(fault)
    raise AssertionError("unreachable: the last attempt answers")


def is_answered(call: Call | None) -> bool:
    """Return True if the answer to this call is stored, so that it will only be repeated."""
    if call is None:
        return False
    records = IdempotencyRecord.objects.filter(
        principal=call.principal, route=call.route, key=call.key, expires_at__gt=real_now()
    )
    return records.exists()


def forget_expired(batch: int = 5000) -> int:
    """Delete stored answers that are older than 24 hours; return how many."""
    old = IdempotencyRecord.objects.filter(expires_at__lte=real_now()).values("pk")[:batch]
    return IdempotencyRecord.objects.filter(pk__in=old).delete()[0]


def _attempt(act: Callable[[], Response]) -> Response:
    """Run the act; a response with status 400 or above rolls back like an exception."""
    response = act()
    if response.status_code >= 400:
        raise _Refused(response)
    return response


def _first_or_replay(call: Call, act: Callable[[], Response], refuse: Refuse) -> Response:
    if not _take_lock(call.lock_number()):
        raise StillRunning(
            _("The first call with this Idempotency-Key is still running. Try again shortly."),
            data={"retry_after_s": 1},
        )
    stored = IdempotencyRecord.objects.filter(
        principal=call.principal, route=call.route, key=call.key
    ).first()
    if stored is not None and stored.expires_at <= real_now():
        stored.delete()
        stored = None
    if stored is not None:
        return _replay(stored, call)
    response = _in_savepoint(act, refuse)
    if response.status_code < 400 or _is_final(response):
        _store(call, response)
    return response


def _in_savepoint(act: Callable[[], Response], refuse: Refuse) -> Response:
    """Run the act in a savepoint: an error undoes its writes, and the error can be stored."""
    try:
        with transaction.atomic():
            return _attempt(act)
    except _Refused as refused:
        return refused.response
    except (DatabaseError, InterfaceError) as fault:
        if not connection.is_usable() or sqlstate(fault) in RETRY_AT_ONCE:
            raise
        return refuse(fault)
    except Exception as fault:  # noqa: BLE001  as in run_once
        return refuse(fault)


def _take_lock(number: int) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [number])
        return bool(cursor.fetchone()[0])


def _is_final(response: Response) -> bool:
    if response.status_code >= 500 or response.status_code in _NOT_FINAL:
        return False
    return not getattr(response, "retryable", False)


def _store(call: Call, response: Response) -> None:
    headers = {name: response[name] for name in _KEPT_HEADERS if name in response}
    if response.content_type:
        headers["Content-Type"] = response.content_type
    IdempotencyRecord.objects.create(
        principal=call.principal,
        route=call.route,
        key=call.key,
        body_hash=call.body_hash,
        status=response.status_code,
        headers=headers,
        body=_without_secrets(response),
        expires_at=real_now() + KEPT,
    )


def _without_secrets(response: Response) -> str:
    data = response.data
    secret: tuple[str, ...] = getattr(response, "secret_fields", ())
    if secret and isinstance(data, Mapping):
        data = {**data, **dict.fromkeys(secret), "secret_already_shown": True}
    return "" if data is None else JSONRenderer().render(data).decode()


def _replay(stored: IdempotencyRecord, call: Call) -> Response:
    if stored.body_hash != call.body_hash:
        raise KeyReused(
            _("This Idempotency-Key was used with another body. Use a new key for a new call.")
        )
    headers = dict(stored.headers)
    content_type = headers.pop("Content-Type", None)
    data: Any = json.loads(stored.body) if stored.body else None
    response = Response(data, status=stored.status, headers=headers, content_type=content_type)
    response[REPLAYED] = "true"
    return response


def _body_hash(request: Request) -> str:
    """Return the hash of query string and body.

    Form data is hashed by its content, because each attempt has a new multipart boundary.
    """
    digest = hashlib.sha256(request.META.get("QUERY_STRING", "").encode("utf-8", "replace"))
    if (request.content_type or "").startswith("multipart/"):
        form: Any = request.data
        for name in sorted(form):
            for value in form.getlist(name):
                digest.update(f"\x1e{name}\x1f".encode("utf-8", "replace"))
                if hasattr(value, "chunks"):
                    for chunk in value.chunks():
                        digest.update(chunk)
                    value.seek(0)
                else:
                    digest.update(str(value).encode("utf-8", "replace"))
    else:
        digest.update(b"\x1e" + request.body)
    return digest.hexdigest()
