"""Push subscriptions: a reader of an order's page begins or stops getting its messages."""

from __future__ import annotations

from typing import Final

from django.db import transaction
from django.utils.translation import gettext as _

from dispatch.orders.models import Order
from lastmile.core.clock import now
from lastmile.core.errors import Invalid
from notifications.catalogue.kinds import ContactKind
from notifications.channels.webpush.encryption import BadSubscription
from notifications.channels.webpush.subscriptions import read_subscription
from notifications.models import Contact, PushSubscription
from notifications.rules.contacts import known_contact
from notifications.services.contacts import contact_of

#: Browsers of one order that get its messages; a further one ends the oldest.
MOST: Final = 5


@transaction.atomic
def subscribe(*, order: Order, text: str) -> PushSubscription:
    """Send the messages of an order to a browser too. The same browser again changes nothing.

    Locks: the subscriptions of the order. Records: nothing. Raises: Invalid if the subscription
    is not what a browser makes, or if its address cannot be called.
    """
    try:
        subscription = read_subscription(text)
    except BadSubscription as bad:
        raise Invalid(
            _("This browser's subscription cannot be used. Switch notifications off and on again.")
        ) from bad
    contact = contact_of(ContactKind.PUSH, subscription.to_text(), language=order.shopper.language)
    open_rows = PushSubscription.objects.select_for_update().filter(
        order=order, ended_at__isnull=True
    )
    others = list(open_rows.exclude(contact=contact).order_by("updated_at", "pk"))
    for row in others[: max(0, len(others) - MOST + 1)]:
        row.ended_at = now()
        row.save(update_fields=["ended_at"])
    row, _new = PushSubscription.objects.update_or_create(
        contact=contact, order=order, defaults={"ended_at": None}
    )
    return row


@transaction.atomic
def unsubscribe(*, order: Order, text: str) -> None:
    """Stop sending the messages of an order to a browser. An unknown browser changes nothing.

    Locks: nothing. Records: nothing. Raises: nothing.
    """
    try:
        address = read_subscription(text).to_text()
    except BadSubscription:
        return
    contact = known_contact(ContactKind.PUSH, address)
    PushSubscription.objects.filter(order=order, contact=contact, ended_at__isnull=True).update(
        ended_at=now(), updated_at=now()
    )


def end_subscriptions(*, contact: Contact) -> int:
    """End all subscriptions of a browser that its push service knows no more; return how many.

    Locks: nothing. Records: nothing. Raises: nothing.
    """
    rows = PushSubscription.objects.filter(contact=contact, ended_at__isnull=True)
    return rows.update(ended_at=now(), updated_at=now())
