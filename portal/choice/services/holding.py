"""Holds the offer that a shopper takes, and gives held places back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.db import transaction
from django.db.models import F, FloatField, Func, Value
from django.utils.translation import gettext as _

from dispatch.planning.errors import VisitNotPrepared
from dispatch.slots import services as slots
from dispatch.slots.errors import HoldEnded, SlotClosed, SlotFull, SlotPassed
from dispatch.slots.models import Choice
from dispatch.slots.rules.grams import shown_grams
from dispatch.slots.services import lock_places
from lastmile.core import clock
from lastmile.core.errors import Conflict, FieldProblem, Invalid
from portal.choice.errors import LockerGone, OfferUnknown
from portal.choice.models import DeliverySession, LockerHold, ShownOffer
from portal.choice.providers import provider_called, provider_of_hold
from portal.choice.providers.base import HeldPlace, Wish
from portal.choice.selectors import offers_of
from portal.choice.services.asking import held_by, lock_session
from portal.choice.services.questions import question_of
from portal.choice.services.repeating import act_prepared

ALTERNATIVES: Final = 3
LOOKED_AT: Final = 12  # offers whose counts are read at once
KEPT: Final = "kept"
#: Refusals after which the shopper needs another offer.
NEEDS_ANOTHER: Final = (SlotFull, SlotPassed, SlotClosed, HoldEnded, LockerGone)


class _Gap(Func):
    """The seconds between two instants, never negative."""

    template = "abs(extract(epoch FROM %(expressions)s))"
    arg_joiner = " - "
    output_field = FloatField()


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadyHold:
    """An offer of a session that is about to be held, with what its provider prepared."""

    shown: ShownOffer
    handover: str
    prepared: object = None


def prepare_hold(*, session: DeliverySession, offer: str, handover: str = "") -> ReadyHold:
    """Check the offer and do the slow part of ``hold_offer``. Call it outside any transaction.

    ``handover`` "" takes the first handover of the offer. Locks: nothing. Records: nothing.
    Raises: OfferUnknown, Invalid for a handover that is not offered; SlotFull, SlotPassed and
    SlotClosed with up to three other offers of the session.
    """
    shown = offers_of(session).filter(offer=offer[:64].replace("\x00", "")).first()
    if shown is None:
        text = _("This option is no longer in the list. Look again, then choose one of the list.")
        raise OfferUnknown(text, errors=[FieldProblem("/offer", text, "offer_unknown")])
    own = handover or str(next(iter(shown.handovers), ""))
    if own not in shown.handovers:
        text = _("This way of handing over is not possible with this option. Choose another one.")
        data = {"handovers": list(shown.handovers)}
        raise Invalid(text, errors=[FieldProblem("/handover", text)], data=data)
    try:
        prepared = provider_called(shown.provider).prepare(question_of(session), offer)
    except NEEDS_ANOTHER as refused:
        # A place that the session keeps in a full slot is not refused, so that only the other
        # refusals need this look. It costs each loser of a race a tenth of its time.
        if not isinstance(refused, SlotFull) and _kept(session, shown, own) is not None:
            return ReadyHold(shown=shown, handover=own)
        raise with_alternatives(refused, session, shown) from refused
    return ReadyHold(shown=shown, handover=own, prepared=prepared)


@transaction.atomic
def hold_offer(*, session: DeliverySession, ready: ReadyHold) -> HeldPlace:
    """Hold an offer of a session for some minutes. The last offer that is held counts.

    The place that the session holds so far is given back in the same transaction, unless it is
    kept for an order that may come. The same offer again renews the hold and needs no second
    place: if it is kept with the same terms, the kept place is the answer; if it is kept with
    other terms, that choice is cancelled.

    Locks: the session, then as the provider. Records: as the provider. Raises: SlotFull,
    SlotPassed, SlotClosed with up to three other offers of the session; TooManyHolds;
    VisitNotPrepared if the day changed meanwhile: leave the transaction, call ``prepare_hold`` and
    repeat it.
    """
    lock_session(session)
    shown = ready.shown
    kept = _kept(session, shown, ready.handover)
    if kept is not None:
        return kept
    provider = provider_called(shown.provider)
    _take_back_choice(session, shown)
    replaces = [
        held.hold
        for held in held_by(session)
        if held.state != KEPT and provider_of_hold(held.hold) is provider
    ]
    try:
        held = provider.hold(
            question_of(session),
            _wish(shown, ready.handover),
            replaces=replaces[-1] if replaces else "",
            prepared=ready.prepared,
        )
    except NEEDS_ANOTHER as refused:
        raise with_alternatives(refused, session, shown) from refused
    _release_elsewhere(session, held)
    ShownOffer.objects.filter(pk=shown.pk).update(hold=held.hold, held_at=clock.now())
    return held


def take_offer(*, session: DeliverySession, offer: str) -> HeldPlace:
    """Prepare an offer and hold it with its first handover. Call it outside any transaction.

    Locks, Records: as ``hold_offer``. Raises: as ``prepare_hold`` and ``hold_offer``; SlotFull with
    other offers if the day changed during each of the tries.
    """
    try:
        return act_prepared(
            lambda: prepare_hold(session=session, offer=offer),
            lambda ready: hold_offer(session=session, ready=ready),
        )
    except VisitNotPrepared as fault:
        raise busy_day(fault, session, offers_of(session).get(offer=offer)) from fault


def busy_day(fault: VisitNotPrepared, session: DeliverySession, shown: ShownOffer) -> Conflict:
    """Return the refusal of an offer whose day changed during each try to hold it."""
    return with_alternatives(SlotFull(fault.detail, data=fault.data), session, shown)


def release_hold(*, hold: str) -> HeldPlace:
    """Give a held place back. Locks, Records, Raises: as the provider."""
    return provider_of_hold(hold).release(hold)


def with_alternatives(fault: Conflict, session: DeliverySession, lost: ShownOffer) -> Conflict:
    """Return a refusal with up to three offers of the session whose counts still allow them.

    The offers that begin nearest to the lost one come first.
    """
    near = _nearest_bookable(session, lost)
    data = {name: value for name, value in fault.data.items() if name != "slot"}
    data |= {"offer": lost.offer, "alternatives": alternatives_of(near, session.hub.zone)}
    return type(fault)(fault.detail, data=data, errors=fault.errors)


def _nearest_bookable(session: DeliverySession, lost: ShownOffer) -> list[ShownOffer]:
    """Return up to three bookable offers, nearest first.

    The offers are looked at in groups, nearest first: a list of many days has far more than the
    losers of a race can each afford to load.
    """
    now, question = clock.now(), question_of(session)
    rows = offers_of(session).exclude(pk=lost.pk).filter(book_until_at__gt=now)
    rows = rows.annotate(gap=_Gap(F("opens_at"), Value(lost.opens_at))).order_by("gap", "rank")
    bookable: list[ShownOffer] = []
    start = 0
    while len(bookable) < ALTERNATIVES:
        group = list(rows[start : start + LOOKED_AT])
        start += LOOKED_AT
        for name in {row.provider for row in group}:
            offers = [row.offer for row in group if row.provider == name]
            free = provider_called(name).bookable(offers, question)
            bookable += [row for row in group if row.provider == name and row.offer in free]
        if len(group) < LOOKED_AT:
            break
    bookable.sort(key=lambda row: (abs(row.opens_at - lost.opens_at), row.rank))
    return bookable[:ALTERNATIVES]


def alternatives_of(rows: Sequence[ShownOffer], zone: str) -> list[dict[str, Any]]:
    """Return offers as the facts of a refusal; their dates are those in the time zone ``zone``."""
    return [
        {
            "offer": row.offer,
            "option": row.option,
            "service_date": clock.local_date(row.opens_at, zone).isoformat(),
            "opens_at": row.opens_at.isoformat(),
            "closes_at": row.closes_at.isoformat(),
            "price_minor": row.price_minor,
            "currency": row.currency,
            "co2_g": shown_grams(row.co2_g),
            "green": row.green,
        }
        for row in rows
    ]


def _kept(session: DeliverySession, shown: ShownOffer, handover: str) -> HeldPlace | None:
    """Return the place that the session keeps for exactly this offer, or None."""
    for held in held_by(session):
        same = (held.offer, held.handover, held.price_minor) == (
            shown.offer,
            handover,
            shown.price_minor,
        )
        if same and held.state == KEPT and has_room_for(held, session):
            return held
    return None


def has_room_for(held: HeldPlace, session: DeliverySession) -> bool:
    """Return True if a held place is large enough for the goods of the session now."""
    return (
        held.weight_g >= session.weight_g
        and held.volume_cm3 >= session.volume_cm3
        and held.parcels >= session.parcel_count
    )


def _take_back_choice(session: DeliverySession, shown: ShownOffer) -> None:
    """Cancel the choice that keeps a place of the same offer with other terms."""
    places = held_by(session)
    kept = [held.choice for held in places if held.state == KEPT and held.offer == shown.offer]
    if kept:
        lock_places([held.hold for held in places])
    for choice in Choice.objects.filter(public_id__in=kept).order_by("pk"):
        cancel_kept(choice)


def cancel_kept(choice: Choice) -> Choice:
    """Cancel a choice and give its place back, in a slot or at a bank of lockers.

    Locks, Records, Raises: as ``slots`` and the provider.
    """
    cancelled = slots.cancel_choice(choice=choice)
    for hold in LockerHold.objects.filter(choice=choice, order=None):
        release_hold(hold=hold.public_id)
    return cancelled


def _wish(shown: ShownOffer, handover: str) -> Wish:
    return Wish(
        offer=shown.offer,
        handover=handover,
        price_minor=shown.price_minor,
        currency=shown.currency,
        price_parts=shown.price_parts,
        added_s=shown.added_s,
        added_m=shown.added_m,
        cost_minor=shown.cost_minor,
        co2_g=shown.co2_g,
    )


def _release_elsewhere(session: DeliverySession, held: HeldPlace) -> None:
    """Give back the places that the session still holds at other providers."""
    for other in held_by(session):
        provider = provider_of_hold(other.hold)
        if other.state != KEPT and provider is not provider_of_hold(held.hold):
            provider.release(other.hold)
