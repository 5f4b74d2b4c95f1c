"""Keeps, ends and uses choices of options without slots.

The promise is at a place that somebody else keeps. The layer that keeps the place, such as
lockers, writes the terms into the choice, and keeps the place until the choice expires. It takes
the place for the order after the event choice.used.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.db import transaction
from django.utils.translation import gettext as _

from dispatch.orders.drafts import PromisedPlace, PromiseDraft
from dispatch.orders.models import Cause, Direction, Order, Promise
from dispatch.orders.services import set_promise
from dispatch.slots.errors import ChoiceDiffers, ChoiceGone
from dispatch.slots.events import CHOICE_EXPIRED, CHOICE_KEPT, CHOICE_USED
from dispatch.slots.models import Choice
from dispatch.slots.services.counting import choice_facts
from dispatch.slots.services.pricing import refuse_price
from dispatch.slots.states import ChoiceState
from lastmile.core import clock
from lastmile.core.errors import Problems
from lastmile.core.events import Lane, record, record_many


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotlessTerms:
    """The terms of a choice without a slot, and the basket for which its place is kept."""

    session: str
    option: str
    handover: str
    place: PromisedPlace
    opens_at: dt.datetime
    closes_at: dt.datetime
    price_minor: int
    currency: str
    value_minor: int | None
    co2_g: int | None
    weight_g: int
    volume_cm3: int
    parcel_count: int


@transaction.atomic
def keep_slotless_choice(
    *, terms: SlotlessTerms, until: dt.datetime, again: Choice | None = None
) -> Choice:
    """Write the choice of a place that the caller keeps. A choice that is over waits ``again``.

    Locks: the choice ``again``. Records: choice.kept. Raises: ChoiceGone if that choice was used or
    cancelled.
    """
    values = {
        "session": terms.session,
        "state": ChoiceState.WAITING,
        "expires_at": until,
        "option": terms.option,
        "handover": terms.handover,
        "place_ref": terms.place.reference,
        "place_text": terms.place.text,
        "lat": terms.place.point.lat,
        "lon": terms.place.point.lon,
        "opens_at": terms.opens_at,
        "closes_at": terms.closes_at,
        "price_minor": terms.price_minor,
        "currency": terms.currency,
        "value_minor": terms.value_minor,
        "co2_g": terms.co2_g,
        "weight_g": terms.weight_g,
        "volume_cm3": terms.volume_cm3,
        "parcel_count": terms.parcel_count,
    }
    if again is None:
        choice = Choice.objects.create(**values)
    else:
        choice = Choice.objects.select_for_update(of=("self",)).get(pk=again.pk)
        if choice.state not in {ChoiceState.WAITING, ChoiceState.EXPIRED}:
            raise _no_longer(choice)
        for name, value in values.items():
            setattr(choice, name, value)
        choice.updated_at = clock.now()
        choice.save()
    record(CHOICE_KEPT, choice_facts(choice), subject=choice.public_id)
    return choice


@transaction.atomic
def end_slotless_choices() -> int:
    """End the choices without slots whose order did not come in time; return how many.

    Locks: the choices. Records: choice.expired for each. Raises: nothing.
    """
    rows = Choice.objects.select_for_update(of=("self",), no_key=True, skip_locked=True)
    over = rows.filter(hold__isnull=True, state=ChoiceState.WAITING, expires_at__lte=clock.now())
    ended = list(over.order_by("pk"))
    Choice.objects.filter(pk__in=[row.pk for row in ended]).update(
        state=ChoiceState.EXPIRED, updated_at=clock.now()
    )
    record_many(CHOICE_EXPIRED.new(row.public_id, choice_facts(row)) for row in ended)
    return len(ended)


def next_slotless_end() -> dt.datetime | None:
    """Return when the next choice without a slot ends; None if none waits."""
    rows = Choice.objects.filter(hold__isnull=True, state=ChoiceState.WAITING)
    return rows.order_by("expires_at").values_list("expires_at", flat=True).first()


@transaction.atomic
def use_slotless_choice(*, order: Order, choice: Choice, price_minor: int | None = None) -> Promise:
    """Give an order the promise of a choice without a slot. It must not have expired.

    Locks: the choice, the order. Records: order.promised, choice.used. Raises: ChoiceGone;
    ChoiceDiffers for larger goods or a return; PriceChanged; as ``set_promise``.
    """
    row = Choice.objects.select_for_update(of=("self",)).get(pk=choice.pk)
    if row.state != ChoiceState.WAITING or row.expires_at <= clock.now() or row.point is None:
        raise _no_longer(row)
    _refuse_difference(order, row)
    if price_minor is not None and order.currency in ("", row.currency):
        refuse_price(price_minor, row.price_minor, row.currency)
    place = PromisedPlace(reference=row.place_ref, text=row.place_text, point=row.point)
    promise = set_promise(
        order=order,
        draft=PromiseDraft(
            opens_at=row.opens_at,
            closes_at=row.closes_at,
            cause=Cause.CHOICE,
            option=row.option,
            handover=row.handover,
            place=place,
            price_minor=row.price_minor,
            currency=row.currency,
            co2_g=row.co2_g,
        ),
    )
    row.state, row.order, row.updated_at = ChoiceState.USED, order, clock.now()
    row.save(update_fields=["state", "order", "updated_at"])
    record(CHOICE_USED, choice_facts(row), subject=row.public_id, lane=Lane.PERSON)
    return promise


def _no_longer(choice: Choice) -> ChoiceGone:
    if choice.state == ChoiceState.USED:
        text = _("Another order has used this choice already. Let the shopper choose again.")
    elif choice.state in {ChoiceState.WAITING, ChoiceState.EXPIRED}:
        text = _("This choice has expired, so its place is no longer kept. Choose again.")
    else:
        text = _("This choice was cancelled. Let the shopper choose again.")
    return ChoiceGone(text, data={"choice": choice.public_id, "state": str(choice.state)})


def _refuse_difference(order: Order, choice: Choice) -> None:
    problems = Problems()
    for name, text in (
        ("weight_g", _("The goods are heavier than in the checkout. Choose again with them.")),
        ("volume_cm3", _("The goods are larger than in the checkout. Choose again with them.")),
    ):
        most = getattr(choice, name)
        if most is not None and getattr(order, name) > most:
            problems.add(f"/{name}", text, "larger")
    if choice.parcel_count is not None and order.parcel_count > choice.parcel_count:
        problems.add(
            "/parcels",
            _("The order has more parcels than in the checkout. Choose again with them."),
            "larger",
        )
    if order.direction == Direction.RETURN:
        problems.add(
            "/direction",
            _("A delivery was chosen for a return, or a return for a delivery. Choose again."),
            "other_direction",
        )
    if problems.entries:
        why = " ".join(problem.detail for problem in problems.entries)
        raise ChoiceDiffers(
            _("The order is not what the shopper chose. %(why)s") % {"why": why},
            errors=tuple(problems.entries),
        )
