"""A section of the policy as an app that is still to come would write it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from lastmile.switchboard import *  # noqa: F403
from tenants.sections import setting


@dataclass(frozen=True, slots=True)
class SlotsPolicy:
    """Slots."""

    title: ClassVar[str] = "Slots"
    cutoff_minutes: int = setting(90, "Cut-off, minutes", least=0, most=1440)
    markup: float = setting(1.5, "Mark-up", least=0, most=10)
    open_sundays: bool = setting(False, "Open on Sundays")
    rounding: str = setting("up", "Rounding", choices=[("up", "Up"), ("down", "Down")])
    greeting: str = setting("Hello", "Greeting", most=20)
    most_days: int | None = setting(None, "Most days ahead", least=1, most=60)

    def check(self, problems: Any) -> None:
        """On Sundays everything closes early."""
        if self.open_sundays and self.cutoff_minutes < 60:
            problems.add("/cutoff_minutes", "On Sundays an hour is the least.")


@dataclass
class Thawed:
    """Not frozen."""

    days: int = 1


@dataclass(frozen=True)
class NoDefault:
    """Without a default."""

    days: int


@dataclass(frozen=True)
class OddKind:
    """Of a type that no form has a field for."""

    days: tuple[int, ...] = ()


POLICIES = {"slots": "tests.tenants.policy_app.SlotsPolicy"}
