"""The shopper's link of an order: one address, which ends some days after the order."""

from __future__ import annotations

import datetime as dt
import re

import pytest

from dispatch.orders import services
from dispatch.orders.links import (
    NAME,
    ShopperLink,
    link_expires_at,
    shopper_link,
    shopper_secret,
)
from dispatch.orders.models import Order
from dispatch.orders.policy import ShopperLinks
from lastmile.core import derived
from lastmile.core.tenancy import RetailerRef, retailer_context
from tenants.people.services.sections import set_section
from tenants.sections import section_of
from tests.dispatch.conftest import EVE, SetClock
from tests.drain import drain
from tests.factories.fleet import make_hub
from tests.factories.orders import make_order

DAYS = dt.timedelta(days=1)


@pytest.fixture
def order(retailer: RetailerRef) -> Order:
    make_hub()
    return make_order()


def works(secret: str) -> bool:
    return ShopperLink().recognise_link(secret) is not None


def test_every_message_carries_the_same_absolute_address(
    retailer: RetailerRef, order: Order
) -> None:
    link = shopper_link(order)
    assert re.fullmatch(rf"http://{re.escape(retailer.domain)}(:\d+)?/t/[a-z2-7]{{32}}/", link)
    assert shopper_link(order) == link
    assert shopper_link(make_order()) != link


def test_the_link_belongs_to_one_order_of_one_retailer(order: Order, other: RetailerRef) -> None:
    secret = shopper_secret(order)
    recognised = ShopperLink().recognise_link(secret)
    assert recognised is not None
    shopper = recognised.principal
    assert (shopper.public_id, shopper.role) == (order.public_id, "shopper_link")
    assert ShopperLink().current_principal(recognised.credential) == shopper
    with retailer_context(other):
        assert not works(secret)


def test_the_link_ends_7_days_after_its_order(clock: SetClock, order: Order) -> None:
    secret = shopper_secret(order)
    assert link_expires_at(order) is None
    clock(EVE + 300 * DAYS)
    assert works(secret), "an open order's link works however old it is"
    clock(EVE)
    services.cancel_order(order=order, cause="shopper")
    drain()
    clock(EVE + 7 * DAYS - dt.timedelta(seconds=2))
    assert works(secret)
    clock(EVE + 7 * DAYS + dt.timedelta(minutes=1))
    assert not works(secret)


def test_a_link_first_made_after_the_end_of_its_order_ends_at_the_same_time(
    clock: SetClock, order: Order
) -> None:
    services.cancel_order(order=order, cause="shopper")
    order.refresh_from_db()
    clock(EVE + 6 * DAYS)
    secret = shopper_secret(order)
    assert works(secret)
    clock(EVE + 8 * DAYS)
    assert not works(secret)


def test_the_retailer_decides_how_many_days(clock: SetClock, order: Order) -> None:
    set_section(section=section_of(ShopperLinks), policy=ShopperLinks(days_after_end=30))
    secret = shopper_secret(order)
    services.cancel_order(order=order, cause="shopper")
    drain()
    clock(EVE + 29 * DAYS)
    assert works(secret)
    clock(EVE + 31 * DAYS)
    assert not works(secret)


def test_a_link_made_while_its_order_ended_is_ended_later(clock: SetClock, order: Order) -> None:
    secret = derived.secret_of(purpose=NAME, subject=order.public_id)
    open_one = shopper_secret(make_order())
    services.cancel_order(order=order, cause="shopper")
    clock(EVE + 8 * DAYS)
    assert works(secret), "the event found no link"
    assert services.end_links_of_ended_orders() == {"links": 1}
    assert not works(secret)
    assert works(open_one)
    assert services.end_links_of_ended_orders() == {"links": 0}


def test_a_forgotten_link_never_works_again_even_if_the_order_gets_a_link_again(
    clock: SetClock, order: Order
) -> None:
    first = shopper_secret(order)
    second = services.renew_shopper_link(order=order).rstrip("/").rpartition("/")[2]
    services.cancel_order(order=order, cause="shopper")
    drain()
    order.refresh_from_db()
    clock(EVE + 90 * DAYS)
    assert derived.forget_secrets() == {"secrets": 0}
    clock(EVE + 120 * DAYS)
    assert derived.forget_secrets() == {"secrets": 1}
    third = shopper_secret(order)
    assert len({first, second, third}) == 3
    assert not works(third), "the order ended long ago"
    derived.set_expiry(purpose=NAME, subject=order.public_id, expires_at=None)
    assert [works(secret) for secret in (first, second, third)] == [False, False, True]
