"""The moves of a retailer, and what each is called in the journal. PURE."""

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
# active -> closing is the first half of closing, in one transaction with the second.
VERBS: Mapping[tuple[str, str], str] = {
    ("opening", "active"): "opened",
    ("opening", "closed"): "given_up",
    ("active", "suspended"): "suspended",
    ("suspended", "active"): "resumed",
    ("closing", "closed"): "closed",
}
