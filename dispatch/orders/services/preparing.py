"""Checks and locates drafts before they are written. This step may ask an external geocoder.

1. A partial draft is completed from the existing order.
2. Each draft is checked against the limits and the retailer's hubs; every fault is named.
3. The place is found (``locating.py``) and the hub is chosen.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from dispatch.fleet.models import Hub
from dispatch.orders.checking import Checked, RetailerData, check, read_retailer_data
from dispatch.orders.doubts import Doubt
from dispatch.orders.drafts import OrderDraft, Placed
from dispatch.orders.geocoding import geocoder
from dispatch.orders.geocoding.nominatim import PROVIDER
from dispatch.orders.locating import locate
from dispatch.orders.models import HubChoice, Order, PinSource, Place, Shopper
from dispatch.orders.services.merging import merge
from dispatch.orders.windows import window_of
from lastmile.core import clock, formatting
from lastmile.core.errors import Conflict, DomainError, FieldProblem, Invalid

MAX_AT_ONCE = 1_000
FELL_BACK = gettext_lazy(
    "The external geocoder did not answer. The address was searched in the street map instead."
)


@dataclass(slots=True, kw_only=True)
class Ready:
    """A checked draft with its place and hub; ``index`` is its position in the batch.

    ``partial`` means that the draft was partial. If an existing order completed it, ``version``
    is the version of that order.
    """

    index: int
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
        external_id: str | None = self.checked.own["external_id"]
        return external_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """Drafts that are ready to be written, and the results of the refused drafts, by index.

    ``same`` are the drafts whose content was stored already when they were read. They are not
    checked or located, and compared again when their orders are locked.
    """

    count: int
    ready: tuple[Ready, ...]
    refused: dict[int, Placed]
    same: dict[int, OrderDraft] = field(default_factory=dict)
    lenient: bool = False


@dataclass(frozen=True, slots=True)
class _ValidDraft:
    """A valid draft and the existing order of a partial draft.

    ``same_place`` means that the existing order keeps its place.
    """

    index: int
    checked: Checked
    partial: bool = False
    existing: Order | None = None
    same_place: bool = False


def prepare_orders(
    drafts: Sequence[OrderDraft],
    *,
    lenient: bool = False,
    outside: bool = False,
    skip_same: bool = True,
) -> Prepared:
    """Check and locate up to 1,000 drafts. Those that are stored already need neither.

    With ``outside`` the external geocoder (GEOCODER_URL) is asked, otherwise the embedded one. Do
    not use ``outside`` within a transaction, because the external geocoder can be slow. With
    ``lenient`` an order whose contact cannot be read is accepted with a warning, without that
    contact. Locks: nothing. Records: nothing. Raises: Invalid for too many drafts; a single draft
    that is refused has its problem in ``refused``.
    """
    if len(drafts) > MAX_AT_ONCE:
        raise Invalid(
            _("One request can contain at most %(most)d orders. Send several requests.")
            % {"most": MAX_AT_ONCE}
        )
    retailer = read_retailer_data()
    refused: dict[int, Placed] = {}
    valid: list[_ValidDraft] = []
    digests: dict[str, str] = {}
    same = _same_as_stored(drafts) if skip_same else {}
    existing = _existing_orders([one for at, one in enumerate(drafts) if at not in same])
    for index, draft in enumerate(drafts):
        try:
            if index in same:
                _refuse_second_version(draft.external_id or "", same[index], digests)
                continue
            order = existing.get(draft.external_id or "")
            item = _check(index, draft, order, retailer, lenient)
            own = item.checked.own["external_id"]
            _refuse_second_version(own, item.checked.digest, digests)
        except DomainError as problem:
            refused[index] = Placed(status="refused", problem=problem)
        else:
            valid.append(item)
    ready = []
    batch_geocoder = geocoder(outside=outside)
    to_locate = [item.checked for item in valid if not item.same_place]
    places = iter(locate(to_locate, retailer.services, batch_geocoder))
    for item in valid:
        place = item.existing.place if item.existing and item.same_place else next(places)
        try:
            ready.append(_assign(item, place, retailer, batch_geocoder.fell_back))
        except DomainError as problem:
            refused[item.index] = Placed(status="refused", problem=problem)
    unchanged = {at: drafts[at] for at in same if at not in refused}
    return Prepared(
        count=len(drafts),
        ready=tuple(ready),
        refused=refused,
        same=unchanged,
        lenient=lenient,
    )


def _same_as_stored(drafts: Sequence[OrderDraft]) -> dict[int, str]:
    """Return {index: digest} of the drafts whose orders have exactly their content."""
    ids = [draft.external_id for draft in drafts if draft.external_id]
    rows = Order.objects.filter(external_id__in=ids).values_list("external_id", "digest")
    stored = {external_id: digest for external_id, digest in rows if digest}
    known = ((at, one) for at, one in enumerate(drafts) if one.external_id in stored)
    digests = ((at, one.external_id, one.digest()) for at, one in known)
    return {at: digest for at, external_id, digest in digests if stored[external_id] == digest}


def _existing_orders(drafts: Sequence[OrderDraft]) -> dict[str, Order]:
    """Return the existing orders of the partial drafts, by external_id."""
    ids = [draft.external_id for draft in drafts if draft.sent_fields and draft.external_id]
    if not ids:
        return {}
    rows = Order.objects.select_related("shopper", "place", "hub").prefetch_related("parcels")
    return {row.external_id or "": row for row in rows.filter(external_id__in=ids)}


def _check(
    index: int, draft: OrderDraft, existing: Order | None, retailer: RetailerData, lenient: bool
) -> _ValidDraft:
    partial = draft.sent_fields is not None
    if draft.sent_fields is None or existing is None or existing.digest == draft.digest():
        return _ValidDraft(index, check(draft, retailer, lenient=lenient), partial, existing)
    merged = merge(draft, draft.sent_fields, existing)
    checked = check(merged.draft, retailer, lenient=lenient, previous=existing.shopper)
    checked = replace(checked, digest=draft.digest(), warnings=checked.warnings + merged.warnings)
    return _ValidDraft(index, checked, partial, existing, merged.same_place)


def _refuse_second_version(external_id: str, digest: str, digests: dict[str, str]) -> None:
    """Raise Conflict for a second draft with the same external_id and other content.

    Nothing in a batch tells which of the two is newer.
    """
    if external_id and digests.setdefault(external_id, digest) != digest:
        raise Conflict(
            _("The external_id %(id)r occurs twice with different content. Send it only once.")
            % {"id": external_id}
        )


def _assign(item: _ValidDraft, place: Place, retailer: RetailerData, fell_back: bool) -> Ready:
    """Choose the hub, and read the time window and the date in the time zone of the hub."""
    checked = item.checked
    hub: Hub | None = checked.hub
    hub_choice: str = HubChoice.GIVEN
    if hub is None:
        serving = retailer.services.serving(place.point)
        hub, hub_choice = serving.hub, serving.choice
    zone = hub.zone if hub else retailer.zone
    window, date = None, checked.service_date
    if checked.window is not None:
        window = window_of(checked.window, date, zone)
        date = date or clock.local_date(window[0], zone)
    return Ready(
        index=item.index,
        checked=checked,
        place=place,
        hub=hub,
        hub_choice=hub_choice,
        date=date,
        window=window,
        warnings=(
            *checked.warnings,
            *_place_warnings(place, fell_back),
            *_past_warning(date, zone),
        ),
        partial=item.partial,
        version=item.existing.version if item.existing else None,
    )


def _place_warnings(place: Place, fell_back: bool) -> tuple[FieldProblem, ...]:
    """Return warnings about the place: its doubt, and a failure of the external geocoder."""
    warnings = []
    if place.doubt:
        warnings.append(FieldProblem("/place", str(Doubt(place.doubt).label), place.doubt))
    geocoded = place.lat is None or place.pin_source == PinSource.GEOCODER
    if fell_back and geocoded and place.doubted_lat is None and place.provider != PROVIDER:
        warnings.append(FieldProblem("/place", str(FELL_BACK), "geocoder_failed"))
    return tuple(warnings)


def _past_warning(date: dt.date | None, zone: str) -> tuple[FieldProblem, ...]:
    """Return a warning if the service date is over in every time zone."""
    if date is None or date >= clock.local_date(clock.now(), zone) - dt.timedelta(days=1):
        return ()
    text = _("The date %(date)s is in the past. Correct it, or no new plan will include the order.")
    return (FieldProblem("/service_date", text % {"date": formatting.date(date)}, "past"),)
