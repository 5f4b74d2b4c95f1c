"""The errors of messages."""

from __future__ import annotations

from typing import Self

from django.utils.translation import gettext as _

from lastmile.core.errors import Conflict


class LeaseLost(Exception):
    """This sender's lease of the message ran out, so another one may have it."""


class NotSendable(Conflict):
    """A rule keeps the message from being sent."""

    code = "message_not_sendable"


class NotRetryable(Conflict):
    """The message did not fail, or its facts are over, so it is not sent again."""

    code = "message_not_retryable"


class NoMessageChannel(Conflict):
    """No code can be sent now: no channel is on, or a rule keeps each of them from sending."""

    code = "no_message_channel"

    @classmethod
    def now(cls) -> Self:
        """Return the error with the sentence for the shopper."""
        return cls(
            _(
                "This change needs a code, but this shop cannot send you messages now. Ask the shop"
                " to make the change for you."
            )
        )


class OptOutIsTheirs(Conflict):
    """The person opted out, so only that person can opt in again."""

    code = "opt_out_is_theirs"
