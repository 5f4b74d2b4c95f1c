"""The demo has slots for every hub on every day, and seeding it again adds nothing."""

from __future__ import annotations

import datetime as dt

import pytest

from dispatch.slots.demo import TEMPLATES, seed_demo
from dispatch.slots.models import Slot, SlotTemplate
from lastmile.core.demo import Demo, demo_days
from lastmile.core.tenancy import RetailerRef
from tests.factories import make_hub


@pytest.mark.usefixtures("clock")
def test_each_hub_of_the_demo_has_windows_and_curbside_on_every_day(retailer: RetailerRef) -> None:
    hubs = [make_hub(), make_hub()]
    make_hub(active=False)
    assert seed_demo(Demo()) == {"slot_templates": 2 * len(TEMPLATES)}
    _today, tomorrow = demo_days()
    for hub in hubs:
        for days in range(7):
            slots = Slot.objects.filter(hub=hub, service_date=tomorrow + dt.timedelta(days=days))
            options = list(slots.values_list("option", flat=True))
            assert (options.count("window"), options.count("curbside")) == (6, 10)
    assert seed_demo(Demo()) == {"slot_templates": 0}
    assert SlotTemplate.objects.count() == 2 * len(TEMPLATES)
