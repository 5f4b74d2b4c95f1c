"""The channel of e-mail. What an SMTP server answers becomes a refusal with its reach."""

from __future__ import annotations

import datetime as dt
import re
import smtplib
from typing import Final

from lastmile.core.egress import EgressFailed, EgressRefused
from notifications.channels.base import (
    Accepted,
    AccountCheck,
    ChannelError,
    Outgoing,
    ProviderStatus,
    Scope,
)
from notifications.channels.email.accounts import sender_of, target_of
from notifications.channels.email.connections import POOL, Connection, Pool, Target
from notifications.channels.email.letters import Sender, letter_of
from notifications.models import ChannelAccount

#: Seconds to wait after a server said that it is busy, or that it locked the account for now.
BUSY_S: Final = 60
LOCKED_S: Final = 300
#: One resend follows an unclear call. The Message-ID stays the same, so a mail program shows one.
MOST_SENDS: Final = 2
_ENHANCED: Final = re.compile(r"\b([245])\.(\d{1,3})\.(\d{1,3})\b")
_BAD_MAILBOX: Final = frozenset({"1", "2"})  # RFC 3463: addressing, mailbox
_SECURITY: Final = "7"


class EmailChannel:
    """E-mail through one mail server."""

    in_thread = True

    def __init__(self, target: Target | None, sender: Sender, *, pool: Pool = POOL) -> None:
        self._target = target
        self._sender = sender
        self._pool = pool

    @classmethod
    def for_account(cls, account: ChannelAccount) -> EmailChannel:
        """Return the channel of an account."""
        return cls(target_of(account), sender_of(account))

    def send(self, outgoing: Outgoing) -> Accepted:
        """Send a mail. Raises ChannelError."""
        if self._target is None:
            raise no_server()
        letter = letter_of(outgoing, self._sender)
        connection = self._pool.borrow(self._target)
        for last in (False, True):
            try:
                connection.open()
                connection.begin()
                connection.send_messages([letter])
            except (smtplib.SMTPException, OSError, EgressFailed, EgressRefused) as fault:
                unclear = connection.text_sent
                connection.drop()
                if _went_stale(fault, connection, unclear) and not last:
                    connection = Connection(self._target)
                    continue
                raise error_of(fault, unclear=unclear) from fault
            break
        self._pool.give_back(connection)
        return Accepted(provider_id=outgoing.message, state="sent")

    def find(
        self, outgoing: Outgoing, since: dt.datetime, known: frozenset[str] = frozenset()
    ) -> Accepted | None:
        """Return None after the first unclear call, so that one resend follows.

        A mail server cannot be asked. After the second call nobody can tell any more.
        """
        if outgoing.call < MOST_SENDS:
            return None
        raise cannot_tell()

    def fetch(self, provider_id: str) -> ProviderStatus:
        """Raise ChannelError: a mail server reports only mails that bounce."""
        raise cannot_tell()

    def check(self) -> AccountCheck:
        """Connect and sign in; return what the server answered."""
        if self._target is None:
            return AccountCheck(ok=False, words=no_server().words)
        connection = Connection(self._target)
        try:
            connection.open()
            code, words = connection.noop()
        except (smtplib.SMTPException, OSError, EgressFailed, EgressRefused) as fault:
            error = error_of(fault, unclear=False)
            return AccountCheck(ok=False, code=error.code, words=error.words or error.args[0])
        finally:
            connection.drop()
        return AccountCheck(ok=code == _OK, code=str(code), words=_text(words))


_OK: Final = 250


def no_server() -> ChannelError:
    """Return the error that there is no mail server."""
    words = "This installation has no mail server. Set EMAIL_URL, or use a server of your own."
    return _error(words, Scope.ACCOUNT, permanent=True)


def cannot_tell() -> ChannelError:
    """Return the error that a mail server cannot be asked about a mail."""
    return ChannelError("a mail server cannot be asked", permanent=True, scope=Scope.MESSAGE)


def _went_stale(fault: Exception, connection: Connection, unclear: bool) -> bool:
    """Return True if the server had closed a connection that was at rest."""
    closed = isinstance(fault, smtplib.SMTPServerDisconnected | ConnectionError) or (
        isinstance(fault, smtplib.SMTPResponseException) and fault.smtp_code == 421
    )
    return connection.used_before and closed and not unclear


def error_of(fault: Exception, *, unclear: bool) -> ChannelError:
    """Return the refusal that an error of a mail server means."""
    if isinstance(fault, EgressRefused):
        return _error(fault.args[0], Scope.ACCOUNT, permanent=True)
    if isinstance(fault, smtplib.SMTPRecipientsRefused):
        code, words = next(iter(fault.recipients.values()))
        return _refused(code, _text(words), usual=Scope.CONTACT)
    if isinstance(fault, smtplib.SMTPAuthenticationError):
        return _locked(fault.smtp_code, _text(fault.smtp_error))
    if isinstance(fault, smtplib.SMTPSenderRefused):
        return _refused(fault.smtp_code, _text(fault.smtp_error), usual=Scope.ACCOUNT)
    if isinstance(fault, smtplib.SMTPResponseException):
        return _refused(fault.smtp_code, _text(fault.smtp_error), usual=Scope.MESSAGE)
    if isinstance(fault, smtplib.SMTPNotSupportedError):
        return _error("it lacks what the account needs", Scope.ACCOUNT, permanent=True)
    if unclear:
        return ChannelError("it did not answer", permanent=False, unclear=True)
    return ChannelError("it cannot be reached", permanent=False)


def _refused(code: int, words: str, *, usual: Scope) -> ChannelError:
    """Return the refusal for a reply code, RFC 5321 and RFC 3463."""
    status = _ENHANCED.search(words)
    if code == 421 or (code < 500 and status is not None and status[2] == _SECURITY):
        return _error(words, Scope.RATE, code=code, retry_after_s=BUSY_S)
    scope = usual
    if usual is Scope.CONTACT and status is not None and status[2] not in _BAD_MAILBOX:
        scope = Scope.MESSAGE  # the mailbox exists; its server refuses this mail
    if code < 500:
        return _error(words, Scope.MESSAGE, code=code, retry_after_s=BUSY_S)
    return _error(words, scope, code=code, permanent=True)


def _locked(code: int, words: str) -> ChannelError:
    """Return the refusal of a sign-in; a temporary one opens the account again later."""
    if code < 500:
        return _error(words, Scope.ACCOUNT, code=code, retry_after_s=LOCKED_S)
    return _error(words, Scope.ACCOUNT, code=code, permanent=True)


def _error(
    words: str,
    scope: Scope,
    *,
    code: int = 0,
    permanent: bool = False,
    retry_after_s: int | None = None,
) -> ChannelError:
    return ChannelError(
        f"the mail server refused it: {code or scope.value}",
        permanent=permanent,
        scope=scope,
        code=str(code or ""),
        words=words,
        retry_after_s=retry_after_s,
    )


def _text(words: bytes | str) -> str:
    """Return the words of a reply, on one line and not too long."""
    text = words.decode("utf-8", "replace") if isinstance(words, bytes) else words
    return " ".join(text.split())[:500]
