"""Hands that work the cabinet during the checks: a person at a terminal, or a program. PURE."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Callable
from typing import Protocol


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
        return self._ask(f"{what} Which door opened? (its number; Enter alone: none) ").strip()

    def put(self, box: str) -> None:
        """Ask for a parcel."""
        self._ask(f"Put a parcel behind door {box}. Leave the door open. (Enter) ")

    def take(self, box: str) -> None:
        """Ask for the parcel to be taken out."""
        self._ask(f"Take the parcel out from behind door {box}. Leave the door open. (Enter) ")

    def close(self, box: str) -> None:
        """Ask for a closed door."""
        self._ask(f"Close door {box}. (Enter) ")

    def force(self, box: str) -> None:
        """Ask for a door opened by its emergency lock."""
        self._ask(f"Open door {box} by its emergency lock, without a code. (Enter) ")

    def restart(self) -> None:
        """Ask for a moment without power."""
        self._ask("Take the power away for a moment. Wait until the cabinet is up. (Enter) ")

    def nudge(self) -> None:
        """Wait for the cabinet's own report."""


class Rig:
    """A program that works the cabinet: one command a line in, one answer a line out.

    The commands are those of ``python -m lockers.simulator``: pin, scan, put, take, close, force,
    restart, sync.
    """

    def __init__(self, command: str) -> None:
        self._process = subprocess.Popen(  # noqa: S603 - the vendor names its own program
            shlex.split(command), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def _say(self, line: str) -> str:
        process = self._process
        if process.stdin is None or process.stdout is None or process.poll() is not None:
            raise RuntimeError(f"The program that works the cabinet has ended, before: {line[:40]}")
        process.stdin.write(f"{line}\n")
        process.stdin.flush()
        return process.stdout.readline().strip()

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
        self._process.wait(timeout=10)
