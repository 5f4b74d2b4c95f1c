"""The staff pages of slots: board, templates with previews, closed days, and what an edit names."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

import pytest
from django.test import Client

from dispatch.slots.models import Blackout, Hold, Slot, SlotTemplate
from dispatch.slots.states import HoldState
from lastmile.core.tenancy import RetailerRef, retailer_context
from tenants.permissions import Role
from tests.factories import make_hold, make_hub, make_order, make_slot, make_template
from tests.factories.orders import DAY
from tests.people import add_member, logged_in

pytestmark = pytest.mark.usefixtures("clock")
BOARD, TEMPLATES = "/console/slots/", "/console/slots/templates/"


@pytest.fixture
def staff(retailer: RetailerRef) -> Client:
    return logged_in(retailer, add_member(Role.DISPATCHER))


def text_of(page: Any) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.content.decode()))


def body(hub_ref: str, **fields: Any) -> dict[str, Any]:
    return {
        "name": "Weekdays", "hub": hub_ref, "zone": "", "option": "window",
        "days": ["0", "1", "2", "3", "4"], "starts_on": "2026-11-01", "opens": "10:00",
        "closes": "20:00", "window_minutes": "120", "capacity_orders": "10", "base": "4.50",
        "cutoff_days": "1", "cutoff": "18:00", "opens_days_ahead": "3", "on_holidays": "closed",
        "what": "save",
    } | fields  # fmt: skip


def test_a_new_retailer_is_offered_a_ready_made_template_that_works_as_it_is(
    staff: Client,
) -> None:
    hub = make_hub()
    assert "Start with this template" in text_of(staff.get(BOARD))
    page = staff.get(f"{TEMPLATES}new/")
    form = page.context["form"]
    sent = {name: form[name].value() for name in form.fields if form[name].value() is not None}
    assert "Mon, 23 Nov" in text_of(page)  # its next slots are beside it
    answer = staff.post(f"{TEMPLATES}new/", sent | {"hub": hub.public_id, "what": "save"})
    assert answer.status_code == 302, answer.context["form"].errors
    windows = Slot.objects.filter(service_date=DAY).order_by("opens_at")
    assert [slot.opens_at.hour for slot in windows] == [10, 12, 14, 16, 18]
    assert "Start with this template" not in text_of(staff.get(BOARD))


def test_every_template_stands_beside_the_next_five_slots_that_it_produces(
    staff: Client,
) -> None:
    make_template(name="Mornings")
    page = text_of(staff.get(TEMPLATES))
    for day in ("Mon, 23 Nov", "Tue, 24 Nov", "Wed, 25 Nov", "Thu, 26 Nov", "Fri, 27 Nov"):
        assert f"{day} 10:00–12:00" in page
    assert "order before Sun, 22 Nov, 18:00" in page
    assert "Sat, 28 Nov" not in page


def test_the_preview_follows_the_form_and_saves_nothing_with_and_without_scripts(
    staff: Client,
) -> None:
    hub = make_hub()
    sent = body(hub.public_id, days=["5"], opens="09:00", closes="10:00", window_minutes="")
    fragment = staff.post(f"{TEMPLATES}preview/", sent, headers={"HX-Request": "true"})
    assert "Sat, 28 Nov 09:00–10:00" in text_of(fragment)
    whole = staff.post(f"{TEMPLATES}new/", sent | {"what": "preview"})
    assert "Sat, 28 Nov 09:00–10:00" in text_of(whole)
    wrong = staff.post(f"{TEMPLATES}preview/", sent | {"window_minutes": "25"})
    assert (wrong.status_code, "do not fill 60 minutes" in text_of(wrong)) == (200, True)
    assert not SlotTemplate.objects.exists()


def test_a_wrong_form_says_what_to_change_and_saves_nothing(staff: Client) -> None:
    hub = make_hub()
    for fields, message in [
        ({"days": []}, "Choose at least one day."),
        ({"cutoff": ""}, "Enter the time of the cut-off."),
        ({"rrule": "every Monday"}, "no recurrence rule"),
        ({"window_minutes": "90"}, "do not fill"),
        ({"ends_on": "2026-10-01"}, "before the first date"),
        ({"hub": "hub_x"}, "Select a valid choice"),
        ({"base": "-1"}, "greater than or equal to 0"),
    ]:
        answer = staff.post(f"{TEMPLATES}new/", body(hub.public_id, **fields))
        assert answer.status_code == 422, fields
        assert message in text_of(answer), fields
    assert not SlotTemplate.objects.exists()


def test_s11_an_edit_first_names_the_promises_that_it_touches(staff: Client) -> None:
    template = make_template(opens_days_ahead=3)
    slot = Slot.objects.order_by("opens_at")[0]
    order = make_order()
    make_hold(slot=slot, state=HoldState.PROMISED, order=order)
    url = f"{TEMPLATES}{template.public_id}/"
    sent = body(template.hub.public_id, opens="11:00", closes="13:00", version="1",
                days=[*"0123456"])  # fmt: skip
    warned = staff.post(url, sent)
    assert warned.status_code == 409
    assert order.external_id in text_of(warned), "the number that the shop knows"
    assert f"/console/orders/{order.public_id}/" in warned.content.decode()
    assert order.public_id not in text_of(warned)
    assert order.external_id in text_of(staff.get(f"/console/slots/{slot.public_id}/"))
    assert "takes no more orders" in text_of(warned)
    assert SlotTemplate.objects.get().version == 1
    saved = staff.post(url, sent | {"confirmed": "yes"})
    assert saved.status_code == 302
    slot.refresh_from_db()
    assert (slot.state, slot.taken_orders) == ("closed", 1)
    assert Hold.objects.get(state="promised").order == order
    removed = staff.post(url, {"what": "remove", "version": "2"})
    assert removed.status_code == 302  # the slot is closed already: nothing more is touched
    assert not SlotTemplate.objects.exists()


def test_s11_slots_with_orders_take_a_new_capacity_only_by_choice_after_their_promises_are_named(
    staff: Client,
) -> None:
    template = make_template(opens_days_ahead=3)
    slot = Slot.objects.order_by("opens_at")[0]
    order = make_order()
    make_hold(slot=slot, state=HoldState.PROMISED, order=order)
    url = f"{TEMPLATES}{template.public_id}/"
    sent = body(template.hub.public_id, capacity_orders="25", base="4", days=[*"0123456"],
                closes="12:00", active="on", version="1")  # fmt: skip
    warned = staff.post(url, sent)
    assert warned.status_code == 409
    assert order.external_id in text_of(warned)
    assert 'value="save_with_orders"' in warned.content.decode()
    unconfirmed = staff.post(url, sent | {"what": "save_with_orders"})
    assert unconfirmed.status_code == 409
    slot.refresh_from_db()
    assert (slot.capacity_orders, SlotTemplate.objects.get().version) == (10, 1)
    saved = staff.post(url, sent | {"what": "save_with_orders", "confirmed": "yes"})
    assert saved.status_code == 302
    slot.refresh_from_db()
    assert (slot.capacity_orders, slot.taken_orders, slot.state) == (25, 1, "open")


def test_a_template_is_copied_for_other_days(staff: Client) -> None:
    template = make_template(name="Weekdays", rrule="FREQ=WEEKLY;BYDAY=MO")
    page = staff.get(f"{TEMPLATES}new/?from={template.public_id}")
    form = page.context["form"]
    sent = {name: form[name].value() for name in form.fields if form[name].value() is not None}
    sent |= {"name": "Saturdays", "days": ["5"], "what": "save"}
    assert staff.post(f"{TEMPLATES}new/?from={template.public_id}", sent).status_code == 302
    copy = SlotTemplate.objects.get(name="Saturdays")
    assert (copy.rrule, copy.opens_minute, copy.base_minor) == ("FREQ=WEEKLY;BYDAY=SA", 600, 400)


def test_the_board_shows_fill_by_day_and_a_slot_is_closed_and_opened(staff: Client) -> None:
    slot = make_slot(capacity_orders=2)
    make_hold(slot=slot)
    page = staff.get(f"{BOARD}?hub={slot.hub.public_id}&date={DAY}")
    assert "1/2" in text_of(page)
    assert "Mon, 23 Nov, 10:00–12:00: 1 free 1/2" in text_of(page)  # for screen readers
    url = f"{BOARD}{slot.public_id}/"
    assert staff.post(url, {"what": "closed", "version": "1"}).status_code == 302
    slot.refresh_from_db()
    assert (slot.state, slot.taken_orders) == ("closed", 1)
    assert "Closed by a person" in text_of(staff.get(url))
    assert staff.post(url, {"what": "closed", "version": "1"}).status_code == 412
    assert staff.post(url, {"what": "open", "version": "2"}).status_code == 302
    terms = {"what": "terms", "version": "3", "capacity_orders": "0", "base": "3", "surcharge": ""}
    assert staff.post(url, terms).status_code == 302
    slot.refresh_from_db()
    assert (slot.capacity_orders, slot.free_orders, slot.base_minor) == (0, 0, 300)


def test_an_expired_hold_takes_no_place_on_the_board(staff: Client) -> None:
    slot = make_slot(capacity_orders=2)
    make_hold(slot=slot, expires_at=slot.opens_at - dt.timedelta(days=3))
    page = staff.get(f"{BOARD}?hub={slot.hub.public_id}&date={DAY}")
    assert "0/2" in text_of(page)


@pytest.mark.parametrize("browser_zone", ["Pacific/Midway", "UTC", "Pacific/Kiritimati"])
def test_s09_a_blackout_shows_the_same_date_to_every_browser(
    staff: Client, browser_zone: str
) -> None:
    make_template(opens_days_ahead=4)
    url = "/console/slots/closed-days/"
    staff.cookies["timezone"] = browser_zone  # no header or cookie of a browser has an effect
    before = set(Slot.objects.values_list("service_date", flat=True))
    sent = {"what": "add", "first_on": "2026-11-25", "reason": "Stocktaking"}
    assert staff.post(url, sent).status_code == 302
    row = Blackout.objects.get()
    assert (str(row.first_on), str(row.last_on)) == ("2026-11-25", "2026-11-25")
    after = set(Slot.objects.values_list("service_date", flat=True))
    assert before - after == {dt.date(2026, 11, 25)}
    assert "Wed, 25 Nov" in text_of(staff.get(url))
    removed = staff.post(url, {"what": "remove", "blackout": row.public_id, "version": "1"})
    assert removed.status_code == 302
    assert set(Slot.objects.values_list("service_date", flat=True)) == before


def test_a_blackout_names_the_promises_before_it_closes_their_slots(staff: Client) -> None:
    make_template(opens_days_ahead=4)
    slot = Slot.objects.order_by("opens_at")[1]
    order = make_order()
    make_hold(slot=slot, state=HoldState.PROMISED, order=order)
    sent = {"what": "add", "first_on": str(slot.service_date)}
    warned = staff.post("/console/slots/closed-days/", sent)
    assert (warned.status_code, order.external_id in text_of(warned)) == (409, True)
    assert not Blackout.objects.exists()
    done = staff.post("/console/slots/closed-days/", sent | {"confirmed": "yes"})
    assert done.status_code == 302
    slot.refresh_from_db()
    assert (slot.state, slot.closed_reason) == ("closed", "blackout")


def test_holidays_follow_the_country_that_is_chosen(staff: Client) -> None:
    hub = make_hub()
    url = f"/console/slots/closed-days/?hub={hub.public_id}"
    assert "Restoration of Independence" in text_of(staff.get(url))
    sent = {"what": "calendar", "country": "CL", "subdivision": ""}
    assert staff.post(url, sent).status_code == 302
    assert "Immaculate Conception" in text_of(staff.get(url))
    assert "Restoration of Independence" not in text_of(staff.get(url))
    assert staff.post(url, sent | {"country": "XX"}).status_code == 422


def test_a_reader_sees_pages_without_forms_and_a_stranger_sees_nothing(
    retailer: RetailerRef, other: RetailerRef
) -> None:
    template = make_template()
    slot = Slot.objects.all()[0]
    reader = logged_in(retailer, add_member(Role.READONLY, email="reader@x.org"))
    paths = [BOARD, TEMPLATES, f"{TEMPLATES}{template.public_id}/", f"{BOARD}{slot.public_id}/",
             "/console/slots/closed-days/"]  # fmt: skip
    for path in paths:
        assert reader.get(path).status_code == 200, path
    assert reader.get(f"{TEMPLATES}new/").status_code == 403
    for path in paths[2:]:
        assert reader.post(path, {"what": "closed"}).status_code == 403, path
    elsewhere = make_hub()
    member = add_member(Role.DISPATCHER, email="far@x.org", hubs=[elsewhere.public_id])
    far = logged_in(retailer, member)
    for path in paths[2:4]:
        assert far.get(path).status_code == 404, path
    assert template.name not in text_of(far.get(TEMPLATES))
    with retailer_context(other.schema):
        stranger = logged_in(other, add_member(Role.OWNER))
    for path in paths[2:4]:
        assert stranger.get(path).status_code == 404, path
    slot.refresh_from_db()
    assert slot.state == "open"
