"""The slots of the demo: two-hour windows, a surcharge in the evening, curbside, and orders.

Some orders wait for their shoppers' choice, others are promised in slots.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from django.db import transaction

from dispatch.fleet.demo import MOVING
from dispatch.fleet.models import Hub
from dispatch.orders.demo import SOURCE, drafts_of, is_usual
from dispatch.orders.demo.cast import SHOPS, Shop
from dispatch.orders.drafts import OrderDraft, WindowDraft
from dispatch.orders.models import Option, Order
from dispatch.orders.services import place_orders
from dispatch.slots import services
from dispatch.slots.models import HolidayRule, Slot, SlotTemplate
from dispatch.slots.states import SlotState
from lastmile.core.demo import Demo, demo_days
from lastmile.core.tenancy import current_retailer

TO_CHOOSE: Final = 12  # orders without a promise, for the shopper's page
IN_SLOTS: Final = 30  # orders promised in slots
WINDOWS: Final = 18  # windows in which these orders are promised

#: The names of the templates in the language of the retailer.
NAMES: Final[Mapping[str, Sequence[str]]] = {
    "en": ("By day", "In the evening", "Curbside"),
    "es": ("De día", "Por la tarde", "Recogida en la acera"),
}
#: The columns that differ from template to template. Prices are in Chilean pesos, which have no
#: smaller unit. A slot can be booked until 90 minutes before it opens.
TEMPLATES: Final[tuple[Mapping[str, Any], ...]] = (
    {
        "option": Option.WINDOW.value,
        "opens_minute": 9 * 60,
        "closes_minute": 17 * 60,
        "window_minutes": 120,
        "capacity_orders": 16,
        "base_minor": 2_990,
    },
    {
        "option": Option.WINDOW.value,
        "opens_minute": 17 * 60,
        "closes_minute": 21 * 60,
        "window_minutes": 120,
        "capacity_orders": 12,
        "base_minor": 2_990,
        "surcharge_minor": 1_000,
    },
    {
        "option": Option.CURBSIDE.value,
        "opens_minute": 10 * 60,
        "closes_minute": 20 * 60,
        "window_minutes": 60,
        "capacity_orders": 4,
        "base_minor": 0,
    },
)


def seed_demo(demo: Demo) -> Mapping[str, Any]:
    """Add the templates to each hub that has none, open slots, and place orders for them, once.

    Records: slot_template.added, slots.opened, order.placed, order.promised. Raises: nothing of
    its own.
    """
    today, _tomorrow = demo_days()
    added, names = 0, NAMES[current_retailer().language]
    for hub in Hub.objects.filter(active=True).exclude(external_id=MOVING.id).order_by("pk"):
        if SlotTemplate.objects.filter(hub=hub).exists():
            continue
        for name, columns in zip(names, TEMPLATES, strict=True):
            services.add_template(
                hub=hub,
                name=name,
                rrule="FREQ=DAILY",
                starts_on=today,
                lead_minutes=90,
                on_holidays=HolidayRule.OPEN.value,
                **columns,  # type: ignore[misc]
            )
            added += 1
    services.open_slots()
    if added:
        demo.report(f"{added} slot templates were added.")
    shop = SHOPS.get(current_retailer().schema)
    if shop is None:
        return {"slot_templates": added}
    placed = _orders(shop, demo)
    if placed:
        demo.report(f"{shop.name}: {placed} orders wait for a choice or are promised in slots.")
    return {"slot_templates": added, "orders_placed": placed}


def _orders(shop: Shop, demo: Demo) -> int:
    """Place orders without a promise, and orders promised in slots, unless there are any."""
    prefix = f"{shop.code}-C"
    if Order.objects.filter(external_id__startswith=prefix).exists():
        return 0
    today, _tomorrow = demo_days()
    wanted = replace(demo, orders=TO_CHOOSE + IN_SLOTS + len(shop.odd))
    drawn = drafts_of(shop, today + dt.timedelta(days=2), wanted)
    usual = [draft for draft in drawn if is_usual(draft)][: TO_CHOOSE + IN_SLOTS]
    plain = [
        replace(draft, external_id=f"{prefix}{n:03d}", window=None, service_date=None)
        for n, draft in enumerate(usual, 1)
    ]
    drafts = [*plain[:TO_CHOOSE], *_in_slots(plain[TO_CHOOSE:], today)]
    with transaction.atomic():
        answers = place_orders(drafts, source=SOURCE)
    return sum(answer.status == "placed" for answer in answers)


def _in_slots(drafts: Sequence[OrderDraft], today: dt.date) -> list[OrderDraft]:
    """Give each draft the window of an open home slot of the coming days."""
    slots = Slot.objects.filter(
        option=Option.WINDOW, state=SlotState.OPEN, service_date__gt=today + dt.timedelta(days=1)
    ).order_by("service_date", "opens_at")
    rows = slots.values_list("service_date", "opens_at", "closes_at")
    windows = list(dict.fromkeys(rows))[:WINDOWS]
    promised: list[OrderDraft] = []
    for n, draft in enumerate(drafts if windows else ()):
        date, opens_at, closes_at = windows[n * n % len(windows)]  # some windows are fuller
        window = WindowDraft(opens_at=opens_at, closes_at=closes_at)
        promised.append(replace(draft, service_date=date, window=window))
    return promised
