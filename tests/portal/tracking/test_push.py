"""Messages on this device: the button of the delivery page, and the subscriptions behind it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client

from dispatch.orders.links import shopper_secret
from dispatch.orders.models import Order
from dispatch.orders.services import cancel_order
from lastmile.core.tenancy import RetailerRef
from notifications.channels.webpush.encryption import new_vapid_key, vapid_public
from notifications.models import ChannelAccount, Contact, PushSubscription
from notifications.selectors.push import push_contact
from notifications.services.subscribing import MOST, end_subscriptions, subscribe
from tests.factories import make_hub, make_order
from tests.notifications.test_webpush import Browser

KEY = new_vapid_key()


@pytest.fixture
def order(retailer: RetailerRef) -> Order:
    """Return an order of a retailer that has switched web push on."""
    ChannelAccount.objects.create(
        channel="push", kind="vapid", source="own", secrets={"private": KEY}, is_on=True
    )
    make_hub()
    return make_order()


def text_of(browser: Browser, endpoint: str = "https://push.example/abc") -> str:
    """Return the subscription as the browser's own JSON."""
    own = browser.subscription(endpoint)
    keys = {"p256dh": own.p256dh, "auth": own.auth}
    return json.dumps({"endpoint": own.endpoint, "expirationTime": None, "keys": keys})


def press(client: Client, order: Order, text: str, what: str = "begin") -> Any:
    body = {"what": what, "subscription": text}
    return client.post(f"/t/{shopper_secret(order)}/push/", body)


def test_the_page_offers_it_only_while_web_push_is_on(client: Client, order: Order) -> None:
    address = f"/t/{shopper_secret(order)}/"
    page = client.get(address).content.decode()
    assert f'data-key="{vapid_public(KEY)}"' in page
    assert 'data-module="tracking/push"' in page
    assert KEY not in page
    ChannelAccount.objects.update(is_on=False)
    assert "tracking/push" not in client.get(address).content.decode()
    ChannelAccount.objects.update(is_on=True)
    cancel_order(order=order)
    assert "tracking/push" not in client.get(address).content.decode()


def test_a_browser_begins_and_stops(client: Client, order: Order) -> None:
    text = text_of(Browser())
    for _twice in range(2):
        assert press(client, order, text).status_code == 204
    row = PushSubscription.objects.get()
    assert (row.order, row.contact.kind) == (order, "push")
    assert push_contact(order) == row.contact
    assert press(client, order, text, "stop").status_code == 204
    assert push_contact(order) is None
    assert press(client, order, text).status_code == 204
    assert push_contact(order) == row.contact


def test_a_browser_gets_the_messages_of_its_own_orders_only(client: Client, order: Order) -> None:
    other = make_order()
    press(client, order, text_of(Browser()))
    assert push_contact(other) is None


def test_the_newest_browser_counts_and_five_are_kept(order: Order) -> None:
    rows = [subscribe(order=order, text=text_of(Browser())) for _n in range(MOST + 2)]
    assert push_contact(order) == rows[-1].contact
    assert PushSubscription.objects.filter(ended_at__isnull=True).count() == MOST
    end_subscriptions(contact=rows[-1].contact)
    assert push_contact(order) == rows[-2].contact


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "[" * 3_000,
        text_of(Browser(), "https://user:secret@push.example/x"),
        text_of(Browser(), "http://push.example/x"),
        text_of(Browser(), "https://push.example:22/x"),
        text_of(Browser()).replace("p256dh", "other"),
    ],
)
def test_an_odd_subscription_is_refused(client: Client, order: Order, text: str) -> None:
    assert press(client, order, text).status_code == 422
    assert not Contact.objects.exists()
    assert press(client, order, text, "stop").status_code == 204


def test_opening_the_address_changes_nothing(client: Client, order: Order) -> None:
    address = f"/t/{shopper_secret(order)}/push/"
    assert client.get(address).status_code == 302
    assert client.get("/t/unknown/push/").status_code == 404
    assert client.post("/t/unknown/push/").status_code == 404
    assert not PushSubscription.objects.exists()


def test_the_worker_may_serve_shoppers_pages_only(client: Client, order: Order) -> None:
    answer = client.get("/push.js")
    assert answer.headers["Service-Worker-Allowed"] == "/t/"
    assert answer.headers["Content-Type"].startswith("text/javascript")
    script = answer.content.decode()
    assert "fetch" not in script.replace("keeps and fetches nothing", "")
