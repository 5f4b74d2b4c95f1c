"""What fleet refuses."""

from __future__ import annotations

from lastmile.core.errors import Conflict


class ExternalIdTaken(Conflict):
    """Another row of this kind carries that external_id."""

    code = "external_id_taken"


class ShiftOverlaps(Conflict):
    """The vehicle or the driver already stands in a shift at that time."""

    code = "shift_overlaps"


class StillInUse(Conflict):
    """Something open still depends on it."""

    code = "still_in_use"
