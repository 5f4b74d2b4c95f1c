"""The pump: sends the messages of all retailers from one process.

One pump serves everybody, because a call that hangs for ten seconds must keep nobody waiting. Its
threads make the calls and nothing else: they have no database and no retailer. The main thread
claims, checks, renders and stores, and enters a retailer for each of these steps. It does each
step for many messages at once, because a statement costs about the same for one as for twenty.
Meanwhile the pacer starts the calls at their times.

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
from lastmile.worklist.selectors import due_schemas, seen
from lastmile.worklist.services import clear, forget
from notifications.catalogue.kinds import Priority
from notifications.channels.base import Channel, ChannelError, ProviderStatus
from notifications.channels.registry import channel_of
from notifications.models import ChannelAccount
from notifications.selectors.accounts import is_copied
from notifications.services.calling import SendCall, looked_up, pool, result_of, store_all
from notifications.services.chain import end_unsent
from notifications.services.claiming import (
    claim,
    expired,
    give_back,
    next_due_s,
    reap,
    senders,
)
from notifications.services.lanes import AccountLane, Prepared, Ready, pace_name
from notifications.services.last_checks import last_checks
from notifications.services.ledger import locked
from notifications.services.looking_up import LookUp, resolve, unclear_due
from notifications.services.pacing import Pacer
from notifications.services.pointing import SEND, point_in
from notifications.services.polling import PollTask, poll_due
from notifications.services.reporting import report
from notifications.states import MessageState

log = logging.getLogger(__name__)

RUN_S: Final = 20.0  # then another task goes on, so that a worker can stop soon
IDLE_S: Final = 1.0
LOOK_S: Final = 0.25  # what became due in this time is checked together
STORE_S: Final = 0.3  # results of this time are stored together
STORED_AT_ONCE: Final = 32
TEND_S: Final = 1.0
CLOSED_S: Final = 5.0
LONGEST_CALL_S: Final = 20.0
LEAST_REST_S: Final = 0.2
ASKED_AT_ONCE: Final = 16
EXPIRED: Final = "expired"


@dataclass(slots=True)
class Desk:
    """The pump's notes on a retailer: the time of the next look, and the newest pointer so far.

    ``copied`` says which of its accounts were switched on elsewhere. It is read each second.
    ``more`` has the lanes for which more messages are due than were claimed.
    """

    ref: RetailerRef
    newest: int = 0
    look_at: float = 0.0
    tend_at: float = 0.0
    copied: dict[int, bool] = field(default_factory=dict)
    accounts: dict[int, ChannelAccount] = field(default_factory=dict)
    more: list[AccountLane] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Flight:
    """A call in a thread: the retailer, what stores its result, and until when it is waited for.

    ``send`` is set for the call that sends a message.
    """

    ref: RetailerRef
    store: Callable[[Any], None]
    until: float
    send: SendCall | None = None


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
        self.started: SimpleQueue[tuple[Future[Any], Flight]] = SimpleQueue()
        self.landed: SimpleQueue[Future[Any]] = SimpleQueue()
        self.pacer = Pacer(self._fly)
        self.results: list[tuple[Flight, Any]] = []
        self._look_at = 0.0
        self._store_at = 0.0

    def run(self) -> bool:
        """Send; return True if there may be more to send.

        Call it in the context of the shared tables.
        """
        quiet_since = time.monotonic()
        try:
            while True:
                self._land()
                now = time.monotonic()
                if now < self.stop_at and (now >= self._look_at or self._has_room()):
                    self._look_at = now + LOOK_S
                    if self._look():
                        quiet_since = time.monotonic()
                self._release()
                is_busy = any(lane.has_work for lane in self.lanes.values())
                if self.flights or self.results or is_busy:
                    quiet_since = time.monotonic()
                now = time.monotonic()
                if now >= self.stop_at:
                    self._give_back()
                    prepared = any(lane.prepared for lane in self.lanes.values())
                    if not self.flights and not self.results and not prepared:
                        return True
                elif now - quiet_since >= self.idle_s:
                    return False
                self._rest()
        finally:
            self.pacer.stop()
            self._give_back()

    # Looking: which retailers have work, and claims.

    def _has_room(self) -> bool:
        """Return True if a lane can take more messages that are due, and let it be visited."""
        hungry = [desk for desk in self.desks.values() if any(one.can_claim for one in desk.more)]
        for desk in hungry:
            desk.look_at = 0.0
        return bool(hungry)

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
            desk.more = []
            desk.look_at = time.monotonic() + CLOSED_S

    def _visit(self, desk: Desk) -> None:
        """Claim what is due at one retailer; point to what is left when all of it is claimed."""
        pointers = seen(desk.ref.schema, SEND)
        now = time.monotonic()
        accounts = senders()
        desk.accounts = {account.pk: account for account, _is_free in accounts}
        if now >= desk.tend_at:
            desk.tend_at = now + TEND_S
            desk.copied.clear()
            self._tend(desk)
        sending = []
        desk.more = []
        for account, is_free in accounts:
            if is_free:
                sending.append(account.channel)
                if self._claim(desk, account):
                    desk.more.append(self._lane(account))
        if desk.more:
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
        elif not lane.can_claim:  # a larger batch is cheaper; a code goes on
            room, lowest = lane.urgent_room, Priority.CODE
        behind = lane.behind(desk.ref.schema)
        claimed = claim(account=account, most=room, lowest=lowest, behind=behind)
        if claimed:
            if account.pk not in desk.copied:
                desk.copied[account.pk] = is_copied(account)
            copied = desk.copied[account.pk]
            channel = channel_of(account)
            lane.add([Ready(one, desk.ref, account, channel, copied) for one in claimed])
        return lowest != Priority.LOW or len(claimed) >= room

    def _lane(self, account: ChannelAccount) -> AccountLane:
        name = pace_name(account)
        lane = self.lanes.get(name)
        if lane is None:
            in_thread = channel_of(account).in_thread
            lane = self.lanes[name] = AccountLane(name, float(account.per_s), in_thread)
            if in_thread:
                self.pacer.watch(lane)
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
        """Check the messages whose time comes soon; send those that need no thread."""
        for lane in self.lanes.values():
            if ready := lane.soon():
                lane.keep(last_checks(ready))
                self.pacer.wake()
            while not lane.in_thread and (one := lane.take()) is not None:
                call = SendCall(lane, one.ready, one.outgoing.call)
                with retailer_context(one.ready.ref, allow_suspended=True):
                    call.store(result_of(one.ready.channel.send, one.outgoing))
                lane.landed()

    def _fly(self, lane: AccountLane, one: Prepared) -> None:
        """Start the call of a message that was checked a moment ago. The pacer calls it."""
        call = SendCall(lane, one.ready, one.outgoing.call)
        flight = Flight(one.ready.ref, call.store, time.monotonic() + LONGEST_CALL_S, call)
        future = pool().submit(result_of, one.ready.channel.send, one.outgoing)
        self.started.put((future, flight))
        future.add_done_callback(self.landed.put)

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
    ) -> None:
        """Ask a provider in a thread; the Null channel is asked here, because it reads a row."""
        if not channel.in_thread:
            then(result_of(call, *arguments))
            return
        flight = Flight(current_retailer(), then, time.monotonic() + LONGEST_CALL_S)
        future = pool().submit(result_of, call, *arguments)
        self.flights[future] = flight
        future.add_done_callback(self.landed.put)

    # Landing: results.

    def _land(self) -> None:
        """Take the results of finished calls, and of calls that hang; store them together."""
        while not self.landed.empty():
            self._take(self.landed.get())
        self._note_started()
        now = time.monotonic()
        for future in [one for one, flight in self.flights.items() if now >= flight.until]:
            late = ChannelError("no answer in time", permanent=False, unclear=True)
            self._note(self.flights.pop(future), late)
        if self.results and (now >= self._store_at or len(self.results) >= STORED_AT_ONCE):
            self._store()

    def _note_started(self) -> None:
        while not self.started.empty():
            future, flight = self.started.get()
            self.flights[future] = flight

    def _take(self, future: Future[Any]) -> None:
        self._note_started()  # a call is started before it has landed
        flight = self.flights.pop(future, None)
        if flight is not None:
            self._note(flight, future.result())

    def _note(self, flight: Flight, result: Any) -> None:
        """Keep a result for the next storing; its call is no longer in flight."""
        if not self.results:
            self._store_at = time.monotonic() + STORE_S
        if flight.send is not None:
            flight.send.lane.landed()
            if flight.send.lane.prepared:
                self.pacer.wake()
        self.results.append((flight, result))

    def _store(self) -> None:
        """Store the results that came, in one transaction for each retailer if they are good."""
        results, self.results = self.results, []
        schemas = {flight.ref.schema: flight.ref for flight, _result in results}
        for schema, ref in schemas.items():
            of_schema = [one for one in results if one[0].ref.schema == schema]
            try:
                with retailer_context(ref, allow_suspended=True):
                    store_all([(flight.send, flight.store, result) for flight, result in of_schema])
            except Exception as fault:  # noqa: BLE001 - then their leases run out
                log.error("Results cannot be stored: %s", type(fault).__name__)

    def _rest(self) -> None:
        """Wait for a result, the next sending time or the next look, until the first of them."""
        times = [self._look_at, *(lane.wakes_at for lane in self.lanes.values())]
        if self.results:
            times.append(self._store_at)
        wait_s = min(LOOK_S, max(0.0, min(times) - time.monotonic()))
        try:
            self._take(self.landed.get(timeout=wait_s) if wait_s else self.landed.get_nowait())
        except Empty:
            return

    def _give_back(self) -> None:
        """Let the claimed messages wait again that were not called."""
        for lane in self.lanes.values():
            for ready in lane.give_back():
                with retailer_context(ready.ref, allow_suspended=True), transaction.atomic():
                    give_back(claimed=[ready.claimed])
                    point_in(0)
