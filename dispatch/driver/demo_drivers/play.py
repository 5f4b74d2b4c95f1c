"""Plays a demo driver: starts, drives the route and delivers; one visit in seven fails.

Photos of deliveries that are left at the door are drawn.
"""

from __future__ import annotations

import random
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from dispatch.driver.demo_drivers.phone import ACCURACY_M, Phone
from dispatch.driver.demo_drivers.picture import photo_of_door
from dispatch.driver.demo_drivers.way import SPEED_MPS, Spot, drive, part_of

#: Seconds between two positions, before the departure, and at a door.
EVERY_S: Final = 3.0
LOADING_S: Final = 6.0
AT_DOOR_S: Final = (8.0, 20.0)
FAILED_SHARE: Final = 1 / 7
#: Seconds until the day is read again when there is nothing to do.
REST_S: Final = 20.0
#: Positions are sent after this many steps, and at each door.
STEPS_A_CALL: Final = 2
_DONE: Final = frozenset({"cancelled", "returned"})


@dataclass
class DemoDriver:
    """A driver at work. ``wait`` is called with the seconds between two steps."""

    phone: Phone
    wait: Callable[[float], None]
    seed: int = 1
    here: Spot | None = None
    chance: random.Random = field(init=False)

    def __post_init__(self) -> None:
        """Give the driver an own sequence of chances, so that a seed plays the same day."""
        self.chance = random.Random(self.seed)  # noqa: S311 - a demo, not a secret

    def work(self) -> bool:
        """Do the next thing of the day; return False if the shift has ended or there is none.

        Photos that could not be sent go first.

        Raises LoggedOut, NotReached. After NotReached it may be called again: it reads the day
        and goes on where the day is.
        """
        day = self.phone.day()
        self.phone.send_photos()
        run, route = day.get("run") or {}, day.get("route")
        if not run or run["state"] == "ended" or not route:
            return False
        if changes := day.get("changes"):
            self.phone.act("plan_confirmed", number=changes["to"])
        if run["state"] == "back":
            self.phone.act("shift_ended")
            return False
        if run["state"] == "before":
            self.phone.act("shift_started")
            self.wait(LOADING_S)
            return True
        if run["state"] == "loading":
            self.phone.act("left_hub")
            return True
        self._drive_on(day, route)
        return True

    def _drive_on(self, day: Mapping[str, Any], route: Mapping[str, Any]) -> None:
        line: list[Spot] = [(lon, lat) for lon, lat in route["geometry"]]
        hub: Spot = (day["hub"]["lon"], day["hub"]["lat"])
        open_stops = [stop for stop in day["stops"] if _is_open(stop)]
        done = [stop for stop in day["stops"] if stop.get("outcome") and stop["lat"] is not None]
        if self.here is None:  # the program was started again on the way
            self.here = (done[-1]["lon"], done[-1]["lat"]) if done else hub
            self._photograph_again(done)
        if not open_stops:
            self._go(line, hub)
            self.phone.act("back_at_hub")
            return
        stop = next((one for one in open_stops if one.get("arrived_at")), open_stops[0])
        if not stop.get("arrived_at"):
            if stop["lat"] is not None:
                self._go(line, (stop["lon"], stop["lat"]))
            self.phone.act("arrived", order=stop["order"], **self._place())
        self.wait(self.chance.uniform(*AT_DOOR_S))
        self._end(stop)

    def _end(self, stop: Mapping[str, Any]) -> None:
        order = stop["order"]
        # The same order fails at each start of the program with the same seed.
        lot = zlib.crc32(f"{self.seed} {order}".encode()) / 2**32
        if stop["direction"] == "return":
            self.phone.act("picked_up", order=order, **self._place())
        elif lot < FAILED_SHARE:
            self.phone.act("failed", order=order, reason="not_home", **self._place())
        else:
            kind = stop["handover"]["kind"]
            fields: dict[str, Any] = {"handover": kind} if kind else {}
            if "photo" in stop["proof"]:
                fields["proofs"] = [self._photograph(order)]
            self.phone.act("delivered", order=order, **fields, **self._place())
            self.phone.send_photos()

    def _photograph(self, order: str) -> dict[str, Any]:
        """Take the photo of a door. The same order always gives the same photo."""
        return self.phone.take_photo(photo_of_door(zlib.crc32(f"{self.seed} {order}".encode())))

    def _photograph_again(self, stops: Sequence[Mapping[str, Any]]) -> None:
        """Send the photos of the stops that are done: the program may have ended before."""
        for stop in stops:
            if stop["outcome"] != "failed" and "photo" in stop["proof_given"]:
                self._photograph(stop["order"])
        self.phone.send_photos()

    def _go(self, line: list[Spot], goal: Spot) -> None:
        way = part_of(line, self.here or goal, goal)
        for number, step in enumerate(drive(way, EVERY_S), 1):
            self.here = step.spot
            self.wait(EVERY_S)
            self.phone.position(step.spot[1], step.spot[0], step.heading, SPEED_MPS)
            if number % STEPS_A_CALL == 0:
                self.phone.send_positions()
        self.phone.send_positions()

    def _place(self) -> dict[str, Any]:
        if self.here is None:
            return {}
        return {
            "lat": round(self.here[1], 6),
            "lon": round(self.here[0], 6),
            "accuracy_m": ACCURACY_M,
        }


def _is_open(stop: Mapping[str, Any]) -> bool:
    return not stop.get("outcome") and stop["state"] not in _DONE
