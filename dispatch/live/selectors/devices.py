"""Reads devices and log-in links."""

from __future__ import annotations

from django.db.models import Q, QuerySet

from dispatch.fleet.models import Driver
from dispatch.live.models import Device, DeviceKind, LoginLink
from lastmile.core.clock import real_now
from tenants.people.selectors import hash_of

LONGEST_KEY = 100


def device_of_key(key: str) -> Device | None:
    """Return the device with this key while it is valid and its driver is active."""
    if not key or len(key) > LONGEST_KEY:
        return None
    return _alive().filter(kind=DeviceKind.APP, key_digest=hash_of(key)).first()


def tracker_of_key(key: str) -> Device | None:
    """Return the tracker with this key while it is valid and its driver is active."""
    if not key or len(key) > LONGEST_KEY:
        return None
    return _alive().filter(kind=DeviceKind.TRACKER, key_digest=hash_of(key)).first()


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
