"""The table of moments in ``lastmile/docs/messages.md``: ``python -m`` this module writes it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from notifications.catalogue.kinds import Moment, Priority, Timing
from notifications.catalogue.moments import MOMENTS

PAGE: Final = Path(__file__).resolve().parents[3] / "lastmile" / "docs" / "messages.md"
_BLOCK: Final = re.compile(r"(<!-- moments -->\n).*?(<!-- /moments -->)", re.DOTALL)
_AUDIENCES: Final = {
    "shopper": "shopper",
    "old_contact": "shopper, by the contact until then",
    "actor": "the member who did it",
    "staff_of_hub": "dispatchers of the hub",
    "managers": "managers",
}
_ENDS: Final = {
    "window_opens": "the window opens",
    "window_closes": "the window closes",
    "day_ends": "the day ends",
}


def table() -> str:
    """Return the moments of the catalogue as a table."""
    head = "| moment | event | to | when | not after | priority | channels |\n|" + " --- |" * 7
    return "\n".join([head, *map(_row, MOMENTS)]) + "\n"


def _row(moment: Moment) -> str:
    events = ", ".join(f"`{kind}`" for kind in moment.event) or "(a call)"
    cells = (
        f"`{moment.key}`",
        events,
        _AUDIENCES[moment.audience],
        _when(moment.timing),
        _until(moment.timing),
        Priority(moment.priority).name.lower(),
        ", ".join(moment.channels),
    )
    return f"| {' | '.join(cells)} |"


def _when(timing: Timing) -> str:
    if timing.send == "day_before":
        return f"{(timing.minute or 0) // 60}:00 on the day before"
    if timing.send == "after":
        return f"after {timing.lead_s // 3600} h"
    return f"gather {timing.gather_s} s" if timing.gather_s else "at once"


def _until(timing: Timing) -> str:
    if timing.not_after == "day_before":
        return f"{timing.not_after_s // 3600}:00 on the day before"
    if timing.not_after in _ENDS:
        return _ENDS[timing.not_after]
    hours, rest = divmod(timing.not_after_s, 3600)
    return f"{hours} h" if not rest else f"{timing.not_after_s // 60} min"


def page_with(text: str) -> str:
    """Return the page with the present table in its place."""
    return _BLOCK.sub(lambda block: f"{block[1]}{table()}{block[2]}", text)


if __name__ == "__main__":
    PAGE.write_text(page_with(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
