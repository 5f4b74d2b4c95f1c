"""The doors of a simulated cabinet: what is really there. PURE."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class Fault(StrEnum):
    """A fault of a door.

    - stuck: the lock gets its pulse, and the door stays closed.
    - says_open: the sensor reports an open door all the time; its cable is broken.
    """

    STUCK = "stuck"
    SAYS_OPEN = "says_open"


@dataclass(slots=True)
class Door:
    """A door with its lock, its sensor and what is behind it: names of parcels."""

    is_open: bool = False
    relay_on: bool = False
    parcels: list[str] = field(default_factory=list)
    fault: Fault | None = None
    pulses: int = 0

    def pulse(self) -> None:
        """Let the lock release the door; a stuck one stays closed."""
        self.pulses += 1
        if self.fault != Fault.STUCK:
            self.is_open = True

    @property
    def sensor_open(self) -> bool:
        """True if the sensor reports an open door."""
        return self.is_open or self.fault == Fault.SAYS_OPEN


@dataclass(slots=True)
class Hardware:
    """The doors by number. They survive when the computer is switched off."""

    doors: dict[str, Door]

    @classmethod
    def with_doors(cls, *numbers: str) -> Hardware:
        """Return hardware with closed, empty compartments."""
        return cls({number: Door() for number in numbers})

    def put(self, number: str, parcel: str) -> None:
        """Put a parcel into an open compartment. Raises RuntimeError for a closed door."""
        door = self.doors[number]
        if not door.is_open:
            raise RuntimeError(f"Door {number} is closed.")
        door.parcels.append(parcel)

    def take(self, number: str) -> list[str]:
        """Take everything out of an open compartment. Raises RuntimeError for a closed door."""
        door = self.doors[number]
        if not door.is_open:
            raise RuntimeError(f"Door {number} is closed.")
        taken, door.parcels = door.parcels, []
        return taken
