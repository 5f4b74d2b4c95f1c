"""Pages of figures: results and health of the channels, cost, and budgets."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Any, Final

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from dispatch.intake.parse.tables import write_csv
from lastmile.core import clock, formatting
from lastmile.core.http.downloads import csv_download
from notifications.models import ChannelAccount
from notifications.provider_codes import code_words
from notifications.reasons import explain
from notifications.selectors import budgets, figures, words
from notifications.selectors.accounts import accounts, health_of
from notifications.selectors.figures import Cost, Period, Results
from tenants.permissions import Act, PageRequest, page
from tenants.selectors import today

MOST_DAYS: Final = 366
SCOPES: Final = {
    "retailer": _("Text message segments today"),
    "dial": _("Segments to one foreign country today"),
    "number": _("Messages to one person today"),
}
_RESULT_HEADINGS: Final = ["by", "name", "messages", *figures.RESULTS, "arrived_percent"]
_COST_HEADINGS: Final = ["by", "name", "currency", "messages", "segments", "price", "unpriced"]


def _period(request: PageRequest) -> Period:
    """Return the period of the query string; without one the last 30 days, at most a year."""
    usual = figures.default_period(today())
    until = clock.read_date(request.GET.get("until", "")) or usual.until
    since = clock.read_date(request.GET.get("since", ""))
    if since is None:
        since = figures.default_period(until).since
    since = min(max(since, until - dt.timedelta(days=MOST_DAYS - 1)), until)
    return Period(since=since, until=until)


def _country(code: str) -> str:
    return formatting.country(code) if code else "–"


def _day(day: str) -> str:
    return formatting.day(dt.date.fromisoformat(day))


def _tables(rows: Any) -> list[tuple[str, list[tuple[str, Results]]]]:
    """Return the results by channel, moment, country and day, with the names of their rows."""
    return [
        (by, [(str(name(one.key)), one) for one in results])
        for by, name, results in (
            ("channel", words.channel_name, figures.results_by(rows, "channel")),
            ("moment", words.moment_name, figures.results_by(rows, "moment")),
            ("country", _country, figures.results_by_country(rows)),
            ("day", _day, figures.results_by_day(rows)),
        )
    ]


@page(Act.MESSAGES_VIEW)
@require_safe
def deliverability(request: PageRequest) -> HttpResponse:
    """Show the health of each channel, and the results by channel, moment, country, error, day."""
    period = _period(request)
    rows = figures.in_period(request.principal, period)
    tables = dict(_tables(rows))
    context = {
        "period": period,
        "channels": [_health(channel, account) for channel, account in accounts().items()],
        "tables": tables,
        "by_day": [
            (name, one.arrived_percent)
            for name, one in tables["day"]
            if one.arrived_percent is not None
        ],
        "reasons": [
            (one, words.channel_name(one.channel), explain(one.reason), code_words(one.code))
            for one in figures.reasons_of(rows)
        ],
        "may_set": request.principal.may(Act.CHANNELS_EDIT),
    }
    return render(request, "messages/deliverability.html", context)


def _health(channel: str, account: ChannelAccount | None) -> dict[str, Any]:
    code = account.paused_code if account is not None else ""
    return {
        "name": words.channel_name(channel),
        "icon": words.icon_of(channel),
        "state": health_of(account).value,
        "account": account,
        "cause": code_words(code) or code,
    }


@page(Act.MESSAGES_VIEW)
@require_safe
def deliverability_csv(request: PageRequest) -> HttpResponse:
    """Download the results of a period."""
    rows = figures.in_period(request.principal, _period(request))
    lines = (
        [
            by,
            one.key if by == "day" else name,
            str(one.all),
            *(str(getattr(one, result)) for result in figures.RESULTS),
            "" if one.arrived_percent is None else f"{one.arrived_percent:.1f}",
        ]
        for by, results in _tables(rows)
        for name, one in results
    )
    return csv_download(write_csv(_RESULT_HEADINGS, iter(lines)), "message-results.csv")


def _costs(rows: Any) -> list[tuple[str, list[tuple[str, Cost]]]]:
    return [
        (by, [(str(name(one.key)), one) for one in results])
        for by, name, results in (
            ("channel", words.channel_name, figures.cost_by(rows, "channel")),
            ("moment", words.moment_name, figures.cost_by(rows, "moment")),
            ("day", _day, figures.cost_by_day(rows)),
        )
    ]


@page(Act.MESSAGES_VIEW)
@require_safe
def cost(request: PageRequest) -> HttpResponse:
    """Show the cost of messages by currency; amounts of two currencies are never added."""
    period = _period(request)
    tables = dict(_costs(figures.in_period(request.principal, period)))
    currencies = sorted({one.currency for _name, one in tables["channel"] if one.currency})
    context = {
        "period": period,
        "tables": tables,
        "totals": [_total(tables["channel"], currency) for currency in currencies],
        "unpriced": sum(one.unpriced for _name, one in tables["channel"]),
        "charts": [
            (
                currency,
                [
                    (name, one.price_micros / 1_000_000)
                    for name, one in tables["day"]
                    if one.currency == currency
                ],
            )
            for currency in currencies
        ],
    }
    return render(request, "messages/cost.html", context)


def _total(rows: Iterable[tuple[str, Cost]], currency: str) -> Cost:
    results = [one for _name, one in rows if one.currency == currency]
    return Cost(
        key="",
        currency=currency,
        messages=sum(one.messages for one in results),
        segments=sum(one.segments for one in results),
        price_micros=sum(one.price_micros for one in results),
        unpriced=sum(one.unpriced for one in results),
    )


@page(Act.MESSAGES_VIEW)
@require_safe
def cost_csv(request: PageRequest) -> HttpResponse:
    """Download the cost of a period."""
    rows = figures.in_period(request.principal, _period(request))
    lines = (
        [
            by,
            one.key if by == "day" else name,
            one.currency,
            str(one.messages),
            str(one.segments),
            f"{one.price_micros / 1_000_000:.6f}",
            str(one.unpriced),
        ]
        for by, results in _costs(rows)
        for name, one in results
    )
    return csv_download(write_csv(_COST_HEADINGS, iter(lines)), "message-cost.csv")


@page(Act.MESSAGES_VIEW)
@require_safe
def budget_page(request: PageRequest) -> HttpResponse:
    """Show how much of each budget of the day is used, and who reached a cap."""
    context = {
        "budgets": [(one, SCOPES[one.scope]) for one in budgets.budgets_of(today())],
        "days": [(formatting.day(day), used) for day, used in budgets.segments_by_day()],
        "may_set": request.principal.may(Act.POLICY_EDIT),
        "day": today(),
    }
    return render(request, "messages/budgets.html", context)
