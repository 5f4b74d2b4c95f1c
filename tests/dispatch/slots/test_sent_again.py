"""Tests of orders that are sent again after their shopper has chosen (ADR 0031)."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from dispatch.orders import services
from dispatch.orders.drafts import OrderDraft, PlaceDraft, PromiseDraft, WindowDraft
from dispatch.orders.models import Order, Promise
from dispatch.slots.models import Hold, SlotTemplate
from dispatch.slots.opening import pattern_of
from dispatch.slots.rules.occurrences import Closures, unfold
from dispatch.slots.services import (
    adopt_promises,
    change_template,
    keep_hold,
    promise_hold,
    settle_order,
    use_choice,
)
from lastmile.core import clock as clocks
from lastmile.core.models import Event
from tests.dispatch.conftest import SetClock
from tests.dispatch.orders.actions import at
from tests.dispatch.slots.booking import curbside, take_place, taken
from tests.dispatch.slots.zones import changes_of
from tests.drain import drain
from tests.factories import make_draft, make_hub, make_template, make_window
from tests.factories.fleet import LAT, LON
from tests.factories.orders import DAY

pytestmark = pytest.mark.usefixtures("retailer", "clock")
#: Both ends of the day, quarter hours, and clocks that change at or just after midnight.
FAR_APART = (
    "America/Los_Angeles", "America/Santiago", "America/Havana", "Atlantic/Azores",
    "Europe/Lisbon", "Asia/Beirut", "Asia/Kathmandu", "Australia/Lord_Howe", "Pacific/Chatham",
    "Pacific/Apia",
)  # fmt: skip


def send(draft: OrderDraft, cause: str = "file", source: str = "import:imp_1") -> Order:
    placed = services.place_order(draft=draft, source=source, cause=cause)
    assert placed.order is not None
    return Order.objects.get(pk=placed.order.pk)


def draft_of(**fields: Any) -> OrderDraft:
    """Return the same order each time: E1 at one place, from 9 to 12."""
    values: dict[str, Any] = {
        "external_id": "E1",
        "place": PlaceDraft(text="Rua 1, Lisboa", lat=LAT + 0.001, lon=LON),
        "window": make_window(9, 12),
    }
    return make_draft(**values | fields)


def choose(order: Order, opens: int, closes: int) -> Promise:
    """Promise another window, as the shopper's page does."""
    return services.set_promise(
        order=order,
        draft=PromiseDraft(opens_at=at(opens), closes_at=at(closes), cause="shopper"),
    )


def window(order: Order) -> tuple[dt.datetime, dt.datetime]:
    order.refresh_from_db()
    assert order.promise is not None
    return order.promise.opens_at, order.promise.closes_at


@pytest.mark.parametrize("cause", ["file", "api"])
def test_a_repeated_export_does_not_undo_the_choice_of_the_shopper(cause: str) -> None:
    make_hub()
    order = send(draft_of(), cause)
    choose(order, 14, 16)
    send(draft_of(notes="changed"), cause, "import:imp_2")
    order.refresh_from_db()
    assert order.notes == "changed"
    assert window(order) == (at(14), at(16))
    assert Promise.objects.count() == 2


def choose_in_checkout(order: Order, opens: int, closes: int) -> None:
    """Use a choice for the order, as its first call by API or file does."""
    assert order.hub is not None
    bay = curbside(hub=order.hub, opens=opens * 60, closes=closes * 60)
    choice = keep_hold(hold=take_place(bay), minutes=30)
    use_choice(order=order, choice_id=choice.public_id)


@pytest.mark.parametrize("cause", ["file", "api"])
def test_an_export_that_repeats_the_window_of_the_checkout_does_not_undo_a_later_change(
    cause: str,
) -> None:
    make_hub()
    order = send(draft_of(window=None), "api", "api")
    choose_in_checkout(order, 9, 12)
    choose(order, 14, 16)
    send(draft_of(), cause, "import:imp_2")
    assert window(order) == (at(14), at(16))
    send(draft_of(notes="again"), cause, "import:imp_3")
    assert window(order) == (at(14), at(16))
    send(draft_of(window=make_window(10, 13)), cause, "import:imp_4")
    assert window(order) == (at(10), at(13))
    send(draft_of(), cause, "import:imp_5")
    assert window(order) == (at(9), at(12)), "the retailer went back on purpose"


def test_a_window_that_really_differs_supersedes_the_choice() -> None:
    make_hub()
    order = send(draft_of())
    choose(order, 14, 16)
    send(draft_of(window=make_window(10, 13)), source="import:imp_2")
    assert window(order) == (at(10), at(13))
    choose(order, 14, 16)
    send(draft_of(window=make_window(10, 13), notes="again"), source="import:imp_3")
    assert window(order) == (at(14), at(16))
    send(draft_of(window=make_window(9, 12), notes="back"), source="import:imp_4")
    assert window(order) == (at(9), at(12))


def test_a_file_and_the_api_are_compared_with_what_each_of_them_sent() -> None:
    make_hub()
    order = send(draft_of(), "api", "api")
    send(draft_of(window=make_window(10, 13)), "file")
    choose(order, 14, 16)
    send(draft_of(notes="api again"), "api", "api")
    assert window(order) == (at(14), at(16))
    send(draft_of(window=make_window(10, 13), notes="file again"), "file")
    assert window(order) == (at(14), at(16))


def test_a_file_that_repeats_the_window_of_the_api_is_no_news() -> None:
    make_hub()
    order = send(draft_of(), "api", "api")
    send(draft_of(notes="from the file"), "file")
    choose(order, 14, 16)
    send(draft_of(notes="from the file again"), "file")
    assert window(order) == (at(14), at(16))


def test_a_first_window_supersedes_a_choice_made_before_it() -> None:
    make_hub()
    order = send(draft_of(window=None))
    choose(order, 14, 16)
    send(draft_of())
    assert window(order) == (at(9), at(12))


def test_an_order_that_is_tried_again_gets_no_promise_from_a_repeated_export() -> None:
    make_hub()
    order = send(draft_of())
    services.mark_awaiting_collection(orders=[order.pk])
    services.try_again(order=order, service_date=DAY + dt.timedelta(days=1))
    send(draft_of(notes="again"))
    order.refresh_from_db()
    assert (order.promise, order.service_date) == (None, DAY + dt.timedelta(days=1))


def test_another_address_moves_the_promise_and_keeps_the_chosen_window() -> None:
    make_hub()
    order = send(draft_of())
    choose(order, 14, 16)
    place = PlaceDraft(text="Rua 2, Lisboa", lat=LAT + 0.002, lon=LON)
    send(draft_of(place=place))
    assert window(order) == (at(14), at(16))
    assert order.promise is not None
    assert (order.promise.place, order.promise.elsewhere) == (order.place, False)


@pytest.mark.parametrize("cause", ["file", "api"])
@pytest.mark.parametrize("by_shopper", [True, False])
@pytest.mark.parametrize("sent", ["the old window", "a new window", "no window"])
def test_a_corrected_address_neither_undoes_a_choice_nor_lets_the_next_export_undo_it(
    cause: str, by_shopper: bool, sent: str
) -> None:
    make_hub()
    order = send(draft_of(), cause)
    if by_shopper:
        choose(order, 14, 16)
    windows = {"the old window": make_window(9, 12), "a new window": make_window(11, 13)}
    corrected: dict[str, Any] = {
        "place": PlaceDraft(text="Rua 2, Lisboa", lat=LAT + 0.002, lon=LON),
        "window": windows.get(sent),
    }
    send(draft_of(**corrected), cause, "import:imp_2")
    expected = (at(14), at(16)) if by_shopper else (at(9), at(12))
    if sent == "a new window":
        expected = (at(11), at(13))
    assert window(order) == expected
    assert order.delivery_place.lat == LAT + 0.002
    before = order.promises.count()
    for notes in ("again", "and again"):
        send(draft_of(**corrected, notes=notes), cause, "import:imp_3")
        assert (window(order), order.notes) == (expected, notes)
    if sent == "no window":  # the window that the source sent first
        send(draft_of(**corrected | {"window": make_window(9, 12)}), cause, "import:imp_4")
        assert window(order) == expected
    assert order.promises.count() == before
    send(draft_of(**corrected | {"window": make_window(15, 18)}), cause, "import:imp_5")
    assert window(order) == (at(15), at(18))


def test_a_corrected_pin_gives_no_new_promise_with_the_next_export() -> None:
    make_hub()
    order = send(draft_of())
    choose(order, 14, 16)
    services.set_pin(order=order, lat=LAT + 0.003, lon=LON)
    send(draft_of(notes="again"))
    assert (window(order), order.promises.count()) == ((at(14), at(16)), 2)


def test_an_address_that_the_other_kind_of_source_corrects_counts_as_sent_with_its_window() -> None:
    make_hub()
    order = send(draft_of(), "api", "api")
    place = PlaceDraft(text="Rua 2, Lisboa", lat=LAT + 0.002, lon=LON)
    send(draft_of(place=place), "file")
    send(draft_of(place=place, window=make_window(10, 13)), "api", "api")
    send(draft_of(place=place, notes="the hourly file"), "file")
    assert window(order) == (at(10), at(13))


def test_a_redirected_order_keeps_the_hub_of_its_new_place_and_its_slot() -> None:
    first, second = make_hub(), make_hub(lat=LAT + 0.5)
    order = send(draft_of(hub=first.public_id))
    slot = curbside(hub=second)
    promise_hold(hold=take_place(slot), order=order, handover="", cause="shopper")
    send(draft_of(hub=first.public_id, notes="again"))
    drain()
    order.refresh_from_db()
    assert (order.hub, order.notes, taken(slot)) == (second, "again", 1)
    assert order.promise is not None
    assert order.promise.slot == slot.public_id


@pytest.mark.parametrize("cause", ["file", "api", "dispatcher"])
@pytest.mark.parametrize("dated", [True, False])
def test_a_window_after_midnight_is_served_on_the_round_of_its_slot_through_every_door(
    cause: str, dated: bool
) -> None:
    hub = make_hub()
    slot = curbside(hub=hub, option="window", opens=1440, closes=1500)
    assert clocks.local_date(slot.opens_at, hub.zone) == DAY + dt.timedelta(days=1)
    late = WindowDraft(opens_at=slot.opens_at, closes_at=slot.closes_at)
    date = DAY + dt.timedelta(days=1) if dated else None
    first = draft_of(window=late, service_date=date, hub=hub.public_id)
    if cause == "dispatcher":
        order = send(draft_of(window=None, service_date=None, hub=hub.public_id))
        draft = PromiseDraft(opens_at=late.opens_at, closes_at=late.closes_at, cause=cause)
        services.set_promise(order=order, draft=draft)
    else:
        order = send(first, cause)
    drain()
    order.refresh_from_db()
    assert (order.service_date, taken(slot)) == (DAY, 1)
    assert window(order) == (slot.opens_at, slot.closes_at)
    # The same order again leaves it there, and so does a second look at its place.
    events = Event.objects.filter(
        kind__in=["order.changed", "order.redated"], subject=order.public_id
    )
    before = events.count()
    if cause != "dispatcher":
        send(replace(first, notes="again"), cause, "import:imp_2")
        assert events.last().data["changed"] == ["notes"]
        before += 1
    drain()
    settle_order(order=order)
    order.refresh_from_db()
    assert (order.service_date, taken(slot), events.count()) == (DAY, 1, before)


def the_night_of_the_last_change(zone_name: str) -> dt.date:
    """Return the date whose evening leads into the last clock change of a zone, else any date."""
    changes = [change for change in changes_of(zone_name) if change.at.year >= 2000]
    if not changes:
        return DAY
    latest = max(changes, key=lambda change: change.at)
    return clocks.local_date(latest.at, zone_name) - dt.timedelta(days=1)


def windows_after_midnight(template: SlotTemplate, evening: dt.date) -> list[WindowDraft]:
    """Return the windows of a template's evening that open on the next date at its hub."""
    zone = ZoneInfo(template.hub.zone)
    unfolded = unfold(
        pattern_of(template), first=evening, last=evening, zone=zone, closures=Closures(holidays={})
    )
    return [
        WindowDraft(opens_at=window.opens_at, closes_at=window.closes_at)
        for window in unfolded.occurrences
        if clocks.local_date(window.opens_at, template.hub.zone) > evening
    ]


@pytest.mark.parametrize("zone_name", FAR_APART)
def test_a_window_after_midnight_is_on_the_evening_of_its_slot_in_every_time_zone(
    zone_name: str, clock: SetClock
) -> None:
    """A file has orders before the slots open; then a file and the API have more."""
    evening = the_night_of_the_last_change(zone_name)
    hub = make_hub(zone=zone_name)
    clock(clocks.local_instant(evening, 0, hub.zone) - dt.timedelta(days=1))
    template = make_template(
        hub=hub, starts_on=evening, ends_on=evening, opens_minute=1320, closes_minute=1680,
        window_minutes=60, cutoff_minute=None, cutoff_days=0, on_holidays="open", active=False,
    )  # fmt: skip
    late = windows_after_midnight(template, evening)
    assert late
    plain = {"service_date": None, "hub": hub.public_id}
    sent = [
        (send(draft_of(external_id=f"B{n}", window=window, **plain)), window)
        for n, window in enumerate(late)
    ]
    change_template(template=template, active=True)
    assert adopt_promises(hub=hub, since=evening, until=evening).orders == len(late)
    for cause in ("file", "api"):
        for n, window in enumerate(late):
            order = send(draft_of(external_id=f"{cause}{n}", window=window, **plain), cause)
            settle_order(order=order)
            sent.append((order, window))
    for order, window in sent:
        order.refresh_from_db()
        (hold,) = Hold.objects.filter(order=order)
        assert (hold.slot.opens_at, hold.slot.closes_at) == (window.opens_at, window.closes_at)
        assert (hold.slot.service_date, order.service_date) == (evening, evening)


def test_a_planned_order_stays_on_its_date_whatever_its_slot_says() -> None:
    hub = make_hub()
    slot = curbside(hub=hub, option="window", opens=1440, closes=1500)
    late = WindowDraft(opens_at=slot.opens_at, closes_at=slot.closes_at)
    order = send(draft_of(window=late, service_date=None, hub=hub.public_id))
    services.mark_planned(orders=[order.pk], plan="pln_1")
    settle_order(order=order)
    order.refresh_from_db()
    assert (order.service_date, taken(slot)) == (DAY + dt.timedelta(days=1), 1)
