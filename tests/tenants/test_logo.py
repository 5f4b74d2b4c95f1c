"""A retailer uploads its logo; shoppers' pages show it from the retailer's own host."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from dispatch.orders.links import shopper_secret
from lastmile.core.tenancy import RetailerRef, retailer_context, shared_context
from tenants.models import Retailer
from tenants.people.models import BrandImage
from tenants.people.services import tidy
from tenants.permissions import Role
from tests.databases import client_of
from tests.factories.fleet import make_hub
from tests.factories.orders import make_order
from tests.people import add_member, logged_in

PNG = b"\x89PNG\r\n\x1a\n" + bytes(40)
FORM = {
    "name": "First & Sons",
    "zone": "Europe/Lisbon",
    "currency": "EUR",
    "language": "en",
    "units": "metric",
    "corner": "1",
    "logo": "",
}


@pytest.fixture
def owner(retailer: RetailerRef) -> Client:
    """Return a browser of an owner of t1."""
    return logged_in(retailer, add_member(Role.OWNER), raise_request_exception=True)


def upload(browser: Client, content: bytes, name: str = "logo.png") -> Any:
    return browser.post("/settings/", FORM | {"logo_file": SimpleUploadedFile(name, content)})


def logo_of(ref: RetailerRef) -> str:
    with shared_context():
        return str(Retailer.objects.get(schema_name=ref.schema).brand.get("logo", ""))


@pytest.mark.parametrize(
    ("content", "media_type"),
    [
        (PNG, "image/png"),
        (b"\xff\xd8\xff\xe0 a photo", "image/jpeg"),
        (b"GIF89a and so on", "image/gif"),
        (b"RIFF\x10\x00\x00\x00WEBPVP8 ", "image/webp"),
    ],
)
def test_an_uploaded_logo_is_on_shoppers_pages_from_the_own_host(
    retailer: RetailerRef, owner: Client, content: bytes, media_type: str
) -> None:
    assert upload(owner, content).status_code == 302
    logo = logo_of(retailer)
    image = client_of(retailer).get(logo)
    assert (image.content, image.headers["Content-Type"]) == (content, media_type)
    assert "immutable" in image.headers["Cache-Control"]
    assert image.headers["X-Content-Type-Options"] == "nosniff"
    make_hub()
    page = client_of(retailer).get(f"/t/{shopper_secret(make_order())}/")
    assert f'src="{logo}"' in page.content.decode()
    assert upload(owner, content).status_code == 302, "the same image again"
    assert BrandImage.objects.count() == 1


@pytest.mark.parametrize(
    "content",
    [b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"text", b"GIF", PNG + bytes(200_000)],
)
def test_a_file_that_is_no_small_image_is_refused_and_changes_nothing(
    retailer: RetailerRef, owner: Client, content: bytes
) -> None:
    before = logo_of(retailer)
    answer = upload(owner, content)
    assert answer.status_code == 422
    assert "image" in answer.content.decode()
    assert (logo_of(retailer), BrandImage.objects.count()) == (before, 0)


def test_s24_a_shopper_s_page_loads_nothing_from_another_host(retailer: RetailerRef) -> None:
    with shared_context():
        rows = Retailer.objects.filter(schema_name=retailer.schema)
        rows.update(brand={"logo": "https://cdn.example/logo.png"})
    make_hub()
    client = client_of(retailer)
    for path in (f"/t/{shopper_secret(make_order())}/", f"/t/{'a' * 32}/"):
        answer = client.get(path)
        assert "cdn.example" not in answer.content.decode()
        assert "cdn.example" not in answer.headers["Content-Security-Policy"]
    staff = client.get("/login/")
    assert "cdn.example" in staff.headers["Content-Security-Policy"]


def test_a_logo_belongs_to_one_retailer(
    retailer: RetailerRef, other: RetailerRef, owner: Client
) -> None:
    upload(owner, PNG)
    assert client_of(other).get(logo_of(retailer)).status_code == 404
    with retailer_context(other):
        assert not BrandImage.objects.exists()


def test_only_owners_and_managers_upload_a_logo(retailer: RetailerRef) -> None:
    desk = logged_in(retailer, add_member(Role.DISPATCHER))
    assert upload(desk, PNG).status_code == 403
    assert not BrandImage.objects.exists()


def test_an_image_that_is_no_longer_shown_is_forgotten(
    retailer: RetailerRef, owner: Client
) -> None:
    upload(owner, PNG)
    upload(owner, PNG + b"x")
    with retailer_context(retailer.schema):
        assert tidy()["images"] == 0, "a page may still show it"
        BrandImage.objects.update(created_at=dt.datetime(2026, 1, 1, tzinfo=dt.UTC))
        assert tidy()["images"] == 1
        assert client_of(retailer).get(logo_of(retailer)).status_code == 200
