"""Create, rotate and revoke API keys. Only the answer that creates a secret contains it."""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit

from django.db import transaction
from django.utils.translation import gettext as _

from lastmile.core.actor import current_actor
from lastmile.core.clock import now, real_now
from lastmile.core.errors import Problems
from lastmile.core.ids import ALPHABET, looks_like
from lastmile.core.refusals import unknown
from lastmile.core.tenancy import current_schema
from tenants.people.errors import KeyRevoked
from tenants.people.models import ApiKey
from tenants.people.selectors import LONGEST_ORIGIN, hash_of
from tenants.people.services.audit import audit, changed
from tenants.people.sockets import access_changed
from tenants.permissions import KeyRole

COARSE = dt.timedelta(minutes=5)
SECRET_LENGTH = 32  # base32: 160 bits


def create_key(
    *,
    name: str,
    role: str,
    hubs: Iterable[str] | None = None,
    ref: str = "",
    origins: Iterable[str] = (),
    expires_at: dt.datetime | None = None,
) -> tuple[ApiKey, str]:
    """Create an API key; return its row and the secret, which cannot be read again later.

    Locks: nothing. Records: an audit entry. Raises: Invalid.

    Parameters
    ----------
    ref : str
        Id of the driver, locker bank or carrier on whose behalf the key acts, if any.
    origins : iterable of str
        For checkout keys: origins of the shops (``https://shop.example``) that can use the key.
    """
    values: dict[str, Any] = {
        "name": name.strip(),
        "role": role,
        "hubs": None if hubs is None else sorted(set(hubs)),
        "ref": ref.strip(),
        "origins": sorted({origin.rstrip("/").lower() for origin in origins}),
        "expires_at": expires_at,
    }
    _check(values)
    secret = _new_secret()
    with transaction.atomic():
        key = ApiKey.objects.create(
            secret_hash=hash_of(secret),
            hint=secret[-4:],
            created_by=current_actor(),
            **values,
        )
        audit("key.create", key.public_id, changed({}, values))
    return key, secret


@transaction.atomic
def rotate_key(*, public_id: str) -> tuple[ApiKey, str]:
    """Give a key a new secret. The old secret stops working with the commit.

    Locks: the key. Records: an audit entry. Raises: KeyRevoked, NotFound.
    """
    key = _locked(public_id)
    if key.revoked_at is not None:
        raise KeyRevoked(_("This key is revoked. Create a new one."))
    secret = _new_secret()
    key.secret_hash, key.hint = hash_of(secret), secret[-4:]
    key.version += 1
    key.save()
    audit("key.rotate", key.public_id)
    access_changed(key.public_id)
    return key, secret


@transaction.atomic
def revoke_key(*, public_id: str) -> ApiKey:
    """Revoke a key for good and close its websockets. A second call changes nothing.

    Locks: the key. Records: an audit entry. Raises: NotFound.
    """
    key = _locked(public_id)
    if key.revoked_at is None:
        key.revoked_at = now()
        key.version += 1
        key.save()
        audit("key.revoke", key.public_id, {"revoked_at": (None, key.revoked_at)})
        access_changed(key.public_id)
    return key


def mark_used(key: ApiKey) -> None:
    """Store when a key was last used, at most every five minutes, to limit updates of the row.

    Locks: nothing. Records: nothing. Raises: nothing of its own.
    """
    instant = real_now()
    if key.last_used_at is None or key.last_used_at <= instant - COARSE:
        ApiKey.objects.filter(pk=key.pk).update(last_used_at=instant)


def _new_secret() -> str:
    """Return ``lm_<schema>_<32 base32 characters>``, which names the retailer of the key."""
    body = "".join(secrets.choice(ALPHABET) for _n in range(SECRET_LENGTH))
    return f"lm_{current_schema()}_{body}"


def _locked(public_id: str) -> ApiKey:
    key = ApiKey.objects.select_for_update().filter(public_id=public_id).first()
    if key is None:
        raise unknown()
    return key


def _check(values: dict[str, Any]) -> None:
    problems = Problems()
    if not 1 <= len(values["name"]) <= 120:
        problems.add("/name", _("Enter a name of 1 to 120 characters."))
    roles = [role.value for role in KeyRole]
    if values["role"] not in roles:
        problems.add("/role", _("Choose one of: %(roles)s.") % {"roles": ", ".join(roles)})
    if values["hubs"] is not None and (
        not values["hubs"] or any(not looks_like(hub, "hub") for hub in values["hubs"])
    ):
        problems.add("/hubs", _("Give hubs by their IDs (hub_…), or null for all hubs."))
    if len(values["ref"]) > 80:
        problems.add("/ref", _("Use at most 80 characters."))
    if values["origins"] and values["role"] != KeyRole.CHECKOUT:
        problems.add("/origins", _("Only checkout keys can have origins."))
    if values["role"] == KeyRole.CHECKOUT and not values["origins"]:
        problems.add("/origins", _("A checkout key is public. Give the origins that can use it."))
    for number, origin in enumerate(values["origins"]):
        if not _is_origin(origin):
            problems.add(f"/origins/{number}", _("Enter an origin such as https://shop.example."))
    expires_at = values["expires_at"]
    if expires_at is not None and (expires_at.tzinfo is None or expires_at <= real_now()):
        problems.add("/expires_at", _("Give a future time with its UTC offset."))
    problems.raise_if_any()


def _is_origin(text: str) -> bool:
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        return False
    if len(text) > LONGEST_ORIGIN or parts.scheme not in {"http", "https"} or not parts.hostname:
        return False
    return text == f"{parts.scheme}://{parts.hostname}" + (f":{port}" if port else "")
