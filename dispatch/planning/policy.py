"""The section of the policy about planning: what happens to late orders of a published plan."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from django.utils.translation import gettext_lazy as _

from tenants.people.selectors import policy
from tenants.sections import Label, setting


@dataclass(frozen=True, slots=True)
class PlanningPolicy:
    """The settings of a retailer for planning."""

    title: ClassVar[Label] = _("Planning")
    publish_late_changes: bool = setting(
        True,
        _("Take late orders into a published plan without asking a dispatcher"),
        help=_("If off, a dispatcher confirms each one, and the shopper reads 'requested'."),
    )


def planning_policy() -> PlanningPolicy:
    """Return the present retailer's settings for planning."""
    return policy(PlanningPolicy)
