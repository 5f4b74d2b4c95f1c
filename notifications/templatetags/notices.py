"""Template tags of the pages about messages: ``{% load notices %}``."""

from __future__ import annotations

from typing import Any, Final

from django import template
from django.utils.functional import Promise as Lazy
from django.utils.translation import gettext_lazy as _

from lastmile.core import formatting
from lastmile.core.templatetags.look import safe_url
from lastmile.core.tenancy import current_schema
from tenants.roles import Act
from tenants.selectors import is_trial

register = template.Library()

PHONES: Final = "messages:phone"  # only a demo or sandbox has it
#: The pages about messages: URL name, act, label.
TABS: Final[tuple[tuple[str, Act, str | Lazy], ...]] = (
    ("messages:list", Act.MESSAGES_VIEW, _("Messages")),
    ("messages:inbox", Act.MESSAGES_VIEW, _("Replies")),
    ("messages:deliverability", Act.MESSAGES_VIEW, _("Results")),
    ("messages:cost", Act.MESSAGES_VIEW, _("Cost")),
    ("messages:budgets", Act.MESSAGES_VIEW, _("Budgets")),
    ("messages:templates", Act.TEMPLATES_EDIT, _("Texts")),
    ("messages:accounts", Act.CHANNELS_EDIT, _("Channels")),
    (PHONES, Act.ORDERS_EDIT, _("Phones")),
)


@register.inclusion_tag("messages/_tabs.html", takes_context=True)
def message_tabs(context: template.Context, here: str) -> dict[str, Any]:
    """Show the tabs of the pages about messages that the reader may open."""
    principal = context.get("principal")
    tabs = [
        (url, label, name == here)
        for name, act, label in TABS
        if principal is not None and principal.may(act) and (url := safe_url(name))
        if name != PHONES or is_trial(current_schema())
    ]
    return {"tabs": tabs}


@register.filter
def micros(value: int | None, currency: str) -> str:
    """Show an amount in millionths of a currency: ``row.price_micros|micros:row.currency``."""
    return formatting.micros(value, currency)


register.filter("day_time", formatting.day_and_time)
