"""The section of the policy about slots: holds, prices and late changes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from lastmile.core.errors import Problems
from tenants.people.selectors import policy
from tenants.sections import LARGEST, Label, setting

MINOR_HELP = _("In the smallest unit of your currency, such as cents.")


@dataclass(frozen=True, slots=True)
class SlotPolicy:
    """The settings of a retailer for slots."""

    title: ClassVar[Label] = _("Slots")
    hold_minutes: int = setting(
        15,
        _("Minutes for which a shopper holds a slot"),
        help=_("In this time the shopper confirms. Then others can take the place."),
        least=5,
        most=60,
    )
    choice_minutes: int = setting(
        30,
        _("Minutes for which a checkout's choice waits for the order"),
        help=_("Payment takes time. The place is kept until the order comes, at most this long."),
        least=1,
        most=1440,
    )
    checkout_share_percent: int = setting(
        50,
        _("Share of a slot that checkouts may hold, per cent"),
        help=_("Anybody can read a checkout key, so checkouts never hold all places."),
        least=1,
        most=100,
    )
    holds_per_session: int = setting(
        2, _("Places that one checkout may hold at the same time"), least=1, most=10
    )
    days_ahead: int = setting(14, _("Days that shoppers see"), least=1, most=60)
    free_from_minor: int | None = setting(
        None,
        _("Delivery is free from this basket value"),
        help=_("The base price is waived, a surcharge stays. Leave it empty for no free delivery."),
        least=0,
        most=LARGEST,
    )
    cost_share_percent: int = setting(
        0,
        _("Share of the delivery's own cost that shoppers pay, per cent"),
        help=_("A slot that costs you less to serve becomes cheaper. 0 means the same price."),
        least=0,
        most=100,
    )
    share_least_minor: int = setting(
        0, _("Least amount of this share"), help=MINOR_HELP, least=0, most=LARGEST
    )
    share_most_minor: int = setting(
        0, _("Greatest amount of this share"), help=MINOR_HELP, least=0, most=LARGEST
    )
    green_stickiness: int = setting(
        10,
        _("Saving that moves the green mark, per cent"),
        help=_("The mark stays on an option until another one saves this much more CO2e."),
        least=0,
        most=100,
    )

    def check(self, problems: Problems) -> None:
        """Add a problem if the bounds of the share contradict each other."""
        if self.share_most_minor < self.share_least_minor:
            problems.add(
                "/share_most_minor",
                _now("The greatest amount must not be below the least amount. Change one of them."),
            )


def slots_policy() -> SlotPolicy:
    """Return the present retailer's settings for slots."""
    return policy(SlotPolicy)
