"""Budgets: counts what is sent, and refuses what is above a limit, in one statement each.

They are counted in PostgreSQL in the transaction of the last check before the call, so that any
number of senders together never exceed a limit. Rows are always taken in the same order, so two
senders cannot deadlock. A budget counts segments, because the price is only known later.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import phonenumbers
from django.db import connection, transaction

from dispatch.fleet.models import Hub
from dispatch.orders.models import Order
from lastmile.core import clock
from lastmile.core.events import record
from lastmile.core.keys import ring
from lastmile.core.phones import region_of
from lastmile.core.tenancy import current_retailer
from notifications.catalogue.kinds import ChannelKey, ContactKind, Priority
from notifications.events import BUDGET_REACHED, BudgetReachedFacts
from notifications.models import BudgetScope, BudgetUse, Contact, Message
from notifications.policy import MessagePolicy
from notifications.rules import Ruling, next_channel, skip
from notifications.rules.deciding import most_for_number
from tenants.people.selectors import policy

ALERTS: Final = (50, 80, 100)  # per cent of a budget at which managers are told
KEPT_DAYS: Final = 400  # the page of cost shows them; then they are deleted
#: Channels whose messages have segments. The others count in the caps only.
PAID: Final = frozenset({ChannelKey.SMS, ChannelKey.WHATSAPP})

# The guard in front of the INSERT refuses an amount that alone is above the limit.
_COUNT: Final = """
    INSERT INTO notifications_budgetuse AS b (scope, subject_hash, day, used, alerted)
    SELECT %(scope)s, %(subject_hash)s, %(day)s, %(amount)s, 0 WHERE %(amount)s <= %(most)s
        ON CONFLICT (scope, subject_hash, day) DO UPDATE SET used = b.used + EXCLUDED.used
     WHERE b.used + EXCLUDED.used <= %(most)s
    RETURNING used
"""
_COUNT_MANY: Final = """
    INSERT INTO notifications_budgetuse AS b (scope, subject_hash, day, used, alerted)
    SELECT scope, subject_hash, day, amount, 0
      FROM unnest(%(scopes)s::text[], %(subjects)s::text[], %(days)s::date[],
                  %(amounts)s::bigint[], %(limits)s::bigint[])
           AS share (scope, subject_hash, day, amount, most)
     WHERE amount <= most
     ORDER BY scope COLLATE "C", subject_hash COLLATE "C", day
        ON CONFLICT (scope, subject_hash, day) DO UPDATE SET used = b.used + EXCLUDED.used
     WHERE b.used + EXCLUDED.used <= (
               SELECT share.most
                 FROM unnest(%(scopes)s::text[], %(subjects)s::text[], %(days)s::date[],
                             %(limits)s::bigint[]) AS share (scope, subject_hash, day, most)
                WHERE (share.scope, share.subject_hash, share.day)
                    = (b.scope, b.subject_hash, b.day))
    RETURNING scope, subject_hash, day, used
"""
_ALERT: Final = """
    UPDATE notifications_budgetuse SET alerted = %(percent)s
     WHERE scope = %(scope)s AND subject_hash = %(subject_hash)s AND day = %(day)s
       AND alerted < %(percent)s
"""
_RETURN: Final = """
    UPDATE notifications_budgetuse SET used = greatest(0, used - %(amount)s)
     WHERE scope = %(scope)s AND subject_hash = %(subject_hash)s AND day = %(day)s
"""


@dataclass(frozen=True, slots=True)
class BudgetShare:
    """A limit that a message counts in.

    Parameters
    ----------
    scope, subject : str
        What is limited: a ``BudgetScope``, and the id or country within it.
    day : date
        The date of the retailer. For an order it is the date on which it was placed.
    amount, most : int
        What this message uses, and the limit.
    reason : str
        The name of the rule that refuses: ``cap`` or ``budget``.
    """

    scope: str
    subject: str
    day: dt.date
    amount: int
    most: int
    reason: str

    @property
    def row(self) -> dict[str, str | int | dt.date]:
        """The key of the row that counts it."""
        return {"scope": self.scope, "subject_hash": _hash(self), "day": self.day}


class _Refused(Exception):
    def __init__(self, budget: BudgetShare) -> None:
        super().__init__(budget.scope)
        self.budget = budget


def reserve_budget(
    *, message: Message, order: Order | None, contact: Contact | None, segments: int
) -> Ruling | None:
    """Count a message in all its budgets; return None, or the ruling of the first that is full.

    Call it in the transaction of the last check, when the length of the text is known. A message
    is counted once, however many calls it needs. If its text or its contact changed between two
    calls, its budgets move by the difference. A refused message keeps what it counts until it ends.

    Locks: the rows of the budgets, by scope. Records: budget.reached at 50, 80 and 100 per cent.
    Raises: nothing.
    """
    day = message.counted_on or clock.local_date(clock.now(), current_retailer().zone)
    counted: Sequence[BudgetShare] = ()
    if message.counted_on is not None:
        before = _stored_contact(message)
        if message.segments_counted == segments and before == contact:
            return None
        counted = _budgets_of(message, order, before, message.segments_counted, day)
    budgets = _budgets_of(message, order, contact, segments, day)
    try:
        with transaction.atomic():
            for budget, amount in _differences(counted, budgets):
                _count(budget, amount) if amount > 0 else _return(budget, -amount)
    except _Refused as refused:
        _alert(refused.budget, refused.budget.most)
        return _ruling(refused.budget)
    Message.objects.filter(pk=message.pk).update(counted_on=day, segments_counted=segments)
    message.counted_on, message.segments_counted = day, segments
    return None


def reserve_budgets(*, messages: Sequence[tuple[Message, int]]) -> bool:
    """Count many messages with their segments in all their budgets; return False if one is full.

    No message may be counted yet. If a budget is full, some of the others are counted. Then the
    caller rolls back and asks for each message alone. The rows are locked in one statement, by
    scope, subject and day, so two senders cannot deadlock. ``counted_on`` and ``segments_counted``
    are set, and the caller stores them.

    Locks: the rows of the budgets. Records: budget.reached, as ``reserve_budget``. Raises: nothing.
    """
    day = clock.local_date(clock.now(), current_retailer().zone)
    home = _home_regions()
    shares: dict[tuple[str, str, dt.date], BudgetShare] = {}
    for message, segments in messages:
        for share in _budgets_of(message, message.order, message.contact, segments, day, home):
            key = (share.scope, _hash(share), share.day)
            more = shares.get(key)
            if more is not None:
                amount, most = share.amount + more.amount, min(share.most, more.most)
                share = replace(share, amount=amount, most=most)
            shares[key] = share
        message.counted_on, message.segments_counted = day, segments
    if not shares:
        return True
    keys = sorted(shares)
    columns: dict[str, Any] = {
        "scopes": [scope for scope, _subject, _day in keys],
        "subjects": [subject for _scope, subject, _day in keys],
        "days": [on for _scope, _subject, on in keys],
        "amounts": [shares[key].amount for key in keys],
        "limits": [shares[key].most for key in keys],
    }
    with connection.cursor() as cursor:
        cursor.execute(_COUNT_MANY, columns)
        used = {(scope, subject, on): n for scope, subject, on, n in cursor.fetchall()}
    if len(used) < len(keys):
        return False
    for key in keys:
        _alert(shares[key], used[key])
    return True


def give_back_budget(*, message: Message) -> None:
    """Take a message out of its budgets, because it surely was not accepted and none follows.

    A second call changes nothing.

    Locks: the message's row, then the rows of the budgets. Records: nothing. Raises: nothing.
    """
    day = message.counted_on
    if day is None:
        return
    counted = Message.objects.filter(pk=message.pk, counted_on__isnull=False)
    if counted.update(counted_on=None) != 1:
        return
    message.counted_on = None
    contact = _stored_contact(message)
    for budget in _budgets_of(message, message.order, contact, message.segments_counted, day):
        _return(budget, budget.amount)


def forget_budgets() -> dict[str, int]:
    """Delete the counts of old days and of old orders.

    Locks: the deleted rows. Records: nothing. Raises: nothing.
    """
    today = clock.local_date(clock.now(), current_retailer().zone)
    old = BudgetUse.objects.filter(day__lt=today - dt.timedelta(days=KEPT_DAYS))
    return {"budget_counts": old.delete()[0]}


def _budgets_of(
    message: Message,
    order: Order | None,
    contact: Contact | None,
    segments: int,
    day: dt.date,
    home: frozenset[str] | None = None,
) -> Sequence[BudgetShare]:
    """Return the budgets that a message counts in, by scope, which is the order of the locks.

    ``home`` has the retailer's own countries; None reads them.
    """
    settings = policy(MessagePolicy)
    budgets = []
    if message.channel in PAID and segments:
        all_, foreign = settings.segments_day, settings.foreign_segments_day
        budgets.append(BudgetShare(BudgetScope.RETAILER.value, "", day, segments, all_, "budget"))
        country = _foreign_country(contact, home)
        if country:
            dial = BudgetScope.DIAL.value
            budgets.append(BudgetShare(dial, country, day, segments, foreign, "budget"))
    if contact is not None:
        most = most_for_number(settings.per_number_day, message.priority)
        number = BudgetScope.NUMBER.value
        budgets.append(BudgetShare(number, contact.public_id, day, 1, most, "cap"))
    if order is not None and message.priority != Priority.CODE:
        placed, scope = order.created_at.date(), BudgetScope.ORDER.value
        budgets.append(BudgetShare(scope, order.public_id, placed, 1, settings.per_order, "cap"))
    return sorted(budgets, key=lambda budget: budget.scope)


def _stored_contact(message: Message) -> Contact | None:
    """Return the contact that a message counts for. The last check may have put in a newer one."""
    return Contact.objects.filter(messages=message.pk).first()


def _differences(
    before: Sequence[BudgetShare], after: Sequence[BudgetShare]
) -> list[tuple[BudgetShare, int]]:
    """Return the budgets that change, each with what is added, in the order of the locks."""
    amounts = {(share.scope, share.subject): -share.amount for share in before}
    shares = {(share.scope, share.subject): share for share in (*before, *after)}
    for share in after:
        key = (share.scope, share.subject)
        amounts[key] = amounts.get(key, 0) + share.amount
    keys = sorted(shares, key=lambda key: (key[0], _hash(shares[key])))
    return [(shares[key], amounts[key]) for key in keys if amounts[key]]


def _foreign_country(contact: Contact | None, home: frozenset[str] | None) -> str:
    """Return the country of a number that is not a country of the retailer; "" for its own ones.

    It is the dial code and the region, because many countries share +1.
    """
    if contact is None or contact.kind != ContactKind.PHONE:
        return ""
    try:
        number = phonenumbers.parse(contact.address, None)
    except phonenumbers.NumberParseException:
        return "unknown"
    region = phonenumbers.region_code_for_number(number) or ""
    if region in (_home_regions() if home is None else home):
        return ""
    return f"{number.country_code}/{region}"


def _home_regions() -> frozenset[str]:
    """Return the countries in which the retailer or one of its hubs is."""
    zones = {*Hub.objects.values_list("zone", flat=True).distinct(), current_retailer().zone}
    return frozenset({region_of(zone) for zone in zones} - {""})


def _count(budget: BudgetShare, amount: int) -> None:
    """Count in a budget, and tell when it reaches a share. Raises _Refused if it is full."""
    with connection.cursor() as cursor:
        cursor.execute(_COUNT, budget.row | {"amount": amount, "most": budget.most})
        row = cursor.fetchone()
    if row is None:
        raise _Refused(budget)
    _alert(budget, row[0])


def _return(budget: BudgetShare, amount: int) -> None:
    """Take an amount out of a budget."""
    with connection.cursor() as cursor:
        cursor.execute(_RETURN, budget.row | {"amount": amount})


def _alert(budget: BudgetShare, used: int) -> None:
    """Record that a share of a budget was reached, once for each share. Caps tell nobody."""
    if budget.reason != "budget" or budget.most == 0:
        return
    reached = [percent for percent in ALERTS if used * 100 >= budget.most * percent]
    if not reached:
        return
    with connection.cursor() as cursor:
        cursor.execute(_ALERT, budget.row | {"percent": reached[-1]})
        is_new = cursor.rowcount == 1
    if is_new:
        facts = BudgetReachedFacts(scope=budget.scope, percent=reached[-1])
        record(BUDGET_REACHED, facts, subject=current_retailer().public_id)


def _ruling(budget: BudgetShare) -> Ruling:
    """Return the ruling of a full budget. Without segments another channel may still send."""
    if budget.reason == "budget":
        return next_channel("budget", {"scope": budget.scope, "most": budget.most})
    return skip("cap", {"scope": budget.scope, "most": budget.most})


def _hash(budget: BudgetShare) -> str:
    key = ring().first.derive("message budget", current_retailer().public_id, budget.scope)
    return hashlib.blake2b(budget.subject.encode(), key=key[:64], digest_size=32).hexdigest()
