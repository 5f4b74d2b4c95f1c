"""Before staff cancel an order or change its window, one line says whether the shopper is told."""

from __future__ import annotations

import datetime as dt

import pytest
from django.test import Client
from django.utils.html import strip_tags

from dispatch.orders.drafts import ShopperDraft
from dispatch.orders.models import Order, Shopper
from lastmile.core.tenancy import RetailerRef, retailer_context
from notifications.models import Contact, Message, MomentSetting
from notifications.services.contacts import contact_of, opt_out, set_preferences
from tenants.permissions import Role
from tenants.selectors import today
from tests.factories.fleet import make_hub
from tests.factories.messages import make_account
from tests.factories.orders import make_order
from tests.people import add_member, logged_in

HTMX = {"hx-request": "true"}
PHONE = "+351912345678"


@pytest.fixture
def desk(retailer: RetailerRef) -> Client:
    return logged_in(retailer, add_member(Role.DISPATCHER))


@pytest.fixture
def order(retailer: RetailerRef) -> Order:
    shopper = ShopperDraft(name="Ana", phone=PHONE, email="ana@example.org")
    tomorrow = today() + dt.timedelta(days=1)
    return make_order(hub=make_hub().public_id, shopper=shopper, service_date=tomorrow)


def line(desk: Client, order: Order, act: str = "cancel") -> str:
    answer = desk.get(f"/messages/of-act/{order.public_id}/{act}/", headers=HTMX)
    assert answer.status_code in {200, 204}
    return " ".join(strip_tags(answer.content.decode()).split())


def test_m09_the_line_names_the_channel_and_the_act_has_it(desk: Client, order: Order) -> None:
    make_account("sms")
    page = desk.get(f"/console/orders/{order.public_id}/").content.decode()
    for act in ("cancel", "promise"):
        assert f"/messages/of-act/{order.public_id}/{act}/" in page
        assert line(desk, order, act) == "The shopper will be told (SMS)."
    assert not Contact.objects.exists(), "looking writes nothing"
    assert not Message.objects.exists()


def test_the_next_channel_is_named_for_a_person_who_stopped_the_first(
    desk: Client, order: Order
) -> None:
    make_account("sms")
    opt_out(contact=contact_of("phone", PHONE), channel="sms", by="word")
    assert "turned these messages off" in line(desk, order)
    make_account("email")
    assert line(desk, order) == "The shopper will be told (E-mail)."
    mail = contact_of("email", "ana@example.org")
    set_preferences(contact=mail, channel="email", groups={"delivery": False})
    assert "turned these messages off" in line(desk, order)


def test_without_a_contact_it_says_so_and_without_a_message_nothing(
    desk: Client, order: Order
) -> None:
    assert line(desk, order) == "", "no channel is on"
    make_account("sms")
    Shopper.objects.update(phone="")
    assert "there is no contact" in line(desk, order)
    MomentSetting.objects.create(moment="cancelled", is_on=False)
    assert line(desk, order) == "", "the retailer switched these messages off"


def test_only_those_who_may_edit_the_order_ask(
    desk: Client, retailer: RetailerRef, other: RetailerRef, order: Order
) -> None:
    make_account("sms")
    path = f"/messages/of-act/{order.public_id}/cancel/"
    limited = logged_in(retailer, add_member(Role.DISPATCHER, hubs=[make_hub().public_id]))
    with retailer_context(other):
        foreign = logged_in(other, add_member(Role.OWNER))
    for browser in (limited, foreign):
        assert browser.get(path, headers=HTMX).status_code == 404
    assert desk.get(f"/messages/of-act/{order.public_id}/other/", headers=HTMX).status_code == 404
    assert desk.get(path)["Location"] == f"/console/orders/{order.public_id}/"
