"""Segments of a route that are concatenated in constant time. PURE.

A segment is ``(duration, lateness, earliest, latest)``, all in seconds. If it starts anywhere in
[earliest, latest], it takes ``duration`` and has a total lateness (time warp) of ``lateness``.

Segments are exact for visits with one window and vehicles without breaks. Otherwise all windows
of a visit are taken as one, from the first to the last, and breaks are ignored. The result is
then a lower bound: a sequence that is late or too long by its segments is infeasible.

Source: Vidal, Crainic, Gendreau, Prins (2013), time-warp concatenation.
"""

from __future__ import annotations

Segment = tuple[int, int, int, int]


def merge(drive: int, first: Segment, second: Segment) -> Segment:
    """Concatenate two segments with a drive of ``drive`` seconds between them."""
    duration_1, late_1, early_1, latest_1 = first
    duration_2, late_2, early_2, latest_2 = second
    shift = duration_1 - late_1 + drive
    wait = early_2 - shift - latest_1
    if wait < 0:
        wait = 0
    late = early_1 + shift - latest_2
    if late < 0:
        late = 0
    early = early_2 - shift
    if early < early_1:
        early = early_1
    latest = latest_2 - shift
    if latest > latest_1:
        latest = latest_1
    return (
        duration_1 + duration_2 + drive + wait,
        late_1 + late_2 + late,
        early - wait,
        latest + late,
    )
