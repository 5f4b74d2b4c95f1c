"""Ends and renews the link of a shopper, when it came into wrong hands."""

from __future__ import annotations

from django.db import transaction
from django.utils.translation import gettext as _

from dispatch.orders.errors import LinkEnded
from dispatch.orders.links import (
    NAME,
    address_of,
    is_link_ended,
    is_link_over,
    link_expires_at,
    shopper_link,
    shopper_secret,
)
from dispatch.orders.models import Order
from dispatch.orders.states import ENDED
from lastmile.core import derived
from tenants.people.services import audit
from tenants.people.sockets import access_changed


@transaction.atomic
def make_shopper_link(*, order: Order) -> str:
    """Return the address of the shopper's page. A link that was ended is replaced by a new one.

    Locks: the row of the secret, if a new one is made. Records: an audit entry, if a link that was
    ended is replaced. Raises: LinkEnded, if the order ended too long ago for a link.
    """
    _refuse_over(order)
    if is_link_ended(order):
        return renew_shopper_link(order=order)
    return shopper_link(order)


@transaction.atomic
def renew_shopper_link(*, order: Order) -> str:
    """End all links of an order so far; return the address of the new one.

    Locks: the row of the secret. Records: an audit entry. Raises: LinkEnded, if the order ended too
    long ago for a link.
    """
    _refuse_over(order)
    secret = derived.renew(purpose=NAME, subject=order.public_id)
    derived.set_expiry(purpose=NAME, subject=order.public_id, expires_at=link_expires_at(order))
    audit("order.link_renewed", order.public_id)
    access_changed(order.public_id)
    return address_of(secret)


@transaction.atomic
def end_shopper_link(*, order: Order) -> None:
    """End all links of an order so far. The next message to the shopper brings a new link.

    Locks: the row of the secret. Records: an audit entry. Raises: nothing of its own.
    """
    shopper_secret(order)  # so that there is a row that remembers the generation
    derived.end(purpose=NAME, subject=order.public_id)
    audit("order.link_ended", order.public_id)
    access_changed(order.public_id)


def end_links_of_ended_orders() -> dict[str, int]:
    """Let the links of ended orders end, if the event that ends them found no link yet.

    This happens when a link is made at the same moment at which its order ends.

    Locks: nothing. Records: nothing. Raises: nothing of its own.
    """
    count = 0
    states = [state.value for state in ENDED]
    for subjects in derived.subjects_without_expiry(purpose=NAME):
        for order in Order.objects.filter(public_id__in=subjects, state__in=states):
            expires_at = link_expires_at(order)
            derived.set_expiry(purpose=NAME, subject=order.public_id, expires_at=expires_at)
            count += 1
    return {"links": count}


def _refuse_over(order: Order) -> None:
    if is_link_over(order):
        raise LinkEnded(_("The order ended long ago, so its link has ended too."))
