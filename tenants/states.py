"""The allowed changes of a retailer's status, and their names in the journal. PURE."""

from __future__ import annotations

from collections.abc import Mapping

# opening -> closed: the opening failed or was cancelled, and the host name is free again.
MOVES: Mapping[str, frozenset[str]] = {
    "opening": frozenset({"active", "closed"}),
    "active": frozenset({"suspended", "closing"}),
    "suspended": frozenset({"active", "closing"}),
    "closing": frozenset({"closed"}),
    "closed": frozenset(),
}
# active -> closing has no verb: it is the first half of closing, in the same transaction.
VERBS: Mapping[tuple[str, str], str] = {
    ("opening", "active"): "opened",
    ("opening", "closed"): "given_up",
    ("active", "suspended"): "suspended",
    ("suspended", "active"): "resumed",
    ("closing", "closed"): "closed",
}
