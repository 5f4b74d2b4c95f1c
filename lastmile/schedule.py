"""The tasks that beat starts at regular intervals: name -> (task, interval in seconds, queue)."""

from __future__ import annotations

from typing import NamedTuple

SWEEP_TASK = "core.sweep"


class ScheduledTask(NamedTuple):
    """A ``house_task`` that runs once in every window of ``every_s`` seconds."""

    task: str
    every_s: int
    queue: str = "default"


SCHEDULE: dict[str, ScheduledTask] = {
    "sweep": ScheduledTask(SWEEP_TASK, 5, "hot"),
    "forget": ScheduledTask("core.forget", 24 * 3600, "bulk"),
    "tidy": ScheduledTask("people.tidy", 6 * 3600, "bulk"),
    "open_days": ScheduledTask("planning.open_days", 600),
    "unplanned_days": ScheduledTask("planning.note_unplanned", 900),
    "find_runs": ScheduledTask("live.find_runs", 600),
    "find_lockers": ScheduledTask("lockers.find", 600),
    "ended_runs": ScheduledTask("live.ended_runs", 300, "bulk"),
    "failed_visits": ScheduledTask("live.failed_visits", 300, "bulk"),
    "failed_choices": ScheduledTask("choice.offer_failed", 300, "bulk"),
    "late_photos": ScheduledTask("live.late_photos", 300, "bulk"),
    "days_of_positions": ScheduledTask("live.keep_days", 6 * 3600, "bulk"),
    "forget_files": ScheduledTask("intake.tidy", 3600, "bulk"),
    "play_demo": ScheduledTask("notifications.play_demo", 60),
    "open_slots": ScheduledTask("slots.open", 900, "bulk"),
}
