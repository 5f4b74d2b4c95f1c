"""The section of the policy about remarks. It automatically gets a page under Settings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from tenants.people.selectors import policy
from tenants.sections import setting


@dataclass(frozen=True, slots=True)
class Policy:
    """The settings of a retailer for remarks."""

    title: ClassVar[str] = "Remarks"
    longest: int = setting(500, "Longest remark, characters", least=10, most=4_000)


def remarks_policy() -> Policy:
    """Return the present retailer's settings for remarks."""
    return policy(Policy)
