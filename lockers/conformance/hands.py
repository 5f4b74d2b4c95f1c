"""Hands that work the cabinet during the checks: a person at a terminal, or a program. PURE."""

from __future__ import annotations

import contextlib
import queue
import shlex
import subprocess
from collections.abc import Callable
from threading import Thread
from typing import Final, Protocol

#: Seconds in which a program at the cabinet must answer a command.
ANSWER_S: Final = 30.0


class HandsFailed(Exception):
    """Nobody works the cabinet any more; the text says why."""


class Hands(Protocol):
    """Hands at the cabinet. A door is named by its number; "" means none."""

    def type_pin(self, pin: str) -> str:
        """Type a PIN at the keypad; return the door that opened."""

    def scan(self, token: str) -> str:
        """Hold a QR code with this text before the scanner; return the door that opened."""

    def put(self, box: str) -> None:
        """Put a parcel behind an open door."""

    def take(self, box: str) -> None:
        """Take out what is behind an open door."""

    def close(self, box: str) -> None:
        """Close a door."""

    def force(self, box: str) -> None:
        """Open a door without a code and without a command."""

    def restart(self) -> None:
        """Take the power away for a moment, and wait until the cabinet is up."""

    def nudge(self) -> None:
        """Let the cabinet report now, if it can be asked to."""


class Person:
    """A person who does what the terminal says.

    Parameters
    ----------
    ask : callable
        Shows a text and returns what the person types.
    """

    def __init__(self, ask: Callable[[str], str]) -> None:
        self._ask = ask

    def type_pin(self, pin: str) -> str:
        """Ask for a PIN at the keypad."""
        return self._door(f"Type the PIN {pin} at the keypad.")

    def scan(self, token: str) -> str:
        """Ask for a QR code."""
        return self._door(f"Make a QR code of this text and scan it:\n{token}\n")

    def _door(self, what: str) -> str:
        return self._say(f"{what} Which door opened? (its number; Enter alone: none) ").strip()

    def _say(self, text: str) -> str:
        try:
            return self._ask(text)
        except EOFError:
            raise HandsFailed("the terminal was closed") from None

    def put(self, box: str) -> None:
        """Ask for a parcel."""
        self._say(f"Put a parcel behind door {box}. Leave the door open. (Enter) ")

    def take(self, box: str) -> None:
        """Ask for the parcel to be taken out."""
        self._say(f"Take the parcel out from behind door {box}. Leave the door open. (Enter) ")

    def close(self, box: str) -> None:
        """Ask for a closed door."""
        self._say(f"Close door {box}. (Enter) ")

    def force(self, box: str) -> None:
        """Ask for a door opened by its emergency lock."""
        self._say(f"Open door {box} by its emergency lock, without a code. (Enter) ")

    def restart(self) -> None:
        """Ask for a moment without power."""
        self._say("Take the power away for a moment. Wait until the cabinet is up. (Enter) ")

    def nudge(self) -> None:
        """Wait for the cabinet's own report."""


class Rig:
    """A program that works the cabinet: one command a line in, one answer a line out.

    The commands are those of ``python -m lockers.simulator``: pin, scan, put, take, close, force,
    restart, sync.
    """

    def __init__(self, command: str, answer_s: float = ANSWER_S) -> None:
        self._answer_s = answer_s
        try:
            self._process = subprocess.Popen(  # noqa: S603 - the vendor names its own program
                shlex.split(command), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
            )
        except (OSError, ValueError) as fault:
            raise HandsFailed(f"the program of --rig cannot be started: {fault}") from fault
        self._lines: queue.Queue[str] = queue.Queue()
        Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        """Put each line of the program into the queue, and "" after the last one."""
        with contextlib.suppress(ValueError, OSError):  # closed meanwhile, or no text
            for line in self._process.stdout or ():
                self._lines.put(line)
        self._lines.put("")

    def _say(self, line: str) -> str:
        """Send a command and return the answer. Raises HandsFailed if none comes in time."""
        shown = line[:40]
        try:
            if self._process.stdin is not None:
                self._process.stdin.write(f"{line}\n")
                self._process.stdin.flush()
            answer = self._lines.get(timeout=self._answer_s)
        except queue.Empty:
            raise HandsFailed(
                f"the program of --rig did not answer “{shown}” within {self._answer_s:g} s"
            ) from None
        except (OSError, ValueError):
            answer = ""
        if not answer:
            raise HandsFailed(f"the program of --rig has ended, before “{shown}”")
        return answer.strip()

    def _door(self, line: str) -> str:
        words = self._say(line).split()
        return words[1] if len(words) > 1 and words[0] == "opened" else ""

    def type_pin(self, pin: str) -> str:
        """Type a PIN."""
        return self._door(f"pin {pin}")

    def scan(self, token: str) -> str:
        """Scan a QR code."""
        return self._door(f"scan {token}")

    def put(self, box: str) -> None:
        """Put a parcel in."""
        self._say(f"put {box} parcel")

    def take(self, box: str) -> None:
        """Take the parcel out."""
        self._say(f"take {box}")

    def close(self, box: str) -> None:
        """Close a door."""
        self._say(f"close {box}")

    def force(self, box: str) -> None:
        """Open a door by force."""
        self._say(f"force {box}")

    def restart(self) -> None:
        """Restart the cabinet."""
        self._say("restart")

    def nudge(self) -> None:
        """Let the cabinet report."""
        self._say("sync")

    def end(self) -> None:
        """End the program."""
        self._process.terminate()
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
