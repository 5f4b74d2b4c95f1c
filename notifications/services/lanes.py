"""Lanes: the sending times of one account with a provider, and the messages that wait for one.

Retailers that share an account share its lane. A lane holds about a quarter of a second of reserved
times. When one comes, the most urgent message that is ready takes it, so a code never waits behind
the times of other messages.

Two threads use a lane: the pump fills it, and the pacer takes the prepared messages at their times.
Its lock guards what both of them change.
"""

from __future__ import annotations

import hashlib
import heapq
import math
import threading
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Final

from lastmile.core.keys import ring
from lastmile.core.tenancy import RetailerRef, current_schema
from lastmile.worklist.services import reserve
from notifications.catalogue.kinds import Priority
from notifications.channels.base import Channel, Outgoing
from notifications.channels.twilio_credentials import credentials_of
from notifications.models import AccountKind, ChannelAccount
from notifications.services.claiming import ClaimedMessage

MOST_IN_FLIGHT: Final = 64
FEW_IN_FLIGHT: Final = 2
BAD_IN_A_ROW: Final = 10
EQUAL_IN_A_ROW: Final = 5
AHEAD_S: Final = 0.25
SOON_S: Final = 0.15  # the longest time between the last check of a message and its call
SHARE: Final = 0.9  # of the account's rate: clocks and networks are not exact

_order = count()


@dataclass(frozen=True, slots=True)
class Ready:
    """A claimed message that waits for its sending time, with all that its call needs."""

    claimed: ClaimedMessage
    ref: RetailerRef
    account: ChannelAccount
    channel: Channel
    copied: bool


@dataclass(frozen=True, slots=True)
class Prepared:
    """A message whose call is open: it was checked a moment ago, and is sent at its time."""

    ready: Ready
    outgoing: Outgoing


@dataclass(slots=True)
class AccountLane:
    """The times, messages and calls of one account; ``per_s`` is its rate.

    ``in_thread`` says that its calls are made in threads. ``checking`` counts the messages of the
    last check under way: their times must be kept.
    """

    name: str
    per_s: float
    in_thread: bool = True
    times: deque[float] = field(default_factory=deque)
    ready: list[tuple[int, int, Ready]] = field(default_factory=list)
    prepared: list[tuple[int, int, Prepared]] = field(default_factory=list)
    checking: int = 0
    flying: int = 0
    bad_in_a_row: int = 0
    next_at: float = 0.0
    equal: dict[tuple[str, str], tuple[str, int]] = field(default_factory=dict)
    lock: threading.RLock = field(default_factory=threading.RLock)

    @property
    def pace(self) -> float:
        """The messages a second that the lane sends."""
        return self.per_s * SHARE

    @property
    def limit(self) -> int:
        """The calls that may be in flight: few while the provider refuses everything."""
        return FEW_IN_FLIGHT if self.bad_in_a_row >= BAD_IN_A_ROW else MOST_IN_FLIGHT

    @property
    def is_full(self) -> bool:
        """True if no further call may start now."""
        return self.flying >= self.limit

    @property
    def batch(self) -> int:
        """The messages that may wait for a sending time."""
        return min(self.limit, max(1, math.ceil(self.per_s * AHEAD_S)))

    @property
    def room(self) -> int:
        """The messages of any priority that can be claimed now."""
        here = len(self.ready) + len(self.prepared)
        return max(0, min(self.batch - here, self.limit - self.flying - len(self.prepared)))

    @property
    def urgent_room(self) -> int:
        """The urgent messages that can be claimed now, even if all times are taken by others."""
        here = [entry[0] for entry in (*self.ready, *self.prepared)]
        return max(0, self.batch - sum(priority <= Priority.NOW for priority in here))

    @property
    def has_work(self) -> bool:
        """True while a message waits for its time."""
        return bool(self.ready or self.checking or self.prepared)

    @property
    def can_claim(self) -> bool:
        """True if there is room for a batch that is worth its statements."""
        return self.room > 0 and (not self.has_work or self.room >= self.batch / 2)

    def add(self, ready: Sequence[Ready]) -> None:
        """Reserve a sending time for each message; all processes share the times of the lane."""
        if not ready:
            return
        wait_s = reserve(name=self.name, count=len(ready), per_s=self.pace)
        first = time.monotonic() + wait_s
        with self.lock:
            self.times.extend(first + place / self.pace for place in range(len(ready)))
            for one in ready:
                heapq.heappush(self.ready, (one.claimed.priority, next(_order), one))

    def soon(self) -> list[Ready]:
        """Return the most urgent messages whose sending time comes soon, for their last check.

        They are checked together, because that is much cheaper. So it returns nothing while enough
        messages are prepared, unless a more urgent one is ready. ``keep`` must follow.
        """
        with self.lock:
            if not self.ready:
                return []
            wanted = self._times_soon() - len(self.prepared)
            if self._has_enough or wanted < 1:
                is_first = self.prepared and self.ready[0][0] < self.prepared[0][0]
                wanted = 1 if is_first else 0
            room = min(wanted, self.limit - self.flying - len(self.prepared), len(self.ready))
            self.checking = max(0, room)
            return [heapq.heappop(self.ready)[2] for _place in range(room)]

    @property
    def _has_enough(self) -> bool:
        return len(self.prepared) > self.pace * SOON_S / 2

    def _times_soon(self) -> int:
        """Return how many sending times come within the next moments."""
        until, at, number = time.monotonic() + SOON_S, 0.0, 0
        for first in self.times or (0.0,):
            at = max(first, self.next_at, at + 1 / self.pace if number else 0.0)
            if at > until:
                break
            number += 1
        return number

    def keep(self, checked: Sequence[Prepared]) -> None:
        """Keep the checked messages until their sending times; their calls are open."""
        with self.lock:
            for prepared in checked:
                entry = (prepared.ready.claimed.priority, next(_order), prepared)
                heapq.heappush(self.prepared, entry)
            self.checking = 0

    def take(self) -> Prepared | None:
        """Return the most urgent prepared message if a sending time has come, else None.

        Its time is used, and its call is in flight until ``landed``. Times that were missed are
        not made up for, so the rate is never exceeded.
        """
        with self.lock:
            if not self.has_work:
                self.times.clear()
            if not self.prepared or self.is_full or time.monotonic() < self.due_at:
                return None
            if self.times:
                self.times.popleft()
            self.next_at = time.monotonic() + 1 / self.pace
            self.flying += 1
            return heapq.heappop(self.prepared)[2]

    def landed(self) -> None:
        """Count a call that ended."""
        with self.lock:
            self.flying -= 1

    def give_back(self) -> list[Ready]:
        """Return the messages that were not checked yet, and keep them no longer."""
        with self.lock:
            left = [one for _priority, _number, one in self.ready]
            self.ready.clear()
            if not self.has_work:
                self.times.clear()
            return left

    @property
    def due_at(self) -> float:
        """The next sending time, on the clock of this process."""
        first = self.times[0] if self.times else 0.0
        return max(first, self.next_at)

    @property
    def sends_in_s(self) -> float | None:
        """The seconds until the next prepared message is sent; None if none can be."""
        with self.lock:
            if not self.prepared or self.is_full:
                return None
            return max(0.0, self.due_at - time.monotonic())

    @property
    def wakes_at(self) -> float:
        """The time at which the pump can check or send something; infinite if there is none."""
        with self.lock:
            if self.is_full:
                return math.inf
            if self.prepared and not self.in_thread:
                return self.due_at
            if not self.ready:
                return math.inf
            return time.monotonic() + SOON_S / 4 if self._has_enough else self.due_at - SOON_S

    def behind(self, schema: str) -> list[str]:
        """Return the moments of a retailer that are refused again and again: they go last."""
        return [
            moment
            for (place, moment), (_code, times) in self.equal.items()
            if place == schema and times >= EQUAL_IN_A_ROW
        ]

    def went_well(self, schema: str, moment: str) -> None:
        """Note that the provider took a message."""
        self.bad_in_a_row = 0
        self.equal.pop((schema, moment), None)

    def went_badly(self, schema: str, moment: str, code: str) -> None:
        """Note that a call was refused or had no answer; ``code`` is "" for no answer."""
        self.bad_in_a_row += 1
        if code:
            before, times = self.equal.get((schema, moment), ("", 0))
            self.equal[schema, moment] = (code, times + 1 if before == code else 1)


def pace_name(account: ChannelAccount) -> str:
    """Return the name of an account's pace: equal for all retailers that share it, and a hash."""
    owner = f"{current_schema()}:{account.public_id}"
    if account.kind == AccountKind.TWILIO:
        known = credentials_of(account)
        owner = f"{known.account_sid}:{known.service_sid or known.sender}"
    key = ring().first.derive("pace", account.kind, account.channel)
    return hashlib.blake2b(owner.encode(), key=key[:64], digest_size=32).hexdigest()
