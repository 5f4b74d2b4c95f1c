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
from lastmile.core.contrast import ENOUGH, worst
from lastmile.core.errors import Invalid, Problems
from lastmile.core.tenancy import Brand
from tenants.models import Retailer

__all__ = ["UNITS", "Brand", "Policy", "check", "policy_of"]
UNITS = ("metric", "imperial")
MOST_CHROMA = 0.4
MOST_CORNER = 2.0
_LOGO = re.compile(r"(https://|/(?!/))[^\s\"'<>\\]{1,490}\Z")
_CURRENCY = re.compile(r"[A-Z]{3}\Z")


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
        problems.add("/name", _("Enter a name of 1 to 120 characters."))
    try:
        zone(policy.zone)
    except Invalid as unknown:
        problems.add("/zone", unknown.detail)
    if _CURRENCY.match(policy.currency) is None:
        problems.add("/currency", _("Enter an ISO 4217 currency code, for example EUR."))
    if policy.language not in dict(settings.LANGUAGES):
        known = ", ".join(code for code, _name in settings.LANGUAGES)
        problems.add("/language", _("Choose one of: %(known)s.") % {"known": known})
    if policy.units not in UNITS:
        problems.add("/units", _("Choose metric or imperial."))
    _check_brand(policy.brand, problems)
    problems.raise_if_any(_("Some settings are not valid. See the errors."))
    return policy


def _check_brand(brand: Brand, problems: Problems) -> None:
    """A colour that cannot be read is refused, whoever likes it."""
    fits = True
    if brand.hue is not None and not 0 <= brand.hue < 360:
        problems.add("/brand/hue", _("Enter a hue from 0 to 359."))
        fits = False
    if brand.chroma is not None and not 0 <= brand.chroma <= MOST_CHROMA:
        problems.add("/brand/chroma", _("Enter a vividness from 0 to 0.4."))
        fits = False
    if not 0 <= brand.corner <= MOST_CORNER:
        problems.add("/brand/corner", _("Enter a number from 0 to 2."))
    if brand.logo and _LOGO.match(brand.logo) is None:
        problems.add(
            "/brand/logo", _("Enter an https:// address or a path on this host, without spaces.")
        )
    if fits and (found := worst(brand.hue, brand.chroma)).ratio < ENOUGH:
        told = _(
            "This colour has a contrast of %(ratio).1f to 1 (%(text)s on %(ground)s, %(scheme)s)."
            " To be readable it needs 4.5 to 1. Choose a less vivid colour or another hue."
        )
        problems.add(
            "/brand/chroma",
            told
            % {
                "ratio": int(found.ratio * 10) / 10,  # 4.49 must not be told as 4.5
                "text": found.text,
                "ground": found.ground,
                "scheme": found.scheme,
            },
            "contrast",
        )


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
