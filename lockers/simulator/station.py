"""A simulated cabinet at work: it reports by itself, and does what a person at its page does. PURE.

The doors and what is behind them are kept in a file of their own, as steel survives a power cut.
"""

from __future__ import annotations

import datetime as dt
import json
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from lockers.simulator.cabinet import Cabinet
from lockers.simulator.hardware import Door, Fault, Hardware
from lockers.simulator.link import Answer, Offline, Transport
from lockers.simulator.memory import Memory, write_owned

#: The firmware of a cabinet of the demo. The demo replaces no other cabinet.
DEMO_FIRMWARE: Final = "demo simulator"
LEFT_OPEN_S: Final = 120.0
SHOWN_ENTRIES: Final = 14
MOST_SKEW_MINUTES: Final = 60 * 24 * 366 * 60


class Wire:
    """The network of the cabinet: it can be switched off, and remembers the last message."""

    def __init__(self, inner: Transport) -> None:
        self.inner = inner
        self.is_on = True
        self.last: tuple[str, dict[str, str], bytes] | None = None

    def send(self, path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Send a call unless the network is off. Raises Offline."""
        if not self.is_on:
            raise Offline("The network is switched off.")
        if headers:
            self.last = (path, dict(headers), body)
        return self.inner.send(path, headers, body)


class ShownCabinet(Cabinet):
    """A cabinet whose last journal entries can be shown after they were sent."""

    shown: deque[dict[str, Any]]

    def _write(self, kind: str, **data: Any) -> None:
        super()._write(kind, **data)
        if not hasattr(self, "shown"):
            self.shown = deque(maxlen=SHOWN_ENTRIES)
        self.shown.append(self.state["journal"][-1])


class Station:
    """A running cabinet. Every act and every report holds one lock.

    Parameters
    ----------
    doors : sequence of str
        Numbers of the doors.
    memory_file : Path or None
        File for the memory of the computer; the doors are kept beside it.
    transport : Transport
        The way to the server.
    kind : type
        The cabinet; another one may have a flaw (``flaws.py``).
    """

    def __init__(
        self,
        doors: tuple[str, ...],
        memory_file: Path | None,
        transport: Transport,
        kind: type[ShownCabinet] = ShownCabinet,
    ) -> None:
        self.kind = kind
        self.lock = threading.RLock()
        self.memory_file = memory_file
        self.memory = Memory(memory_file)
        self.skew = dt.timedelta(0)
        self.wire = Wire(transport)
        self.open_since: dict[str, float] = {}
        self.hardware = _hardware(self._doors_file, doors)
        self.cabinet = self._start()

    @property
    def _doors_file(self) -> Path | None:
        return self.memory_file.with_suffix(".doors") if self.memory_file else None

    def _start(self) -> ShownCabinet:
        return self.kind(
            self.memory,
            self.hardware,
            self.wire,
            clock=lambda: dt.datetime.now(dt.UTC) + self.skew,
            uptime_s=time.monotonic,
        )

    def provision(self, token: str) -> bool:
        """Get the keys for a token, unless it was used before; True if the cabinet has keys.

        Raises Offline.
        """
        with self.lock:
            digest = self.cabinet.digest_of(token)
            if token and self.cabinet.state.get("token") != digest:
                if not self.cabinet.provision(token):
                    return bool(self.cabinet.state["device"])
                self.cabinet.state["token"] = digest
                self.cabinet.memory.save(self.cabinet.state)
            return bool(self.cabinet.state["device"])

    def tick(self) -> bool:
        """Report once, and note doors that are open for too long; True if the server answered."""
        with self.lock:
            self._note_open_doors()
            if not self.cabinet.state["device"]:
                return False
            return self.cabinet.sync()

    def _note_open_doors(self) -> None:
        for number, door in self.hardware.doors.items():
            if not door.is_open:
                self.open_since.pop(number, None)
            elif time.monotonic() - self.open_since.setdefault(number, time.monotonic()) >= (
                LEFT_OPEN_S
            ):
                self.cabinet.note_left_open(number)

    # --- the acts of a person ------------------------------------------------------------------
    def act(self, name: str, values: Mapping[str, str]) -> dict[str, str]:
        """Do one act and return a word for the screen, and a door. Raises KeyError, ValueError."""
        with self.lock:
            screen = _ACTS[name](self, values)
            _keep(self._doors_file, self.hardware)
            self._note_open_doors()
            if self.cabinet.state["device"] and name not in {"network", "replay", "twin"}:
                self.cabinet.sync()
            return screen

    def do_type(self, values: Mapping[str, str]) -> dict[str, str]:
        """Type a code, after a look for news. A text with a point is that of a QR code."""
        typed = "".join(values["code"].split())
        cabinet = self.cabinet
        if cabinet.state["device"]:
            cabinet.sync()  # it asks for news first, as far as there is a network
        outcome = cabinet.scan(typed) if "." in typed else cabinet.type_pin(typed)
        return {"word": outcome.word, "box": outcome.box}

    def do_put(self, values: Mapping[str, str]) -> dict[str, str]:
        """Put a parcel behind an open door."""
        number = values["box"]
        self.hardware.put(number, values.get("parcel") or "parcel")
        return {"word": "put", "box": number}

    def do_take(self, values: Mapping[str, str]) -> dict[str, str]:
        """Take out what is behind an open door."""
        taken = self.hardware.take(values["box"])
        return {"word": "taken" if taken else "nothing_inside", "box": values["box"]}

    def do_close(self, values: Mapping[str, str]) -> dict[str, str]:
        """Close a door."""
        self.cabinet.close(values["box"])
        return {"word": "closed", "box": values["box"]}

    def do_force(self, values: Mapping[str, str]) -> dict[str, str]:
        """Open a door by force."""
        self.cabinet.force(values["box"])
        return {"word": "forced", "box": values["box"]}

    def do_fault(self, values: Mapping[str, str]) -> dict[str, str]:
        """Give a door a fault, or none."""
        door = self.hardware.doors[values["box"]]
        door.fault = Fault(values["fault"]) if values.get("fault") else None
        return {"word": "fault_set", "box": values["box"]}

    def do_network(self, values: Mapping[str, str]) -> dict[str, str]:
        """Cut or connect the network."""
        self.wire.is_on = values["on"] == "1"
        self.cabinet.sync()
        return {"word": "network_on" if self.wire.is_on else "network_off"}

    def do_skew(self, values: Mapping[str, str]) -> dict[str, str]:
        """Let the cabinet's own clock be wrong by some minutes."""
        minutes = int(values["minutes"])
        if abs(minutes) > MOST_SKEW_MINUTES:
            raise ValueError("The clock cannot be so wrong.")
        self.skew = dt.timedelta(minutes=minutes)
        self.cabinet.clock_known = False
        self.cabinet.state["offset_s"] = 0.0
        return {"word": "clock_set"}

    def do_restart(self, values: Mapping[str, str]) -> dict[str, str]:
        """Cut the power for a moment."""
        empty: deque[dict[str, Any]] = deque(maxlen=SHOWN_ENTRIES)
        shown = getattr(self.cabinet, "shown", empty)
        self.cabinet = self._start()
        shown.extend(getattr(self.cabinet, "shown", ()))
        self.cabinet.shown = shown
        return {"word": "restarted"}

    def do_sync(self, values: Mapping[str, str]) -> dict[str, str]:
        """Report now."""
        return {"word": "sent" if self.cabinet.sync() else "not_sent"}

    def do_replay(self, values: Mapping[str, str]) -> dict[str, str]:
        """Send the last message a second time, with its number. The server must refuse it."""
        if self.wire.last is None:
            return {"word": "nothing_sent"}
        status = self.wire.send(*self.wire.last).status
        return {"word": "replay_refused" if status == 409 else "replay_answered"}

    def do_twin(self, values: Mapping[str, str]) -> dict[str, str]:
        """Let a second cabinet with the same identity report. The server must stop both."""
        twin = Cabinet(
            self.cabinet.memory.copy(),
            Hardware.with_doors(*self.hardware.doors),
            self.wire,
            clock=lambda: dt.datetime.now(dt.UTC),
            uptime_s=time.monotonic,
        )
        twin.force(next(iter(self.hardware.doors)))
        twin.sync()
        return {"word": "twin_sent" if self.cabinet.sync() else "twin_stopped"}

    # --- the page ------------------------------------------------------------------------------
    def picture(self) -> dict[str, Any]:
        """Return all that the page shows."""
        with self.lock:
            cabinet, state = self.cabinet, self.cabinet.state
            reserved = {
                one["box"]: {"reservation": name, "inside": one["inside"]}
                for name, one in state["known"].items()
            }
            return {
                "device": state["device"],
                "bank": state["bank"],
                "online": cabinet.online,
                "network": self.wire.is_on,
                "skew_minutes": round(self.skew.total_seconds() / 60),
                "clock_known": cabinet.clock_known,
                "time": cabinet.now().isoformat(timespec="seconds"),
                "waiting": len(state["journal"]),
                "doors": [
                    _door(number, door, reserved.get(number))
                    for number, door in self.hardware.doors.items()
                ],
                "journal": list(reversed(getattr(cabinet, "shown", ()))),
            }


_ACTS: Final[Mapping[str, Callable[[Station, Mapping[str, str]], dict[str, str]]]] = {
    "type": Station.do_type,
    "put": Station.do_put,
    "take": Station.do_take,
    "close": Station.do_close,
    "force": Station.do_force,
    "fault": Station.do_fault,
    "network": Station.do_network,
    "skew": Station.do_skew,
    "restart": Station.do_restart,
    "sync": Station.do_sync,
    "replay": Station.do_replay,
    "twin": Station.do_twin,
}


def _door(number: str, door: Door, reserved: Mapping[str, Any] | None) -> dict[str, Any]:
    return {
        "number": number,
        "open": door.is_open,
        "parcels": list(door.parcels),
        "fault": door.fault or "",
        "reserved": reserved,
    }


def _hardware(file: Path | None, doors: tuple[str, ...]) -> Hardware:
    """Return the doors; their state is the stored one if there is any."""
    hardware = Hardware.with_doors(*doors)
    if file is not None and file.exists():
        stored = json.loads(file.read_text(encoding="utf-8"))
        for number, one in stored.items():
            if number in hardware.doors:
                hardware.doors[number] = Door(
                    is_open=one["open"],
                    parcels=list(one["parcels"]),
                    fault=Fault(one["fault"]) if one["fault"] else None,
                )
    return hardware


def _keep(file: Path | None, hardware: Hardware) -> None:
    if file is None:
        return
    stored = {
        number: {"open": door.is_open, "parcels": door.parcels, "fault": door.fault or ""}
        for number, door in hardware.doors.items()
    }
    write_owned(file, json.dumps(stored))
