"""The messages of the demo: every channel is on and keeps its messages, and Ana has six orders."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any, Final

from dispatch.orders.demo.cast import SHOPS
from dispatch.orders.models import Order
from lastmile.core.demo import Demo
from lastmile.core.tenancy import current_retailer
from notifications.catalogue.kinds import ChannelKey
from notifications.catalogue.moments import BY_KEY
from notifications.models import MomentSetting
from notifications.playing import place_orders_of_ana, prefix
from notifications.policy import MessagePolicy
from notifications.selectors.accounts import account_of
from notifications.services.account_shapes import NULL_SHAPE
from notifications.services.accounts import AccountDraft, set_account, switch_on
from notifications.services.templates import set_moment
from tenants.people.models import PolicySection
from tenants.people.services import set_section
from tenants.sections import section_of

#: So that the demo is alive at any hour: no quiet hours, and room for Ana's many messages.
POLICY: Final = replace(
    MessagePolicy(), quiet_from_minute=0, quiet_until_minute=0, per_number_day=50, per_order=200
)
PER_S: Final = Decimal(100)  # nothing limits a channel that sends nothing
#: So that the demo shows each channel: letters for what has time, texts for what has not.
CHANNELS: Final[Mapping[str, tuple[str, ...]]] = {
    "choose_invitation": ("email", "sms"),
    "promise_confirmed": ("email", "sms"),
    "promise_changed": ("sms", "email"),
    "promise_superseded": ("sms", "email"),
    "day_before": ("sms", "email"),
    "out_for_delivery": ("sms", "email"),
    "delivered": ("sms", "email"),
    "rating": ("email", "sms"),
}


def seed_demo(demo: Demo) -> Mapping[str, Any]:
    """Switch the Null channel on for every channel, and place Ana's orders, once.

    Records: order.placed, policy.changed and audit entries. Raises: nothing of its own.
    """
    section = section_of(MessagePolicy)
    if not PolicySection.objects.filter(section=section.name).exists():
        set_section(section=section, policy=POLICY)
    added = sum(_switch_on(channel) for channel in ChannelKey)
    if added and not MomentSetting.objects.exists():
        for moment, channels in CHANNELS.items():
            set_moment(moment=BY_KEY[moment], is_on=True, channels=channels, version=0)
    shop = SHOPS.get(current_retailer().schema)
    if shop is None or Order.objects.filter(external_id__startswith=prefix(shop)).exists():
        return {"channels_on": added}
    placed = place_orders_of_ana(demo)
    if placed:
        demo.report(f"{shop.name}: {placed} orders of Ana, whose phone shows what she is told.")
    return {"channels_on": added, "orders_placed": placed}


def _switch_on(channel: ChannelKey) -> bool:
    """Give a channel that has no account the Null channel; return True if it had none."""
    if account_of(channel) is not None:
        return False
    draft = AccountDraft(shape=NULL_SHAPE.key, per_s=PER_S)
    account = set_account(channel=channel, draft=draft, version=None)
    switch_on(account=account, version=account.version)
    return True
