"""Send, find and fetch messages through Twilio: what SMS and WhatsApp share."""

from __future__ import annotations

import datetime as dt
import unicodedata
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, ClassVar, Final, Self

from django.conf import settings

from notifications.channels.base import (
    Accepted,
    AccountCheck,
    ChannelError,
    Outgoing,
    ProviderStatus,
)
from notifications.channels.twilio_codes import STATES
from notifications.channels.twilio_credentials import TwilioCredentials, credentials_of
from notifications.channels.twilio_http import client_for
from notifications.models import ChannelAccount

SHORTEST_VALID_S: Final = 6
LONGEST_VALID_S: Final = 36_000
LISTED: Final = 50
#: Twilio's clock and our clock may differ by this much when a call is looked up.
CLOCKS_DIFFER: Final = dt.timedelta(seconds=30)
_MICROS: Final = Decimal(1_000_000)


class TwilioChannel:
    """A channel of one Twilio account. Many threads may share it.

    Parameters
    ----------
    credentials : TwilioCredentials
        The account, and the sender of its messages.
    read_s : float
        The longest wait for an answer.
    threads : int
        The number of calls that may run at the same time.
    """

    in_thread: ClassVar[bool] = True
    prefix: ClassVar[str] = ""  # in front of each number

    def __init__(self, credentials: TwilioCredentials, *, read_s: float, threads: int) -> None:
        self._credentials = credentials
        self._client = client_for(credentials, read_s=read_s, threads=threads)
        self._messages: Any = self._client.messages
        self._services: Any = self._client.messaging.v1.services

    @classmethod
    def for_account(cls, account: ChannelAccount) -> Self:
        """Return the channel of an account, with the limits of this installation."""
        return cls(
            credentials_of(account),
            read_s=settings.LIMIT_MESSAGE_CALL_S,
            threads=settings.LIMIT_MESSAGE_CALLS,
        )

    def send(self, outgoing: Outgoing) -> Accepted:
        """Send a message. Raises ChannelError."""
        fields: dict[str, Any] = {
            "to": self.prefix + outgoing.to,
            "validity_period": min(max(outgoing.expires_in_s, SHORTEST_VALID_S), LONGEST_VALID_S),
            "attempt": outgoing.call,
            "smart_encoded": False,  # else the provider would change the text that was counted
            **self._sender(),
            **self.content(outgoing),
        }
        if outgoing.report_url:
            fields["status_callback"] = outgoing.report_url
        created = self._messages.create(**fields)
        if not created.sid:
            raise ChannelError(
                "Twilio's answer has no id", permanent=False, code="no_id", unclear=True
            )
        return Accepted(
            provider_id=created.sid, state="accepted", segments=_count(created.num_segments)
        )

    def find(
        self, outgoing: Outgoing, since: dt.datetime, known: frozenset[str] = frozenset()
    ) -> Accepted | None:
        """Return the message of an unclear call; None if Twilio does not have it now.

        It lists the newest messages to the number, because a filter by date would leave out those
        that wait to be sent. ``known`` has the provider ids of other messages, which are passed
        over. Raises ChannelError when it cannot tell.
        """
        earliest = since.replace(microsecond=0) - CLOCKS_DIFFER
        listed = self._messages.list(to=self.prefix + outgoing.to, limit=LISTED, page_size=LISTED)
        oldest = min((entry.date_created for entry in listed if entry.date_created), default=None)
        for entry in reversed(listed):  # the first call, if there were several
            if (
                entry.sid
                and entry.sid not in known
                and str(entry.direction).startswith("outbound")
                and entry.date_created is not None
                and entry.date_created >= earliest
                and self.is_same(outgoing, entry.body or "")
            ):
                return Accepted(
                    provider_id=entry.sid, state="accepted", segments=_count(entry.num_segments)
                )
        if len(listed) >= LISTED and (oldest is None or oldest >= earliest):
            raise ChannelError(
                "Twilio has more messages to this number than one page",
                permanent=False,
                unclear=True,
            )
        return None

    def fetch(self, provider_id: str) -> ProviderStatus:
        """Return the state of a message at Twilio. Raises ChannelError."""
        entry = self._messages(provider_id).fetch()
        price = _micros(entry.price)
        return ProviderStatus(
            provider_id=provider_id,
            state=STATES.get(str(entry.status), "accepted"),
            code="" if entry.error_code is None else str(entry.error_code),
            segments=_count(entry.num_segments),
            price_micros=price,
            currency="" if price is None else str(entry.price_unit or "").upper()[:3],
        )

    def check(self) -> AccountCheck:
        """Return Twilio's answer to a test of the credentials and the sender. Raises nothing.

        It lists one message, which is what a look-up needs, and reads the messaging service. It
        does not read the account itself: a standard API key may not.
        """
        facts: dict[str, str] = {}
        try:
            self._messages.list(limit=1, page_size=1)
            if self._credentials.service_sid:
                service = self._services(self._credentials.service_sid).fetch()
                facts["service"] = str(service.friendly_name or "")
                facts["replies_to"] = str(service.inbound_request_url or "")
            return self.check_sender(facts)
        except ChannelError as refused:
            return AccountCheck(ok=False, code=refused.code, words=refused.words)

    def check_sender(self, facts: Mapping[str, str]) -> AccountCheck:
        """Return whether the channel can use the sender, with the facts that are known by now.

        Raises ChannelError.
        """
        return AccountCheck(ok=True, facts=facts)

    def content(self, outgoing: Outgoing) -> dict[str, Any]:
        """Return the fields that hold the words of a message."""
        return {"body": outgoing.text}

    def is_same(self, outgoing: Outgoing, body: str) -> bool:
        """Return True if a listed body has the words of a message."""
        return _plain(body) == _plain(outgoing.text)

    def _sender(self) -> dict[str, str]:
        if self._credentials.service_sid:
            return {"messaging_service_sid": self._credentials.service_sid}
        return {"from_": self.prefix + self._credentials.sender}


def _plain(text: str) -> str:
    return unicodedata.normalize("NFC", text).strip()


def _count(text: Any) -> int | None:
    """Return a number of segments; None while Twilio does not know it and says 0."""
    return int(text) if str(text).isdigit() and int(text) > 0 else None


def _micros(text: Any) -> int | None:
    """Return a price in millionths. Twilio writes it as a negative number, later than the rest."""
    try:
        return None if text is None else int(abs(Decimal(str(text))) * _MICROS)
    except InvalidOperation:
        return None
