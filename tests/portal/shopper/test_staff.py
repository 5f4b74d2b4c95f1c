"""The panel of an order with the shopper's link, and the list of codes of a demo."""

from __future__ import annotations

import pytest
from django.test import Client

from dispatch.orders.links import ShopperLink, shopper_link, shopper_secret
from dispatch.orders.models import Order
from lastmile.core.models import DerivedSecret
from lastmile.core.tenancy import RetailerRef, retailer_context
from tenants.people.models import AuditEntry
from tenants.permissions import Role
from tests.factories.fleet import make_hub
from tests.people import add_member, logged_in

HTMX = {"hx-request": "true"}


@pytest.fixture
def desk(retailer: RetailerRef) -> Client:
    """Return a browser of a dispatcher of t1."""
    return logged_in(retailer, add_member(Role.DISPATCHER))


def panel_of(order: Order) -> str:
    return f"/shopper-links/{order.public_id}/"


def works(secret: str) -> bool:
    return ShopperLink().recognise_link(secret) is not None


def test_the_page_of_an_order_has_the_panel_with_the_link(desk: Client, order: Order) -> None:
    page = desk.get(f"/console/orders/{order.public_id}/").content.decode()
    assert panel_of(order) in page
    link = shopper_link(order)  # as a message brought it
    panel = desk.get(panel_of(order), headers=HTMX).content.decode()
    assert link in panel
    assert desk.get(panel_of(order)).status_code == 302, "without scripts, back to the order"


def test_reading_the_panel_or_the_preview_writes_nothing_and_a_button_creates_the_link(
    desk: Client, order: Order
) -> None:
    preview = f"{panel_of(order)}preview/"
    for reading in (panel_of(order), preview):
        for read in (desk.get, desk.head):
            read(reading, headers=HTMX)
        page = desk.get(reading, headers=HTMX).content.decode()
        assert "Create link" in page
        assert "/t/" not in page
    assert not DerivedSecret.objects.filter(subject=order.public_id).exists()
    panel = desk.post(panel_of(order), {"what": "create"}, headers=HTMX).content.decode()
    assert "Create link" not in panel
    assert DerivedSecret.objects.get(subject=order.public_id).generation == 1
    assert shopper_link(order) in panel
    desk.post(panel_of(order), {"what": "create"}, headers=HTMX)
    assert DerivedSecret.objects.get(subject=order.public_id).generation == 1, "it stays"
    assert f"/t/{shopper_secret(order)}/" in desk.get(preview).content.decode()


def test_the_button_of_the_preview_creates_the_link_of_an_order(desk: Client, order: Order) -> None:
    preview = f"{panel_of(order)}preview/"
    answer = desk.post(preview)
    assert (answer.status_code, answer.headers["Location"]) == (302, preview)
    assert f"/t/{shopper_secret(order)}/" in desk.get(preview).content.decode()


def test_a_new_link_ends_the_old_one_and_is_in_the_audit_log(
    retailer: RetailerRef, desk: Client, order: Order
) -> None:
    old = shopper_secret(order)
    panel = desk.post(panel_of(order), {"what": "renew"}, headers=HTMX).content.decode()
    assert not works(old)
    assert works(shopper_secret(order))
    assert shopper_link(order) in panel
    entry = AuditEntry.objects.get(act="order.link_renewed")
    assert entry.subject == order.public_id
    owner = logged_in(retailer, add_member(Role.OWNER))
    log = owner.get("/audit/").content.decode()
    assert "made a new shopper" in log
    assert str(order.external_id) in log
    assert old not in log


def test_an_ended_link_shows_nothing_until_a_new_one_is_made(desk: Client, order: Order) -> None:
    old = shopper_secret(order)
    panel = desk.post(panel_of(order), {"what": "end"}, headers=HTMX).content.decode()
    assert not works(old)
    assert "was ended" in panel
    assert "/t/" not in panel
    assert AuditEntry.objects.filter(act="order.link_ended", subject=order.public_id).exists()
    for reading in (panel_of(order), f"{panel_of(order)}preview/"):
        for read in (desk.get, desk.head):
            read(reading, headers=HTMX)
    ended = desk.get(panel_of(order), headers=HTMX).content.decode()
    assert "was ended" in ended, "reading the panel makes no new link"
    assert "/t/" not in ended
    assert DerivedSecret.objects.get(subject=order.public_id).key_id == ""
    assert "Create link" in ended
    again = desk.post(panel_of(order), {"what": "create"}, headers=HTMX).content.decode()
    assert shopper_link(order) in again
    assert works(shopper_secret(order)), "the next message brings the new one"
    assert not works(old)
    assert AuditEntry.objects.filter(act="order.link_renewed", subject=order.public_id).exists()


def test_only_members_who_may_change_the_order_see_or_change_its_link(
    retailer: RetailerRef, other: RetailerRef, client: Client, order: Order
) -> None:
    old = shopper_secret(order)
    elsewhere = make_hub(name="Elsewhere", external_id="H-2")
    readers = {
        "reader": (logged_in(retailer, add_member(Role.READONLY)), 403),
        "picker": (logged_in(retailer, add_member(Role.PICKER)), 403),
        "other hub": (
            logged_in(retailer, add_member(Role.DISPATCHER, hubs=[elsewhere.public_id])),
            404,
        ),
        "stranger": (client, 302),
    }
    with retailer_context(other):
        readers["other retailer"] = (logged_in(other, add_member(Role.OWNER)), 404)
    for name, (browser, status) in readers.items():
        for act in (browser.get, browser.post):
            answer = act(panel_of(order), {"what": "end"})
            assert answer.status_code == status, name
            assert old not in answer.content.decode()
    assert works(old)
