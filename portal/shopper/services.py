"""Sends a code to the contact on an order, checks it, and forgets old codes."""

from __future__ import annotations

from django.db import transaction
from django.utils.translation import gettext as _

from dispatch.orders.models import Order
from lastmile.core.clock import real_now
from lastmile.core.codes import check_code, end_code, has_code, make_code, use_code
from lastmile.core.errors import DomainError
from lastmile.core.events import Lane, record
from portal.shopper.errors import NoContact
from portal.shopper.events import CONFIRMED, StepUpFacts
from portal.shopper.models import ShownCode
from portal.shopper.rules import CODE_RULES, contact_of
from portal.shopper.senders import can_send, sender
from portal.shopper.senders.null import no_channel

PURPOSE = "shopper_step_up"


def send_code(*, order: Order) -> None:
    """Make a new code for an order and send it to the contact on the order.

    An earlier code ends. Call it outside of any transaction, because it calls a channel.

    Locks: the row of the code. Records: nothing. Raises: NoContact, NoMessageChannel, TooManyCodes.
    """
    if not contact_of(order):
        raise NoContact(
            _(
                "This change needs a code, but the order has no phone number and no e-mail address."
                " Ask the shop to add one."
            )
        )
    if not can_send():
        raise no_channel()
    code = make_code(purpose=PURPOSE, subject=order.public_id, rules=CODE_RULES)
    try:
        sender().send(order, code)
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
    facts = StepUpFacts(shopper=order.shopper.public_id, contact=contact_of(order))
    with transaction.atomic():
        use_code(checked)
        ShownCode.objects.filter(order=order).delete()
        record(CONFIRMED, facts, subject=order.public_id, lane=Lane.PERSON)


def forget_shown_codes() -> dict[str, int]:
    """Delete the shown codes that have expired.

    Locks: the deleted rows. Records: nothing. Raises: nothing of its own.
    """
    return {"shown_codes": ShownCode.objects.filter(expires_at__lte=real_now()).delete()[0]}
