"""The one rule about handing goods over without a person, which every door of an order obeys.

An order with an age check or a signature needs a person who takes the goods. So it is never handed
over contactless, put into a locker, or left in a safe place, with a neighbour or in a lockbox.
"""

from __future__ import annotations

from typing import Final

from django.utils.translation import gettext as _

from dispatch.orders.models import AccessKind, Handover, Option, Order
from lastmile.core.errors import FieldProblem, Invalid

#: Access notes that ask the driver to leave the goods without their receiver.
LEFT_ALONE: Final = frozenset({AccessKind.SAFE_PLACE, AccessKind.NEIGHBOUR, AccessKind.LOCKBOX})
CODE: Final = "needs_a_person"


def needs_person(order: Order) -> bool:
    """Return True if the order demands a person who takes the goods."""
    return bool(order.least_age or order.signature)


def handovers_for(order: Order) -> tuple[str, ...]:
    """Return the handovers that are possible for an order."""
    attended = (Handover.ATTENDED.value,)
    return attended if needs_person(order) else (*attended, Handover.CONTACTLESS.value)


def without_person(*, handover: str = "", option: str = Option.WINDOW, access: str = "") -> bool:
    """Return True if nobody takes the goods with this handover, option or access note."""
    return handover == Handover.CONTACTLESS or option == Option.LOCKER or access in LEFT_ALONE


def refuse_without_person(order: Order) -> None:
    """Raise Invalid if the order demands a person, but its promise or access note avoids one."""
    if not needs_person(order):
        return
    promise = order.promise
    if without_person(handover=order.handover):
        raise person_needed(order, "/handover")
    if promise is not None and without_person(handover=promise.handover, option=promise.option):
        raise person_needed(order, "/handover", promised=True)
    note = getattr(order, "access", None)
    if note is not None and without_person(access=note.kind):
        raise person_needed(order, "/kind")


def person_needed(order: Order, pointer: str, *, promised: bool = False) -> Invalid:
    """Return the error that goods cannot be left, with the demand of the order that forbids it."""
    if order.least_age:
        cause = _(
            "The driver checks the age of the person who takes this order (%(age)d or older)."
        )
        cause %= {"age": order.least_age}
    else:
        cause = _("The person who takes this order signs for it.")
    if promised:
        remedy = _("First promise a handover in person.")
    elif pointer == "/kind":
        remedy = _("So the driver cannot leave it without a person. Choose another kind of access.")
    else:
        remedy = _("Choose a handover in person.")
    text = f"{cause} {remedy}"
    return Invalid(text, errors=[FieldProblem(pointer, text, CODE)])
