"""The moment of a message in a member's own words. It has no templates and no event."""

from __future__ import annotations

from typing import Final

from notifications.catalogue.kinds import Audience, Moment, Priority, Timing

ANSWER: Final = "answer"
OWN_WORDS: Final = Moment(
    key=ANSWER,
    event=(),
    audience=Audience.SHOPPER,
    timing=Timing(not_after_s=24 * 3600, quiet=False),
    priority=Priority.NOW,
    group="answer",
)
