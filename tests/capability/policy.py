"""What a retailer decides about remarks; it gets a page under Settings by itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from tenants.people.selectors import policy
from tenants.sections import setting


@dataclass(frozen=True, slots=True)
class Policy:
    """Remarks."""

    title: ClassVar[str] = "Remarks"
    longest: int = setting(500, "Longest remark, characters", least=10, most=4_000)


def remarks_policy() -> Policy:
    """Return what this retailer decided."""
    return policy(Policy)
