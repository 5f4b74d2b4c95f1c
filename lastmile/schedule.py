"""What happens by the clock, by name: schedule -> (task, seconds between turns, queue)."""

from __future__ import annotations

from typing import NamedTuple

SWEEP_TASK = "core.sweep"


class Turn(NamedTuple):
    """A house task fired once in every window of ``every_s`` seconds."""

    task: str
    every_s: int
    queue: str = "default"


SCHEDULE: dict[str, Turn] = {
    "sweep": Turn(SWEEP_TASK, 5, "hot"),
    "forget": Turn("core.forget", 24 * 3600, "bulk"),
    "tidy": Turn("people.tidy", 6 * 3600, "bulk"),
    "forget_files": Turn("intake.tidy", 3600, "bulk"),
}
