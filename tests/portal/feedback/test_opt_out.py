"""The page that ends messages: a GET changes nothing, a POST needs no cookie (M07)."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from django.test import Client

from lastmile.core.models import Event
from lastmile.core.tenancy import RetailerRef, retailer_context
from notifications.links import opt_out_link
from notifications.models import Contact, ContactChannel
from notifications.services.contacts import opt_out
from tests.notifications.making import make_contact

MAIL = "ana.lopes@example.org"
ONE_CLICK = {"List-Unsubscribe": "One-Click"}


@pytest.fixture
def contact(retailer: RetailerRef) -> Contact:
    return make_contact(MAIL, "email")


def path_of(contact: Contact) -> str:
    return urlsplit(opt_out_link(contact)).path


def stopped() -> list[str]:
    rows = ContactChannel.objects.filter(opted_out_at__isnull=False)
    return sorted(rows.values_list("opted_out_by", flat=True))


def test_m07_a_get_shows_a_button_and_changes_nothing(
    retailer: RetailerRef, contact: Contact, client: Client
) -> None:
    for act in (client.get, client.head):
        answer = act(path_of(contact))
        assert answer.status_code == 200
    page = client.get(path_of(contact)).content.decode()
    assert "Stop all messages" in page
    assert MAIL not in page, "a link that was forwarded tells no address"
    assert stopped() == []
    assert not Event.objects.filter(kind="contact.opted_out").exists()


def test_m07_the_one_click_of_a_mail_program_needs_no_log_in_and_no_cookie(
    retailer: RetailerRef, contact: Contact
) -> None:
    browser = Client(headers={"host": retailer.domain}, enforce_csrf_checks=True)
    for _twice in range(2):
        answer = browser.post(path_of(contact), ONE_CLICK)
        assert answer.status_code == 200
    assert stopped() == ["one_click"]
    assert Event.objects.filter(kind="contact.opted_out").count() == 1


def test_m07_only_a_post_ends_messages_and_a_button_starts_them_again(
    retailer: RetailerRef, contact: Contact, client: Client
) -> None:
    page = client.post(path_of(contact), {"what": "stop"}).content.decode()
    assert "You get no more messages" in page
    assert stopped() == ["page"]
    assert "Get messages again" in client.get(path_of(contact)).content.decode()
    page = client.post(path_of(contact), {"what": "start"}).content.decode()
    assert "You get messages again" in page
    assert stopped() == []


def test_a_number_stops_on_all_its_channels_and_a_word_is_not_taken_back_here(
    retailer: RetailerRef, client: Client
) -> None:
    phone = make_contact()
    opt_out(contact=phone, channel="sms", by="word")
    client.post(path_of(phone), {"what": "stop"})
    assert stopped() == ["page", "word"]
    client.post(path_of(phone), {"what": "start"})
    assert stopped() == ["word"]


def test_an_unknown_a_foreign_and_an_order_link_are_the_same_404(
    retailer: RetailerRef, other: RetailerRef, contact: Contact, client: Client
) -> None:
    with retailer_context(other):
        foreign = path_of(make_contact(MAIL, "email"))
    for path in (foreign, "/u/" + "a" * 32 + "/", "/u/x/"):
        for act in (client.get, client.post):
            assert act(path).status_code == 404
    assert client.get(path_of(contact).replace("/u/", "/t/")).status_code == 404
    assert stopped() == []


def test_the_page_has_the_headers_of_secret_addresses_and_a_language_in_its_address(
    retailer: RetailerRef, contact: Contact, client: Client
) -> None:
    answer = client.get(path_of(contact) + "?lang=ar")
    assert answer.headers["Cache-Control"] == "private, no-store"
    assert answer.headers["X-Robots-Tag"] == "noindex, nofollow"
    page = answer.content.decode()
    assert 'dir="rtl"' in page
    assert 'lang="ar"' in page


def test_many_posts_are_refused(
    retailer: RetailerRef, contact: Contact, client: Client, settings: object
) -> None:
    settings.LIMIT_SHOPPER_LINK_PER_MINUTE = 2  # type: ignore[attr-defined]
    statuses = [client.post(path_of(contact), ONE_CLICK).status_code for _n in range(3)]
    assert statuses == [200, 200, 429]
