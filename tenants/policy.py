"""What a retailer decides about itself: zone, currency, language, units, brand.

It stands on the Retailer row, in the shared tables: nothing here is about people or orders, and
every request needs it before anything else.
"""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, field
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _

from lastmile.core.clock import zone
from lastmile.core.errors import Invalid, Problems
from tenants.models import Retailer

UNITS = ("metric", "imperial")
_CURRENCY = re.compile(r"[A-Z]{3}\Z")


@dataclass(frozen=True, slots=True)
class Brand:
    """How the pages of a retailer look apart from the house style.

    Parameters
    ----------
    hue : int, optional
        Hue of the accent colour in OKLCH, 0 to 359; None keeps the house's.
    corner : float
        Factor on every radius: 0 square, 1 as designed, 2 round.
    logo : str
        ``https://`` address or path of a picture; "" for the name alone.
    """

    hue: int | None = None
    corner: float = 1.0
    logo: str = ""


@dataclass(frozen=True, slots=True)
class Policy:
    """The whole policy of one retailer, checked; see the module."""

    name: str
    zone: str
    currency: str
    language: str = "en"
    units: str = "metric"
    brand: Brand = field(default_factory=Brand)

    def brand_json(self) -> dict[str, Any]:
        """Return the brand as the row keeps it."""
        return asdict(self.brand)


def check(policy: Policy) -> Policy:
    """Return the policy as it is.

    Raises
    ------
    Invalid
        With a pointer to each value that does not fit, all at once.
    """
    problems = Problems()
    if not 1 <= len(policy.name.strip()) <= 120:
        problems.add("/name", _("Give a name of 1 to 120 characters."))
    try:
        zone(policy.zone)
    except Invalid as unknown:
        problems.add("/zone", unknown.detail)
    if _CURRENCY.match(policy.currency) is None:
        problems.add("/currency", _("Give the currency as ISO 4217 has it, such as EUR."))
    if policy.language not in dict(settings.LANGUAGES):
        known = ", ".join(code for code, _name in settings.LANGUAGES)
        problems.add("/language", _("Choose one of: %(known)s.") % {"known": known})
    if policy.units not in UNITS:
        problems.add("/units", _("Choose metric or imperial."))
    problems.raise_if_any(_("The policy does not fit; see errors."))
    return policy


def policy_of(row: Retailer) -> Policy:
    """Return the policy that a row holds."""
    return Policy(
        name=row.name,
        zone=row.zone,
        currency=row.currency,
        language=row.language,
        units=row.units,
        brand=Brand(**row.brand),
    )
