"""The errors of the fleet."""

from __future__ import annotations

from lastmile.core.errors import Conflict


class ExternalIdTaken(Conflict):
    """Another row of the same kind has this external_id."""

    code = "external_id_taken"


class ShiftOverlaps(Conflict):
    """The vehicle or the driver already has a shift at that time."""

    code = "shift_overlaps"


class StillInUse(Conflict):
    """The row cannot be retired, because a shift to come still uses it."""

    code = "still_in_use"
