"""The pump: sends the messages of all retailers from one process.

One pump serves everybody, because a call that hangs for ten seconds must keep nobody waiting. Its
threads make the calls and nothing else: they have no database and no retailer. The main thread
claims, checks, renders and stores, and enters a retailer for each of these steps.

Several pumps are safe: claims skip locked rows, every step names the token of its lease, and all
pumps reserve their sending times in one row for each account.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from typing import Any, Final

from django.db import transaction

from lastmile.core.tenancy import (
    ACTIVE,
    RetailerRef,
    current_retailer,
    find_retailer,
    retailer_context,
)
from lastmile.core.timing import backoff_s
from lastmile.worklist.selectors import due_schemas, seen
from lastmile.worklist.services import clear, forget
from notifications.catalogue.kinds import Priority
from notifications.channels.base import Channel, ChannelError, ProviderStatus
from notifications.channels.registry import channel_of
from notifications.errors import LeaseLost
from notifications.models import ChannelAccount
from notifications.selectors.accounts import is_copied
from notifications.services.calling import SendCall, looked_up, pool, result_of
from notifications.services.chain import end_unsent
from notifications.services.claiming import (
    claim,
    expired,
    give_back,
    next_due_s,
    put_off,
    reap,
    senders,
)
from notifications.services.lanes import AccountLane, Ready, pace_name
from notifications.services.ledger import locked
from notifications.services.looking_up import LookUp, resolve, unclear_due
from notifications.services.pointing import SEND, point_in
from notifications.services.polling import PollTask, poll_due
from notifications.services.preparing import prepare
from notifications.services.reporting import report
from notifications.states import MessageState

log = logging.getLogger(__name__)

RUN_S: Final = 20.0  # then another task goes on, so that a worker can stop soon
IDLE_S: Final = 1.0
LOOK_S: Final = 0.05
TEND_S: Final = 1.0
CLOSED_S: Final = 5.0
LONGEST_CALL_S: Final = 20.0
LEAST_REST_S: Final = 0.2
ASKED_AT_ONCE: Final = 16
EXPIRED: Final = "expired"


@dataclass(slots=True)
class Desk:
    """The pump's notes on a retailer: the time of the next look, and the newest pointer so far."""

    ref: RetailerRef
    newest: int = 0
    look_at: float = 0.0
    tend_at: float = 0.0
    accounts: dict[int, ChannelAccount] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Flight:
    """A call in a thread: the retailer, what stores its result, and until when it is waited for."""

    ref: RetailerRef
    store: Callable[[Any], None]
    until: float
    lane: AccountLane | None = None


class Pump:
    """Sends what is due until nothing is left, or until its time is over.

    Parameters
    ----------
    run_s : float
        The time after which it claims nothing more.
    idle_s : float
        The time without work after which it ends.
    """

    def __init__(self, *, run_s: float = RUN_S, idle_s: float = IDLE_S) -> None:
        self.stop_at = time.monotonic() + run_s
        self.idle_s = idle_s
        self.lanes: dict[str, AccountLane] = {}
        self.desks: dict[str, Desk] = {}
        self.flights: dict[Future[Any], Flight] = {}
        self.landed: SimpleQueue[Future[Any]] = SimpleQueue()
        self._look_at = 0.0

    def run(self) -> bool:
        """Send; return True if there may be more to send.

        Call it in the context of the shared tables.
        """
        quiet_since = time.monotonic()
        try:
            while True:
                self._land()
                now = time.monotonic()
                if now < self.stop_at and now >= self._look_at:
                    self._look_at = now + LOOK_S
                    if self._look():
                        quiet_since = time.monotonic()
                self._release()
                if self.flights or any(lane.ready for lane in self.lanes.values()):
                    quiet_since = time.monotonic()
                now = time.monotonic()
                if now >= self.stop_at:
                    self._give_back()
                    if not self.flights:
                        return True
                elif now - quiet_since >= self.idle_s:
                    return False
                self._rest()
        finally:
            self._give_back()

    # Looking: which retailers have work, and claims.

    def _look(self) -> bool:
        """Visit each retailer with new or unfinished work; return True if there was one."""
        now = time.monotonic()
        visited = False
        for schema, newest in due_schemas(SEND):
            desk = self.desks.get(schema)
            if desk is not None and newest <= desk.newest and now < desk.look_at:
                continue
            ref = find_retailer(schema)
            if ref is None:
                forget(schema=schema)
                continue
            if ref.status != ACTIVE:  # its pointers wait until it is resumed
                self.desks[schema] = Desk(ref, newest=newest, look_at=now + CLOSED_S)
                continue
            if desk is None:
                desk = self.desks[schema] = Desk(ref)
            desk.ref, desk.newest = ref, newest
            self._enter(desk)
            visited = True
        return visited

    def _enter(self, desk: Desk) -> None:
        """Visit a retailer. A fault there, as in its account, holds up nobody else."""
        try:
            with retailer_context(desk.ref):
                self._visit(desk)
        except Exception as fault:  # noqa: BLE001 - one retailer must not stop the pump
            log.error("%s cannot be visited: %s", desk.ref.schema, type(fault).__name__)
            desk.look_at = time.monotonic() + CLOSED_S

    def _visit(self, desk: Desk) -> None:
        """Claim what is due at one retailer; point to what is left when all of it is claimed."""
        pointers = seen(desk.ref.schema, SEND)
        now = time.monotonic()
        accounts = senders()
        desk.accounts = {account.pk: account for account, _is_free in accounts}
        if now >= desk.tend_at:
            desk.tend_at = now + TEND_S
            self._tend(desk)
        sending = []
        more = False
        for account, is_free in accounts:
            if is_free:
                sending.append(account.channel)
                more |= self._claim(desk, account)
        if more:
            desk.look_at = now + LOOK_S
            return
        desk.look_at = now + TEND_S
        with transaction.atomic():
            wait_s = next_due_s(sending=sending)
            if wait_s is not None:
                point_in(max(LEAST_REST_S, wait_s))
            clear(pointer_ids=pointers)

    def _claim(self, desk: Desk, account: ChannelAccount) -> bool:
        """Claim what the account's lane has room for; return True if more may be due."""
        lane = self._lane(account)
        room, lowest = lane.room, Priority.LOW
        if not room:
            room, lowest = lane.urgent_room, Priority.NOW
        behind = lane.behind(desk.ref.schema)
        claimed = claim(account=account, most=room, lowest=lowest, behind=behind)
        if claimed:
            copied = is_copied(account)
            channel = channel_of(account)
            lane.add([Ready(one, desk.ref, account, channel, copied) for one in claimed])
        return lowest != Priority.LOW or len(claimed) >= room

    def _lane(self, account: ChannelAccount) -> AccountLane:
        name = pace_name(account)
        lane = self.lanes.get(name)
        if lane is None:
            lane = self.lanes[name] = AccountLane(name, float(account.per_s))
        lane.per_s = float(account.per_s)
        return lane

    def _tend(self, desk: Desk) -> None:
        """Take back lost leases, end what is over, and ask providers about unclear messages."""
        reap()
        for pk in expired():
            with transaction.atomic():
                message = locked(pk=pk)
                if message is not None and message.state == MessageState.WAITING:
                    end_unsent(message, EXPIRED, go_on=False)
        for look_up in unclear_due(most=ASKED_AT_ONCE):
            self._ask(desk, look_up)
        for poll in poll_due(most=ASKED_AT_ONCE):
            self._poll(desk, poll)

    # Calling: the last check, and the call in a thread.

    def _release(self) -> None:
        """Send the messages whose time has come."""
        for lane in self.lanes.values():
            while (ready := lane.take()) is not None:
                if self._send(lane, ready):
                    lane.used()

    def _send(self, lane: AccountLane, ready: Ready) -> bool:
        """Check a message and call its provider; return False if it is not sent."""
        claimed = ready.claimed
        with retailer_context(ready.ref):
            try:
                outgoing = prepare(claimed=claimed, copied=ready.copied)
            except LeaseLost:
                return False
            except Exception as fault:  # noqa: BLE001 - one message must not stop the pump
                # Only the kind: words of the message may be in the text of the exception.
                log.error("%s cannot be prepared: %s", claimed.public_id, type(fault).__name__)
                put_off(claimed=claimed, for_s=backoff_s(3))
                return False
            if outgoing is None:
                return False
            call = SendCall(lane, ready, outgoing.call)
            self._start(ready.channel, ready.channel.send, outgoing, then=call.store, lane=lane)
        return True

    def _ask(self, desk: Desk, look_up: LookUp) -> None:
        account = desk.accounts.get(look_up.account)
        if account is None:
            return
        channel = channel_of(account)

        def store(result: Any) -> None:
            resolve(message=look_up.message, result=looked_up(result))

        self._start(
            channel, channel.find, look_up.outgoing, look_up.since, look_up.known, then=store
        )

    def _poll(self, desk: Desk, task: PollTask) -> None:
        account = desk.accounts.get(task.account)
        if account is None:
            return
        channel = channel_of(account)

        def store(result: Any) -> None:
            if isinstance(result, ProviderStatus):
                report(channel=task.channel, status=result, message=task.public_id, source="poll")

        self._start(channel, channel.fetch, task.provider_id, then=store)

    def _start(
        self,
        channel: Channel,
        call: Callable[..., Any],
        *arguments: Any,
        then: Callable[[Any], None],
        lane: AccountLane | None = None,
    ) -> None:
        """Make a call in a thread; the Null channel is called here, because it writes a row."""
        if not channel.in_thread:
            then(result_of(call, *arguments))
            return
        flight = Flight(current_retailer(), then, time.monotonic() + LONGEST_CALL_S, lane)
        future = pool().submit(result_of, call, *arguments)
        self.flights[future] = flight
        if lane is not None:
            lane.flying += 1
        future.add_done_callback(self.landed.put)

    # Landing: results.

    def _land(self) -> None:
        """Store the results of finished calls, and of calls that hang."""
        while True:
            try:
                future = self.landed.get_nowait()
            except Empty:
                break
            flight = self.flights.pop(future, None)
            if flight is not None:
                self._store(flight, future.result())
        now = time.monotonic()
        for future in [one for one, flight in self.flights.items() if now >= flight.until]:
            late = ChannelError("no answer in time", permanent=False, unclear=True)
            self._store(self.flights.pop(future), late)

    def _store(self, flight: Flight, result: Any) -> None:
        if flight.lane is not None:
            flight.lane.flying -= 1
        try:
            with retailer_context(flight.ref, allow_suspended=True):
                flight.store(result)
        except Exception as fault:  # noqa: BLE001 - its lease runs out; then it is looked up
            log.error("A result cannot be stored: %s", type(fault).__name__)

    def _rest(self) -> None:
        """Wait for a result, the next sending time or the next look, until the first of them."""
        times = [lane.due_at for lane in self.lanes.values() if lane.ready and not lane.is_full]
        wake_at = min([self._look_at, *times])
        wait_s = min(LOOK_S, max(0.0, wake_at - time.monotonic()))
        try:
            future = self.landed.get(timeout=wait_s) if wait_s else self.landed.get_nowait()
        except Empty:
            return
        self.landed.put(future)

    def _give_back(self) -> None:
        """Let the claimed messages wait again that were not called."""
        for lane in self.lanes.values():
            left = [one for _priority, _number, one in lane.ready]
            lane.ready.clear()
            lane.times.clear()
            for ready in left:
                with retailer_context(ready.ref, allow_suspended=True), transaction.atomic():
                    give_back(claimed=[ready.claimed])
                    point_in(0)
