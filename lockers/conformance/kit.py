"""The tools of the checks: reservations, codes, commands, and waiting for what must come. PURE."""

from __future__ import annotations

import datetime as dt
import itertools
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from lockers import codes, signing
from lockers.conformance.hands import Hands
from lockers.conformance.server import KitServer, Switches, World
from lockers.states import CodeRole


class Failed(Exception):
    """A check failed; the text says what came instead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reserved:
    """A reservation of the kit: its id, its door and its generation."""

    name: str
    box: str
    generation: int = 1


class Kit:
    """The kit at work with one cabinet.

    Parameters
    ----------
    wait_s : float
        Seconds in which a report of the cabinet must come. A cabinet reports every minute.
    """

    def __init__(self, server: KitServer, hands: Hands, wait_s: float = 150.0) -> None:
        self.server, self.hands, self.wait_s = server, hands, wait_s
        self._numbers = itertools.count(1)

    @property
    def world(self) -> World:
        """The world of the server: all that it knows and was told."""
        return self.server.world

    # --- waiting ---------------------------------------------------------------------------------
    def until(self, is_so: Callable[[World], bool], actual: str) -> None:
        """Wait until something is true. Raises Failed with what happened instead."""
        ends_at = time.monotonic() + self.wait_s
        while True:
            if self.server.wait(is_so, 0):
                return
            self.hands.nudge()
            left = ends_at - time.monotonic()
            if self.server.wait(is_so, min(1.0, max(left, 0.0))):
                return
            if left <= 0:
                raise Failed(actual)

    def reports(self, count: int = 1) -> None:
        """Wait for some more good heartbeats, so that the cabinet knows what is new."""
        before = self.good_heartbeats()
        self.until(
            lambda _world: self.good_heartbeats() >= before + count,
            f"fewer than {count} good heartbeats within {self.wait_s:g} s",
        )

    def good_heartbeats(self) -> int:
        """Return how many heartbeats were taken."""
        return sum(m.kind == "heartbeats" and m.status == 200 for m in self.world.messages)

    def last_entry(self) -> int:
        """Return the number of the last entry that came; later ones are new."""
        return max(self.world.entries, default=0)

    def entry(self, kind: str, *, above: int = 0, **wanted: Any) -> dict[str, Any]:
        """Wait for an entry with a number above ``above`` and return it. Raises Failed."""
        shown = " ".join([kind, *(f"{name}={value}" for name, value in wanted.items())])
        self.until(
            lambda _world: bool(self.entries(kind, above=above, **wanted)), f"no entry {shown}"
        )
        return self.entries(kind, above=above, **wanted)[-1]

    def entries(self, kind: str, *, above: int = 0, **wanted: Any) -> list[dict[str, Any]]:
        """Return the entries of a kind that came so far, in their order."""
        return [
            one
            for seq, one in sorted(self.world.entries.items())
            if seq > above
            and one["kind"] == kind
            and all(one.get(name) == value for name, value in wanted.items())
        ]

    def tidy(self) -> None:
        """Take away what a failed check left: faults of the server, commands, reservations."""
        world = self.world
        world.switches = Switches()
        for left in (world.commands, world.ended, world.reservations):
            left.clear()

    def flush(self) -> None:
        """Wait until the cabinet has sent what it has written so far."""
        self.reports(2)

    # --- the server's side -------------------------------------------------------------------
    def reserve(self, box: str, *, drop: bool = False) -> Reserved:
        """Add a reservation for a door; the cabinet learns it with its next heartbeat."""
        number = next(self._numbers)
        reserved = Reserved(name=f"rsv_{number:020d}", box=box)
        now = self.server.now()
        self.world.reservations.append(
            {
                "reservation": reserved.name,
                "box": box,
                "generation": reserved.generation,
                "inside": False,
                "drop": drop,
                "to_courier": False,
                "collect_within_s": 72 * 3600,
                "deposit_by": signing.write_time(now + dt.timedelta(days=2)),
                "collect_by": None,
            }
        )
        return reserved

    def forget(self, reserved: Reserved) -> None:
        """Take a reservation away, as after its collection."""
        self.world.reservations[:] = [
            one for one in self.world.reservations if one["reservation"] != reserved.name
        ]

    def inside(self, reserved: Reserved) -> None:
        """Note a deposit, as the server does when the journal told it."""
        until = self.server.now() + dt.timedelta(days=3)
        for one in self.world.reservations:
            if one["reservation"] == reserved.name:
                one["inside"] = True
                one["to_courier"] = one["drop"]
                one["collect_by"] = None if one["drop"] else signing.write_time(until)

    def pin(self, reserved: Reserved, role: CodeRole) -> str:
        """Return the PIN of a role."""
        return codes.pin(self.world.code_key, reserved.name, role, reserved.generation)

    def wrong_pin(self) -> str:
        """Return a PIN with a right check digit that opens nothing."""
        right = {
            self.pin(Reserved(name=one["reservation"], box=one["box"]), role)
            for one in self.world.reservations
            for role in CodeRole
        }
        number = next(self._numbers) * 7_919
        while True:
            body = f"{number % 10_000_000:07d}"
            if body + codes.check_digit(body) not in right:
                return body + codes.check_digit(body)
            number += 1

    def token(self, reserved: Reserved, *, expires_in_s: int = 3600) -> str:
        """Return a courier's token for a QR code."""
        now = int(self.server.now().timestamp())
        return codes.token_text(
            self.world.code_key,
            codes.Token(
                reservation=reserved.name,
                role=CodeRole.COURIER,
                box=reserved.box,
                generation=reserved.generation,
                not_before_s=now - 7200,
                expires_s=now + expires_in_s,
                nonce=f"{next(self._numbers):08x}",
            ),
        )

    def command(self, kind: str, box: str = "", *, life_s: int = 60) -> str:
        """Return the id of a new command, which the next heartbeat hands out."""
        name = f"cmd_{next(self._numbers):020d}"
        expires_at = self.server.now() + dt.timedelta(seconds=life_s)
        self.world.commands.append(
            {
                "command": name,
                "kind": kind,
                "box": box,
                "expires_at": signing.write_time(expires_at),
            }
        )
        return name

    @contextmanager
    def no_network(self) -> Iterator[None]:
        """Cut the network for a while."""
        self.world.switches.network = False
        try:
            yield
        finally:
            self.world.switches.network = True

    # --- whole acts ----------------------------------------------------------------------------
    def opens(self, door: str, reserved: Reserved, what: str) -> None:
        """Raise Failed unless the door of the reservation opened."""
        if door != reserved.box:
            raise Failed(f"{what} opened {f'door {door}' if door else 'no door'}")

    def stays_closed(self, door: str, what: str) -> None:
        """Raise Failed if a door opened."""
        if door:
            self.hands.close(door)
            raise Failed(f"{what} opened door {door}")

    def deposit(self, reserved: Reserved, role: CodeRole = CodeRole.COURIER) -> dict[str, Any]:
        """Deposit with a PIN; return the entry of the journal. Raises Failed."""
        door = self.hands.type_pin(self.pin(reserved, role))
        self.opens(door, reserved, f"the {role} PIN")
        self.hands.put(reserved.box)
        self.hands.close(reserved.box)
        entry = self.entry("deposited", reservation=reserved.name, box=reserved.box)
        self.inside(reserved)
        self.reports(2)
        return entry

    def collect(self, reserved: Reserved, role: CodeRole = CodeRole.SHOPPER) -> None:
        """Collect with a PIN, without waiting for the journal. Raises Failed."""
        door = self.hands.type_pin(self.pin(reserved, role))
        self.opens(door, reserved, f"the {role} PIN")
        self.hands.take(reserved.box)
        self.hands.close(reserved.box)
