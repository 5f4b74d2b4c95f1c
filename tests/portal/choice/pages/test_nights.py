"""The windows after midnight of a night shift: each page names their local day."""

from __future__ import annotations

from dispatch.fleet.models import Hub
from dispatch.orders.models import Order
from dispatch.slots.models import Slot
from tests.factories.slots import make_slot
from tests.portal.choice.pages.test_choosing import below, options_of
from tests.portal.tracking.shoppers import ShopperBrowser, text_of


def _after_midnight(hub: Hub, opens: int) -> Slot:
    """Add an hour at the curb of Monday's round that is already on Tuesday, in minutes."""
    return make_slot(hub=hub, opens=opens, closes=opens + 60, option="curbside", base_minor=0)


def test_a_window_after_midnight_has_its_local_day_in_the_list_and_the_confirmation(
    shopper: ShopperBrowser, order: Order, hub: Hub
) -> None:
    slot = _after_midnight(hub, 1440)
    assert str(slot.service_date) == "2026-11-23"
    options = options_of(shopper)
    assert "Tuesday, 24 November 2026" in shopper.text(options)
    summary = shopper.text(below(shopper.post(options, offer=slot.public_id), shopper))
    assert "Tuesday, 24 November 2026 00:00–01:00" in summary
    assert "Monday" not in summary


def test_the_times_near_a_full_one_after_midnight_have_their_local_day(
    shopper: ShopperBrowser, order: Order, hub: Hub
) -> None:
    full, _near = _after_midnight(hub, 1440), _after_midnight(hub, 1500)
    options = options_of(shopper)
    Slot.objects.filter(pk=full.pk).update(capacity_orders=0)
    answer = shopper.post(options, offer=full.public_id)
    assert answer.status_code == 409
    near = text_of(answer).split("Near it, these times are still free:")[1]
    assert "Tue, 24 Nov, 01:00–02:00" in near
    assert "Mon, 23 Nov, 01:00" not in near
