"""The values that a message takes from its event: ids, words and numbers, never texts.

What an order says is read from the order when the message is sent. Only what is in the event
alone is kept with the message.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from lastmile.core.events import DomainEvent

Value = str | int
#: Event kind -> the facts that its messages need.
_KEPT: Final[Mapping[str, tuple[str, ...]]] = {
    "order.cancelled": ("cause",),
    "import.done": ("refused",),
    "budget.reached": ("scope", "percent"),
    "channel.paused": ("channel",),
    "day.unplanned": ("orders",),
    "arrival.changed": ("stops_before",),
    "arrival.late": ("stops_before", "late_minutes"),
}


def values_of(event: DomainEvent) -> dict[str, Value]:
    """Return the values that the messages of an event keep."""
    values: dict[str, Value] = {name: event.data[name] for name in _KEPT.get(event.kind, ())}
    if event.kind == "order.planned":
        values["granted"] = 1
    elif event.kind == "import.done":
        orders = int(event.data["created"]) + int(event.data["updated"])
        values |= {"import": event.subject, "result": "done", "orders": orders}
    elif event.kind == "import.failed":
        values |= {"import": event.subject, "result": "failed", "orders": 0, "refused": 0}
    elif event.kind == "day.unplanned":
        values |= {"hub": event.subject, "day": str(event.data["service_date"])}
    return values
