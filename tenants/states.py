"""The moves of a retailer. PURE."""

from __future__ import annotations

from collections.abc import Mapping

# opening -> closed: what could not be opened is given up, its host name free again.
MOVES: Mapping[str, frozenset[str]] = {
    "opening": frozenset({"active", "closed"}),
    "active": frozenset({"suspended", "closing"}),
    "suspended": frozenset({"active", "closing"}),
    "closing": frozenset({"closed"}),
    "closed": frozenset(),
}
