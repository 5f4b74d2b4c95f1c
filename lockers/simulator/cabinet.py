"""The computer of a simulated cabinet: codes at the keypad, and messages to the server. PURE.

It decides alone when there is no network. ``clock`` is the cabinet's own clock, which may be wrong.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from typing import Any, Final

from lockers import codes, signing
from lockers.simulator.doors import DoorControl, Outcome
from lockers.simulator.link import Answer, Offline, Signer
from lockers.states import CodeRole

MOST_SENT: Final = 200  # entries of one upload
WRONG_TRIES: Final = 5
WRONG_IN_S: Final = 600

#: Roles that a door opens for, by whether a shopper drops the parcel, and whether it is inside.
_ROLES: Final = {
    (False, False): (CodeRole.COURIER, CodeRole.OPERATOR),
    (False, True): (CodeRole.SHOPPER, CodeRole.RETURNER, CodeRole.OPERATOR),
    (True, False): (CodeRole.RETURNER, CodeRole.OPERATOR),
    (True, True): (CodeRole.COURIER, CodeRole.OPERATOR),
}
API: Final = "/api/v1"


class Cabinet(DoorControl):
    """A cabinet: its doors, its keypad, and its messages to the server."""

    firmware = "simulator"

    @staticmethod
    def digest_of(token: str) -> str:
        """Return the digest of a token. A cabinet remembers the one that it used."""
        return hashlib.sha256(token.encode()).hexdigest()

    def provision(self, token: str) -> bool:
        """Get the keys for a token; return True if it worked. Unsent entries are kept.

        Raises Offline.
        """
        body = json.dumps({"token": token, "firmware": self.firmware}).encode()
        answer = self.transport.send(f"{API}/locker-devices/", {}, body)
        if answer.status != 201:
            return False
        keys = answer.json()
        left = self.state["journal"]
        self.state |= {
            "device": keys["device"], "bank": keys["bank"], "key": keys["key"],
            "code_key": keys["code_key"], "message_seq": 0, "acked": 0, "version": "",
        }  # fmt: skip
        for number, entry in enumerate(left, start=1):
            entry["seq"] = number
        self.state["entry_seq"] = len(left)
        self._set_clock(signing.read_time(keys["time"]))
        self._save()
        return True

    # --- the keypad -----------------------------------------------------------------------------
    def type_pin(self, typed: str) -> Outcome:
        """Take a PIN at the keypad: open the door, or say why not."""
        if self._is_locked():
            return Outcome("locked")
        known = self.state["known"]
        key = bytes.fromhex(self.state["code_key"])
        for name, one in known.items():
            roles = _ROLES[one.get("drop", False), one["inside"]]
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
        drop = known is not None and known.get("drop", False)
        if token.role not in _ROLES[drop, inside]:
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
            if role == CodeRole.COURIER:  # a dropped parcel
                return True
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
            {
                "have": self.state["version"],
                "queue_depth": len(self.state["journal"]),
                "uptime_s": round(self._uptime_s()),
            },
        )
        if answer.status != 200:
            return False
        answered = answer.json()
        if "reservations" in answered:
            learned = self._learn(answered["reservations"])
            self.state["version"] = answered["version"] if learned else ""
        for one in answered["ended"]:
            self._end_codes(one["reservation"], one["generation"])
        self._save()
        for command in answered["commands"]:
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
        signer = self._signer()
        answer = self.transport.send(path, signer.headers(path, seq, self.now(), content), content)
        time = self._is_from_server(seq, answer)
        if time is not None:
            self._set_clock(time)
        elif answer.status == 200:
            raise Offline("The answer has no right signature.")
        if answer.status == 409 and "last_seq" in answer.json():
            self.state["message_seq"] = max(seq, answer.json()["last_seq"])
        self.memory.step()
        return answer

    def _signer(self) -> Signer:
        return Signer(device=self.state["device"], key=bytes.fromhex(self.state["key"]))

    def _is_from_server(self, seq: int, answer: Answer) -> dt.datetime | None:
        """Return the signed time of an answer; None if it is not signed for this message."""
        return self._signer().server_time(seq, answer)

    def _set_clock(self, time: dt.datetime | None) -> None:
        """Set the clock by a signed time (field row L05)."""
        if time is not None:
            self.state["offset_s"] = (time - self._clock()).total_seconds()
            self.clock_known = True

    def _learn(self, answered: list[dict[str, Any]]) -> bool:
        """Take the reservations of the server over; what is behind the doors is known here.

        Return False if some were left out, because entries about them are not sent yet.
        """
        known = self.state["known"]
        waiting = {e.get("reservation") for e in self.state["journal"]}
        fresh = {one["reservation"]: one for one in answered}
        for name in [n for n in known if n not in fresh]:
            in_use = any(s["reservation"] == name for s in self.state["sessions"].values())
            if not known[name]["inside"] and name not in waiting and not in_use:
                del known[name]
        for name, one in fresh.items():
            if name in waiting or self.state["ended"].get(name, 0) >= one["generation"]:
                continue
            before = known.get(name, {})
            inside = before.get("inside", False) or one["inside"]
            box = before["box"] if before.get("inside") else one["box"]
            known[name] = {k: v for k, v in one.items() if k != "reservation"} | {
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
        self._save()  # from now on it is not executed a second time
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
