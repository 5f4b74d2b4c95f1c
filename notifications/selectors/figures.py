"""Figures of messages over a period: results by channel, moment, country, day and error; cost."""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import phonenumbers
from django.db.models import Count, F, OuterRef, Q, QuerySet, Subquery, Sum, Value
from django.db.models.functions import Coalesce, Substr, TruncDate

from lastmile.core import clock
from lastmile.core.tenancy import current_retailer
from notifications.models import CallResult, Message, ProviderCall, ProviderReport
from notifications.selectors.ledger import messages_of
from notifications.states import MessageState
from tenants.permissions import Principal

S = MessageState
#: Results of a page -> the states that count in it.
RESULTS: Final[Mapping[str, tuple[str, ...]]] = {
    "arrived": (S.DELIVERED, S.READ),
    "sent": (S.SENT, S.ACCEPTED),
    "failed": (S.FAILED,),
    "unknown": (S.UNKNOWN,),
    "skipped": (S.SKIPPED,),
    "open": (S.WAITING, S.SENDING, S.UNCLEAR),
}
_PREFIX: Final = 5  # digits of a number that tell its country, also below +1, with the +
_BY_PHONE: Final = ("sms", "whatsapp")
PERIOD_DAYS: Final = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """Dates in the retailer's time zone, both included."""

    since: dt.date
    until: dt.date


@dataclass(frozen=True, slots=True, kw_only=True)
class Results:
    """The number of messages with each result; ``key`` is a channel, moment, country or day."""

    key: str
    arrived: int = 0
    sent: int = 0
    failed: int = 0
    unknown: int = 0
    skipped: int = 0
    open: int = 0

    @property
    def all(self) -> int:
        """The number of messages."""
        return sum(getattr(self, name) for name in RESULTS)

    @property
    def arrived_percent(self) -> float | None:
        """The share that surely arrived, of all that a provider was asked to send and has ended.

        Messages without a confirmation count as not arrived: nobody knows whether they did.
        """
        handed_over = self.arrived + self.sent + self.failed + self.unknown
        return 100 * self.arrived / handed_over if handed_over else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reasons:
    """The number of messages that did not arrive for one reason, with the code of the provider."""

    channel: str
    reason: str
    code: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """The cost of messages in one currency; ``unpriced`` messages have no price yet."""

    key: str
    currency: str
    messages: int
    segments: int
    price_micros: int
    unpriced: int


def default_period(today: dt.date) -> Period:
    """Return the last 30 days, today included."""
    return Period(since=today - dt.timedelta(days=PERIOD_DAYS - 1), until=today)


def in_period(principal: Principal, period: Period) -> QuerySet[Message]:
    """Return the messages of a period that a principal may see."""
    zone = current_retailer().zone
    rows = messages_of(principal).filter(
        made_at__gte=clock.day_bounds(period.since, zone)[0],
        made_at__lt=clock.day_bounds(period.until, zone)[1],
    )
    return rows.select_related(None).defer(None).order_by()


def results_by(rows: QuerySet[Message], field: str) -> list[Results]:
    """Return the results by a field, ``channel`` or ``moment``, the largest first."""
    return _largest_first(_grouped(rows.values(key=F(field)), str))


def results_by_day(rows: QuerySet[Message]) -> list[Results]:
    """Return the results by day of the retailer, the oldest first; days without a message miss."""
    zone = clock.zone(current_retailer().zone)
    by_day = rows.values(key=TruncDate("made_at", tzinfo=zone))
    return sorted(_grouped(by_day, dt.date.isoformat), key=lambda one: one.key)


def results_by_country(rows: QuerySet[Message]) -> list[Results]:
    """Return the results of text messages by the country of the shopper's number.

    The country is read from the number that the order has now. "" is a number without a country,
    or an order whose shopper was erased.
    """
    by_prefix = rows.filter(channel__in=_BY_PHONE, order__isnull=False).values(
        key=Substr("order__shopper__phone", 1, _PREFIX)
    )
    return _largest_first(_grouped(by_prefix, country_of))


def country_of(prefix: str) -> str:
    """Return the country (ISO 3166) of the first digits of a number in E.164; "" if unknown."""
    digits = prefix.removeprefix("+")
    if digits.startswith("1") and len(digits) == _PREFIX - 1:
        # The region of +1 is in the area code: a number of the right length tells it.
        number = phonenumbers.PhoneNumber(
            country_code=1, national_number=int(f"{digits[1:]}5550123")
        )
        return phonenumbers.region_code_for_number(number) or "US"
    for length in (3, 2, 1):
        code = digits[:length]
        if len(code) == length and int(code) in phonenumbers.COUNTRY_CODE_TO_REGION_CODE:
            return phonenumbers.region_code_for_country_code(int(code))
    return ""


def reasons_of(rows: QuerySet[Message]) -> list[Reasons]:
    """Return why messages did not arrive, by channel, reason and code, the most frequent first."""
    ended = rows.filter(state__in=[S.FAILED, S.SKIPPED, S.UNKNOWN])
    reported = ProviderReport.objects.filter(message=OuterRef("pk"), state=S.FAILED)
    called = ProviderCall.objects.filter(message=OuterRef("pk"), result=CallResult.REFUSED)
    code = Coalesce(
        Subquery(reported.exclude(code="").order_by("-received_at").values("code")[:1]),
        Subquery(called.exclude(code="").order_by("-number").values("code")[:1]),
        Value(""),
    )
    counted = (
        ended.annotate(code=code).values("channel", "reason", "code").annotate(count=Count("pk"))
    )
    return sorted(
        (
            Reasons(
                channel=row["channel"],
                reason=row["reason"],
                code=row["code"],
                count=row["count"],
            )
            for row in counted
        ),
        key=lambda one: (-one.count, one.channel, one.reason, one.code),
    )


def cost_by(rows: QuerySet[Message], field: str) -> list[Cost]:
    """Return the cost of accepted messages by currency and by a field; currencies are not added."""
    accepted = rows.filter(accepted_at__isnull=False)
    counted = accepted.values("currency", key=F(field)).annotate(**_COST)
    results = [_cost(str(row["key"]), row) for row in counted]
    return sorted(results, key=lambda one: (one.currency, -one.price_micros, one.key))


def cost_by_day(rows: QuerySet[Message]) -> list[Cost]:
    """Return the cost by currency and day of the retailer, the oldest first."""
    zone = clock.zone(current_retailer().zone)
    accepted = rows.filter(accepted_at__isnull=False)
    counted = accepted.values("currency", key=TruncDate("made_at", tzinfo=zone)).annotate(**_COST)
    results = [_cost(row["key"].isoformat(), row) for row in counted]
    return sorted(results, key=lambda one: (one.currency, one.key))


_COST: Final = {
    "messages": Count("pk"),
    "segment_sum": Sum(Coalesce("segments", "segments_counted")),
    "price": Sum("price_micros"),
    "unpriced": Count("pk", filter=Q(price_micros__isnull=True)),
}


def _cost(key: str, row: Mapping[str, Any]) -> Cost:
    return Cost(
        key=key,
        currency=row["currency"],
        messages=row["messages"],
        segments=row["segment_sum"] or 0,
        price_micros=row["price"] or 0,
        unpriced=row["unpriced"],
    )


def _grouped(rows: Any, name: Callable[[Any], str]) -> list[Results]:
    """Count messages by the name of their key and by result. ``rows`` have values ``key``."""
    counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
    result_of = {state: result for result, states in RESULTS.items() for state in states}
    for key, state, count in rows.annotate(n=Count("pk")).values_list("key", "state", "n"):
        counts[name(key) if key is not None else ""][result_of[S(state)]] += count
    return [Results(key=key, **counted) for key, counted in counts.items()]


def _largest_first(results: Iterable[Results]) -> list[Results]:
    return sorted(results, key=lambda one: (-one.all, one.key))
