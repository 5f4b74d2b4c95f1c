"""A retailer with a text message account whose provider is a book in memory."""

from __future__ import annotations

import datetime as dt
import itertools
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from dispatch.orders.models import Order
from lastmile.core.tenancy import shared_context
from lastmile.core.timing import in_seconds
from lastmile.worklist.models import WorkPointer
from notifications.catalogue.moments import BY_KEY
from notifications.channels.base import (
    Accepted,
    AccountCheck,
    ChannelError,
    Outgoing,
    ProviderStatus,
    Scope,
)
from notifications.models import ChannelAccount, Message
from notifications.rules.who import as_recipient
from notifications.selectors.accounts import fingerprint
from notifications.services import ClaimedMessage, claim, lanes, pacing, prepare, sending
from notifications.services.pointing import SEND
from notifications.services.sending import Pump
from notifications.services.telling import tell

_numbers = itertools.count(1)


class BookChannel:
    """A channel whose provider is a list. ``script`` has what the next calls do; then all is well.

    - ok: it is accepted.
    - lost: it is accepted, and no answer comes.
    - silent: it is not accepted, and no answer comes.
    - broken: the provider answers an error of its own; it is not accepted.
    - away: no connection is made.
    - busy: too many calls.
    - a number: it is refused with this code.
    """

    in_thread = True

    def __init__(self) -> None:
        self.book: list[tuple[str, Outgoing]] = []
        self.script: deque[str] = deque()
        self.calls: list[Outgoing] = []
        self.refused: dict[str, tuple[str, Scope]] = {}
        self.finds = 0
        self.before_send: Callable[[Outgoing], None] = lambda _outgoing: None
        self.can_tell = True
        self._lock = threading.Lock()

    def send(self, outgoing: Outgoing) -> Accepted:
        self.before_send(outgoing)
        with self._lock:
            self.calls.append(outgoing)
            act = self.script.popleft() if self.script else "ok"
            if outgoing.to in self.refused:
                code, scope = self.refused[outgoing.to]
                raise ChannelError("refused", permanent=True, scope=scope, code=code, words="No.")
            if act in {"ok", "lost"}:
                self.book.append((f"SM{next(_numbers):032d}", outgoing))
            if act == "ok":
                return Accepted(provider_id=self.book[-1][0], segments=1)
        raise self._error(act)

    def _error(self, act: str) -> ChannelError:
        if act in {"lost", "silent"}:
            return ChannelError("no answer", permanent=False, unclear=True)
        if act == "broken":
            return ChannelError("error 500", permanent=False, unclear=True, short_proof=True)
        if act == "away":
            return ChannelError("no connection", permanent=False)
        if act == "busy":
            return ChannelError(
                "error 429", permanent=False, scope=Scope.RATE, code="20429", retry_after_s=1
            )
        if act == "account":
            return ChannelError(
                "error 401", permanent=True, scope=Scope.ACCOUNT, code="20003", words="Authenticate"
            )
        return ChannelError("refused", permanent=True, scope=Scope.MESSAGE, code=act, words="No.")

    def find(
        self, outgoing: Outgoing, since: dt.datetime, known: frozenset[str] = frozenset()
    ) -> Accepted | None:
        self.finds += 1
        if not self.can_tell:
            raise ChannelError("cannot tell", permanent=False)
        for provider_id, taken in self.book:
            same = (taken.to, taken.text) == (outgoing.to, outgoing.text)
            if same and provider_id not in known:
                return Accepted(provider_id=provider_id)
        return None

    def fetch(self, provider_id: str) -> ProviderStatus:
        return ProviderStatus(
            provider_id=provider_id, state="delivered", price_micros=-7500, currency="USD"
        )

    def check(self) -> AccountCheck:
        return AccountCheck(ok=True)

    def sent_to(self, number: str) -> list[Outgoing]:
        """Return what the provider accepted for a number."""
        return [outgoing for _id, outgoing in self.book if outgoing.to == number]


class FastTime:
    """A clock for lanes and pump that moves on by itself, so a busy machine changes no result."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, step_s: float = 0.002) -> None:
        self.at_s = 0.0
        self.step_s = step_s
        self._taken_until = 0.0
        monkeypatch.setattr(lanes, "time", self)
        monkeypatch.setattr(sending, "time", self)
        monkeypatch.setattr(lanes, "reserve", self._reserve)
        monkeypatch.setattr(sending, "LOOK_S", 0.02)
        monkeypatch.setattr(pacing, "LONGEST_WAIT_S", 0.001)

    def monotonic(self) -> float:
        """Return the time, a little later each time."""
        self.at_s += self.step_s
        return self.at_s

    def _reserve(self, *, name: str, count: int, per_s: float) -> float:
        first = max(self._taken_until, self.at_s)
        self._taken_until = first + count / per_s
        return first - self.at_s


def text_account(per_s: int = 1000, **fields: Any) -> ChannelAccount:
    """Make an account for text messages that is on here."""
    return ChannelAccount.objects.create(
        channel="sms",
        kind="twilio",
        source="own",
        settings={"account_sid": "AC1", "sender": f"+15005550{next(_numbers):03d}"},
        secrets={"auth_token": "t"},
        per_s=per_s,
        is_on=True,
        on_at_machine=fingerprint(),
        **fields,
    )


def tell_shopper(order: Order, moment: str = "out_for_delivery", **more: Any) -> Message:
    """Write the message that tells the shopper of an order a moment."""
    (message,) = tell(
        moment=BY_KEY[moment],
        origin=f"evt_{next(_numbers):020d}",
        order=order,
        recipient=as_recipient(order.shopper),
        **more,
    )
    return message


def pump(run_s: float = 10.0) -> None:
    """Send all that is due now. The commits are real, so the test needs ``fresh_db``."""
    with shared_context():
        Pump(run_s=run_s, idle_s=0.4).run()


def again(message: Message) -> Message:
    """Return a message as it is stored now."""
    return Message.objects.get(pk=message.pk)


def hurry() -> None:
    """Let all waits on the clock of the database be over: retries, leases, polls and pauses."""
    over = in_seconds(-1)
    Message.objects.filter(retry_at__isnull=False).update(retry_at=over)
    Message.objects.filter(lease_until__isnull=False).update(lease_until=over)
    Message.objects.filter(poll_at__isnull=False).update(poll_at=over)
    ChannelAccount.objects.filter(paused_until__isnull=False).update(paused_until=over)
    WorkPointer.objects.filter(kind=SEND).update(due_at=over)


def claimed_one(account: ChannelAccount) -> ClaimedMessage:
    """Claim one message and prepare its call."""
    (claimed,) = claim(account=account, most=1)
    outgoing = prepare(claimed=claimed)
    assert outgoing is not None
    return replace(claimed, call=outgoing.call)
