"""Twilio's statuses and error codes, in our words.

Source: twilio.com/docs/messaging/api/message-resource (statuses) and twilio.com/docs/api/errors,
one page for each code. A code comes with the answer to a call, or later with a status callback. An
unknown code of a refused call concerns that message only.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from notifications.channels.base import ChannelError, Scope

LONGEST_WORDS: Final = 300

#: Twilio's status of a message that was sent -> our state.
STATES: Final[Mapping[str, str]] = {
    "accepted": "accepted",
    "scheduled": "accepted",
    "queued": "accepted",
    "sending": "accepted",
    "sent": "sent",
    "delivered": "delivered",
    "partially_delivered": "delivered",
    "read": "read",
    "undelivered": "failed",
    "failed": "failed",
    "canceled": "failed",
}

#: The codes of each reach. The comments have Twilio's titles, cut short.
_CODES: Final[Mapping[Scope, tuple[int, ...]]] = {
    Scope.MESSAGE: (
        21602,  # message body is required
        21617,  # the body is longer than 1,600 characters
        21619,  # a text message or media URL is required
        21655,  # the content SID is invalid
        21656,  # the content variables are invalid
        30007,  # filtered by the carrier or by Twilio
        30008,  # unknown error
        30036,  # the validity period ended before it was sent
        63005,  # the channel did not accept the content
        63013,  # it violates a policy of the channel
        63021,  # the channel says that the content is invalid
        63027,  # the template does not exist for this language
        63028,  # the number of template parameters is wrong
        63042,  # the template is paused or rejected
    ),
    Scope.CONTACT: (
        21211,  # invalid To number
        21214,  # the To number cannot be reached
        21217,  # the number does not appear to be valid
        21265,  # the To number cannot be a short code
        21408,  # no permission for the region of the To number
        21612,  # this combination of To and From is not possible
        21614,  # the To number is not a mobile number
        21635,  # the To number is a landline
        30003,  # unreachable handset
        30004,  # blocked by the destination
        30005,  # unknown handset
        30006,  # landline or unreachable carrier
        30011,  # MMS is not possible there
        63003,  # the channel does not know the To address
        63024,  # invalid recipient
        63032,  # a limit of the channel for this person
        63033,  # the person has blocked the business
    ),
    Scope.OPTED_OUT: (21610,),  # the person has unsubscribed
    Scope.WINDOW: (63016,),  # free text outside the 24 hours of WhatsApp
    Scope.ACCOUNT: (
        10001,  # the account is not active
        20003,  # authentication error, or no permission
        20005,  # the account is not active
        20006,  # access denied
        20008,  # resource not reachable with test credentials
        20403,  # forbidden
        21212,  # invalid From number
        21603,  # a From number is required
        21606,  # the From number cannot send messages to this destination
        21609,  # the StatusCallback address is invalid
        21659,  # the From number is not one of Twilio
        21660,  # the From number belongs to another account
        21703,  # the messaging service has no sender
        21704,  # the messaging service was not found or is not usable
        21705,  # the messaging service SID is invalid
        30002,  # the account is suspended
        30023,  # the daily limit of the registered brand is reached
        30032,  # the toll-free number is not verified
        30034,  # the number is not registered (US A2P 10DLC)
        63007,  # no WhatsApp sender with this From address
        63020,  # WhatsApp needs an accepted invitation for the sender
        63038,  # the daily limit of the account is reached
    ),
    Scope.RATE: (
        14107,  # message rate exceeded
        20429,  # too many requests
        21611,  # the queue of the From number is full
        30001,  # queue overflow
        30022,  # rate limits of the registered brand
        63018,  # rate limit of the channel
    ),
}
SCOPES: Final[Mapping[str, Scope]] = {
    str(code): scope for scope, codes in _CODES.items() for code in codes
}
_PERMANENT: Final = frozenset({Scope.MESSAGE, Scope.CONTACT, Scope.OPTED_OUT, Scope.WINDOW})


def scope_of(code: str) -> Scope:
    """Return the reach of a code that a status callback or a look-up named."""
    return SCOPES.get(code, Scope.MESSAGE)


def refusal(method: str, status: int, text: str, retry_after_s: int | None) -> ChannelError:
    """Return the error for an answer that is no success.

    An answer of 500 and above leaves open whether Twilio took the message. With Twilio's own error
    body it comes from Twilio itself, so a short look-up is proof; without it, from a proxy.
    """
    code, words = _parts(text)
    detail = f"Twilio answered {status}" + (f" with code {code}" if code else "")
    if not 400 <= status < 500 or status == 408:
        return ChannelError(
            detail,
            permanent=False,
            code=code or str(status),
            words=words,
            unclear=True,
            short_proof=bool(code),
            retry_after_s=retry_after_s,
        )
    scope = SCOPES.get(code) or _scope_by_status(method, status)
    return ChannelError(
        detail,
        permanent=scope in _PERMANENT,
        scope=scope,
        code=code or str(status),
        words=words,
        retry_after_s=retry_after_s,
    )


def _scope_by_status(method: str, status: int) -> Scope:
    if status == 429:
        return Scope.RATE
    if status in {401, 403} or (status == 404 and method == "POST"):
        return Scope.ACCOUNT  # a POST is not found when the account SID is another account's
    return Scope.MESSAGE


def _parts(text: str) -> tuple[str, str]:
    """Return code and words of an error body, in Twilio's older form or in that of RFC 9457."""
    try:
        body: Any = json.loads(text)
    except ValueError:
        return "", ""
    if not isinstance(body, dict):
        return "", ""
    code = body.get("code")
    words = [
        body[name] for name in ("message", "title", "detail") if isinstance(body.get(name), str)
    ]
    return (
        str(code) if isinstance(code, int) and not isinstance(code, bool) else "",
        " ".join(words)[:LONGEST_WORDS],
    )
