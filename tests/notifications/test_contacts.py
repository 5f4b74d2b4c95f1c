"""Contacts: one for an address, each is found in every spelling, and what people want."""

from __future__ import annotations

import threading

import pytest
from django.db import connections

from lastmile.core.errors import Invalid
from lastmile.core.models import Event
from lastmile.core.tenancy import RetailerRef, retailer_context
from notifications.models import ConsentEntry, Contact, ContactChannel
from notifications.rules.contacts import consent_of
from notifications.services.contacts import (
    contact_of,
    find_contacts,
    opt_in,
    opt_out,
    set_preferences,
    start_all,
    stop_all,
)
from tests.notifications.making import PHONE, make_contact


def row_of(contact: Contact, channel: str = "sms") -> ContactChannel:
    return ContactChannel.objects.get(contact=contact, channel=channel)


def kinds() -> list[str]:
    return list(
        Event.objects.filter(kind__startswith="contact.")
        .order_by("pk")
        .values_list("kind", flat=True)
    )


def test_an_address_has_one_contact_in_each_retailer(
    retailer: RetailerRef, other: RetailerRef
) -> None:
    contact = contact_of("phone", PHONE)
    assert contact_of("phone", f" {PHONE} ") == contact
    assert Contact.objects.get().address == PHONE
    with retailer_context(other):
        assert find_contacts(PHONE) == []
        assert contact_of("phone", PHONE).public_id != contact.public_id


def test_an_e_mail_address_is_one_contact_in_any_case(retailer: RetailerRef) -> None:
    assert contact_of("email", "Ana@Example.ORG") == contact_of("email", "ana@example.org")


def test_the_address_is_encrypted_and_its_digest_is_no_plain_hash(retailer: RetailerRef) -> None:
    make_contact()
    with connections["default"].cursor() as cursor:
        cursor.execute("SELECT address, digest FROM notifications_contact")
        stored = "".join(cursor.fetchone())
    assert PHONE not in stored
    assert PHONE[1:] not in stored


@pytest.mark.parametrize(
    ("stored", "written"),
    [
        ("+525512345678", "+5215512345678"),
        ("+5215512345678", "+525512345678"),
        ("+5511987654321", "+551187654321"),
        ("+551187654321", "+5511987654321"),
        ("+5491123456789", "+541123456789"),
        ("+541123456789", "+5491123456789"),
    ],
)
def test_m13_a_number_is_found_in_every_spelling_and_stays_as_it_was_given(
    retailer: RetailerRef, stored: str, written: str
) -> None:
    contact = contact_of("phone", stored)
    assert find_contacts(written) == [contact]
    contact.refresh_from_db()
    assert contact.address == stored
    exact = contact_of("phone", written)
    assert find_contacts(written) == [exact, contact], "the equal one comes first"


def test_m13_a_landline_is_never_turned_into_a_mobile_number(retailer: RetailerRef) -> None:
    contact_of("phone", "+551132345678")
    assert find_contacts("+5511932345678") == []
    contact_of("phone", "+5511941234567")
    assert find_contacts("+551141234567") == []


def test_an_opt_out_is_of_one_channel_and_is_recorded_once(retailer: RetailerRef) -> None:
    contact = make_contact()
    for _twice in range(2):
        opt_out(contact=contact, channel="sms", by="word", sender="+15550001")
    row = row_of(contact)
    assert (row.opted_out_by, row.sender, row.opted_out_at is not None) == (
        "word", "+15550001", True,
    )  # fmt: skip
    assert kinds() == ["contact.opted_out"]
    assert not ContactChannel.objects.filter(channel="whatsapp").exists()
    event = Event.objects.get(kind="contact.opted_out")
    assert event.subject == contact.public_id
    assert PHONE not in str(event.data)


def test_a_bounce_does_not_replace_a_wish_but_a_wish_replaces_a_bounce(
    retailer: RetailerRef,
) -> None:
    contact = make_contact()
    opt_out(contact=contact, channel="sms", by="bounce")
    opt_out(contact=contact, channel="sms", by="word")
    opt_out(contact=contact, channel="sms", by="bounce")
    assert row_of(contact).opted_out_by == "word"
    assert [row.by for row in ConsentEntry.objects.all()] == ["bounce", "word"]


def test_an_opt_out_counts_in_every_spelling_and_start_lifts_all(retailer: RetailerRef) -> None:
    one, another = contact_of("phone", "+525512345678"), contact_of("phone", "+5215512345678")
    opt_out(contact=one, channel="sms", by="word")
    assert [row.opted_out_by for row in consent_of(another, "sms")] == ["word"]
    opt_in(contact=another, channel="sms", by="word")
    assert row_of(one).opted_out_at is None
    assert kinds() == ["contact.opted_out", "contact.opted_in"]
    opt_in(contact=another, channel="sms", by="word")
    assert len(kinds()) == 2
    assert [row.is_in for row in ConsentEntry.objects.all()] == [False, True]


def test_stop_all_stops_every_channel_and_a_page_lifts_only_what_a_page_stopped(
    retailer: RetailerRef,
) -> None:
    contact = make_contact()
    opt_out(contact=contact, channel="sms", by="word")
    stop_all(contact=contact, by="one_click")
    assert row_of(contact, "whatsapp").opted_out_by == "one_click"
    start_all(contact=contact, by="page")
    assert row_of(contact, "whatsapp").opted_out_at is None
    assert row_of(contact, "sms").opted_out_by == "word", "the provider has its own list"


def test_preferences_are_of_one_channel_and_an_unknown_group_changes_nothing(
    retailer: RetailerRef,
) -> None:
    contact = make_contact()
    set_preferences(contact=contact, channel="sms", groups={"after": False})
    set_preferences(contact=contact, channel="sms", groups={"choice": False, "after": True})
    assert row_of(contact).preferences == {"after": True, "choice": False}
    for group in ("security", "staff", ""):
        with pytest.raises(Invalid):
            set_preferences(contact=contact, channel="sms", groups={group: False})
    assert row_of(contact).preferences == {"after": True, "choice": False}


def test_many_at_once_make_one_contact_and_one_opt_out(
    fresh_db: str, retailer: RetailerRef
) -> None:
    contacts: list[str] = []

    def act() -> None:
        try:
            with retailer_context(retailer.schema):
                contact = contact_of("phone", PHONE)
                opt_out(contact=contact, channel="sms", by="word")
                contacts.append(contact.public_id)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=act) for _n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(contacts) == 8
    assert len(set(contacts)) == 1
    assert kinds() == ["contact.opted_out"]
