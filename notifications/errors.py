"""The errors of messages."""

from __future__ import annotations

from lastmile.core.errors import Conflict


class LeaseLost(Exception):
    """This sender's lease of the message ran out, so another one may have it."""


class NotSendable(Conflict):
    """A rule keeps the message from being sent."""

    code = "message_not_sendable"


class NotRetryable(Conflict):
    """The message did not fail, or its facts are over, so it is not sent again."""

    code = "message_not_retryable"
