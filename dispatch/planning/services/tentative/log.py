"""Writes the log of changes of a tentative plan, and counts its version.

Boards in memory read the log to catch up. Each change also notes that the day waits
for improvement (``tending``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from dispatch.planning.models import TentativeChange
from dispatch.planning.services.tentative.locking import LockedDay
from dispatch.planning.services.tentative.tending import note_change
from lastmile.core.clock import now

INSERT, REMOVE, RENAME, RESET = (
    TentativeChange.Op.INSERT,
    TentativeChange.Op.REMOVE,
    TentativeChange.Op.RENAME,
    TentativeChange.Op.RESET,
)
KEPT: Final = 1_000  # changes of a day that are kept
PRUNE_EVERY: Final = 100  # versions between two deletions of older changes


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A change to log; ``shift`` is the pk of the shift."""

    op: str
    key: str = ""
    new_key: str = ""
    shift: int | None = None
    rank: int = 0


def log_changes(day: LockedDay, changes: Sequence[Change]) -> None:
    """Log changes of a locked day; each one adds 1 to the day's version."""
    if not changes:
        return
    row, before = day.row, day.row.version
    TentativeChange.objects.bulk_create(
        [
            TentativeChange(
                day=row,
                version=before + number,
                op=change.op,
                key=change.key,
                new_key=change.new_key,
                shift_id=change.shift,
                rank=change.rank,
            )
            for number, change in enumerate(changes, start=1)
        ]
    )
    row.version += len(changes)
    row.changed_at = now()
    row.save(update_fields=["version", "changed_at"])
    note_change(row, before)
    if row.version // PRUNE_EVERY != before // PRUNE_EVERY:
        TentativeChange.objects.filter(day=row, version__lte=row.version - KEPT).delete()
