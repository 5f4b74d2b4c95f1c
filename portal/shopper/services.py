"""Sends a code to the contact on an order, and checks it."""

from __future__ import annotations

from django.db import transaction
from django.utils.translation import gettext as _

from dispatch.orders.models import Order
from lastmile.core.codes import check_code, end_code, has_code, make_code, use_code
from lastmile.core.errors import DomainError
from lastmile.core.events import Lane, record
from notifications.errors import NoMessageChannel
from notifications.selectors.codes import code_route, contact_told
from notifications.services import codes
from portal.shopper.errors import NoContact
from portal.shopper.events import CONFIRMED, StepUpFacts
from portal.shopper.rules import CODE_MINUTES, CODE_RULES, has_contact

PURPOSE = "shopper_step_up"


def send_code(*, order: Order) -> None:
    """Make a new code for an order and send it to the contact on the order.

    An earlier code ends. Call it outside of any transaction, because its message must be stored
    even if the answer to the shopper fails.

    Locks: the row of the code. Records: message.ended if no channel may send it. Raises: NoContact,
    NoMessageChannel, TooManyCodes.
    """
    if not has_contact(order):
        raise NoContact(
            _(
                "This change needs a code, but the order has no phone number and no e-mail address."
                " Ask the shop to add one."
            )
        )
    if not code_route(order):
        raise NoMessageChannel.now()
    code = make_code(purpose=PURPOSE, subject=order.public_id, rules=CODE_RULES)
    try:
        codes.send_code(order=order, code=code, minutes=CODE_MINUTES)
    except DomainError:
        end_code(purpose=PURPOSE, subject=order.public_id)
        raise


def has_sent_code(order: Order) -> bool:
    """Return True if a code was sent for an order that can still be typed."""
    return has_code(purpose=PURPOSE, subject=order.public_id)


def confirm_code(*, order: Order, code: str) -> None:
    """Check a typed code and use it up. Call it outside of any transaction.

    Each try is counted before the code is compared.

    Locks: the row of the code. Records: order.step_up_confirmed. Raises: CodeWrong, CodeLocked,
    CodeEnded.
    """
    checked = check_code(purpose=PURPOSE, subject=order.public_id, code=code)
    facts = StepUpFacts(shopper=order.shopper.public_id, contact=contact_told(order))
    with transaction.atomic():
        use_code(checked)
        record(CONFIRMED, facts, subject=order.public_id, lane=Lane.PERSON)
