"""An example section of the policy, and sections that are not valid."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from lastmile.switchboard import *  # noqa: F403
from tenants.sections import setting


@dataclass(frozen=True, slots=True)
class SlotsPolicy:
    """An example section with every type of setting."""

    title: ClassVar[str] = "Slots"
    cutoff_minutes: int = setting(90, "Cut-off, minutes", least=0, most=1440)
    markup: float = setting(1.5, "Mark-up", least=0, most=10)
    open_sundays: bool = setting(False, "Open on Sundays")
    rounding: str = setting("up", "Rounding", choices=[("up", "Up"), ("down", "Down")])
    greeting: str = setting("Hello", "Greeting", most=20)
    most_days: int | None = setting(None, "Most days ahead", least=1, most=60)

    def check(self, problems: Any) -> None:
        """Check a rule between two settings."""
        if self.open_sundays and self.cutoff_minutes < 60:
            problems.add("/cutoff_minutes", "On Sundays an hour is the least.")


@dataclass
class Thawed:
    """A section that is not valid, because the dataclass is not frozen."""

    days: int = 1


@dataclass(frozen=True)
class NoDefault:
    """A section that is not valid, because the setting has no default."""

    days: int


@dataclass(frozen=True)
class OddKind:
    """A section that is not valid, because no form field exists for the type."""

    days: tuple[int, ...] = ()


POLICIES = {"slots": "tests.tenants.policy_app.SlotsPolicy"}
