"""The substitute of a channel for codes: a staff page shows them, in a demo or sandbox only."""

from __future__ import annotations

import datetime as dt

from django.utils.translation import gettext as _

from dispatch.orders.models import Order
from lastmile.core.clock import real_now
from lastmile.core.tenancy import current_schema
from portal.shopper.errors import NoMessageChannel
from portal.shopper.models import ShownCode
from portal.shopper.rules import CODE_RULES, contact_of
from tenants.selectors import is_trial


class NullSender:
    """Keeps the newest code of each order for the staff of a demo or sandbox; sends nothing."""

    def send(self, order: Order, code: str) -> None:
        """Store the code for the staff page. Raises NoMessageChannel for any other retailer."""
        if not is_trial(current_schema()):
            raise no_channel()
        now = real_now()
        ShownCode.objects.update_or_create(
            order=order,
            defaults={
                "code": code,
                "contact": contact_of(order),
                "shown_at": now,
                "expires_at": now + dt.timedelta(seconds=CODE_RULES.lasts_s),
            },
        )

    @property
    def sent_codes(self) -> list[tuple[str, str]]:
        """Return the order (public id) and the code of each stored call, oldest first."""
        rows = ShownCode.objects.select_related("order").order_by("shown_at", "pk")
        return [(row.order.public_id, row.code) for row in rows]


def no_channel() -> NoMessageChannel:
    """Return the error for a retailer that cannot send a code."""
    return NoMessageChannel(
        _(
            "This change needs a code, but this shop cannot send messages yet. Ask the shop to make"
            " the change for you."
        )
    )
