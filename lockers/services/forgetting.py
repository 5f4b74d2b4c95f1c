"""Deletes what is old: the numbers of messages, ended tokens, addresses of refused callers."""

from __future__ import annotations

import datetime as dt
from typing import Final

from django.db import transaction
from django.db.models import F

from lastmile.core.clock import real_now
from lockers.models import DeviceMessage, LockerDevice, ProvisioningToken

#: Days for which the numbers and hashes of messages are kept. A copied cabinet shows up earlier.
MESSAGE_DAYS: Final = 30
#: Days for which the address of a refused caller is kept.
ADDRESS_DAYS: Final = 90


@transaction.atomic
def forget_devices() -> dict[str, int]:
    """Delete old numbers of messages, old tokens, and addresses of refused callers.

    The last message of each device stays. Locks: the deleted rows. Records: nothing. Raises:
    nothing of its own.
    """
    now = real_now()
    old = now - dt.timedelta(days=MESSAGE_DAYS)
    messages = DeviceMessage.objects.filter(received_at__lt=old, seq__lt=F("device__last_seq"))
    addresses = LockerDevice.objects.filter(refused_at__lt=now - dt.timedelta(days=ADDRESS_DAYS))
    return {
        "device_messages": messages.delete()[0],
        "locker_tokens": ProvisioningToken.objects.filter(expires_at__lt=old).delete()[0],
        "locker_addresses": addresses.exclude(refused_from="").update(refused_from=""),
    }
