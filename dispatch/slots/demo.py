"""The slots of the demo: windows of two hours, a surcharge in the evening, and curbside."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from dispatch.fleet.models import Hub
from dispatch.orders.models import Option
from dispatch.slots.models import HolidayRule, SlotTemplate
from dispatch.slots.services.templates import add_template
from lastmile.core.demo import Demo, demo_days

#: The columns that differ from template to template. Prices are in Chilean pesos, which have no
#: smaller unit. A slot can be booked until 90 minutes before it opens.
TEMPLATES: Final[tuple[Mapping[str, Any], ...]] = (
    {
        "name": "By day",
        "option": Option.WINDOW.value,
        "opens_minute": 9 * 60,
        "closes_minute": 17 * 60,
        "window_minutes": 120,
        "capacity_orders": 16,
        "base_minor": 2_990,
    },
    {
        "name": "In the evening",
        "option": Option.WINDOW.value,
        "opens_minute": 17 * 60,
        "closes_minute": 21 * 60,
        "window_minutes": 120,
        "capacity_orders": 12,
        "base_minor": 2_990,
        "surcharge_minor": 1_000,
    },
    {
        "name": "Curbside",
        "option": Option.CURBSIDE.value,
        "opens_minute": 10 * 60,
        "closes_minute": 20 * 60,
        "window_minutes": 60,
        "capacity_orders": 4,
        "base_minor": 0,
    },
)


def seed_demo(demo: Demo) -> Mapping[str, Any]:
    """Add the templates to each hub that has none, and open their slots.

    Records: slot_template.added. Raises: nothing of its own.
    """
    today, _tomorrow = demo_days()
    added = 0
    for hub in Hub.objects.filter(active=True).order_by("pk"):
        if SlotTemplate.objects.filter(hub=hub).exists():
            continue
        for columns in TEMPLATES:
            add_template(
                hub=hub,
                rrule="FREQ=DAILY",
                starts_on=today,
                lead_minutes=90,
                on_holidays=HolidayRule.OPEN.value,
                **columns,  # type: ignore[misc]
            )
            added += 1
    if added:
        demo.report(f"{added} slot templates were added.")
    return {"slot_templates": added}
