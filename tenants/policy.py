"""The policy of a retailer: name, time zone, currency, language, units and brand.

The policy is part of the Retailer row in the shared tables, because every request needs it first
and it says nothing about people or orders.
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
MOST_SENDER = 60
_LOGO = re.compile(r"(https://|/(?!/))[^\s\"'<>\\]{1,490}\Z")
_CURRENCY = re.compile(r"[A-Z]{3}\Z")


@dataclass(frozen=True, slots=True)
class Policy:
    """The policy of one retailer."""

    name: str
    zone: str
    currency: str
    language: str = "en"
    units: str = "metric"
    brand: Brand = field(default_factory=Brand)

    def brand_json(self) -> dict[str, Any]:
        """Return the brand in the form that the row stores."""
        return asdict(self.brand)


def check(policy: Policy) -> Policy:
    """Check a policy and return it unchanged.

    Raises
    ------
    Invalid
        With a pointer to each value that is not valid.
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
        codes = ", ".join(code for code, _name in settings.LANGUAGES)
        problems.add("/language", _("Choose one of: %(known)s.") % {"known": codes})
    if policy.units not in UNITS:
        problems.add("/units", _("Choose metric or imperial."))
    _check_brand(policy.brand, problems)
    problems.raise_if_any(_("Some settings are not valid. See the errors."))
    return policy


def _check_brand(brand: Brand, problems: Problems) -> None:
    """Add a problem for each value of the brand that is not valid, such as a low contrast."""
    fits = True
    if brand.hue is not None and not 0 <= brand.hue < 360:
        problems.add("/brand/hue", _("Enter a hue from 0 to 359."))
        fits = False
    if brand.chroma is not None and not 0 <= brand.chroma <= MOST_CHROMA:
        problems.add("/brand/chroma", _("Enter a vividness from 0 to 0.4."))
        fits = False
    if not 0 <= brand.corner <= MOST_CORNER:
        problems.add("/brand/corner", _("Enter a number from 0 to 2."))
    if len(brand.sender) > MOST_SENDER or brand.sender != brand.sender.strip():
        text = _("Enter a name of at most %(most)d characters.") % {"most": MOST_SENDER}
        problems.add("/brand/sender", text)
    if brand.logo and _LOGO.match(brand.logo) is None:
        problems.add(
            "/brand/logo", _("Enter an https:// address or a path on this host, without spaces.")
        )
    if fits and (contrast := worst(brand.hue, brand.chroma)).ratio < ENOUGH:
        text = _(
            "This colour has a contrast of %(ratio).1f to 1 (%(text)s on %(ground)s, %(scheme)s)."
            " To be readable it needs 4.5 to 1. Choose a less vivid colour or another hue."
        )
        problems.add(
            "/brand/chroma",
            text
            % {
                "ratio": int(contrast.ratio * 10) / 10,  # rounded down: 4.49 must not appear as 4.5
                "text": contrast.text,
                "ground": contrast.ground,
                "scheme": contrast.scheme,
            },
            "contrast",
        )


def policy_of(row: Retailer) -> Policy:
    """Return the policy of a retailer's row."""
    return Policy(
        name=row.name,
        zone=row.zone,
        currency=row.currency,
        language=row.language,
        units=row.units,
        brand=Brand(**row.brand),
    )
