"""Simulated cabinets with one flaw each: the conformance kit must fail them. PURE."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any, Final

from lockers import signing
from lockers.simulator.cabinet import Cabinet
from lockers.simulator.doors import Outcome
from lockers.simulator.link import Answer, Offline, Signer


class WrongToken(Cabinet):
    """A cabinet that sends another token than the one that it got."""

    def provision(self, token: str) -> bool:
        """Send a token of its own."""
        return super().provision(f"{token[:-4]}none")


class WrongKey(Cabinet):
    """A cabinet that signs with the text of its key instead of the bytes."""

    def _signer(self) -> Signer:
        return Signer(device=self.state["device"], key=self.state["key"].encode())


class HidesOpening(Cabinet):
    """A cabinet that does not report the doors that codes open."""

    def _note_opened(self, number: str, session: dict[str, Any]) -> None:
        session["opened"] = True


class NeverOffline(Cabinet):
    """A cabinet that does not say which entries waited for a network."""

    def _write(self, kind: str, **data: Any) -> None:
        super()._write(kind, **data)
        self.state["journal"][-1]["offline"] = False


class TakesOldTokens(Cabinet):
    """A cabinet that takes courier's tokens after their time."""

    _late = dt.timedelta(0)

    def now(self) -> dt.datetime:
        """Return the time; an earlier one while a token is read."""
        return super().now() - self._late

    def scan(self, text: str) -> Outcome:
        """Read a token as if it were earlier."""
        self._late = dt.timedelta(minutes=90)
        try:
            return super().scan(text)
        finally:
            self._late = dt.timedelta(0)


class KeepsNumber(Cabinet):
    """A cabinet that goes on with its own numbers after one was refused."""

    def _send_once(self, what: str, body: dict[str, Any]) -> Answer:
        answer = super()._send_once(what, body)
        if answer.status == 409:
            self.state["message_seq"] = self._before + 1
        self._before = self.state["message_seq"]
        return answer

    _before = 0


class IgnoresDrops(Cabinet):
    """A cabinet that takes every reservation for a delivery."""

    def _learn(self, answered: list[dict[str, Any]]) -> bool:
        return super()._learn([one | {"drop": False} for one in answered])


class HidesForce(Cabinet):
    """A cabinet that does not report a door that was forced."""

    def force(self, number: str) -> None:
        """Open a door by force, and write nothing."""
        self.hardware.doors[number].is_open = True


class HidesLockOut(Cabinet):
    """A cabinet that locks its keypad and does not report it."""

    def _write(self, kind: str, **data: Any) -> None:
        if kind != "locked_out":
            super()._write(kind, **data)


class LeavesGaps(Cabinet):
    """A cabinet that leaves numbers of its journal out."""

    def _write(self, kind: str, **data: Any) -> None:
        if kind == "closed":
            self.state["entry_seq"] += 1
        super()._write(kind, **data)

    def sync(self) -> bool:
        """Send the journal, and report also after a bad answer."""
        try:
            self.upload()
            self.online = self.report()
        except Offline:
            self.online = False
        return self.online


class ForgetsCommands(Cabinet):
    """A cabinet that runs commands again after a restart."""

    def _boot(self) -> None:
        self.state["commands"] = {}
        super()._boot()


class Unsigned(Cabinet):
    """A cabinet that believes answers without a right signature."""

    def _is_from_server(self, seq: int, answer: Answer) -> dt.datetime | None:
        return signing.read_time(answer.headers.get(signing.SERVER_TIME.lower(), ""))


class Replays(Cabinet):
    """A cabinet that believes an answer that is signed for any earlier message."""

    def _is_from_server(self, seq: int, answer: Answer) -> dt.datetime | None:
        times = (super(Replays, self)._is_from_server(n, answer) for n in range(seq, 0, -1))
        return next((one for one in times if one is not None), None)


class KeepsClock(Cabinet):
    """A cabinet that never sets its clock again."""

    def _set_clock(self, time: dt.datetime | None) -> None:
        if not self.clock_known:
            super()._set_clock(time)


class NeedsNetwork(Cabinet):
    """A cabinet that opens no door without a network."""

    def type_pin(self, typed: str) -> Outcome:
        """Take a PIN only while the server answers."""
        return super().type_pin(typed) if self.sync() else Outcome("wrong")


class NoLockOut(Cabinet):
    """A cabinet that never locks its keypad."""

    def _is_locked(self) -> bool:
        return False


class RunsAgain(Cabinet):
    """A cabinet that runs a command each time it is handed out."""

    def _execute(self, command: dict[str, Any]) -> None:
        self.state["commands"].pop(command["command"], None)
        super()._execute(command)


class RunsLate(Cabinet):
    """A cabinet that runs commands after their life."""

    def _execute(self, command: dict[str, Any]) -> None:
        later = self.now() + dt.timedelta(minutes=1)
        super()._execute(command | {"expires_at": signing.write_time(later)})


class KeepsCodes(Cabinet):
    """A cabinet that confirms that codes ended, and goes on to take them."""

    def _end_codes(self, name: str, generation: int) -> None:
        self._write("codes_ended", reservation=name, generation=generation)

    def _learn(self, answered: list[dict[str, Any]]) -> bool:
        known = dict(self.state["known"])
        learned = super()._learn(answered)
        self.state["known"] = known | self.state["known"]
        return learned


class ForgetsNumbers(Cabinet):
    """A cabinet that begins its numbers again after a restart."""

    def _boot(self) -> None:
        self.state["message_seq"] = 0
        super()._boot()


class LosesEntries(Cabinet):
    """A cabinet that forgets entries once they were sent, answered or not."""

    def upload(self) -> bool:
        """Send the journal and forget it."""
        try:
            return super().upload()
        finally:
            self.state["journal"] = []


class AlwaysDeposited(Cabinet):
    """A cabinet that reports a deposit for each door that a courier closes."""

    def _end_session(self, number: str, session: dict[str, Any], content: str) -> None:
        door = self.hardware.doors[number]
        ghost = not door.parcels and session["role"] == "courier"
        if ghost:
            door.parcels.append("ghost")
        super()._end_session(number, session, content)
        if ghost:
            door.parcels.remove("ghost")


FLAWS: Final[Mapping[str, type[Cabinet]]] = {
    "wrong_token": WrongToken,
    "wrong_key": WrongKey,
    "hides_opening": HidesOpening,
    "never_offline": NeverOffline,
    "old_tokens": TakesOldTokens,
    "keeps_number": KeepsNumber,
    "ignores_drops": IgnoresDrops,
    "hides_force": HidesForce,
    "hides_lock_out": HidesLockOut,
    "leaves_gaps": LeavesGaps,
    "forgets_commands": ForgetsCommands,
    "unsigned": Unsigned,
    "replays": Replays,
    "keeps_clock": KeepsClock,
    "needs_network": NeedsNetwork,
    "no_lock_out": NoLockOut,
    "runs_again": RunsAgain,
    "runs_late": RunsLate,
    "keeps_codes": KeepsCodes,
    "forgets_numbers": ForgetsNumbers,
    "loses_entries": LosesEntries,
    "always_deposited": AlwaysDeposited,
}
