"""Tells the open boards where the vehicles are: one frame for each hub and second.

Open pages of shoppers are told too, each about the vehicle that is on the way to its own stop. A
page notes which shift it follows, so that nothing is read for vehicles that nobody follows.

Any web process may take positions, and only one of them sends. A lease in the cache names it. The
others keep trying while they take positions, so that another one goes on when the sender dies.
"""

from __future__ import annotations

import datetime as dt
import logging
import threading
import time
import uuid
from collections import defaultdict
from collections.abc import Iterable
from typing import Final

from django.conf import settings
from django.core.cache import cache
from django.db import DatabaseError, InterfaceError, connections, transaction
from redis.exceptions import RedisError

from dispatch.live.selectors.approach import shown_places
from dispatch.live.selectors.positions import VehiclePlace, places_changed_since
from dispatch.live.services.watching import ask_for_moved
from lastmile.core import clock
from lastmile.core.sockets import broadcast
from lastmile.core.tenancy import NoRetailer, RetailerNotOpen, current_schema, retailer_context

log = logging.getLogger(__name__)

POSITIONS: Final = "positions"  # the group of the boards, and the type of their frame
TRACK: Final = "track"  # the group of the sockets of one order's shoppers
POSITION: Final = "position"  # the type of their frame with a place
EVERY_S: Final = 1.0
#: A sender that dies is followed by another one after this time. Chosen.
LEASE_S: Final = 3
#: A process stops to look this long after the last batch that it took. Chosen.
IDLE_S: Final = 10.0
#: A batch that is committed late is still seen. Longer than any batch takes. Chosen.
LOOK_BACK: Final = dt.timedelta(seconds=20)
_LEASE: Final = "positions.sender"
#: An open page of a shopper says again within this time that it follows a shift. Chosen.
FOLLOWED_S: Final = 180
_FOLLOWED: Final = "positions.followed"


class Follower:
    """The part of a process that tells boards about positions, for all retailers together."""

    def __init__(self) -> None:
        self.name = uuid.uuid4().hex
        self._lock = threading.Lock()
        self._until: dict[str, float] = {}  # schema -> until when to look
        self._told: dict[str, dict[str, dt.datetime]] = defaultdict(dict)  # schema -> run -> at
        self._thread: threading.Thread | None = None

    def note(self, schema: str) -> None:
        """Note that positions of a retailer have come; start to send if nothing does it yet."""
        with self._lock:
            self._until[schema] = time.monotonic() + IDLE_S
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="positions", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        while True:
            began = time.monotonic()
            with self._lock:
                self._until = {name: at for name, at in self._until.items() if at > began}
                due = sorted(self._until)
                if not due:
                    self._thread = None
                    break
            for schema in due:
                self._follow(schema)
            time.sleep(max(0.05, EVERY_S - (time.monotonic() - began)))
        connections.close_all()

    def _follow(self, schema: str) -> None:
        try:
            with retailer_context(schema):
                self.tell_once()
        except (NoRetailer, RetailerNotOpen):  # it was closed meanwhile
            with self._lock:
                self._until.pop(schema, None)
        except (DatabaseError, InterfaceError, RedisError, OSError) as away:
            log.warning("Boards are not told about positions now: %s", away)
            connections.close_all()

    def tell_once(self) -> int:
        """Tell boards and shoppers of the retailer what changed; return how many hubs were told.

        Nothing is sent while another process has the lease.
        """
        if not self.holds_lease():
            return 0
        sent = self._told[current_schema()]
        since = clock.now() - LOOK_BACK
        changed: dict[tuple[str, dt.date], list[VehiclePlace]] = defaultdict(list)
        for place in places_changed_since(since):
            if sent.get(place.run) != place.at:
                changed[place.hub, place.day].append(place)
        for (hub, day), places in changed.items():
            data = {"sent_at": clock.now(), "positions": [place.as_json() for place in places]}
            broadcast(POSITIONS, hub, day.isoformat(), kind=POSITIONS, seq=None, data=data)
            sent.update({place.run: place.at for place in places})
        moved = [place for places in changed.values() for place in places]
        _tell_shoppers(moved)
        if moved:
            ask_for_moved(moved)
        for run in [run for run, at in sent.items() if at < since - dt.timedelta(days=1)]:
            del sent[run]
        return len(changed)

    def holds_lease(self) -> bool:
        """Take or renew the lease of the present retailer; return False if another has it."""
        if cache.add(_LEASE, self.name, LEASE_S):
            return True
        return bool(cache.get(_LEASE) == self.name and cache.touch(_LEASE, LEASE_S))


_follower = Follower()


def tell_boards_soon() -> None:
    """Tell the boards about the positions of this transaction within about a second.

    Locks: nothing. Records: nothing. Raises: nothing.
    """
    if settings.TELL_POSITIONS:
        schema = current_schema()
        transaction.on_commit(lambda: _follower.note(schema), robust=True)


def note_followed(shift: str) -> None:
    """Note that an open page follows the vehicle of a shift (public id), for three minutes.

    Locks: nothing. Records: nothing. Raises: nothing of its own.
    """
    cache.set(f"{_FOLLOWED}.{shift}", True, FOLLOWED_S)


def _tell_shoppers(places: Iterable[VehiclePlace]) -> None:
    """Send the places that shoppers may know, each to the open pages of one order."""
    runs = {f"{_FOLLOWED}.{place.shift}": place.run for place in places}
    followed = [runs[key] for key in cache.get_many(runs)] if runs else []
    if not followed:
        return
    for order, shown in shown_places(followed).items():
        broadcast(TRACK, order, kind=POSITION, seq=None, data=shown.as_json())
