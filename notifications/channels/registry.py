"""Finds the account of a channel, and makes the channel of an account.

The adapters are named by dotted paths and loaded at their first use: the ``twilio`` package takes
0.3 s to import, which only processes that send should pay.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping
from typing import Final, cast

from django.utils.module_loading import import_string

from lastmile.core.tenancy import current_retailer, current_schema
from notifications.catalogue.kinds import ChannelKey
from notifications.channels.base import Channel
from notifications.models import AccountKind, ChannelAccount
from tenants.selectors import is_trial

#: Kind of account and channel -> class with ``for_account(account: ChannelAccount) -> Channel``.
ADAPTERS: Final[Mapping[tuple[str, str], str]] = {
    (AccountKind.TWILIO, ChannelKey.SMS): "notifications.channels.sms.twilio.TwilioSms",
    (
        AccountKind.TWILIO,
        ChannelKey.WHATSAPP,
    ): "notifications.channels.whatsapp.twilio.TwilioWhatsApp",
    (AccountKind.SMTP, ChannelKey.EMAIL): "notifications.channels.email.channel.EmailChannel",
    (AccountKind.VAPID, ChannelKey.PUSH): "notifications.channels.webpush.channel.WebPushChannel",
}
NULL: Final = "notifications.channels.null.NullChannel"
_MOST_KEPT: Final = 256

_Key = tuple[str, str, int, bool]
_kept: OrderedDict[_Key, Channel] = OrderedDict()
_lock = threading.Lock()


def account_for(channel: str) -> ChannelAccount | None:
    """Return the account with which a channel sends; None if it is off or does not exist."""
    return ChannelAccount.objects.filter(channel=channel, is_on=True).first()


def channels_on() -> frozenset[str]:
    """Return the channels whose account is on."""
    return frozenset(ChannelAccount.objects.filter(is_on=True).values_list("channel", flat=True))


def channel_of(account: ChannelAccount, *, for_test: bool = False) -> Channel:
    """Return the channel of an account, with open connections that later calls use again.

    A demo or sandbox always gets the Null channel: its orders have invented numbers that may
    belong to somebody. ``for_test`` returns the real one all the same, for the
    test of an account.
    """
    key = (current_retailer().public_id, account.public_id, account.version, for_test)
    with _lock:
        if key in _kept:
            _kept.move_to_end(key)
            return _kept[key]
    is_null = account.kind == AccountKind.NULL or (not for_test and is_trial(current_schema()))
    if is_null:  # it keeps its calls, so each use gets a new one
        return cast("Channel", import_string(NULL)(account.channel))
    adapter = import_string(ADAPTERS[account.kind, account.channel])
    channel = cast("Channel", adapter.for_account(account))
    with _lock:
        _kept[key] = channel
        while len(_kept) > _MOST_KEPT:
            _kept.popitem(last=False)
    return channel
