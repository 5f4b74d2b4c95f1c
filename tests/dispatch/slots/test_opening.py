"""Tests of opening slots: templates, blackouts, holidays, hours, and what an edit may touch."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from dispatch.fleet import services as fleet
from dispatch.slots import handlers as slot_handlers
from dispatch.slots import selectors, services
from dispatch.slots.models import Hold, HubCalendar, Slot, SlotTemplate
from dispatch.slots.services import templates as template_services
from dispatch.slots.states import HoldState
from lastmile import switchboard
from lastmile.core.errors import Invalid, Stale
from lastmile.core.events import as_domain_event
from lastmile.core.models import Event
from lastmile.core.tenancy import RetailerRef
from tests.dispatch.conftest import SetClock
from tests.dispatch.helpers import refused
from tests.drain import drain
from tests.factories import (
    make_hold,
    make_hub,
    make_order,
    make_slot,
    make_template,
    make_window,
    make_zone,
)
from tests.factories.orders import DAY

pytestmark = pytest.mark.usefixtures("retailer", "clock")


def days_of(**filters: Any) -> list[dt.date]:
    rows = Slot.objects.filter(**filters).order_by("opens_at", "pk")
    return list(rows.values_list("service_date", flat=True))


def everything() -> list[tuple[Any, ...]]:
    return list(Slot.objects.order_by("pk").values_list())


def test_a_template_opens_its_slots_at_once_and_days_ahead() -> None:
    template = make_template(opens_days_ahead=7, closes_minute=840, window_minutes=120)
    assert days_of() == [DAY + dt.timedelta(days=n) for n in range(7) for _w in range(2)]
    slot = Slot.objects.order_by("opens_at")[0]
    assert slot.template == template
    assert (slot.capacity_orders, slot.base_minor, slot.state) == (10, 400, "open")


def test_opening_again_changes_nothing_and_a_new_day_opens_one_day_more(
    retailer: RetailerRef, clock: SetClock
) -> None:
    make_template(opens_days_ahead=7)
    before = everything()
    assert services.open_slots() == 0
    assert everything() == before
    clock(dt.datetime.combine(DAY, dt.time(1), dt.UTC))
    assert services.open_slots() == 1
    assert everything()[: len(before)] == before


def test_slots_whose_cut_off_has_passed_are_not_opened(clock: SetClock) -> None:
    clock(dt.datetime.combine(DAY, dt.time(18), dt.UTC))  # exactly the cut-off for tomorrow
    make_template(opens_days_ahead=2)
    assert days_of() == [DAY + dt.timedelta(days=2)]


def test_two_templates_that_want_the_same_slot_open_it_once() -> None:
    first = make_template(opens_days_ahead=3)
    make_template(hub=first.hub, opens_days_ahead=3, base_minor=900)
    assert len(days_of()) == 3
    services.remove_template(template=first)
    assert len(days_of()) == 3
    assert set(Slot.objects.values_list("base_minor", flat=True)) == {900}


def test_an_inactive_template_zone_or_hub_has_no_free_slots() -> None:
    hub = make_hub()
    zone = make_zone(hub=hub)
    template = make_template(hub=hub, zone=zone, opens_days_ahead=3)
    assert len(days_of()) == 3
    services.change_template(template=template, active=False)
    assert days_of() == []
    services.change_template(template=SlotTemplate.objects.get(), active=True)
    assert len(days_of()) == 3
    fleet.change_zone(zone=zone, active=False)
    deliver_events()
    assert days_of() == []
    fleet.change_zone(zone=zone, active=True)
    deliver_events()
    assert len(days_of()) == 3
    fleet.retire_hub(hub=hub)
    deliver_events()
    assert days_of() == []


def deliver_events() -> None:
    """Run the handlers of slots for the last event of a hub or zone, as the relay does."""
    last = Event.objects.filter(subject__regex="^(hub|zon)_").latest("pk")
    last.position = last.position or 1
    paths = switchboard.HANDLERS[last.kind]
    handlers = [path.rpartition(".")[2] for path in paths if "slots" in path]
    for name in handlers:
        getattr(slot_handlers, name)(as_domain_event(last))


def test_s11_editing_a_template_changes_no_slot_with_holds_and_names_them_first() -> None:
    template = make_template(opens_days_ahead=4)
    slots = list(Slot.objects.order_by("opens_at"))
    order = make_order()
    make_hold(slot=slots[0], state=HoldState.PROMISED, order=order)
    make_hold(slot=slots[1])
    row = SlotTemplate.objects.get(pk=template.pk)
    before = services.edit_template(row, opens_minute=660, closes_minute=780, base_minor=500)
    effect = selectors.template_effect(row, before)
    assert (effect.opened, effect.removed) == (4, len(slots) - 2)
    assert [(t.slot.pk, t.change, t.orders, t.waiting) for t in effect.touched] == [
        (slots[0].pk, "closes", (order.public_id,), 0),
        (slots[1].pk, "closes", (), 1),
    ]
    assert Slot.objects.filter(state="open").count() == len(slots)  # a preview changes nothing
    services.change_template(template=template, opens_minute=660, closes_minute=780, base_minor=500)
    for slot in slots[:2]:
        now = Slot.objects.get(pk=slot.pk)
        assert (now.opens_at, now.base_minor, now.taken_orders) == (slot.opens_at, 400, 1)
        assert (now.state, now.closed_reason) == ("closed", "template")
    assert Hold.objects.filter(state="promised", order=order, slot=slots[0]).exists()
    assert Slot.objects.filter(base_minor=500, state="open").count() == 4


def test_s11_a_smaller_capacity_keeps_promises_and_shows_no_free_place_never_a_negative() -> None:
    slot = make_slot(capacity_orders=3)
    for _n in range(3):
        make_hold(slot=slot, state=HoldState.PROMISED, order=make_order())
    touched = selectors.touched_by(slot)
    assert len(touched.orders) == 3
    changed = services.change_slot(slot=slot, version=slot.version, capacity_orders=1)
    assert (changed.taken_orders, changed.free_orders) == (3, 0)
    assert Hold.objects.filter(slot=slot, state="promised").count() == 3
    closed = services.change_slot(slot=slot, state="closed")
    assert (closed.closed_reason, closed.taken_orders) == ("staff", 3)
    assert services.change_slot(slot=slot, state="open").closed_reason == ""


def test_prices_and_capacity_of_a_template_reach_its_slots_without_holds_only() -> None:
    template = make_template(opens_days_ahead=4)
    held, by_hand, *free = Slot.objects.order_by("opens_at")
    make_hold(slot=held)
    services.change_slot(slot=by_hand, capacity_orders=3)
    row = SlotTemplate.objects.get(pk=template.pk)
    effect = selectors.template_effect(row, services.edit_template(row, capacity_orders=20))
    assert (effect.changed, effect.removed, effect.opened) == (len(free), 0, 0)
    assert [(t.slot.pk, t.change) for t in effect.touched] == [(held.pk, "keeps")]
    services.change_template(template=template, capacity_orders=20)
    assert Slot.objects.get(pk=held.pk).capacity_orders == 10
    assert Slot.objects.get(pk=by_hand.pk).capacity_orders == 3  # a person's own value
    assert {slot.capacity_orders for slot in Slot.objects.filter(pk__in=[s.pk for s in free])} == {
        20
    }


def test_a_cut_off_change_reaches_slots_without_holds() -> None:
    template = make_template(opens_days_ahead=4)
    held, *free = Slot.objects.order_by("opens_at")
    make_hold(slot=held)
    services.change_template(template=template, cutoff_minute=720)
    assert Slot.objects.get(pk=held.pk).book_until_at == held.book_until_at
    for slot in free:
        now = Slot.objects.get(pk=slot.pk)
        assert slot.book_until_at - now.book_until_at == dt.timedelta(hours=6)


def test_a_blackout_closes_its_dates_in_the_hubs_own_zone_and_its_end_opens_them() -> None:
    lisbon = make_template(opens_days_ahead=5).hub
    samoa = make_template(hub=make_hub(zone="Pacific/Apia"), opens_days_ahead=5).hub
    kept = Slot.objects.filter(hub=lisbon).order_by("opens_at")[1]
    make_hold(slot=kept)
    before = days_of(hub=lisbon, state="open"), days_of(hub=samoa, state="open")
    date = kept.service_date
    draft = services.draft_blackout(first_on=date)
    effect = selectors.blackout_effect([lisbon, samoa], draft)
    assert (effect.removed, len(effect.touched)) == (1, 1)
    blackout = services.add_blackout(first_on=date, reason="Stocktaking")
    assert (blackout.first_on, blackout.last_on) == (date, date)
    for hub, dates in zip((lisbon, samoa), before, strict=True):
        assert days_of(hub=hub, state="open") == [day for day in dates if day != date]
    kept.refresh_from_db()
    assert (kept.state, kept.closed_reason, kept.taken_orders) == ("closed", "blackout", 1)
    services.change_blackout(blackout=blackout, first_on=date + dt.timedelta(days=1),
                             last_on=date + dt.timedelta(days=1))  # fmt: skip
    kept.refresh_from_db()
    assert kept.state == "open"
    services.remove_blackout(blackout=blackout)
    assert (days_of(hub=lisbon, state="open"), days_of(hub=samoa, state="open")) == before


def test_slots_that_a_rule_closes_removes_and_opens_again_are_told_with_their_numbers() -> None:
    hub = make_template(opens_days_ahead=4).hub
    held, free, *_rest = Slot.objects.order_by("opens_at")
    make_hold(slot=held)
    blackout = services.add_blackout(first_on=held.service_date, last_on=free.service_date)
    services.remove_blackout(blackout=blackout)
    closed, reopened = Event.objects.filter(kind="slots.changed", subject=hub.public_id).order_by(
        "pk"
    )
    numbers = ("removed", "closed", "changed", "since", "until")
    assert [closed.data[name] for name in numbers] == [
        1, 1, 0, held.service_date.isoformat(), free.service_date.isoformat(),
    ]  # fmt: skip
    assert [reopened.data[name] for name in numbers[:3]] == [0, 0, 1]
    services.sync_hub(hub=hub)  # nothing differs, so there is nothing to tell
    assert Event.objects.filter(kind="slots.changed").count() == 2


def test_a_slot_that_a_person_closed_is_not_opened_by_a_rule() -> None:
    template = make_template(opens_days_ahead=3)
    slot = Slot.objects.order_by("opens_at")[1]
    services.change_slot(slot=slot, state="closed")
    services.remove_blackout(blackout=services.add_blackout(first_on=slot.service_date))
    services.change_template(template=template, base_minor=700)
    services.sync_hub(hub=template.hub)
    slot.refresh_from_db()
    assert (slot.state, slot.closed_reason) == ("closed", "staff")


def test_public_holidays_follow_the_hubs_calendar(clock: SetClock) -> None:
    clock(dt.datetime(2026, 12, 20, 9, tzinfo=dt.UTC))
    hub = make_hub()  # Lisbon: the country of its time zone
    make_template(hub=hub, opens_days_ahead=7)
    make_template(hub=hub, option="curbside", on_holidays="open", opens_days_ahead=7)
    christmas = dt.date(2026, 12, 25)
    assert christmas not in days_of(option="window")
    assert christmas in days_of(option="curbside")
    effect = selectors.calendar_effect(hub, "", "")
    assert effect.opened == 1
    services.set_calendar(hub=hub, country="")
    assert christmas in days_of(option="window")
    with pytest.raises(Invalid):
        services.set_calendar(hub=hub, country="XX")
    with pytest.raises(Invalid):
        services.set_calendar(hub=hub, country="PT", subdivision="BY")
    assert HubCalendar.objects.get().country == ""
    services.set_calendar(hub=hub, country="PT")
    assert christmas not in days_of(option="window")
    assert selectors.calendar(hub).holidays[0] == (christmas, "Christmas Day")


def test_curbside_is_offered_within_the_opening_hours_of_the_hub_only() -> None:
    week = [[[540, 780]] for _day in range(7)]  # 09:00 to 13:00
    hub = make_hub(hours=week)
    template = make_template(
        hub=hub, option="curbside", opens_minute=480, closes_minute=900, window_minutes=60,
        opens_days_ahead=1, cutoff_days=0, cutoff_minute=None,
    )  # fmt: skip
    local = [slot.opens_at.hour for slot in Slot.objects.filter(service_date=DAY)]
    assert local == [9, 10, 11, 12]
    preview = selectors.next_windows(template)
    assert [(o.opens_at.hour, o.service_date) for o in preview.occurrences][:4] == [
        (9, DAY), (10, DAY), (11, DAY), (12, DAY),
    ]  # fmt: skip
    assert {absent.reason for absent in preview.left_out} == {"hub_closed"}
    fleet.change_hub(hub=hub, hours=[[[540, 660]] for _day in range(7)])
    deliver_events()
    assert [s.opens_at.hour for s in Slot.objects.filter(service_date=DAY)] == [9, 10]


def test_a_hub_without_templates_costs_one_query(
    django_assert_num_queries: Any,
) -> None:
    make_hub()
    with django_assert_num_queries(1):
        assert services.open_slots() == 0


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"name": ""}, "/name"),
        ({"option": "locker"}, "/option"),
        ({"rrule": "every day"}, "/rrule"),
        ({"rrule": "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30"}, "/rrule"),
        ({"closes_minute": 600}, "/closes_minute"),
        ({"closes_minute": 2400}, "/closes_minute"),
        ({"closes_minute": 602}, "/closes_minute"),
        ({"window_minutes": 90}, "/window_minutes"),
        ({"opens_minute": 0, "closes_minute": 1440, "window_minutes": 5}, "/window_minutes"),
        ({"cutoff_days": 1, "cutoff_minute": None}, "/cutoff_minute"),
        ({"ends_on": dt.date(2026, 10, 1)}, "/ends_on"),
        ({"starts_on": dt.date(1999, 1, 1)}, "/starts_on"),
        ({"starts_on": dt.datetime(2026, 1, 1, tzinfo=dt.UTC)}, "/starts_on"),
        ({"capacity_orders": -1}, "/capacity_orders"),
        ({"base_minor": 2**40}, "/base_minor"),
        ({"opens_days_ahead": 0}, "/opens_days_ahead"),
        ({"on_holidays": "maybe"}, "/on_holidays"),
    ],
)
def test_a_wrong_template_is_refused_by_field_and_changes_nothing(
    fields: dict[str, Any], pointer: str
) -> None:
    hub = make_hub()
    with pytest.raises(Invalid) as refusal:
        make_template(hub=hub, **fields)
    assert pointer in [error.pointer for error in refusal.value.errors]
    assert not SlotTemplate.objects.exists()
    template = make_template(hub=hub)
    before = everything()
    with pytest.raises(Invalid):
        services.change_template(template=template, **fields)
    assert SlotTemplate.objects.get().version == 1
    assert everything() == before


def test_a_template_of_a_zone_of_another_hub_is_refused() -> None:
    with pytest.raises(Invalid) as refusal:
        make_template(zone=make_zone())
    assert [error.pointer for error in refusal.value.errors] == ["/zone"]


def test_a_template_is_copied_for_other_days_and_not_for_the_same() -> None:
    template = make_template(rrule="FREQ=WEEKLY;BYDAY=MO")
    with pytest.raises(Invalid, match="equal"):
        services.copy_template(template=template)
    copy = services.copy_template(
        template=template, name="Saturday", rrule="FREQ=WEEKLY;BYDAY=SA", base_minor=900
    )
    assert (copy.capacity_orders, copy.hub, copy.version) == (10, template.hub, 1)
    assert copy.public_id != template.public_id
    weekdays = {day.weekday() for day in days_of(template=copy)}
    assert weekdays == {5}


def test_a_stale_edit_is_refused_and_changes_nothing() -> None:
    template = make_template()
    services.change_template(template=template, version=1, base_minor=500)
    for act in (
        lambda: services.change_template(template=template, version=1, base_minor=600),
        lambda: services.remove_template(template=template, version=1),
        lambda: services.change_slot(slot=Slot.objects.all()[0], version=99, state="closed"),
    ):
        with pytest.raises(Stale):
            act()
    assert SlotTemplate.objects.get().base_minor == 500
    assert not Slot.objects.filter(state="closed").exists()


def test_a_removed_template_keeps_the_promises_of_its_slots() -> None:
    template = make_template(opens_days_ahead=4)
    slot = Slot.objects.order_by("opens_at")[1]
    order = make_order()
    make_hold(slot=slot, state=HoldState.PROMISED, order=order)
    effect = selectors.template_effect(template, {}, removed=True)
    assert [t.orders for t in effect.touched] == [(order.public_id,)]
    services.remove_template(template=template)
    row = Slot.objects.get()
    assert (row.pk, row.state, row.closed_reason, row.template) == (
        slot.pk, "closed", "template", None,
    )  # fmt: skip
    assert Hold.objects.get(state="promised").slot == row


def test_promises_that_are_older_than_their_slots_take_their_places(clock: SetClock) -> None:
    hub = make_hub()
    order = make_order(hub=hub.public_id, window=make_window(10, 12))
    make_template(hub=hub, capacity_orders=1, opens_days_ahead=2)
    slot = Slot.objects.get(service_date=DAY)
    assert slot.taken_orders == 0
    drain()
    slot.refresh_from_db()
    assert (slot.taken_orders, slot.free_orders) == (1, 0)
    assert Hold.objects.get().order == order


def test_the_templates_of_one_area_give_a_bounded_number_of_windows_on_a_date(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(template_services, "MOST_OF_AREA", 5)
    hub = make_hub()
    hourly = {"hub": hub, "window_minutes": 60, "opens_days_ahead": 2}
    make_template(**hourly, opens_minute=600, closes_minute=780)  # three windows
    last = make_template(**hourly, opens_minute=800, closes_minute=920)  # two more
    before = Slot.objects.count(), Event.objects.count()
    with refused(Invalid, at="/window_minutes", match="more than 5"):
        make_template(**hourly, opens_minute=1000, closes_minute=1060)
    with refused(Invalid):
        services.change_template(template=last, closes_minute=980)
    assert (Slot.objects.count(), Event.objects.count()) == before
    assert SlotTemplate.objects.count() == 2
    # Another area, another time of the year, and a paused template do not count.
    make_template(**hourly, zone=make_zone(hub=hub), opens_minute=600, closes_minute=900)
    make_template(**hourly, ends_on=dt.date(2026, 11, 2), opens_minute=1000, closes_minute=1060)
    make_template(**hourly, active=False, opens_minute=1000, closes_minute=1060)
    services.change_template(template=last, active=False)
    make_template(**hourly, opens_minute=1000, closes_minute=1120)
