"""Logs drivers' phones in by a link or a short code, and ends their log-ins."""

from __future__ import annotations

import base64
import datetime as dt
import re
import secrets
from dataclasses import dataclass
from typing import Final

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from dispatch.fleet.models import Driver
from dispatch.live import events
from dispatch.live.errors import DriverRetired, LoginLinkEnded
from dispatch.live.models import Device, DeviceKind, LoginLink
from dispatch.live.policy import driver_policy
from lastmile.core import sealing
from lastmile.core.actor import acting_as, current_actor
from lastmile.core.clock import real_now
from lastmile.core.events import record
from lastmile.core.limits import CallLimit, count_call
from tenants.people.selectors import hash_of
from tenants.people.services import audit
from tenants.people.sockets import access_changed

LINK_LASTS: Final = dt.timedelta(minutes=15)
DEVICE_LASTS: Final = dt.timedelta(days=30)
#: A device is renewed at most once in this time, to limit updates of its row.
RENEWED_AFTER: Final = dt.timedelta(hours=1)
CODE_LENGTH: Final = 8
#: Digits and letters without those that look like another one.
CODE_SIGNS: Final = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
CODE_BINDING: Final = "live.loginlink.code"
#: Tries of a log-in from one address, and in all addresses of a retailer together. Chosen: with
#: 31^8 codes and a hundred live ones, a guesser needs more than ten thousand years.
TRIES_PER_ADDRESS: Final = 20
TRIES_IN_ALL: Final = 300
TRIES_IN_S: Final = 900
#: A device that is refused again and again is noted at most once in this time.
NOTED_AFTER: Final = dt.timedelta(minutes=1)
#: Calls with an unknown key of a tracker, from one address in the same time. Chosen.
UNKNOWN_TRIES: Final = 60


@dataclass(frozen=True, slots=True)
class NewLoginLink:
    """A log-in link with its secret and its short code, which cannot be read again later."""

    link: LoginLink
    secret: str
    code: str


@dataclass(frozen=True, slots=True)
class NewDevice:
    """A device with its key, which cannot be read again later."""

    device: Device
    key: str


@transaction.atomic
def make_login_link(*, driver: Driver) -> NewLoginLink:
    """Make a link and a short code with which a driver's phone is logged in, once.

    Earlier links of the driver end. Locks: the driver. Records: an audit entry. Raises:
    DriverRetired.
    """
    row = Driver.objects.select_for_update(no_key=True).get(pk=driver.pk)
    if not row.active:
        raise DriverRetired(_("This driver is retired. Choose an active driver."))
    now = real_now()
    over = LoginLink.objects.filter(used_at__isnull=True, ended_at__isnull=True)
    over.filter(Q(driver=row) | Q(expires_at__lte=now)).update(ended_at=now)
    secret, code = secrets.token_urlsafe(24), _new_code()
    link = LoginLink.objects.create(
        driver=row,
        secret_digest=hash_of(secret),
        code_digest=sealing.digest(code, CODE_BINDING),
        made_by=current_actor(),
        made_at=now,
        expires_at=now + LINK_LASTS,
    )
    audit("driver.login_link", row.public_id)
    return NewLoginLink(link, secret, code)


def count_login_try(*, address: str) -> None:
    """Count a try to log a phone in. Call it outside any transaction, before the link is taken.

    Locks: the counts during one statement. Records: nothing. Raises: TooMany.
    """
    count_call(
        [
            CallLimit(
                scope="driver.login", subject=address, most=TRIES_PER_ADDRESS, per_s=TRIES_IN_S
            ),
            CallLimit(scope="driver.logins", subject="all", most=TRIES_IN_ALL, per_s=TRIES_IN_S),
        ]
    )


@transaction.atomic
def take_login_link(*, secret: str = "", code: str = "", agent: str = "") -> NewDevice:
    """Use a link or a short code up, and make the device of its driver.

    ``agent`` is the User-Agent of the browser, from which the name of the device is made.

    Locks: the link. Records: device.added. Raises: LoginLinkEnded, also for an unknown secret.
    """
    link = _live_link(secret, code)
    if link is None or not link.driver.active:
        raise LoginLinkEnded(
            _("This link or code is used, expired or wrong. Ask your dispatcher for a new one.")
        )
    now = real_now()
    key = f"drvkey_{secrets.token_urlsafe(32)}"
    device = Device.objects.create(
        driver=link.driver,
        key_digest=hash_of(key),
        name=device_name(agent),
        made_by=link.made_by,
        made_at=now,
        last_used_at=now,
        expires_at=now + DEVICE_LASTS,
    )
    link.used_at, link.device = now, device
    link.save(update_fields=["used_at", "device"])
    with acting_as(link.driver.public_id):
        record(events.DEVICE_ADDED, _facts(device), subject=device.public_id)
    return NewDevice(device, key)


@transaction.atomic
def add_tracker(*, driver: Driver, name: str = "") -> NewDevice:
    """Make a device whose key a GPS app or tracker of a driver puts into the address it calls.

    The key has 160 bits, in the form that logs hide.

    Locks: the driver. Records: device.added and an audit entry. Raises: DriverRetired.
    """
    row = Driver.objects.select_for_update(no_key=True).get(pk=driver.pk)
    if not row.active:
        raise DriverRetired(_("This driver is retired. Choose an active driver."))
    now = real_now()
    key = base64.b32encode(secrets.token_bytes(20)).decode().lower()
    device = Device.objects.create(
        driver=row,
        kind=DeviceKind.TRACKER,
        key_digest=hash_of(key),
        name=_plain(name)[:80],
        made_by=current_actor(),
        made_at=now,
        last_used_at=now,
        expires_at=now + DEVICE_LASTS,
    )
    record(events.DEVICE_ADDED, _facts(device), subject=device.public_id)
    audit("driver.tracker", row.public_id)
    return NewDevice(device, key)


def count_unknown_tracker(*, address: str) -> None:
    """Count a call with an unknown key of a tracker. Call it outside any transaction.

    Locks: the count during one statement. Records: nothing. Raises: TooMany.
    """
    count_call(
        [CallLimit(scope="tracker.unknown", subject=address, most=UNKNOWN_TRIES, per_s=TRIES_IN_S)]
    )


@transaction.atomic
def revoke_device(*, device: Device) -> Device:
    """End the log-in of a phone and close its websockets. A second call changes nothing.

    Acts that wait on the phone are accepted after its driver has logged in again.

    Locks: the device. Records: device.revoked and an audit entry. Raises: nothing of its own.
    """
    row, ended = _end(device)
    if ended:
        audit("device.revoke", row.public_id)
    return row


@transaction.atomic
def sign_out_device(*, device: Device) -> Device:
    """End the log-in of a phone because its driver signed out. A second call changes nothing.

    Locks: the device. Records: device.revoked. Raises: nothing of its own.
    """
    return _end(device)[0]


def note_device_used(device: Device) -> None:
    """Store that a device was used, and let it live 30 days from now; at most once an hour.

    Locks: nothing. Records: nothing. Raises: nothing of its own.
    """
    now = real_now()
    if device.last_used_at > now - RENEWED_AFTER:
        return
    rows = Device.objects.filter(
        pk=device.pk, revoked_at__isnull=True, last_used_at__lte=now - RENEWED_AFTER
    )
    rows.update(last_used_at=now, expires_at=now + DEVICE_LASTS)


def note_device_told(
    *,
    device: Device,
    app_version: str | None = None,
    installed: bool | None = None,
    storage_kept: bool | None = None,
) -> None:
    """Store what the app told about itself; None is not told. Nothing is written without a change.

    Locks: nothing. Records: nothing. Raises: nothing of its own.
    """
    values = {
        "app_version": None if app_version is None else _plain(app_version)[:40],
        "installed": installed,
        "storage_kept": storage_kept,
    }
    news = {
        name: value
        for name, value in values.items()
        if value is not None and getattr(device, name) != value
    }
    if news:
        Device.objects.filter(pk=device.pk).update(**news)


def note_refused(device: Device, code: str) -> None:
    """Store that something which a phone sent was refused, for the list of phones.

    Locks: the device. Records: nothing. Raises: nothing of its own.
    """
    Device.objects.filter(pk=device.pk).update(refused_at=real_now(), refused_code=code)


def note_ended_tracker(*, key: str) -> None:
    """Store that a tracker calls with a key that has ended, for the list of phones.

    At most once a minute, since such an app calls again and again.

    Locks: the device. Records: nothing. Raises: nothing of its own.
    """
    ended = Q(revoked_at__isnull=False) | Q(expires_at__lte=real_now())
    lately = real_now() - NOTED_AFTER
    rows = Device.objects.filter(ended, kind=DeviceKind.TRACKER, key_digest=hash_of(key))
    rows = rows.filter(Q(refused_at__isnull=True) | Q(refused_at__lt=lately))
    rows.update(refused_at=real_now(), refused_code="key_ended")


def forget_devices() -> dict[str, int]:
    """Delete log-in links that have ended, and devices that ended long ago.

    Locks: the deleted rows. Records: nothing. Raises: nothing of its own.
    """
    days = dt.timedelta(days=driver_policy().places_days)
    links = LoginLink.objects.filter(expires_at__lt=real_now() - dt.timedelta(days=1))
    devices = Device.objects.filter(expires_at__lt=real_now() - days)
    return {"login_links": links.delete()[0], "devices": devices.delete()[0]}


def device_name(agent: str) -> str:
    """Return a short name of a phone from its User-Agent, such as "Android, Chrome 130"."""
    system = next((name for sign, name in _SYSTEMS if sign in agent), "")
    browser = ""
    for name, pattern in _BROWSERS:
        match = re.search(pattern, agent)
        if match:
            browser = f"{name} {match.group(1)}"
            break
    return ", ".join(filter(None, (system, browser)))[:80]


_SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Mac OS X", "Mac"),
    ("Linux", "Linux"),
)
_BROWSERS = (
    ("Edge", r"Edg(?:A|iOS)?/(\d{1,4})"),
    ("Samsung Internet", r"SamsungBrowser/(\d{1,4})"),
    ("Firefox", r"(?:Firefox|FxiOS)/(\d{1,4})"),
    ("Chrome", r"(?:Chrome|CriOS)/(\d{1,4})"),
    ("Safari", r"Version/(\d{1,4})[\d.]* (?:Mobile/\w+ )?Safari/"),
)


def read_code(typed: str) -> str:
    """Return a typed short code in its normal form: capital letters without spaces and dashes."""
    return re.sub(r"[\s\-–—.]", "", typed[:64]).upper()


def _new_code() -> str:
    return "".join(secrets.choice(CODE_SIGNS) for _sign in range(CODE_LENGTH))


def _live_link(secret: str, code: str) -> LoginLink | None:
    """Return the link of a secret or a code, locked, if it can still be used."""
    if secret:
        which = Q(secret_digest=hash_of(secret))
    elif len(read_code(code)) == CODE_LENGTH:
        which = Q(code_digest__in=sealing.digests(read_code(code), CODE_BINDING))
    else:
        return None
    rows = LoginLink.objects.select_for_update(of=("self",), no_key=True).select_related("driver")
    link = rows.filter(which, used_at__isnull=True, ended_at__isnull=True).first()
    return link if link is not None and link.expires_at > real_now() else None


def _end(device: Device) -> tuple[Device, bool]:
    row = (
        Device.objects.select_for_update(of=("self",), no_key=True)
        .select_related("driver__hub")
        .get(pk=device.pk)
    )
    if row.revoked_at is not None:
        return row, False
    row.revoked_at = real_now()
    row.save(update_fields=["revoked_at"])
    record(events.DEVICE_REVOKED, _facts(row), subject=row.public_id)
    access_changed(row.driver.public_id)
    return row, True


def _facts(device: Device) -> events.DeviceFacts:
    driver = device.driver
    return events.DeviceFacts(driver=driver.public_id, hub=driver.hub.public_id)


def _plain(text: str) -> str:
    return "".join(sign for sign in text if sign.isprintable())
