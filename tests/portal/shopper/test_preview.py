"""Staff preview a shopper's page in a frame in which nothing can be changed."""

from __future__ import annotations

import re

import pytest
from django.conf import settings

from dispatch.orders.drafts import ShopperDraft
from dispatch.orders.links import shopper_secret
from lastmile.core.tenancy import RetailerRef, retailer_context, shared_context
from tenants.models import Retailer
from tenants.permissions import Role
from tests.databases import client_of
from tests.factories import make_hub, make_order
from tests.people import add_member, logged_in

pytestmark = pytest.mark.usefixtures("clock")


def test_the_preview_is_a_sandboxed_frame_without_forms_and_scripts(
    retailer: RetailerRef,
) -> None:
    order = make_order()
    secret = shopper_secret(order)
    staff = logged_in(retailer, add_member(Role.DISPATCHER))
    page = staff.get(f"/shopper-links/{order.public_id}/preview/")
    frame = re.search(r"<iframe[^>]*>", page.content.decode())
    assert frame is not None
    assert 'sandbox="allow-same-origin"' in frame[0]  # no allow-forms, no allow-scripts
    assert f'src="/t/{secret}/?lang=en"' in frame[0]
    assert "frame-ancestors 'none'" in page["Content-Security-Policy"]
    assert "frame-src 'self'" in page["Content-Security-Policy"]


def test_only_pages_of_the_own_host_may_frame_a_shoppers_page(retailer: RetailerRef) -> None:
    order = make_order()
    page = client_of(retailer).get(f"/t/{shopper_secret(order)}/")
    assert page.status_code == 200
    assert "frame-ancestors 'self'" in page["Content-Security-Policy"]
    assert page["X-Frame-Options"] == "SAMEORIGIN"


def test_readers_and_strangers_get_no_preview(retailer: RetailerRef, other: RetailerRef) -> None:
    order = make_order()
    url = f"/shopper-links/{order.public_id}/preview/"
    reader = logged_in(retailer, add_member(Role.READONLY, email="r@x.org"))
    assert reader.get(url).status_code == 403  # the link can change the order
    elsewhere = add_member(Role.DISPATCHER, email="d@x.org", hubs=[make_hub().public_id])
    assert logged_in(retailer, elsewhere).get(url).status_code == 404
    with retailer_context(other.schema):
        stranger = logged_in(other, add_member(Role.OWNER))
    assert stranger.get(url).status_code == 404


@pytest.mark.parametrize(
    ("own", "shown"), [("ar", "ar"), ("es-MX", "es"), ("", "es"), ("xx", "es")]
)
def test_the_preview_has_the_shoppers_language_whatever_the_browser_of_staff_has_chosen(
    retailer: RetailerRef, own: str, shown: str
) -> None:
    with shared_context():
        Retailer.objects.filter(schema_name=retailer.schema).update(language="es")
    order = make_order(shopper=ShopperDraft(name="Ana", phone="+351920000001", language=own))
    secret = shopper_secret(order)
    staff = logged_in(retailer, add_member(Role.DISPATCHER))
    staff.cookies[settings.SHOPPER_LANGUAGE_COOKIE] = "en"
    page = staff.get(f"/shopper-links/{order.public_id}/preview/").content.decode()
    frame = f"/t/{secret}/?lang={shown}"
    assert f'src="{frame}"' in page
    assert f'lang="{shown}"' in staff.get(frame).content.decode()
