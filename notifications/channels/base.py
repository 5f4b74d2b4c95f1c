"""The protocol of a channel, and the values that go to it and come back.

One instance serves one account. It runs in a thread of the sender, so it reads no database and no
context. It tries once and raises only ChannelError.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from lastmile.core.providers import ProviderError


@dataclass(frozen=True, slots=True, kw_only=True)
class ContentRef:
    """A template that the provider keeps (WhatsApp): its id and its variables."""

    sid: str
    variables: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """A message as it goes to the provider.

    ``message`` and ``call`` are the public id of the message and the number of the provider call.
    ``expires_in_s`` is the real time in which the provider may still send it.
    """

    message: str
    call: int
    to: str
    text: str
    subject: str = ""
    html: str = ""
    content: ContentRef | None = None
    report_url: str = ""
    expires_in_s: int
    topic: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    language: str
    rtl: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """The provider took a message: its id there, and the state accepted, sent or delivered."""

    provider_id: str
    state: str = "accepted"
    segments: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderStatus:
    """The state of a message at a provider. ``code`` is the provider's number as text."""

    provider_id: str
    state: str
    code: str = ""
    segments: int | None = None
    price_micros: int | None = None
    currency: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountCheck:
    """The answer of a provider to a test of an account: ok or not, a code, and words for staff.

    ``facts`` has what the provider said of the account, such as the name of its service.
    """

    ok: bool
    code: str = ""
    words: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)


class Scope(StrEnum):
    """The reach of a refusal.

    - message: this message is wrong.
    - contact: the contact cannot be reached on this channel.
    - opted_out: the contact opted out at the provider.
    - window: the channel takes free text only within 24 hours of a reply.
    - account: the account is wrong, locked or out of credit.
    - rate: too many calls.
    """

    MESSAGE = "message"
    CONTACT = "contact"
    OPTED_OUT = "opted_out"
    WINDOW = "window"
    ACCOUNT = "account"
    RATE = "rate"


class ChannelError(ProviderError):
    """A call to a channel's provider failed.

    Parameters
    ----------
    detail : str
        The cause for the log, without numbers, texts or secrets.
    scope : Scope
        The reach of the refusal.
    code : str
        The provider's number as text, "" without one.
    words : str
        The provider's words, for staff only. They are never logged.
    unclear : bool
        True if the provider may have taken the message all the same.
    short_proof : bool
        True if an unclear answer came from the provider itself, so a short look-up is proof.
    """

    def __init__(
        self,
        detail: str,
        *,
        permanent: bool,
        scope: Scope = Scope.MESSAGE,
        code: str = "",
        words: str = "",
        unclear: bool = False,
        short_proof: bool = False,
        retry_after_s: int | None = None,
    ) -> None:
        super().__init__(detail, permanent=permanent, retry_after_s=retry_after_s)
        self.scope = scope
        self.code = code
        self.words = words
        self.unclear = unclear
        self.short_proof = short_proof


class Channel(Protocol):
    """A channel with the credentials of one account.

    ``in_thread`` is False only for the Null channel: it writes a row, so the sender calls it
    itself.
    """

    in_thread: bool

    def send(self, outgoing: Outgoing) -> Accepted:
        """Send a message. Raises ChannelError."""
        ...

    def find(
        self, outgoing: Outgoing, since: dt.datetime, known: frozenset[str] = frozenset()
    ) -> Accepted | None:
        """Return what the provider took of an unclear call; None if it has nothing now.

        ``known`` has the provider ids of other messages to this contact, which are passed over: two
        messages may have equal words. Raises ChannelError when it cannot tell.
        """
        ...

    def fetch(self, provider_id: str) -> ProviderStatus:
        """Return the state of a message at the provider. Raises ChannelError."""
        ...

    def check(self) -> AccountCheck:
        """Return the provider's answer to a test of the credentials. Raises nothing."""
        ...
