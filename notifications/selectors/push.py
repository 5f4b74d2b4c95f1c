"""Reads push subscriptions: the browser that gets an order's messages, and the key for new ones."""

from __future__ import annotations

from collections.abc import Collection

from dispatch.orders.models import Order
from notifications.catalogue.kinds import ChannelKey
from notifications.channels.registry import account_for
from notifications.channels.webpush.encryption import vapid_public
from notifications.models import AccountKind, ChannelAccount, Contact, PushSubscription


def push_contact(order: Order) -> Contact | None:
    """Return the browser that last agreed to get messages about an order, None without one."""
    rows = PushSubscription.objects.filter(
        order=order, ended_at__isnull=True, contact__erased_at__isnull=True
    )
    newest = rows.select_related("contact").order_by("-updated_at", "-pk").first()
    return None if newest is None else newest.contact


def push_contacts(orders: Collection[int]) -> dict[int, Contact]:
    """Return the browsers that ``push_contact`` finds for many orders, by the key of the order."""
    if not orders:
        return {}
    rows = PushSubscription.objects.filter(
        order__in=orders, ended_at__isnull=True, contact__erased_at__isnull=True
    )
    newest = rows.select_related("contact").order_by("order_id", "-updated_at", "-pk")
    return {row.order_id: row.contact for row in newest.distinct("order_id")}


def push_key() -> str:
    """Return the public key with which browsers subscribe; "" if web push is off."""
    return key_of(account_for(ChannelKey.PUSH))


def key_of(account: ChannelAccount | None) -> str:
    """Return the public key of an account, on or off; "" if it is not one of web push."""
    if account is None or account.kind != AccountKind.VAPID:
        return ""
    return vapid_public(str(account.secrets["private"]))
