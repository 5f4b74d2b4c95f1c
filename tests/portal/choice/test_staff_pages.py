"""The staff pages about choosing: figures by option, savings, and why a slot is not offered."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

import pytest
from django.test import Client

from dispatch.orders.models import Order
from dispatch.slots.models import Blackout, Hold, Slot, SlotTemplate
from dispatch.slots.services import add_blackout
from lastmile.core import clock as clocks
from lastmile.core.tenancy import RetailerRef, retailer_context
from portal.choice import selectors
from portal.choice.models import DeliverySession, ShownOffer
from tenants.permissions import Role
from tests.factories import make_hold, make_hub, make_order, make_slot, make_zone
from tests.factories.fleet import LAT, LON, square
from tests.factories.orders import DAY
from tests.factories.slots import make_template
from tests.people import add_member, logged_in

pytestmark = pytest.mark.usefixtures("clock")


@pytest.fixture
def staff(retailer: RetailerRef) -> Client:
    return logged_in(retailer, add_member(Role.DISPATCHER))


def text_of(page: Any) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.content.decode()))


def session_of(hub: Any, **fields: Any) -> DeliverySession:
    now = clocks.now()
    values: dict[str, Any] = {
        "caller": "shopper", "principal": "ord_x", "lat": LAT, "lon": LON, "weight_g": 1,
        "volume_cm3": 1, "parcel_count": 1, "service_s": 60, "currency": "EUR", "since": DAY,
        "until": DAY, "expires_at": now + dt.timedelta(minutes=30), "round": 1,
    } | fields  # fmt: skip
    return DeliverySession.objects.create(hub=hub, **values)


def shown(session: DeliverySession, rank: int, **fields: Any) -> ShownOffer:
    opens_at = dt.datetime.combine(DAY, dt.time(9 + rank), dt.UTC)
    values: dict[str, Any] = {
        "round": session.round, "provider": "slots", "offer": f"slt_{rank}", "option": "window",
        "service_date": DAY, "opens_at": opens_at, "closes_at": opens_at + dt.timedelta(hours=1),
        "book_until_at": opens_at, "price_minor": 400, "currency": "EUR",
        "shown_at": clocks.now(),
    } | fields  # fmt: skip
    return ShownOffer.objects.create(session=session, rank=rank, **values)


def test_figures_compare_the_green_choice_with_the_mean_of_the_shown_offers(
    staff: Client,
) -> None:
    hub = make_hub()
    first, second = session_of(hub), session_of(hub)
    shown(first, 1, green=True, co2_g=100, added_m=1_000, chosen_at=clocks.now())
    shown(first, 2, co2_g=400, added_m=3_000)
    shown(first, 3, option="curbside", co2_g=None)
    shown(second, 1, co2_g=500, added_m=900, chosen_at=clocks.now())
    shown(second, 2, green=True, co2_g=10, added_m=10)
    day = dt.timedelta(days=1)
    now = clocks.now()
    figures = selectors.choice_figures(staff_principal(), now - day, now + day)
    assert (figures.sessions, figures.chosen, figures.green) == (2, 2, 1)
    assert (figures.saved_g, figures.saved_m) == (150, 1_000)  # means are 250 g and 2,000 m
    assert {o.option: (o.shown, o.chosen, o.conversion_percent) for o in figures.options} == {
        "window": (2, 2, 100.0),
        "curbside": (1, 0, 0.0),
    }
    page = text_of(staff.get("/choices/"))
    assert "150 g" in page
    assert "Home delivery 2 2 100%" in page
    assert "Curbside pickup 1 0 0%" in page
    empty = selectors.choice_figures(staff_principal(), now + day, now + 2 * day)
    assert (empty.saved_g, empty.options, empty.sessions) == (None, (), 0)


@pytest.mark.parametrize(
    ("state", "minutes", "counted"),
    [("live", 9, 1), ("kept", 9, 1), ("kept", -1, 0), ("released", 9, 0), ("promised", None, 1)],
)
def test_figures_count_only_choices_that_still_stand(
    staff: Client, state: str, minutes: int | None, counted: int
) -> None:
    hub = make_hub()
    session = session_of(hub)
    ends = None if minutes is None else clocks.now() + dt.timedelta(minutes=minutes)
    hold = Hold.objects.create(
        slot=make_slot(hub=hub), session=session.public_id, caller="checkout", state=state,
        expires_at=ends, handover="attended", work_s=60, weight_g=1, volume_cm3=1,
        order=make_order(hub=hub.public_id) if state == "promised" else None,
    )  # fmt: skip
    shown(session, 1, green=True, co2_g=5, chosen_at=clocks.now(), hold=hold.public_id)
    day = dt.timedelta(days=1)
    figures = selectors.choice_figures(staff_principal(), clocks.now() - day, clocks.now() + day)
    assert (figures.chosen, figures.green) == (counted, counted)
    assert selectors.newest_choices(staff_principal()).count() == counted
    if state == "promised":  # by a checkout: the session has no order
        assert f"/console/orders/{hold.order.public_id}/" in staff.get("/choices/").content.decode()


def staff_principal() -> Any:
    from tenants.permissions import Kind, Principal

    return Principal(kind=Kind.MEMBER, public_id="mbr_x", name="x", role=Role.OWNER, hubs=None)


def test_each_slot_is_offered_or_named_with_its_rule(staff: Client) -> None:
    hub = make_hub()
    full = make_slot(hub=hub, option="curbside", capacity_orders=1)
    make_hold(slot=full)
    make_slot(hub=hub, option="curbside", opens=720, closes=840)
    make_slot(hub=hub, option="curbside", opens=840, closes=960, state="closed",
              closed_reason="staff")  # fmt: skip
    before = (DeliverySession.objects.count(), Order.objects.count())
    sent = {
        "address": "Rua do Ouro 5, Lisboa", "lat": str(LAT), "lon": str(LON), "parcels": "1",
        "weight_kg": "2", "volume_litres": "8", "since": str(DAY), "days": "1",
    }  # fmt: skip
    answer = staff.post("/choices/why/", sent)
    page = text_of(answer)
    assert answer.status_code == 200, answer.context["form"].errors
    assert "Mon, 23 Nov, 12:00–14:00" in page.partition("Not offered")[0]
    excluded = page.partition("Not offered")[2]
    assert "10:00–12:00 Curbside pickup Capacity of the slot" in excluded
    assert "14:00–16:00 Curbside pickup Closed:" in excluded
    assert (DeliverySession.objects.count(), Order.objects.count()) == before
    half = staff.post("/choices/why/", sent | {"lon": ""})
    assert half.status_code == 422


def test_an_order_is_explained_with_its_own_address(staff: Client) -> None:
    order = make_order()
    assert order.hub is None or order.hub.active
    page = staff.get(f"/choices/why/?order={order.public_id}")
    assert page.status_code == 200
    assert order.external_id in text_of(page)


def test_strangers_and_members_of_other_hubs_see_no_choices(
    retailer: RetailerRef, other: RetailerRef
) -> None:
    hub, far = make_hub(), make_hub()
    shown(session_of(hub), 1, chosen_at=clocks.now(), price_minor=777_77)
    member = add_member(Role.DISPATCHER, email="far@x.org", hubs=[far.public_id])
    assert "777" not in text_of(logged_in(retailer, member).get("/choices/"))
    own = add_member(Role.DISPATCHER, email="own@x.org", hubs=[hub.public_id])
    assert "777" in text_of(logged_in(retailer, own).get("/choices/"))
    assert logged_in(retailer, member).get(f"/choices/panel/{hub.public_id}/").status_code == 404
    with retailer_context(other.schema):
        stranger = logged_in(other, add_member(Role.OWNER))
    assert "777" not in text_of(stranger.get("/choices/"))


def _why(staff: Client, since: dt.date, days: int = 2) -> str:
    """Ask why nothing is offered at the hub's own place; return the text of the answer."""
    sent = {
        "address": "Rua do Ouro 5, Lisboa", "lat": str(LAT), "lon": str(LON), "parcels": "1",
        "weight_kg": "2", "volume_litres": "8", "since": str(since), "days": str(days),
    }  # fmt: skip
    page = text_of(staff.post("/choices/why/", sent))
    assert "These days have no slots" in page
    assert "Every slot of these days is offered" not in page
    assert "No slot can be kept" not in page
    return page.partition("These days have no slots")[2]


def test_days_without_any_slot_name_the_cause(staff: Client) -> None:
    hub = make_hub(zone="Europe/Lisbon")
    assert "no active template opens slots for this zone" in _why(staff, DAY)
    make_zone(hub=hub)
    far = make_zone(hub=hub, polygon=square(hub.lat + 1, hub.lon))
    make_template(hub=hub, zone=far)
    assert "no active template opens slots for this zone" in _why(staff, DAY)
    template = make_template(hub=hub, rrule="FREQ=WEEKLY;BYDAY=SA", on_holidays="closed")
    Slot.objects.all().delete()
    assert "open no slots on these days" in _why(staff, DAY)
    saturday = DAY + dt.timedelta(days=5)
    assert "they open the slots of these days later" in _why(staff, saturday)
    add_blackout(first_on=saturday, last_on=saturday)
    assert "a blackout covers these days" in _why(staff, saturday)
    Blackout.objects.all().delete()
    SlotTemplate.objects.filter(pk=template.pk).update(rrule="FREQ=YEARLY;BYMONTH=12;BYMONTHDAY=1")
    holiday = dt.date(2026, 12, 1)  # the first of December is one in Portugal
    assert "Public holidays" in _why(staff, holiday, days=1)
    assert "These days are over" in _why(staff, DAY - dt.timedelta(days=9))
    assert "further ahead than shoppers can book" in _why(staff, DAY + dt.timedelta(days=300))
    today = clocks.local_date(clocks.now(), hub.zone)
    make_slot(hub=hub, service_date=today, opens=0, closes=5)
    assert "All windows of these days have begun" in _why(staff, today, days=1)
