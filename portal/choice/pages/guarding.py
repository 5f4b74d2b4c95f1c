"""The rule of the code: the changes that the link alone cannot make.

The link alone shows and reschedules. A change that moves the goods, gives them to nobody, or
touches a stored code needs the six digits that were sent to the contact on the order (ADR 0038).
"""

from __future__ import annotations

from dispatch.orders.models import AccessNote, Handover, Option, Order
from portal.choice.models import DeliverySession, ShownOffer
from portal.choice.pages.forms import way_of
from portal.choice.pages.words import WAYS
from portal.choice.providers.base import HeldPlace


def moves_goods(order: Order, session: DeliverySession, held: HeldPlace) -> bool:
    """Return True if booking a held place brings the goods to another place than now.

    That is a session for another address, and each option where the goods are collected. Another
    time at the hub where the order is collected already moves nothing.
    """
    if session.place:
        return True
    if held.option == Option.WINDOW:
        return False
    promise = order.promise
    stays = (
        promise is not None
        and promise.option == held.option != Option.LOCKER
        and order.hub is not None
        and order.hub.public_id == held.hub
    )
    return not stays


def changes_trust(
    order: Order, note: AccessNote | None, *, way: str, text: str, code: str, collected: bool
) -> bool:
    """Return True if new instructions need the code.

    These do: instructions that leave the goods without their receiver or end that, unless nothing
    changes; and a gate code, a PIN or the code of a lockbox that replaces or drops a stored one.
    ``collected`` means that the goods are collected so far, so nothing was agreed for a door.
    """
    present = way_of(order, note)
    if note is not None and note.code and (way != present or code.strip()):
        return True
    same = way == present and text.strip() == (note.text.strip() if note else "")
    ways = {way} if collected else {way, present}
    contactless = any(WAYS[one][0] == Handover.CONTACTLESS for one in ways)
    return contactless and (collected or not same or bool(code.strip()))


def is_of_session(order: Order, session: DeliverySession, held: HeldPlace) -> bool:
    """Return True if this session's address is already the place of the order's promise."""
    promise = order.promise
    if promise is None or not promise.elsewhere or promise.place.text != held.place_text:
        return False
    chosen = ShownOffer.objects.filter(session=session, chosen_at__isnull=False)
    return chosen.filter(offer=promise.slot).exists()
