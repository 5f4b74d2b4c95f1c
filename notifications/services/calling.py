"""Provider calls in threads: the call itself, and the storing of its result."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from django.conf import settings

from notifications.channels.base import Accepted, ChannelError
from notifications.errors import LeaseLost
from notifications.services.accepting import accept_many
from notifications.services.claiming import ClaimedMessage
from notifications.services.lanes import AccountLane, Ready
from notifications.services.reporting import accept, leave_unclear, refuse_call

log = logging.getLogger(__name__)


@cache
def pool() -> ThreadPoolExecutor:
    """Return the threads of this process that call providers."""
    return ThreadPoolExecutor(settings.LIMIT_MESSAGE_CALLS, thread_name_prefix="message call")


@dataclass(frozen=True, slots=True)
class SendCall:
    """Stores the result of one provider call."""

    lane: AccountLane
    ready: Ready
    number: int

    @property
    def claimed(self) -> ClaimedMessage:
        """The message, with the number of this call."""
        return replace(self.ready.claimed, call=self.number)

    def went_well(self) -> None:
        """Note at the lane that the provider took the message."""
        self.lane.went_well(self.ready.ref.schema, self.ready.claimed.moment)

    def store(self, result: Any) -> None:
        """Store the result of the call."""
        claimed = self.claimed
        schema, moment = self.ready.ref.schema, claimed.moment
        try:
            if isinstance(result, Accepted):
                self.went_well()
                accept(claimed=claimed, accepted=result)
                return
            error = error_of(result)
            self.lane.went_badly(schema, moment, "" if error.unclear else error.code or "none")
            if error.unclear:
                leave_unclear(claimed=claimed, error=error)
            else:
                refuse_call(claimed=claimed, error=error)
        except LeaseLost:
            log.info("%s was settled by a report before its answer", claimed.public_id)


def store_all(
    results: Sequence[tuple[SendCall | None, Callable[[Any], None], Any]],
) -> None:
    """Store the results of calls of one retailer: each one by its function, the accepted together.

    A result that cannot be stored keeps no other one from being stored.
    """
    accepted = [
        (call, result)
        for call, _store, result in results
        if call is not None and isinstance(result, Accepted)
    ]
    done: set[int] = set()
    if accepted:
        together = [(call.claimed, result) for call, result in accepted]
        try:
            left = {claimed.pk for claimed, _result in accept_many(results=together)}
        except Exception as fault:  # noqa: BLE001 - each is stored alone then
            log.warning("%d are stored one by one: %s", len(together), type(fault).__name__)
            left = {claimed.pk for claimed, _result in together}
        for call, _result in accepted:
            if call.claimed.pk not in left:
                done.add(call.claimed.pk)
                call.went_well()
    for sent, store, result in results:
        if sent is not None and sent.claimed.pk in done:
            continue
        try:
            store(result)
        except Exception as fault:  # noqa: BLE001 - its lease runs out; then it is looked up
            log.error("A result cannot be stored: %s", type(fault).__name__)


def result_of(call: Callable[..., Any], *arguments: Any) -> Any:
    """Return the result of a call, or the exception that it raised."""
    try:
        return call(*arguments)
    except Exception as fault:  # noqa: BLE001 - even so the provider may have it
        return fault


def error_of(result: Any) -> ChannelError:
    """Return the error of a call that was not accepted. An unknown one leaves it unclear."""
    if isinstance(result, ChannelError):
        return result
    log.error("A channel broke with %s", type(result).__name__)
    return ChannelError("the channel broke", permanent=False, unclear=True)


def looked_up(result: Any) -> Accepted | ChannelError | None:
    """Return the result of a look-up; any failure means that it could not tell."""
    return result if result is None or isinstance(result, Accepted) else error_of(result)
