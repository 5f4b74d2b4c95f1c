"""Stretches of a route that can be joined in constant time. PURE.

A segment is ``(duration, lateness, earliest, latest)``: begun anywhere in [earliest, latest] it
takes ``duration`` and is late by ``lateness`` in all. Exact for one window a visit and no breaks;
with windows taken as one from first to last, and without breaks, it never claims too much: what
it finds too late or too long is so.

Source: Vidal, Crainic, Gendreau, Prins (2013), time-warp concatenation.
"""

from __future__ import annotations

Segment = tuple[int, int, int, int]


def merge(drive: int, first: Segment, second: Segment) -> Segment:
    """Join two segments with a drive of so many seconds between them."""
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
