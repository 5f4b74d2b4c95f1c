"""Reads devices and log-in links."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any, Final

from django.db import connection
from django.db.models import Q, QuerySet

from dispatch.fleet.models import Driver, Hub
from dispatch.live.models import Device, DeviceKind, LoginLink
from lastmile.core.clock import real_now
from lastmile.core.postgres.prepared import prepared_cursor
from tenants.people.selectors import hash_of

LONGEST_KEY = 100
# Each batch of positions reads it, so the ORM does not build it each time.
_PARTS: Final[list[tuple[Any, list[Any]]]] = [
    (model, list(model._meta.concrete_fields)) for model in (Device, Driver, Hub)
]
_COLUMNS: Final = ", ".join(
    f'{model._meta.db_table}."{field.column}"' for model, fields in _PARTS for field in fields
)
_OF_KEY: Final = f"""
    SELECT {_COLUMNS}
      FROM live_device
      JOIN fleet_driver ON fleet_driver.id = live_device.driver_id
      JOIN fleet_hub ON fleet_hub.id = fleet_driver.hub_id
     WHERE live_device.kind = %s AND live_device.key_digest = %s AND live_device.expires_at > %s
       AND live_device.revoked_at IS NULL AND fleet_driver.active
"""  # noqa: S608  names of columns only


def device_of_key(key: str) -> Device | None:
    """Return the device with this key while it is valid and its driver is active."""
    return _device_of(DeviceKind.APP, key)


def tracker_of_key(key: str) -> Device | None:
    """Return the tracker with this key while it is valid and its driver is active."""
    return _device_of(DeviceKind.TRACKER, key)


def _device_of(kind: DeviceKind, key: str) -> Device | None:
    if not key or len(key) > LONGEST_KEY:
        return None
    with prepared_cursor() as cursor:
        cursor.execute(_OF_KEY, [kind.value, hash_of(key), real_now()])
        row = cursor.fetchone()
    if row is None:
        return None
    values = iter(row)
    device, driver, hub = (_entity(model, fields, values) for model, fields in _PARTS)
    driver.hub, device.driver = hub, driver
    return device  # type: ignore[no-any-return]


def _entity(model: Any, fields: list[Any], values: Iterator[Any]) -> Any:
    """Return an entity from the next values of a row, as the ORM makes it."""
    own = [
        field.from_db_value(value, None, connection) if hasattr(field, "from_db_value") else value
        for field, value in zip(fields, islice(values, len(fields)), strict=True)
    ]
    return model.from_db(connection.alias, [field.attname for field in fields], own)


def is_revoked(key: str) -> bool:
    """Return True if the device with this key was revoked or signed out, or its driver retired.

    A device that only expired is not revoked: its driver goes on and logs in again.
    """
    if not key or len(key) > LONGEST_KEY:
        return False
    ended = Q(revoked_at__isnull=False) | Q(driver__active=False)
    return Device.objects.filter(ended, key_digest=hash_of(key)).exists()


def device_of_id(public_id: str) -> Device | None:
    """Return the device with this public id while it is valid and its driver is active."""
    return _alive().filter(public_id=public_id).first()


def has_live_link(secret: str) -> bool:
    """Return True if a log-in link can still be used."""
    rows = LoginLink.objects.filter(
        secret_digest=hash_of(secret),
        used_at__isnull=True,
        ended_at__isnull=True,
        expires_at__gt=real_now(),
        driver__active=True,
    )
    return rows.exists()


def devices_of(driver: Driver) -> QuerySet[Device]:
    """Return the devices of a driver, the newest first."""
    return Device.objects.filter(driver=driver).order_by("-made_at", "-id")


def devices() -> QuerySet[Device]:
    """Return all devices with their drivers, the newest first."""
    return Device.objects.select_related("driver__hub").order_by("-made_at", "-public_id")


def _alive() -> QuerySet[Device]:
    return Device.objects.select_related("driver__hub").filter(
        revoked_at__isnull=True, expires_at__gt=real_now(), driver__active=True
    )
