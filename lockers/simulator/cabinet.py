"""The computer of a simulated cabinet: doors, codes, journal and messages. PURE.

It decides alone when there is no network. All that must survive a power failure is stored before
the next step is taken. ``clock`` is the cabinet's own clock, which may be wrong.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from lockers import codes, signing
from lockers.simulator.hardware import Hardware
from lockers.simulator.link import Answer, Offline, Signer, Transport
from lockers.simulator.memory import Memory
from lockers.states import CodeRole

MOST_SENT: Final = 200  # entries of one upload
WRONG_TRIES: Final = 5
WRONG_IN_S: Final = 600
_AFTER_DEPOSIT: Final = (CodeRole.SHOPPER, CodeRole.RETURNER, CodeRole.OPERATOR)
_BEFORE_DEPOSIT: Final = (CodeRole.COURIER, CodeRole.OPERATOR)
API: Final = "/api/v1"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the cabinet tells the person at the keypad: a word, and the door."""

    word: str
    box: str = ""


class Cabinet:
    """A cabinet with its memory, its doors and its clocks.

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

    def provision(self, token: str) -> bool:
        """Get the keys for a token; return True if it worked. Unsent entries are kept."""
        body = json.dumps({"token": token, "firmware": "simulator"}).encode()
        answer = self.transport.send(f"{API}/locker-devices/", {}, body)
        if answer.status != 201:
            return False
        given = answer.json()
        left = self.state["journal"]
        self.state |= {
            "device": given["device"], "bank": given["bank"], "key": given["key"],
            "code_key": given["code_key"], "message_seq": 0, "acked": 0, "version": "",
        }  # fmt: skip
        for number, entry in enumerate(left, start=1):
            entry["seq"] = number
        self.state["entry_seq"] = len(left)
        self._set_clock(signing.read_time(given["time"]))
        self._save()
        return True

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

    # --- the keypad -----------------------------------------------------------------------------
    def type_pin(self, typed: str) -> Outcome:
        """Take a PIN at the keypad: open the door, or say why not."""
        if self._is_locked():
            return Outcome("locked")
        known = self.state["known"]
        key = bytes.fromhex(self.state["code_key"])
        for name, one in known.items():
            roles = _AFTER_DEPOSIT if one["inside"] else _BEFORE_DEPOSIT
            pair = codes.Known(reservation=name, generation=one["generation"])
            matched = codes.match(key, typed, [pair], roles)
            if matched is not None and self._is_in_time(one, matched[1]):
                return self._open_for(name, matched[1])
        return self._wrong()

    def scan(self, text: str) -> Outcome:
        """Take a token from a QR code; a courier's token tells of its reservation."""
        if self._is_locked():
            return Outcome("locked")
        try:
            token = codes.read_token(bytes.fromhex(self.state["code_key"]), text)
        except codes.BadToken:
            return self._wrong()
        known = self.state["known"].get(token.reservation)
        ended = self.state["ended"].get(token.reservation, 0)
        in_time = self.clock_known and token.is_valid_at(int(self.now().timestamp()))
        inside = known is not None and known["inside"]
        if token.generation <= ended or token.box not in self.hardware.doors:
            return self._wrong()
        if inside and token.generation < known["generation"]:
            return self._wrong()
        if not in_time and not (inside and token.role == CodeRole.SHOPPER):
            return self._wrong()
        if (token.role in _AFTER_DEPOSIT) != inside and token.role != CodeRole.OPERATOR:
            return self._wrong()
        if known is None:
            self.state["known"][token.reservation] = {
                "box": token.box, "generation": token.generation, "inside": False,
                "deposit_by": signing.write_time(_instant(token.expires_s)), "collect_by": None,
                "to_courier": False,
            }  # fmt: skip
        return self._open_for(token.reservation, CodeRole(token.role))

    def _is_in_time(self, one: dict[str, Any], role: CodeRole) -> bool:
        """Return True within the period of a code.

        With an unknown clock only parcels that are inside can be taken out (field row L05).
        """
        if one["inside"]:
            until = one["collect_by"]
            if role == CodeRole.SHOPPER and one["to_courier"]:
                return False
            if role == CodeRole.RETURNER and not one["to_courier"]:
                return False
            return not self.clock_known or until is None or role != CodeRole.SHOPPER or (
                self.now() < _read(until)
            )  # fmt: skip
        return self.clock_known and self.now() < _read(one["deposit_by"])

    def _is_locked(self) -> bool:
        self.state["wrong"] = [
            at for at in self.state["wrong"] if 0 <= self._uptime_s() - at < WRONG_IN_S
        ]
        return len(self.state["wrong"]) >= WRONG_TRIES

    def _wrong(self) -> Outcome:
        self.state["wrong"].append(self._uptime_s())
        if len(self.state["wrong"]) == WRONG_TRIES:
            self._write("locked_out", count=WRONG_TRIES)
        self._save()
        return Outcome("wrong")

    # --- the doors ------------------------------------------------------------------------------
    def _open_for(self, name: str, role: CodeRole) -> Outcome:
        """Open the door of a reservation; another open door must be closed first (L10)."""
        number = self.state["known"][name]["box"]
        for other, session in self.state["sessions"].items():
            if other != number and self.hardware.doors[other].is_open and session:
                return Outcome("wait", other)
        holder = self._holder(number)
        if role == CodeRole.COURIER and holder not in {None, name}:
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
        """Give the lock its pulse, always, whatever the sensor says (L02); True if it opened.

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
        if not known["inside"] and role == CodeRole.COURIER and door.parcels:
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
        """Let somebody tear a door open."""
        self.hardware.doors[number].is_open = True
        self._write("opened", box=number, by="none")
        self._save()

    def note_left_open(self, number: str) -> None:
        """Tell once that a door is open for longer than the limit."""
        if self.hardware.doors[number].sensor_open and number not in self.state["left_open"]:
            self.state["left_open"].append(number)
            self._write("left_open", box=number)
            self._save()

    # --- messages -------------------------------------------------------------------------------
    def sync(self) -> bool:
        """Send the journal, then report and ask; return True if the server answered both."""
        try:
            sent = self.upload() and self.report()
        except Offline:
            sent = False
        self.online = sent
        return sent

    def upload(self) -> bool:
        """Send the journal from the last answered number on. Raises Offline."""
        while self.state["journal"]:
            entries = self.state["journal"][:MOST_SENT]
            answer = self.send("journal", {"entries": entries})
            if answer.status != 200:
                return False
            self._note_acked(answer.json()["acked_seq"])
            if self.state["journal"][:1] == entries[:1]:
                return False  # the server waits for an entry that is no longer here
        return True

    def _note_acked(self, acked: int) -> None:
        self.state["acked"] = acked
        self.state["journal"] = [e for e in self.state["journal"] if e["seq"] > acked]
        self._save()

    def report(self) -> bool:
        """Send a heartbeat and do what its answer says. Raises Offline."""
        answer = self.send(
            "heartbeats",
            {"have": self.state["version"], "queue_depth": len(self.state["journal"])},
        )
        if answer.status != 200:
            return False
        told = answer.json()
        if "reservations" in told:
            learned = self._learn(told["reservations"])
            self.state["version"] = told["version"] if learned else ""
        for one in told["ended"]:
            self._end_codes(one["reservation"], one["generation"])
        self._save()
        for command in told["commands"]:
            self._execute(command)
        return True

    def send(self, what: str, body: dict[str, Any]) -> Answer:
        """Send a signed message; with a wrong clock, set it and send again. Raises Offline."""
        answer = self._send_once(what, body)
        if answer.status == 401 and answer.json().get("code") == "clock_wrong":
            answer = self._send_once(what, body)
        return answer

    def _send_once(self, what: str, body: dict[str, Any]) -> Answer:
        self.state["message_seq"] += 1
        self._save()  # a number is used once, also if the power fails now
        seq = self.state["message_seq"]
        path = f"{API}/locker-banks/{self.state['bank']}/{what}/"
        content = json.dumps(body).encode()
        signer = Signer(device=self.state["device"], key=bytes.fromhex(self.state["key"]))
        answer = self.transport.send(path, signer.headers(path, seq, self.now(), content), content)
        time = signer.server_time(seq, answer)
        if time is not None:
            self._set_clock(time)
        if answer.status == 409 and "last_seq" in answer.json():
            self.state["message_seq"] = max(seq, answer.json()["last_seq"])
        self.memory.step()
        return answer

    def _set_clock(self, time: dt.datetime | None) -> None:
        """Set the clock by a signed time (field row L05)."""
        if time is not None:
            self.state["offset_s"] = (time - self._clock()).total_seconds()
            self.clock_known = True

    def _learn(self, told: list[dict[str, Any]]) -> bool:
        """Take the reservations of the server over; what is behind the doors is known here.

        Return False if some were left out, because entries about them are not sent yet.
        """
        mine = self.state["known"]
        waiting = {e.get("reservation") for e in self.state["journal"]}
        fresh = {one["reservation"]: one for one in told}
        for name in [n for n in mine if n not in fresh]:
            in_use = any(s["reservation"] == name for s in self.state["sessions"].values())
            if not mine[name]["inside"] and name not in waiting and not in_use:
                del mine[name]
        for name, one in fresh.items():
            if name in waiting or self.state["ended"].get(name, 0) >= one["generation"]:
                continue
            before = mine.get(name, {})
            inside = before.get("inside", False) or one["inside"]
            box = before["box"] if before.get("inside") else one["box"]
            mine[name] = {k: v for k, v in one.items() if k != "reservation"} | {
                "inside": inside, "box": box,
            }  # fmt: skip
        return not waiting & set(fresh)

    def _end_codes(self, name: str, generation: int) -> None:
        """Let the codes of a reservation open nothing, and confirm it (field row L06)."""
        self.state["ended"][name] = max(generation, self.state["ended"].get(name, 0))
        known = self.state["known"].get(name)
        if known is not None and known["generation"] <= generation and not known["inside"]:
            del self.state["known"][name]
        self._write("codes_ended", reservation=name, generation=generation)

    def _execute(self, command: dict[str, Any]) -> None:
        """Execute a command once, within its life, or report why not (field row L03)."""
        name = command["command"]
        if name in self.state["commands"]:
            return
        if not self.clock_known or self.now() >= _read(command["expires_at"]):
            self.state["commands"][name] = {"status": "expired", "box": ""}
            self._write("command", command=name, result="expired")
            self._save()
            return
        box = command["box"]
        begun = {"status": "started", "box": box if command["kind"] == "open" else ""}
        self.state["commands"][name] = begun
        self._save()  # whatever happens now, it is not executed a second time
        if command["kind"] == "open":
            if self._pulse(box):
                self._write("opened", box=box, by="command", command=name)
                begun["status"] = "done"
            else:
                self._write("open_failed", box=box, by="command", command=name)
                begun["status"] = "failed"
        else:
            begun["status"] = "done"
            self._write("command", command=name, result="done")
        self._save()


def _read(text: str) -> dt.datetime:
    instant = signing.read_time(text)
    if instant is None:
        raise ValueError(f"{text!r} is not a time.")
    return instant


def _instant(seconds: int) -> dt.datetime:
    return dt.datetime.fromtimestamp(seconds, dt.UTC)
