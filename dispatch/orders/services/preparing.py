"""Checking and locating drafts before any of them is written: this may ask a geocoder outside.

1. Every draft is checked against the retailer's hubs and limits; each fault is named.
2. A partial draft is filled from the order that is known.
3. Its place is found (given, remembered, geocoded) and its hub chosen.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from dispatch.fleet.models import Hub
from dispatch.orders.checking import Book, Checked, check, read_book, window_of
from dispatch.orders.doubts import Doubt
from dispatch.orders.drafts import OrderDraft, Placed
from dispatch.orders.geocoding import geocoder
from dispatch.orders.geocoding.nominatim import PROVIDER
from dispatch.orders.locating import locate
from dispatch.orders.models import HubChoice, Order, PinSource, Place, Shopper
from dispatch.orders.services.merging import merge
from lastmile.core import clock
from lastmile.core.errors import Conflict, DomainError, FieldProblem, Invalid

MAX_AT_ONCE = 1_000
FELL_BACK = gettext_lazy(
    "The geocoder did not answer. The address was looked up on the loaded streets instead."
)


@dataclass(slots=True, kw_only=True)
class Ready:
    """A checked order with everything it will point at; ``at`` is its index in the batch.

    ``partial``: the draft was filled from the order as it was at ``version``; None: from none.
    """

    at: int
    checked: Checked
    place: Place
    hub: Hub | None
    hub_choice: str
    date: dt.date | None
    window: tuple[dt.datetime, dt.datetime] | None
    warnings: tuple[FieldProblem, ...]
    partial: bool = False
    version: int | None = None
    shopper: Shopper | None = None

    @property
    def external_id(self) -> str | None:
        kept: str | None = self.checked.own["external_id"]
        return kept


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """Drafts ready to be written; ``refused`` are the answers of those that are not, by index."""

    count: int
    ready: tuple[Ready, ...]
    refused: dict[int, Placed]


@dataclass(frozen=True, slots=True)
class _Passed:
    """A draft that fits, with the order it was filled from and whether that one's place stays."""

    at: int
    checked: Checked
    partial: bool = False
    known: Order | None = None
    same_place: bool = False


def prepare_orders(
    drafts: Sequence[OrderDraft], *, lenient: bool = False, outside: bool = False
) -> Prepared:
    """Check and locate up to 1,000 drafts.

    ``outside`` may ask the geocoder of GEOCODER_URL, and so belongs outside of any transaction;
    without it the embedded one is asked. ``lenient`` keeps an order whose contact cannot be read,
    without the contact and with a warning. Locks: nothing. Records: nothing. Raises: Invalid for
    too many drafts; the refusal of a single draft is its answer.
    """
    if len(drafts) > MAX_AT_ONCE:
        raise Invalid(_("At most %(most)d orders fit one call.") % {"most": MAX_AT_ONCE})
    book = read_book()
    refused: dict[int, Placed] = {}
    passed: list[_Passed] = []
    seen: dict[str, str] = {}
    known = _known(drafts)
    for at, draft in enumerate(drafts):
        try:
            item = _check(at, draft, known.get(draft.external_id or ""), book, lenient)
            _refuse_second_version(item.checked, seen)
        except DomainError as problem:
            refused[at] = Placed(status="refused", problem=problem)
        else:
            passed.append(item)
    ready = []
    asked = geocoder(outside=outside)
    moved = [item.checked for item in passed if not item.same_place]
    places = iter(locate(moved, book.services, asked))
    for item in passed:
        place = item.known.place if item.known and item.same_place else next(places)
        try:
            ready.append(_assign(item, place, book, asked.fell_back))
        except DomainError as problem:
            refused[item.at] = Placed(status="refused", problem=problem)
    return Prepared(count=len(drafts), ready=tuple(ready), refused=refused)


def _known(drafts: Sequence[OrderDraft]) -> dict[str, Order]:
    """The orders that partial drafts speak of."""
    wanted = [draft.external_id for draft in drafts if draft.sent_fields and draft.external_id]
    if not wanted:
        return {}
    rows = Order.objects.select_related("shopper", "place", "hub").prefetch_related("parcels")
    return {row.external_id or "": row for row in rows.filter(external_id__in=wanted)}


def _check(at: int, draft: OrderDraft, known: Order | None, book: Book, lenient: bool) -> _Passed:
    partial = draft.sent_fields is not None
    if draft.sent_fields is None or known is None or known.digest == draft.digest():
        return _Passed(at, check(draft, book, lenient=lenient), partial, known)
    merged = merge(draft, draft.sent_fields, known)
    checked = check(merged.draft, book, lenient=lenient, known=known.shopper)
    checked = replace(checked, digest=draft.digest(), warnings=checked.warnings + merged.warnings)
    return _Passed(at, checked, partial, known, merged.same_place)


def _refuse_second_version(checked: Checked, seen: dict[str, str]) -> None:
    """Two different orders of one id in one batch: neither can be said to be the later."""
    external_id = checked.own["external_id"]
    if external_id and seen.setdefault(external_id, checked.digest) != checked.digest:
        raise Conflict(
            _("The external_id %(id)r comes twice with different content; send it once.")
            % {"id": external_id}
        )


def _assign(item: _Passed, place: Place, book: Book, fell_back: bool) -> Ready:
    """Choose the hub and read window and date in its zone."""
    checked = item.checked
    hub: Hub | None = checked.hub
    hub_choice: str = HubChoice.GIVEN
    if hub is None:
        serving = book.services.serving(place.point)
        hub, hub_choice = serving.hub, serving.choice
    zone = hub.zone if hub else book.zone
    window, date = None, checked.service_date
    if checked.window is not None:
        window = window_of(checked.window, date, zone)
        date = date or clock.local_date(window[0], zone)
    return Ready(
        at=item.at,
        checked=checked,
        place=place,
        hub=hub,
        hub_choice=hub_choice,
        date=date,
        window=window,
        warnings=(*checked.warnings, *_doubts(place, fell_back), *_past(date, zone)),
        partial=item.partial,
        version=item.known.version if item.known else None,
    )


def _doubts(place: Place, fell_back: bool) -> tuple[FieldProblem, ...]:
    """Why an order needs a pin though something is known of its place, and who did not answer."""
    found = []
    if place.doubt:
        found.append(FieldProblem("/place", str(Doubt(place.doubt).label), place.doubt))
    asked = place.lat is None or place.pin_source == PinSource.GEOCODER
    if fell_back and asked and place.doubted_lat is None and place.provider != PROVIDER:
        found.append(FieldProblem("/place", str(FELL_BACK), "geocoder_failed"))
    return tuple(found)


def _past(date: dt.date | None, zone: str) -> tuple[FieldProblem, ...]:
    """A warning for a day that is over everywhere."""
    if date is None or date >= clock.local_date(clock.now(), zone) - dt.timedelta(days=1):
        return ()
    words = _("%(date)s has passed. Check the date; the order stays out of the plans to come.")
    return (FieldProblem("/service_date", words % {"date": date.isoformat()}, "past"),)
