"""Addresses leave delivery sessions: with the shopper on request, and by age."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from dispatch.orders.drafts import PlaceDraft, ShopperDraft
from dispatch.orders.services import cancel_order
from dispatch.slots.models import Hold
from lastmile.core import clock
from lastmile.core.erasing import PersonQuery, erase_shopper, forget
from lastmile.core.tenancy import RetailerRef, retailer_context
from portal.choice.models import DeliverySession
from tenants.people.services.sections import set_section
from tenants.retention import Retention
from tenants.sections import section_of
from tests.factories import make_hub, make_order, make_slot
from tests.factories.choice import make_session

DAYS = dt.timedelta(days=1)
STREET = "Travessa dos Jerónimos 77"
EXACT = (38.7212345, -9.1423456)
pytestmark = pytest.mark.usefixtures("retailer")


def stored(session: DeliverySession) -> DeliverySession:
    return DeliverySession.objects.get(pk=session.pk)


def is_blank(session: DeliverySession) -> bool:
    row = stored(session)
    return (row.place_text, row.place, row.lat, row.lon) == ("", {}, 38.72, -9.14)


def test_erasing_a_shopper_removes_the_address_of_the_orders_and_of_the_basket_before() -> None:
    hub = make_hub()
    order = make_order(
        shopper=ShopperDraft(name="Rita Moura", email="rita@example.org"),
        place=PlaceDraft(text=STREET, lat=EXACT[0], lon=EXACT[1]),
    )
    linked = make_session(hub=hub, order=order, place_text="another spelling")
    basket = make_session(hub=hub, place_text=f"{STREET}, 3º esq")
    parts = make_session(hub=hub, place_text="", place={"text": STREET.upper()})
    others = make_session(hub=hub, place_text="Rua Augusta 12")
    cancel_order(order=order, cause="shopper")
    _person, done = erase_shopper(PersonQuery(email="rita@example.org"))
    assert done["delivery_sessions"] == 3
    assert [is_blank(row) for row in (linked, basket, parts, others)] == [True, True, True, False]
    _person, again = erase_shopper(PersonQuery(shopper=order.shopper.public_id))
    assert again["delivery_sessions"] == 0


def test_addresses_are_forgotten_after_the_retention_time_and_windows_stay(
    other: RetailerRef,
) -> None:
    hub, now = make_hub(), clock.now()
    old = make_session(hub=hub, created_at=now - 31 * DAYS, value_minor=4_200)
    young = make_session(hub=hub, created_at=now - 29 * DAYS)
    with retailer_context(other):
        foreign = make_session(created_at=now - 29 * DAYS)
    assert forget()["delivery_sessions"] == 1
    assert (is_blank(old), is_blank(young)) == (True, False)
    assert (stored(old).value_minor, stored(old).since) == (4_200, old.since)
    set_section(section=section_of(Retention), policy=Retention(sessions_days=7))
    assert forget()["delivery_sessions"] == 1
    with retailer_context(other):
        assert stored(foreign).place_text == "Rua Augusta 12, Lisboa"


def test_erasing_a_shopper_removes_the_address_of_baskets_that_never_became_an_order() -> None:
    hub = make_hub()
    order = make_order(
        shopper=ShopperDraft(name="Rita Moura", email="rita@example.org"),
        place=PlaceDraft(text=STREET, lat=EXACT[0], lon=EXACT[1]),
    )
    slot = make_slot(hub=hub)
    basket = make_session(hub=hub, place_text=f"{STREET}, 3º esq")
    values = {"lat": EXACT[0], "lon": EXACT[1]}
    ends = clock.now() + dt.timedelta(minutes=9)
    terms: dict[str, Any] = {"slot": slot, "caller": "checkout", "handover": "attended"}
    terms |= {"work_s": 60, "weight_g": 1, "volume_cm3": 1}
    terms |= values | {"expires_at": ends}
    own = Hold.objects.create(session=basket.public_id, place_text="another spelling", **terms)
    alone = Hold.objects.create(session="", place_text=STREET.upper(), **terms)
    others = Hold.objects.create(session="ses_other", place_text="Rua Augusta 12", **terms)
    cancel_order(order=order, cause="shopper")
    erase_shopper(PersonQuery(email="rita@example.org"))
    for hold, erased in ((own, True), (alone, True), (others, False)):
        hold.refresh_from_db()
        assert (hold.place_text == "") is erased
        assert ((hold.lat, hold.lon) == EXACT) is not erased
