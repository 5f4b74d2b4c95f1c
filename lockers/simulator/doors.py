"""The doors of a simulated cabinet, as its computer sees and moves them. PURE.

All that must survive a power failure is stored before the next step is taken.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from lockers import signing
from lockers.simulator.hardware import Hardware
from lockers.simulator.link import Transport
from lockers.simulator.memory import Memory
from lockers.states import CodeRole


@dataclass(frozen=True, slots=True)
class Outcome:
    """The answer to the person at the keypad: a word, and the door."""

    word: str
    box: str = ""


class DoorControl:
    """The doors of a cabinet, its memory, its journal and its clocks.

    Parameters
    ----------
    clock : callable
        The cabinet's own clock; it may be wrong.
    uptime_s : callable
        Seconds that never jump, for the lock-out of wrong codes.
    """

    def __init__(
        self,
        memory: Memory,
        hardware: Hardware,
        transport: Transport,
        *,
        clock: Callable[[], dt.datetime],
        uptime_s: Callable[[], float],
    ) -> None:
        self.memory, self.hardware, self.transport = memory, hardware, transport
        self._clock, self._uptime_s = clock, uptime_s
        self.state: dict[str, Any] = {
            "device": "", "bank": "", "key": "", "code_key": "", "message_seq": 0, "entry_seq": 0,
            "acked": 0, "journal": [], "known": {}, "sessions": {}, "commands": {}, "wrong": [],
            "ended": {}, "version": "", "left_open": [], "faults": {}, "offset_s": 0.0,
        } | memory.load()  # fmt: skip
        self.clock_known = False
        self.online = False
        self._boot()

    # --- time -----------------------------------------------------------------------------------
    def now(self) -> dt.datetime:
        """Return the time by the cabinet's clock, corrected by the last signed time."""
        return self._clock() + dt.timedelta(seconds=self.state["offset_s"])

    # --- starting -------------------------------------------------------------------------------
    def _boot(self) -> None:
        """Switch all relays off, measure the doors, and end what was begun (field row L04)."""
        for door in self.hardware.doors.values():
            door.relay_on = False
        if not self.state["device"]:
            return
        self._write("boot")
        for command, begun in self.state["commands"].items():
            if begun["status"] == "started":
                self._end_interrupted(command, begun)
        for number, door in self.hardware.doors.items():
            session = self.state["sessions"].get(number)
            if session is None:
                continue
            if door.is_open:
                self._note_opened(number, session)
            else:
                self._door_closed(number)
        self._save()

    def _end_interrupted(self, command: str, begun: dict[str, Any]) -> None:
        """End a command in whose middle the power failed, by what the door shows."""
        box = begun["box"]
        if box and self.hardware.doors[box].is_open:
            begun["status"] = "done"
            self._write("opened", box=box, by="command", command=command)
        else:
            begun["status"] = "failed"
            self._write("command", command=command, result="failed", failure="interrupted")

    # --- the journal ----------------------------------------------------------------------------
    def _write(self, kind: str, **data: Any) -> None:
        self.state["entry_seq"] += 1
        entry = {
            "seq": self.state["entry_seq"],
            "kind": kind,
            "at": signing.write_time(self.now()),
            "clock": "known" if self.clock_known else "unknown",
            "offline": not self.online,
            **data,
        }
        self.state["journal"].append(entry)

    def _save(self) -> None:
        self.memory.save(self.state)

    # --- the doors ------------------------------------------------------------------------------
    def _open_for(self, name: str, role: CodeRole) -> Outcome:
        """Open the door of a reservation; another open door must be closed first (L10)."""
        number = self.state["known"][name]["box"]
        for other, session in self.state["sessions"].items():
            if other != number and self.hardware.doors[other].is_open and session:
                return Outcome("wait", other)
        holder = self._holder(number)
        if role in {CodeRole.COURIER, CodeRole.RETURNER} and holder not in {None, name}:
            return Outcome("occupied", number)
        self.state["sessions"][number] = {"reservation": name, "role": role.value}
        self._save()
        if not self._pulse(number):
            self._write("open_failed", box=number, by="code", reservation=name)
            del self.state["sessions"][number]
            self._save()
            return Outcome("not_opened", number)
        self._note_opened(number, self.state["sessions"][number])
        self._save()
        return Outcome("opened", number)

    def _note_opened(self, number: str, session: dict[str, Any]) -> None:
        """Write once that a door is open for a code."""
        if session.get("opened"):
            return
        session["opened"] = True
        self._write(
            "opened", box=number, by="code", reservation=session["reservation"],
            role=session["role"],
        )  # fmt: skip

    def _holder(self, number: str) -> str | None:
        """Return the reservation whose parcel is behind a door, as far as the cabinet knows."""
        for name, one in self.state["known"].items():
            if one["inside"] and one["box"] == number:
                return str(name)
        return None

    def _pulse(self, number: str) -> bool:
        """Give the lock its pulse, with any report of the sensor (L02); True if it opened.

        A sensor that says open before the pulse cannot show that the door opens now. The pulse
        counts, and the fault is told.
        """
        door = self.hardware.doors[number]
        said_open = door.sensor_open
        door.relay_on = True
        self.memory.step()
        door.pulse()
        door.relay_on = False
        self.memory.step()
        if said_open:
            self._write("sensor_fault", box=number)
            return True
        return door.sensor_open

    def close(self, number: str) -> None:
        """Close a door, as a person does."""
        door = self.hardware.doors[number]
        if door.is_open:
            door.is_open = False
            self._door_closed(number)
            self._save()

    def _door_closed(self, number: str) -> None:
        door = self.hardware.doors[number]
        content = "occupied" if door.parcels else "empty"
        if number in self.state["left_open"]:
            self.state["left_open"].remove(number)
        session = self.state["sessions"].pop(number, None)
        if session is not None and session["reservation"] in self.state["known"]:
            self._end_session(number, session, content)
        self._write("closed", box=number, content=content)

    def _end_session(self, number: str, session: dict[str, Any], content: str) -> None:
        """Write what happened behind a door that a code opened, by what is inside now."""
        door = self.hardware.doors[number]
        name, role = session["reservation"], session["role"]
        known = self.state["known"][name]
        depositor = CodeRole.RETURNER if known.get("drop") else CodeRole.COURIER
        if not known["inside"] and role == depositor and door.parcels:
            self._note_opened(number, session)  # a parcel inside proves it
            known["inside"] = True
            within = known.get("collect_within_s", 72 * 3600)
            known["collect_by"] = signing.write_time(self.now() + dt.timedelta(seconds=within))
            self._write(
                "deposited", box=number, reservation=name, generation=known["generation"],
                content=content,
            )  # fmt: skip
        elif known["inside"] and not door.parcels:
            self._note_opened(number, session)
            self._write("collected", box=number, reservation=name, role=role, content=content)
            self.state["ended"][name] = known["generation"]
            del self.state["known"][name]

    def force(self, number: str) -> None:
        """Open a door by force."""
        self.hardware.doors[number].is_open = True
        self._write("opened", box=number, by="none")
        self._save()

    def note_left_open(self, number: str) -> None:
        """Tell once that a door is open for longer than the limit."""
        if self.hardware.doors[number].sensor_open and number not in self.state["left_open"]:
            self.state["left_open"].append(number)
            self._write("left_open", box=number)
            self._save()
