"""The moment of a message in a member's own words. It has no templates and no event."""

from __future__ import annotations

from typing import Final

from notifications.catalogue.kinds import Audience, Moment, Priority, Timing

ANSWER: Final = "answer"
#: The value of a message that answers a person who has just written: it ignores quiet hours.
TO_A_WRITER: Final = "to_a_writer"
OWN_WORDS: Final = Moment(
    key=ANSWER,
    event=(),
    audience=Audience.SHOPPER,
    timing=Timing(not_after_s=24 * 3600, quiet=True),
    priority=Priority.NOW,
    group="answer",
)
