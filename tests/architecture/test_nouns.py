"""A noun of the glossary names one class, so that a reader knows which thing is meant."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterable

from tests.architecture.source import ROOT, modules

GLOSSARY = ROOT / "lastmile/docs/glossary.md"
# The nouns of DESIGN section 6 that the glossary has no row of its own for.
DESIGN = frozenset(
    [
        "Retailer",
        "Member",
        "Role",
        "Shopper",
        "Driver",
        "Courier",
        "Order",
        "Parcel",
        "Promise",
        "Place",
        "Zone",
        "Slot",
        "Offer",
        "Hold",
        "Window",
        "Hub",
        "Vehicle",
        "Shift",
        "Load",
        "Capacity",
        "Problem",
        "Visit",
        "Tour",
        "Solution",
        "Plan",
        "Route",
        "Stop",
        "Unserved",
        "Position",
        "Reading",
        "ETA",
        "Slack",
        "Incident",
        "Redispatch",
        "Transfer",
        "Attempt",
        "Proof",
        "Return",
        "Carrier",
        "Tender",
        "Bid",
        "Award",
        "Booking",
        "Label",
        "Bank",
        "Compartment",
        "Reservation",
        "Deposit",
        "Collection",
        "Allocation",
        "Replenishment",
        "Forecast",
        "Message",
        "Channel",
        "Preference",
        "Webhook",
        "Callback",
        "Fact",
        "Measure",
        "Experiment",
        "Variant",
        "Exposure",
        "Option",
        "Choice",
    ]
)


def nouns(text: str) -> set[str]:
    """Return the bold words of a glossary's table as class names: **Time window** is TimeWindow."""
    rows = [line.split("|")[1] for line in text.splitlines() if line.startswith("| **")]
    words = [word for row in rows for word in re.findall(r"\*\*([^*]+)\*\*", row)]
    words += re.findall(r"\*\*([^*]+)\*\*:", text)
    return {"".join(part.capitalize() for part in word.split()) for word in words}


def twice(classes: Iterable[tuple[str, str]], glossary_nouns: set[str]) -> dict[str, list[str]]:
    """Return the known nouns that name more than one class, and where."""
    where: dict[str, list[str]] = defaultdict(list)
    for name, path in classes:
        if name in glossary_nouns:
            where[name].append(path)
    return {name: paths for name, paths in where.items() if len(paths) > 1}


def _classes() -> Iterable[tuple[str, str]]:
    for module in modules():
        for node in ast.walk(module.tree):
            if isinstance(node, ast.ClassDef):
                yield node.name, module.path


def test_no_two_classes_share_a_noun_of_the_glossary() -> None:
    glossary = nouns(GLOSSARY.read_text(encoding="utf-8")) | DESIGN
    assert {"Plan", "Stop", "Unserved", "Profile", "Violation"} <= glossary
    assert twice(_classes(), glossary) == {}


def test_a_noun_with_two_classes_is_found() -> None:
    text = "| **Time window**, **Stop** (halt) | When. **Leg**: the way there. |"
    assert nouns(text) == {"TimeWindow", "Stop", "Leg"}
    two = [("Stop", "a.py"), ("Stop", "b.py"), ("Stopping", "a.py"), ("Stopping", "b.py")]
    assert twice(two, nouns(text)) == {"Stop": ["a.py", "b.py"]}
