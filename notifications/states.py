"""The states of a message and the allowed moves between them. Pure."""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class MessageState(StrEnum):
    """The state of a message.

    - waiting: the message is sent at its time.
    - sending: a sender has leased it.
    - unclear: a provider call had no answer, so the message may or may not have been accepted.
    - accepted: the provider took it.
    - sent: the provider gave it to the network.
    - delivered: the network says that it arrived.
    - read: the reader opened it.
    - failed: it was refused, or it did not arrive.
    - skipped: a rule kept it from being sent.
    - unknown: nothing could prove whether it was accepted, or it was accepted and stayed silent.
    """

    WAITING = "waiting"
    SENDING = "sending"
    UNCLEAR = "unclear"
    ACCEPTED = "accepted"
    SENT = "sent"
    DELIVERED = "delivered"
    READ = "read"
    FAILED = "failed"
    SKIPPED = "skipped"
    UNKNOWN = "unknown"


S = MessageState
#: The states before a provider has accepted the message. They are one stage with moves of its own.
OPEN: Final = frozenset({S.WAITING, S.SENDING, S.UNCLEAR})
#: The states in which a message ends at once. ``sent`` ends after 72 hours of silence.
FINAL: Final = frozenset({S.DELIVERED, S.READ, S.FAILED, S.SKIPPED, S.UNKNOWN})
#: The states of a message that a provider has, or may still have.
TAKEN: Final = frozenset({S.ACCEPTED, S.SENT, S.DELIVERED, S.READ})
#: Moves within the open stage, and out of it. A waiting message that was unclear before can still
#: turn out to be accepted, when a late report proves it.
MOVES: Final[dict[MessageState, frozenset[MessageState]]] = {
    S.WAITING: frozenset({S.SENDING, S.SKIPPED, S.FAILED, *TAKEN}),
    S.SENDING: frozenset({S.WAITING, S.UNCLEAR, S.SKIPPED, S.FAILED, *TAKEN}),
    S.UNCLEAR: frozenset({S.WAITING, S.UNKNOWN, S.SKIPPED, S.FAILED, *TAKEN}),
}
#: From accepted on the rank never falls, but an accepted message may end as unknown.
RANK: Final[dict[MessageState, int]] = {
    S.UNKNOWN: 0,
    S.ACCEPTED: 1,
    S.SENT: 2,
    S.FAILED: 3,
    S.DELIVERED: 4,
    S.READ: 5,
}


def may_move(state: str, to: str) -> bool:
    """Return True if a message may move from ``state`` to ``to``.

    A failed or skipped message stays so. An accepted one becomes unknown after long silence. An
    unknown one moves only to another final state, when a report proves it.
    """
    now, then = S(state), S(to)
    if now in OPEN:
        return then in MOVES[now]
    if now in {S.FAILED, S.SKIPPED}:
        return False
    if now == S.UNKNOWN:
        return then in {S.DELIVERED, S.READ, S.FAILED}
    if then == S.FAILED:
        return now in {S.ACCEPTED, S.SENT}
    if then == S.UNKNOWN:
        return now == S.ACCEPTED
    return then in RANK and RANK[then] > RANK[now]
