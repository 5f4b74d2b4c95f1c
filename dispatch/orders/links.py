"""The shopper's link: the secret address with which a shopper reaches the page of an order.

The secret is derived (``lastmile.core.derived``), so every message can carry the same link. It
ends some days after its order has ended (``policy.ShopperLinks``). The link alone shows and
reschedules an order. What moves goods elsewhere or shows a code also needs a six-digit code.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

from django.conf import settings
from django.utils.translation import gettext as _

from dispatch.orders.events import MOVED
from dispatch.orders.models import Order
from dispatch.orders.policy import ShopperLinks
from dispatch.orders.states import ENDED, OrderState
from lastmile.core import derived
from lastmile.core.clock import now
from lastmile.core.models import Event
from lastmile.core.tenancy import current_schema
from tenants.credentials import Credential, CredentialType, Recognised, Refused, SocketCall
from tenants.links import absolute
from tenants.people.selectors import policy
from tenants.principals import Principal
from tenants.roles import Kind

NAME: Final = "shopper_link"
_ENDS: Final = [MOVED[state.value].name for state in ENDED]


#: The secrets of the links that were read ahead, by schema and public id of the order.
_read: ContextVar[Mapping[tuple[str, str], str] | None] = ContextVar("links_read", default=None)


@contextmanager
def links_read_ahead(orders: Collection[Order]) -> Iterator[None]:
    """Read the secrets of many orders with few statements, for use within a ``with`` block.

    Locks: nothing. Records: nothing. Raises: nothing of its own.
    """
    expiries = {order.public_id: link_expires_at(order) for order in orders}
    schema = current_schema()
    secrets = derived.secrets_of(purpose=NAME, expiries=expiries) if expiries else {}
    token = _read.set({(schema, subject): secret for subject, secret in secrets.items()})
    try:
        yield
    finally:
        _read.reset(token)


def shopper_link(order: Order) -> str:
    """Return the absolute address of the shopper's page. Every call returns the same address.

    Locks: nothing. Records: nothing. Raises: nothing of its own.
    """
    return address_of(shopper_secret(order))


def shopper_secret(order: Order) -> str:
    """Return the secret of an order's link. Every call returns the same secret.

    Locks: nothing. Records: nothing. Raises: nothing of its own.
    """
    read = _read.get()
    known = read.get((current_schema(), order.public_id)) if read else None
    return known or derived.secret_of(
        purpose=NAME, subject=order.public_id, expires_at=link_expires_at(order)
    )


def known_shopper_link(order: Order) -> str:
    """Return the address of the shopper's page if the order has a link; "" if it has none.

    Locks: nothing. Records: nothing. Raises: nothing of its own.
    """
    secret = derived.known_secret(purpose=NAME, subject=order.public_id)
    return address_of(secret) if secret else ""


def is_link_ended(order: Order) -> bool:
    """Return True if the link was ended; the next one is made by a message or a button."""
    return derived.is_ended(purpose=NAME, subject=order.public_id)


def is_link_over(order: Order) -> bool:
    """Return True if the order ended so long ago that its link has ended too."""
    expires_at = link_expires_at(order)
    return expires_at is not None and expires_at <= now()


def address_of(secret: str) -> str:
    """Return the absolute address of the page that a secret leads to."""
    return absolute(f"{settings.SHOPPER_PATH}{secret}/")


def link_expires_at(order: Order) -> dt.datetime | None:
    """Return the instant at which the link of an order ends; None while the order has not ended."""
    if OrderState(order.state) not in ENDED:
        return None
    ends = Event.objects.filter(subject=order.public_id, kind__in=_ENDS).order_by("-id")
    ended_at = ends.values_list("occurred_at", flat=True).first() or order.updated_at
    return _expiry(ended_at)


def set_link_expiry(*, order: str, ended_at: dt.datetime) -> None:
    """Let the link of an order (public id) end some days after the order ended.

    Locks: nothing. Records: nothing. Raises: nothing of its own.
    """
    derived.set_expiry(purpose=NAME, subject=order, expires_at=_expiry(ended_at))


def set_link_expiries(ended: Mapping[str, dt.datetime]) -> None:
    """Let the links of many orders (public id -> time of the end) end some days after that.

    Locks: nothing. Records: nothing. Raises: nothing of its own.
    """
    expires = {order: _expiry(at) for order, at in ended.items()}
    derived.set_expiries(purpose=NAME, expires=expires)


def keep_link_open(*, order: str) -> None:
    """Let the link of an order (public id) live until the order ends again.

    Locks: nothing. Records: nothing. Raises: nothing of its own.
    """
    derived.set_expiry(purpose=NAME, subject=order, expires_at=None)


def _expiry(ended_at: dt.datetime) -> dt.datetime:
    return ended_at + dt.timedelta(days=policy(ShopperLinks).days_after_end)


class ShopperLink(CredentialType):
    """The credential of a shopper: the secret in the address of the page of one order.

    The id of the principal is the public id of the order.
    """

    def recognise_link(self, secret: str) -> Recognised | None:
        """Recognise the shopper; None if the link is unknown, replaced or expired."""
        order = derived.subject_of(purpose=NAME, secret=secret)
        if order is None:
            return None
        languages = Order.objects.filter(public_id=order).values_list("shopper__language")
        row = languages.first()
        if row is None:
            return None
        reader = Principal(kind=Kind.LINK, public_id=order, name=_("Shopper"), role=NAME)
        return Recognised(
            credential=Credential(NAME, order, secret), principal=reader, language=row[0]
        )

    def recognise_socket(self, call: SocketCall) -> Recognised | Refused | None:
        """Read the secret from the address of a shopper's socket; no other credential counts."""
        path = str(call.scope["path"])
        if not path.startswith(settings.SHOPPER_SOCKET_PATH):
            return None
        secret = path.removeprefix(settings.SHOPPER_SOCKET_PATH).removesuffix("/")
        return self.recognise_link(secret) or Refused("unknown")

    def current_principal(self, credential: Credential) -> Principal | None:
        """Return the shopper while the link is valid."""
        recognised = self.recognise_link(credential.session_key)
        return recognised.principal if recognised else None

    def unknown_link_message(self) -> str:
        """Return a message that says how to get a link that works."""
        return _(
            "This link does not work. Open the link in the newest message about your order, or"
            " ask the shop for a new link."
        )
