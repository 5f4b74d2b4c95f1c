"""Polls: asks the provider about messages that stay silent, or whose price is missing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from django.conf import settings
from django.db import transaction
from django.db.models.functions import Now

from lastmile.core.timing import in_seconds
from notifications.channels.twilio_credentials import can_be_called
from notifications.models import AccountKind, ChannelAccount, Message
from notifications.services.ledger import end_as_sent, move, write
from notifications.services.pointing import point_in
from notifications.states import FINAL, MessageState

#: Waits between polls, in units of LIMIT_MESSAGE_POLL_S: after 10 minutes, 1 h, 6 h and 24 h with
#: the usual 600 s. After 72 h of silence the message ends.
STEPS: Final = (1, 5, 30, 108, 288)

#: On a laptop, which Twilio cannot call, the result is asked for after this time.
WITHOUT_REPORTS_S: Final = 15.0


@dataclass(frozen=True, slots=True, kw_only=True)
class PollTask:
    """A message to ask the provider about, because it is silent or its price is missing."""

    pk: int
    public_id: str
    channel: str
    account: int
    provider_id: str


def first_poll_s(account: ChannelAccount | None) -> float:
    """Return the seconds after which a silent message is asked about for the first time.

    They are few where no report can arrive.
    """
    usual = float(settings.LIMIT_MESSAGE_POLL_S * STEPS[0])
    if account is not None and account.kind == AccountKind.TWILIO and not can_be_called():
        return min(WITHOUT_REPORTS_S, usual)
    return usual


def poll_due(*, most: int) -> list[PollTask]:
    """Take the messages whose next poll is due; each gets the time of the poll after it.

    Messages that were silent for 72 hours end here: as sent, or as unknown if nobody ever said
    that they were sent.

    Locks: the messages. Records: message.ended. Raises: nothing.
    """
    tasks = []
    with transaction.atomic():
        due = Message.objects.select_for_update(of=("self",), skip_locked=True).filter(
            poll_at__lte=Now()
        )
        for message in due.select_related("order", "account").order_by("poll_at")[:most]:
            if message.polls >= len(STEPS) - 1:
                _give_up(message)
                continue
            wait_s = settings.LIMIT_MESSAGE_POLL_S * STEPS[message.polls + 1]
            write(message, polls=message.polls + 1, poll_at=in_seconds(wait_s))
            point_in(wait_s)
            if message.account_id is not None and is_asked(message):
                tasks.append(
                    PollTask(
                        pk=message.pk,
                        public_id=message.public_id,
                        channel=message.channel,
                        account=message.account_id,
                        provider_id=message.provider_id,
                    )
                )
    return tasks


def is_asked(message: Message) -> bool:
    """Return True if the provider of a message can be asked about it later."""
    return message.account is not None and message.account.kind == AccountKind.TWILIO


def is_over(message: Message) -> bool:
    """Return True if nothing more is to be learnt about a message: it ended and has its price."""
    is_final = MessageState(message.state) in FINAL or message.ended_at is not None
    return is_final and (message.price_micros is not None or not is_asked(message))


def _give_up(message: Message) -> None:
    if message.ended_at is not None:
        write(message, poll_at=None)
    elif message.state == MessageState.SENT:
        end_as_sent(message)
    else:
        move(message, MessageState.UNKNOWN, reason="silent", poll_at=None)
