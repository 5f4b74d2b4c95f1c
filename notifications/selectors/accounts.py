"""Reads channel accounts, and whether this installation is the one on which they were set."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from django.conf import settings
from django.db import connection

from notifications.catalogue.kinds import ChannelKey
from notifications.models import AccountState, ChannelAccount

_MAY_SQL: Final = "SELECT has_function_privilege('pg_control_system()', 'execute')"
_CLUSTER_SQL: Final = "SELECT system_identifier::text FROM pg_control_system()"
_DATABASE_SQL: Final = "SELECT oid::text FROM pg_database WHERE datname = current_database()"


class Health(StrEnum):
    """Whether a channel sends.

    - none: it has no account yet.
    - off: a person has not switched it on.
    - on: it sends.
    - paused: the provider refused the account or asked to wait.
    - copied: it was switched on on another installation. This one is a copy.
    """

    NONE = "none"
    OFF = "off"
    ON = "on"
    PAUSED = "paused"
    COPIED = "copied"


def fingerprint() -> str:
    """Return the fingerprint of this installation, which a restored copy does not have.

    It is made of the database cluster, the database and the public host. A copy that is restored
    into another cluster or database, or that has another host, has another one. Do not keep it for
    longer than the pump does, a second: a database may be restored under a running process.
    """
    with connection.cursor() as cursor:
        cursor.execute(_MAY_SQL)
        statements = [_CLUSTER_SQL, _DATABASE_SQL] if cursor.fetchone()[0] else [_DATABASE_SQL]
        parts = [settings.BASE_DOMAIN]
        for statement in statements:
            cursor.execute(statement)
            parts.append(cursor.fetchone()[0])
    return hashlib.sha256("|".join(parts).encode()).hexdigest()


def is_copied(account: ChannelAccount) -> bool:
    """Return True if the account was switched on on another installation than this one."""
    return account.is_on and account.on_at_machine != fingerprint()


def health_of(account: ChannelAccount | None) -> Health:
    """Return whether a channel with this account sends."""
    if account is None:
        return Health.NONE
    if not account.is_on:
        return Health.OFF
    if is_copied(account):
        return Health.COPIED
    return Health.PAUSED if account.state == AccountState.PAUSED else Health.ON


def accounts() -> Mapping[str, ChannelAccount | None]:
    """Return the account of each channel, or None; in the order of the channels on pages."""
    rows = {row.channel: row for row in ChannelAccount.objects.all()}
    order = (ChannelKey.SMS, ChannelKey.WHATSAPP, ChannelKey.EMAIL, ChannelKey.PUSH)
    return {key.value: rows.get(key) for key in order}


def account_of(channel: str) -> ChannelAccount | None:
    """Return the account of a channel, on or off; None without one."""
    return ChannelAccount.objects.filter(channel=channel).first()
