"""The answer of the rules to: may this message be sent now?"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Verdict(StrEnum):
    """The four answers of the rules."""

    OK = "ok"
    SKIP = "skip"
    LATER = "later"
    NEXT_CHANNEL = "next_channel"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruling:
    """The answer of the rules, with the name of the rule that decided.

    ``send_at`` is set for ``later`` only. ``params`` has numbers and ids, never texts.
    """

    verdict: Verdict = Verdict.OK
    reason: str = ""
    params: Mapping[str, int | str] = field(default_factory=dict)
    send_at: dt.datetime | None = None


OK = Ruling()


def skip(reason: str, params: Mapping[str, int | str] | None = None) -> Ruling:
    """Return the answer that the message is not sent, by this rule."""
    return Ruling(verdict=Verdict.SKIP, reason=reason, params=params or {})


def later(reason: str, send_at: dt.datetime) -> Ruling:
    """Return the answer that the message waits until ``send_at``, by this rule."""
    return Ruling(verdict=Verdict.LATER, reason=reason, send_at=send_at)


def next_channel(reason: str, params: Mapping[str, int | str] | None = None) -> Ruling:
    """Return the answer that this channel cannot be used, by this rule, but the next one may."""
    return Ruling(verdict=Verdict.NEXT_CHANNEL, reason=reason, params=params or {})
