"""The download of the ledger as CSV."""

from __future__ import annotations

import datetime as dt
from typing import Final

from django.http import HttpResponse
from django.views.decorators.http import require_safe

from dispatch.intake.parse.tables import write_csv
from lastmile.core.http.downloads import csv_download
from notifications.models import Message
from notifications.pages.ledger import filters_of
from notifications.selectors import ledger
from notifications.selectors.words import shown_text, why
from tenants.permissions import Act, PageRequest, page

MOST: Final = 20_000
HEADINGS: Final = [
    "id", "made_at", "send_at", "ended_at", "moment", "channel", "language", "order",
    "external_id", "name", "state", "reason", "why", "segments", "price", "currency",
    "provider_id", "subject", "text",
]  # fmt: skip


@page(Act.MESSAGES_VIEW)
@require_safe
def messages_csv(request: PageRequest) -> HttpResponse:
    """Download the filtered messages, newest first; times are in UTC.

    ``write_csv`` makes cells harmless that a spreadsheet would read as formulas.
    """
    rows = ledger.filter_messages(ledger.messages_of(request.principal), filters_of(request))
    rows = rows.defer("secret").order_by(*ledger.NEWEST)[:MOST]
    lines = write_csv(HEADINGS, (_cells(row) for row in rows.iterator(chunk_size=500)))
    return csv_download(lines, "messages.csv")


def _cells(row: Message) -> list[str]:
    order = row.order
    price = "" if row.price_micros is None else f"{row.price_micros / 1_000_000:.6f}"
    segments = row.segments if row.segments is not None else row.segments_counted
    return [
        row.public_id, _instant(row.made_at), _instant(row.send_at), _instant(row.ended_at),
        row.moment, row.channel, row.language, order.public_id if order else "",
        (order.external_id or "") if order else "", order.shopper.name if order else "",
        row.state, row.reason, why(row), str(segments or ""), price, row.currency,
        row.provider_id, shown_text(row.subject), shown_text(row.text),
    ]  # fmt: skip


def _instant(value: dt.datetime | None) -> str:
    if value is None:
        return ""
    return value.astimezone(dt.UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
