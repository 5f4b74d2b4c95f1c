"""Tests of the scheduled task that opens slots in every retailer."""

from __future__ import annotations

import pytest

from dispatch.slots.models import Slot
from dispatch.slots.tasks import open_everywhere
from lastmile.core.tenancy import RetailerRef, retailer_context
from tests.factories import make_template

pytestmark = pytest.mark.usefixtures("fresh_db", "clock")


def test_the_task_opens_slots_of_every_retailer_that_has_templates(other: RetailerRef) -> None:
    with retailer_context("t1"):
        make_template(opens_days_ahead=3)
        Slot.objects.all().delete()
    assert open_everywhere() == 3
    assert open_everywhere() == 0
    with retailer_context("t1"):
        assert Slot.objects.count() == 3
    with retailer_context(other.schema):
        assert not Slot.objects.exists()
