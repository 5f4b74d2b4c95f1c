"""SMS through Twilio."""

from __future__ import annotations

from notifications.channels.twilio_channel import TwilioChannel


class TwilioSms(TwilioChannel):
    """Text messages by a messaging service, a number, or a sender name of letters."""
