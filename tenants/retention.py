"""How long a retailer keeps what may hold words about people: a section of its policy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from django.utils.translation import gettext_lazy as _

from tenants.sections import Label, setting


@dataclass(frozen=True, slots=True)
class Retention:
    """Days after which ``forget`` deletes or blanks; the defaults are what is usual in Europe."""

    title: ClassVar[Label] = _("Retention")
    refused_rows_days: int = setting(
        90,
        _("Refused rows of imports, days"),
        help=_("Then their cells are blanked; counts and reasons stay."),
        least=1,
        most=400,
    )
    audit_days: int = setting(
        731,
        _("Audit, days"),
        help=_("Then its entries are deleted."),
        least=180,
        most=1830,
    )
