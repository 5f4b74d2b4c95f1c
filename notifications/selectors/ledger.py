"""Queries of the ledger: messages with filters, and the messages of one order by occasion."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from django.db.models import Q, QuerySet

from dispatch.orders.models import Order
from dispatch.orders.selectors import search_words
from lastmile.core import clock
from lastmile.core.tenancy import current_retailer
from notifications.models import ChannelAccount, Message
from notifications.states import MessageState
from tenants.permissions import Principal

S = MessageState
NEWEST: Final = ("-made_at", "-public_id")
MOST_OF_ORDER: Final = 60
SHOPPER: Final = "shp_"  # how the public id of a shopper begins
#: The best outcome first: it is the result of an occasion, over all channels that were tried.
_BEST: Final = (
    *(S.READ, S.DELIVERED, S.SENT, S.ACCEPTED, S.UNCLEAR, S.SENDING, S.WAITING),
    *(S.UNKNOWN, S.FAILED, S.SKIPPED),
)
#: Moments that do not answer whether the shopper knows the state of the order.
_ASIDE: Final = frozenset({"rating", "step_up_code"})
#: Reasons of messages whose content was replaced by something newer.
REPLACED: Final = frozenset({"superseded", "withdrawn", "no_longer_true"})
OPEN: Final = frozenset({S.WAITING.value, S.SENDING.value, S.UNCLEAR.value})


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageFilter:
    """The filters of a list of messages. An empty field filters nothing.

    ``since`` and ``until`` are dates in the retailer's time zone, both included. Each word of
    ``text`` must occur in the order's search text, or ``text`` is the id of a message.
    """

    text: str = ""
    order: str = ""
    states: Sequence[str] = ()
    reason: str = ""
    channel: str = ""
    moment: str = ""
    since: dt.date | None = None
    until: dt.date | None = None


def messages_of(principal: Principal | None) -> QuerySet[Message]:
    """Return the messages that a principal may see, without their words.

    A member limited to hubs sees the messages of orders that are at these hubs now, and those to
    the staff of these hubs. Messages about nothing of a hub are for members of all hubs.
    """
    rows = Message.objects.select_related("order__shopper", "order__hub").defer(
        "text", "subject", "secret"
    )
    if principal is None:
        return rows.none()
    if principal.hubs is None:
        return rows
    own = Q(order__hub__public_id__in=principal.hubs)
    return rows.filter(own | Q(order__isnull=True, hub_id__in=principal.hubs))


def filter_messages(rows: QuerySet[Message], filters: MessageFilter) -> QuerySet[Message]:
    """Filter a list of messages."""
    if filters.text.startswith("msg_"):
        rows = rows.filter(public_id=filters.text)
    else:
        for word in search_words(filters.text):
            rows = rows.filter(order__search__contains=word)
    exact = {
        "order__public_id": filters.order,
        "reason": filters.reason,
        "channel": filters.channel,
        "moment": filters.moment,
    }
    rows = rows.filter(**{field: value for field, value in exact.items() if value})
    if filters.states:
        rows = rows.filter(state__in=list(filters.states))
    zone = current_retailer().zone
    if filters.since:
        rows = rows.filter(made_at__gte=clock.day_bounds(filters.since, zone)[0])
    if filters.until:
        rows = rows.filter(made_at__lt=clock.day_bounds(filters.until, zone)[1])
    return rows


@dataclass(frozen=True, slots=True, kw_only=True)
class Occasion:
    """A moment of an order for one recipient: the messages on each channel that was tried."""

    rows: tuple[Message, ...]

    @property
    def best(self) -> Message:
        """The message with the best outcome, the newest of equals."""
        return min(reversed(self.rows), key=lambda row: _BEST.index(S(row.state)))

    @property
    def others(self) -> tuple[Message, ...]:
        """The messages on the other channels that were tried, the newest first."""
        best = self.best
        return tuple(row for row in reversed(self.rows) if row.pk != best.pk)


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderMessages:
    """The messages about an order, the newest occasion first.

    ``latest`` tells whether the shopper knows the state of the order. ``following`` is the next
    message that waits for its time. ``more`` is True if older messages are left out.
    """

    occasions: tuple[Occasion, ...]
    latest: Occasion | None
    following: Message | None
    more: bool


def messages_about(order: Order) -> OrderMessages:
    """Return the messages of an order by occasion, with their words."""
    rows = list(
        Message.objects.select_related("order__shopper")
        .filter(order=order)
        .order_by("-pk")[: MOST_OF_ORDER + 1]
    )
    kept = rows[:MOST_OF_ORDER]
    occasions = _occasions(kept)
    to_shopper = [
        one
        for one in occasions
        if one.best.recipient.startswith(SHOPPER) and one.best.moment not in _ASIDE
    ]
    past = [
        one for one in to_shopper if one.best.state != S.WAITING and one.best.reason not in REPLACED
    ]
    waiting = [one.best for one in occasions if one.best.state == S.WAITING]
    return OrderMessages(
        occasions=tuple(occasions),
        latest=past[0] if past else None,
        following=min(waiting, key=lambda row: row.send_at) if waiting else None,
        more=len(rows) > len(kept),
    )


def _occasions(rows: Iterable[Message]) -> list[Occasion]:
    """Return messages by occasion, the newest occasion first."""

    def key(row: Message) -> tuple[str, str, str]:
        return row.origin, row.moment, row.recipient

    grouped = groupby(sorted(rows, key=lambda row: (key(row), row.pk)), key)
    occasions = [Occasion(rows=tuple(group)) for _key, group in grouped]
    return sorted(occasions, key=lambda one: (one.rows[0].made_at, one.rows[0].pk), reverse=True)


def channels_on() -> list[str]:
    """Return the channels whose account is on, in the order of the channels' names."""
    accounts = ChannelAccount.objects.filter(is_on=True)
    return list(accounts.order_by("channel").values_list("channel", flat=True))
