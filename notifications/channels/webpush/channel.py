"""The channel of web push. The push service sees an encrypted body and no phone number."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import re
from dataclasses import dataclass
from typing import Final

from lastmile.core.clock import real_now
from lastmile.core.egress import Answer, EgressFailed, EgressRefused, post
from lastmile.core.tenancy import current_retailer
from notifications.channels.base import (
    Accepted,
    AccountCheck,
    ChannelError,
    Outgoing,
    ProviderStatus,
    Scope,
)
from notifications.channels.webpush.encryption import (
    LONGEST_PAYLOAD,
    BadSubscription,
    b64,
    encrypt,
    vapid_authorization,
    vapid_public,
)
from notifications.channels.webpush.subscriptions import Subscription, read_subscription
from notifications.models import ChannelAccount
from tenants.links import origin

MOST_SENDS: Final = 2  # one resend follows an unclear call; the topic replaces the first one
SOON_S: Final = 4 * 3600  # a message that is of use only for so long is urgent
MOST_TITLE: Final = 100  # characters
TOPIC_BYTES: Final = 24  # RFC 8030: at most 32 characters of base64url
_SPARE: Final = 200  # bytes of a payload for everything but its body
_GONE: Final = frozenset({404, 410})
_DENIED: Final = frozenset({401, 403})


@dataclass(frozen=True, slots=True, kw_only=True)
class PushSender:
    """The sender of a retailer's push messages.

    ``private`` is the VAPID key. ``contact`` is a mailto: or https: address of the retailer.
    ``origin`` is the retailer's host, on which a message may open a page.
    """

    title: str
    origin: str
    private: str
    contact: str


class WebPushChannel:
    """Web push with the key of one retailer."""

    in_thread = True

    def __init__(self, sender: PushSender) -> None:
        self._sender = sender

    @classmethod
    def for_account(cls, account: ChannelAccount) -> WebPushChannel:
        """Return the channel of an account."""
        retailer = current_retailer()
        contact = str(account.settings.get("contact", ""))
        return cls(
            PushSender(
                title=retailer.name,
                origin=origin(retailer),
                private=str(account.secrets.get("private", "")),
                contact=f"mailto:{contact}" if contact else origin(retailer),
            )
        )

    def send(self, outgoing: Outgoing) -> Accepted:
        """Send a push message. Raises ChannelError."""
        try:
            subscription = read_subscription(outgoing.to)
        except BadSubscription as bad:
            raise _error(str(bad), Scope.CONTACT, permanent=True) from bad
        body = encrypt(
            payload_of(outgoing, self._sender), p256dh=subscription.p256dh, auth=subscription.auth
        )
        try:
            answer = post(
                subscription.endpoint, body=body, headers=self._headers(outgoing, subscription)
            )
        except EgressRefused as refused:
            raise _error(refused.args[0], Scope.CONTACT, permanent=True) from refused
        except EgressFailed as failed:
            raise ChannelError(failed.args[0], permanent=False, unclear=failed.unclear) from failed
        if not 200 <= answer.status < 300:
            raise error_of(answer)
        return Accepted(provider_id=outgoing.message, state="sent")

    def _headers(self, outgoing: Outgoing, subscription: Subscription) -> dict[str, str]:
        topic = hashlib.sha256((outgoing.topic or outgoing.message).encode()).digest()
        return {
            "Authorization": vapid_authorization(
                subscription.endpoint,
                private=self._sender.private,
                contact=self._sender.contact,
                now_s=int(real_now().timestamp()),
            ),
            "Content-Encoding": "aes128gcm",
            "Content-Type": "application/octet-stream",
            "TTL": str(max(0, outgoing.expires_in_s)),
            "Urgency": "high" if outgoing.expires_in_s <= SOON_S else "normal",
            "Topic": b64(topic[:TOPIC_BYTES]),
        }

    def find(
        self, outgoing: Outgoing, since: dt.datetime, known: frozenset[str] = frozenset()
    ) -> Accepted | None:
        """Return None after the first unclear call, so that one resend follows.

        A push service cannot be asked. After the second call nobody can tell any more.
        """
        if outgoing.call < MOST_SENDS:
            return None
        raise cannot_tell()

    def fetch(self, provider_id: str) -> ProviderStatus:
        """Raise ChannelError: a push service says nothing after it took a message."""
        raise cannot_tell()

    def check(self) -> AccountCheck:
        """Return whether the key can be used; only a message to a browser proves more."""
        try:
            vapid_public(self._sender.private)
        except (ValueError, TypeError):
            return AccountCheck(ok=False, code="key", words="The key of web push is not valid.")
        return AccountCheck(ok=True)


def payload_of(outgoing: Outgoing, sender: PushSender) -> bytes:
    """Return the payload: title, text and the path of the page that it opens.

    The link leaves the text, because a click opens it. A text that is too long is cut.
    """
    link = re.search(rf"{re.escape(sender.origin)}(/[!-~]*)", outgoing.text)
    text = outgoing.text.replace(link[0], "").strip() if link else outgoing.text
    page = link[0] if link else outgoing.headers.get("Page", "")
    path = page.removeprefix(sender.origin) if page.startswith(f"{sender.origin}/") else ""
    title = outgoing.subject or sender.title
    room = LONGEST_PAYLOAD - _SPARE - len(json.dumps([title[:MOST_TITLE], path]))
    while len(json.dumps(text, ensure_ascii=False).encode()) > room:
        text = text[: len(text) * 9 // 10].rstrip() + "…"
    parts = {
        "title": title[:MOST_TITLE],
        "body": text,
        "path": path,
        "lang": outgoing.language,
        "dir": "rtl" if outgoing.rtl else "ltr",
        "tag": outgoing.topic,
    }
    return json.dumps(parts, ensure_ascii=False, separators=(",", ":")).encode()


def error_of(answer: Answer) -> ChannelError:
    """Return the refusal that an answer of a push service means (RFC 8030)."""
    words = " ".join(answer.content.decode("utf-8", "replace").split())[:500]
    if answer.status in _GONE:
        return _error(words, Scope.CONTACT, code=answer.status, permanent=True)
    if answer.status in _DENIED:  # the subscription was made with another key
        return _error(words, Scope.CONTACT, code=answer.status, permanent=True)
    if answer.status == 429:
        wait_s = answer.retry_after_s
        return _error(words, Scope.RATE, code=answer.status, retry_after_s=wait_s)
    if answer.status >= 500:
        return ChannelError(
            f"it answered {answer.status}",
            permanent=False,
            code=str(answer.status),
            words=words,
            unclear=True,
            short_proof=True,
        )
    return _error(words, Scope.MESSAGE, code=answer.status, permanent=True)


def cannot_tell() -> ChannelError:
    """Return the error that a push service cannot be asked about a message."""
    return ChannelError("a push service cannot be asked", permanent=True, scope=Scope.MESSAGE)


def _error(
    words: str,
    scope: Scope,
    *,
    code: int = 0,
    permanent: bool = False,
    retry_after_s: int | None = None,
) -> ChannelError:
    return ChannelError(
        f"the push service refused it: {code or scope.value}",
        permanent=permanent,
        scope=scope,
        code=str(code or ""),
        words=words,
        retry_after_s=retry_after_s,
    )
