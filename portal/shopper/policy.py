"""The section of the policy about shoppers' pages: whom a shopper can contact, and returns."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from lastmile.core.errors import Problems
from tenants.people.selectors import policy
from tenants.sections import Label, setting

_EMAIL = re.compile(r"[^\s@<>]+@[^\s@<>]+\.[^\s@<>]+\Z")
_PHONE = re.compile(r"\+?[0-9 ().-]{5,30}\Z")


@dataclass(frozen=True, slots=True)
class ShopperPages:
    """The contact that each shopper's page shows (empty values are not shown), and returns."""

    title: ClassVar[Label] = gettext_lazy("Shoppers' pages")
    contact_phone: str = setting(
        "",
        gettext_lazy("Phone for shoppers"),
        help=gettext_lazy("Each delivery page shows it. Leave it empty if there is none."),
        most=30,
    )
    contact_email: str = setting(
        "",
        gettext_lazy("E-mail for shoppers"),
        help=gettext_lazy("Each delivery page shows it. Leave it empty if there is none."),
        most=254,
    )
    contact_hours: str = setting(
        "",
        gettext_lazy("When you answer"),
        help=gettext_lazy("In your own words, for example: Monday to Friday, 9 to 18."),
        most=120,
    )
    returns_days: int = setting(
        7,
        gettext_lazy("Days in which a shopper can request the pickup of a return"),
        help=gettext_lazy(
            "Counted from the delivery. The shopper's link may end earlier. 0 means never."
        ),
        least=0,
        most=365,
    )

    shows_photo: bool = setting(
        True,
        gettext_lazy("Show the photo of the delivery"),
        help=gettext_lazy("After the proof was checked, until the shopper's link ends."),
    )

    @property
    def dial(self) -> str:
        """The telephone number as a device dials it: its digits and a leading +."""
        return re.sub(r"[^+0-9]", "", self.contact_phone)

    def check(self, problems: Problems) -> None:
        """Add a problem for a telephone number or an e-mail address that cannot be valid."""
        if self.contact_phone and _PHONE.match(self.contact_phone) is None:
            problems.add(
                "/contact_phone",
                _("This is not a telephone number. Write digits, spaces and a leading +."),
            )
        if self.contact_email and _EMAIL.match(self.contact_email) is None:
            problems.add(
                "/contact_email",
                _("This is not an e-mail address. Write it like shop@example.org."),
            )


def page_policy() -> ShopperPages:
    """Return the settings of the current retailer for shoppers' pages."""
    return policy(ShopperPages)
