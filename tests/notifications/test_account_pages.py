"""The pages of channel accounts: wrong credentials, right ones, and who may see them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client

from lastmile.core.tenancy import RetailerRef, retailer_context
from notifications.models import ChannelAccount
from notifications.services.accounts import pause
from tenants.models import Retailer
from tenants.permissions import Role
from tests.fake_twilio import ACCOUNT_SID, API_KEY, API_SECRET, AUTH_TOKEN, SERVICE_SID, FakeTwilio
from tests.people import add_member, logged_in

LIST = "/messages/channels/"
SMS = "/messages/channels/sms/"
FORM = {
    "account_sid": ACCOUNT_SID,
    "api_key": API_KEY,
    "api_secret": API_SECRET,
    "auth_token": AUTH_TOKEN,
    "service": SERVICE_SID,
    "sender": "",
    "per_s": "10",
    "then": "test",
}


@pytest.fixture
def fake(settings: Any) -> Iterator[FakeTwilio]:
    with FakeTwilio() as running:
        settings.TWILIO_API_BASE = running.base_url
        yield running


@pytest.fixture
def browser(retailer: RetailerRef) -> Client:
    return logged_in(retailer, add_member(Role.MANAGER))


def text(answer: Any) -> str:
    return " ".join(answer.content.decode().split())


def switch(browser: Client, what: str) -> Any:
    row = ChannelAccount.objects.get(channel="sms")
    return browser.post(f"{SMS}switch/", {"what": what, "version": row.version}, follow=True)


def test_wrong_credentials_say_what_twilio_answered_and_right_ones_that_it_works(
    browser: Client, fake: FakeTwilio
) -> None:
    assert "Not set up" in text(browser.get(LIST))
    wrong = browser.post(SMS, FORM | {"api_secret": "of another key"})
    assert wrong.status_code == 200
    assert "Copy them again from the Twilio console" in text(wrong)
    assert '<q dir="auto">Authenticate</q>' in text(wrong)
    assert "https://www.twilio.com/docs/api/errors/20003" in text(wrong)
    row = ChannelAccount.objects.get()
    right = browser.post(SMS, FORM | {"version": row.version})
    assert "messaging service “Deliveries”" in text(right)
    assert "Switch it on to send" in text(right)
    assert "The channel is on." in text(switch(browser, "on"))
    assert ChannelAccount.objects.get().is_on
    assert fake.book == []


def test_no_page_shows_a_secret_again(browser: Client, fake: FakeTwilio) -> None:
    browser.post(SMS, FORM | {"then": "save"})
    pages = [browser.get(SMS), browser.get(LIST), browser.get("/audit/")]
    pages.append(browser.post(SMS, FORM | {"account_sid": "AC1", "version": "1"}))
    for page in pages:
        assert API_SECRET not in text(page)
        assert AUTH_TOKEN not in text(page)
    assert "stored and not shown again" in text(pages[0])


def test_a_wrong_value_is_told_next_to_its_field_and_nothing_is_stored(browser: Client) -> None:
    answer = browser.post(SMS, FORM | {"service": "SK123"})
    assert answer.status_code == 422
    assert "A messaging service SID is MG and 32 more characters." in text(answer)
    assert f'value="{ACCOUNT_SID}"' in text(answer)
    assert not ChannelAccount.objects.exists()


def test_an_old_form_of_another_member_is_refused(browser: Client) -> None:
    browser.post(SMS, FORM | {"then": "save"})
    browser.post(SMS, FORM | {"then": "save", "per_s": "5", "version": "1"})
    answer = browser.post(SMS, FORM | {"then": "save", "per_s": "7", "version": "1"})
    assert answer.status_code == 422
    assert "Someone else changed this meanwhile" in text(answer)
    assert ChannelAccount.objects.get().per_s == 5


def test_a_reply_address_that_is_another_one_is_told(browser: Client, fake: FakeTwilio) -> None:
    fake.services[SERVICE_SID]["inbound_request_url"] = "https://elsewhere.test/"
    answer = browser.post(SMS, FORM)
    assert "sends replies to another address" in text(answer)
    assert "/callbacks/twilio/" in text(answer)


def test_a_laptop_says_that_replies_need_a_public_address(browser: Client, settings: Any) -> None:
    settings.TWILIO_API_BASE = ""
    assert "need a public address" in text(browser.get(SMS))
    settings.LOCAL = False
    assert "Address for replies" in text(browser.get(SMS))


def test_a_paused_channel_says_why_and_sends_again_by_a_button(browser: Client) -> None:
    browser.post(SMS, FORM | {"then": "save"})
    switch(browser, "on")
    pause(account=ChannelAccount.objects.get(), code="20003")
    for page in (browser.get(SMS), browser.get(LIST)):
        assert "Paused" in text(page)
        assert "Copy them again from the Twilio console" in text(page)
    assert "sends again" in text(switch(browser, "resume"))
    assert ChannelAccount.objects.get().state == "ok"
    assert "is off" in text(switch(browser, "off"))


def test_a_restored_copy_asks_a_person_to_switch_it_on_here(browser: Client) -> None:
    browser.post(SMS, FORM | {"then": "save"})
    switch(browser, "on")
    ChannelAccount.objects.update(on_at_machine="another machine")
    for page in (browser.get(SMS), browser.get(LIST)):
        assert "This is a restored copy" in text(page)
    switch(browser, "on")
    assert "This is a restored copy" not in text(browser.get(SMS))


def test_the_installations_account_is_offered_where_there_is_one(
    browser: Client, fake: FakeTwilio, settings: Any
) -> None:
    assert "The Twilio account of this installation" not in text(browser.get(SMS))
    settings.TWILIO_ACCOUNT_SID, settings.TWILIO_AUTH_TOKEN = ACCOUNT_SID, AUTH_TOKEN
    settings.TWILIO_MESSAGING_SERVICE_SID = SERVICE_SID
    assert "The Twilio account of this installation" in text(browser.get(SMS))
    chosen = f"{SMS}?provider=twilio-installation"
    assert "Account SID" not in text(browser.get(chosen))
    answer = browser.post(chosen, {"sender": "", "per_s": "10", "then": "test"})
    assert "It works" in text(answer)
    assert AUTH_TOKEN not in text(answer)


def test_a_demo_may_keep_its_messages_and_says_so(browser: Client, retailer: RetailerRef) -> None:
    Retailer.objects.filter(schema_name=retailer.schema).update(is_demo=True)
    assert "kept here and sent to nobody" in text(browser.get(LIST))
    answer = browser.post(f"{SMS}?provider=null-own", {"then": "test"})
    assert "It works" in text(answer)
    assert ChannelAccount.objects.get().kind == "null"


def test_hostile_words_of_a_provider_do_not_run(browser: Client, fake: FakeTwilio) -> None:
    fake.services[SERVICE_SID]["friendly_name"] = "<script>alert(1)</script>"
    assert "<script>alert(1)</script>" not in text(browser.post(SMS, FORM))


@pytest.mark.parametrize("role", [Role.DISPATCHER, Role.READONLY, Role.DRIVER])
def test_only_managers_of_all_hubs_see_accounts(retailer: RetailerRef, role: str) -> None:
    browser = logged_in(retailer, add_member(role))
    assert browser.get(LIST).status_code == 403
    assert browser.get(SMS).status_code == 403
    assert browser.post(SMS, FORM).status_code == 403
    assert browser.post(f"{SMS}switch/", {"what": "on"}).status_code == 403
    assert not ChannelAccount.objects.exists()


def test_another_retailers_account_and_an_unknown_channel_are_not_found(
    retailer: RetailerRef, other: RetailerRef, browser: Client
) -> None:
    browser.post(SMS, FORM | {"then": "save"})
    with retailer_context(other):
        stranger = logged_in(other, add_member(Role.OWNER))
        assert stranger.post(f"{SMS}switch/", {"what": "on"}).status_code == 404
        assert ACCOUNT_SID not in text(stranger.get(SMS))
    assert browser.get("/messages/channels/pigeon/").status_code == 404
    assert browser.post(f"{SMS}switch/", {"what": "explode"}).status_code == 422
    assert not ChannelAccount.objects.get().is_on
