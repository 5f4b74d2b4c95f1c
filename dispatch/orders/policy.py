"""The section of the policy about the shopper's link."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from django.utils.translation import gettext_lazy as _

from tenants.sections import Label, setting


@dataclass(frozen=True, slots=True)
class ShopperLinks:
    """The time for which the link of an order works after the order has ended."""

    title: ClassVar[Label] = _("Shopper's link")
    days_after_end: int = setting(
        7,
        _("Link ends after the order, days"),
        help=_("A delivered, returned or cancelled order can be seen by its shopper until then."),
        least=1,
        most=90,
    )
