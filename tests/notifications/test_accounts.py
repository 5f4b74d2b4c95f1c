"""Channel accounts: secrets stay secret, versions guard, and a person switches them on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection

from lastmile.core.errors import Invalid, Stale
from lastmile.core.models import Event
from lastmile.core.tenancy import RetailerRef, retailer_context
from notifications.channels.email.channel import EmailChannel
from notifications.channels.null import NullChannel
from notifications.channels.registry import ADAPTERS, account_for, channel_of
from notifications.channels.sms.twilio import TwilioSms
from notifications.models import ChannelAccount
from notifications.selectors.accounts import Health, fingerprint, health_of
from notifications.services.account_shapes import SHAPES
from notifications.services.accounts import (
    AccountDraft,
    check_account,
    pause,
    resume,
    set_account,
    switch_off,
    switch_on,
)
from tenants.models import Retailer
from tenants.people.models import AuditEntry
from tests.dispatch.helpers import race
from tests.fake_twilio import ACCOUNT_SID, API_KEY, API_SECRET, AUTH_TOKEN, SERVICE_SID, FakeTwilio

VALUES = {"account_sid": ACCOUNT_SID, "api_key": API_KEY, "service": SERVICE_SID, "sender": ""}
SECRETS = {"api_secret": API_SECRET, "auth_token": AUTH_TOKEN}
DRAFT = AccountDraft(shape="twilio-own", values=VALUES, secrets=SECRETS, per_s=Decimal(20))

pytestmark = pytest.mark.usefixtures("retailer")


@pytest.fixture
def fake(settings: Any) -> Iterator[FakeTwilio]:
    with FakeTwilio() as running:
        settings.TWILIO_API_BASE = running.base_url
        yield running


def saved(draft: AccountDraft = DRAFT, version: int | None = None) -> ChannelAccount:
    return set_account(channel="sms", draft=draft, version=version)


def kinds() -> list[str]:
    events = Event.objects.filter(kind__startswith="channel.").order_by("pk")
    return [event.kind for event in events]


def test_a_new_account_is_off_and_its_secrets_are_encrypted() -> None:
    row = saved()
    assert (row.is_on, health_of(row), account_for("sms")) == (False, Health.OFF, None)
    with connection.cursor() as cursor:
        cursor.execute("SELECT secrets, settings::text FROM notifications_channelaccount")
        stored = " ".join(cursor.fetchone())
    assert API_SECRET not in stored
    assert AUTH_TOKEN not in stored
    assert ChannelAccount.objects.get().secrets == SECRETS


def test_the_audit_log_says_that_credentials_changed_and_not_to_what() -> None:
    row = saved()
    saved(replace(DRAFT, secrets={"api_secret": "", "auth_token": "another token"}), row.version)
    first, second = AuditEntry.objects.filter(act="channel.set").order_by("pk")
    assert first.changes["service"] == {"before": None, "after": SERVICE_SID}
    assert second.changes == {"credentials": {"before": None, "after": True}}
    logged = str([entry.changes for entry in (first, second)])
    assert not any(secret in logged for secret in (API_SECRET, AUTH_TOKEN, "another token"))


def test_an_empty_secret_keeps_the_stored_one_and_a_dropped_key_forgets_it() -> None:
    row = saved()
    again = saved(replace(DRAFT, secrets={}, per_s=Decimal(5)), row.version)
    assert again.secrets == SECRETS
    no_key = replace(DRAFT, values=VALUES | {"api_key": ""}, secrets={})
    assert saved(no_key, again.version).secrets == {"auth_token": AUTH_TOKEN}


def test_an_old_form_is_refused_and_an_equal_one_changes_nothing() -> None:
    row = saved()
    assert saved(DRAFT, row.version).version == row.version
    newer = saved(replace(DRAFT, per_s=Decimal(5)), row.version)
    with pytest.raises(Stale):
        saved(DRAFT, row.version)
    for act in (switch_on, switch_off):
        with pytest.raises(Stale):
            act(account=newer, version=row.version)
    assert ChannelAccount.objects.get().per_s == 5


@pytest.mark.parametrize(
    ("values", "secrets", "pointer"),
    [
        ({"account_sid": "AC1"}, {}, "/account_sid"),
        ({"account_sid": API_KEY}, {}, "/account_sid"),
        ({"api_key": ACCOUNT_SID}, {}, "/api_key"),
        ({"api_key": ""}, {}, "/api_key"),
        ({}, {"api_secret": ""}, "/api_secret"),
        ({}, {"auth_token": ""}, "/auth_token"),
        ({"service": "", "sender": ""}, {}, "/service"),
        ({"service": "MG1"}, {}, "/service"),
        ({"sender": "+0"}, {}, "/sender"),
        ({"sender": "a name that is too long"}, {}, "/sender"),
        ({"sender": "x" * 300}, {}, "/sender"),
    ],
)
def test_values_that_cannot_be_right_are_refused_with_their_field(
    values: dict[str, str], secrets: dict[str, str], pointer: str
) -> None:
    draft = replace(DRAFT, values=VALUES | values, secrets=SECRETS | secrets)
    with pytest.raises(Invalid) as refused:
        saved(draft)
    assert pointer in [problem.pointer for problem in refused.value.errors]
    assert not ChannelAccount.objects.exists()


@pytest.mark.parametrize("per_s", ["0", "-1", "1001"])
def test_a_rate_outside_its_limits_is_refused(per_s: str) -> None:
    with pytest.raises(Invalid):
        saved(replace(DRAFT, per_s=Decimal(per_s)))


@pytest.mark.parametrize("sender", ["+34600000000", "FirstSons", "My Shop 24", "12345"])
def test_a_number_a_short_code_or_a_name_may_send_text_messages(sender: str) -> None:
    row = saved(replace(DRAFT, values=VALUES | {"service": "", "sender": sender}))
    assert row.settings["sender"] == sender


def test_whatsapp_sends_from_a_number_only() -> None:
    draft = replace(DRAFT, values=VALUES | {"service": "", "sender": "FirstSons"})
    with pytest.raises(Invalid):
        set_account(channel="whatsapp", draft=draft, version=None)


def test_the_installations_account_is_offered_only_where_there_is_one(settings: Any) -> None:
    draft = AccountDraft(shape="twilio-installation")
    with pytest.raises(Invalid):
        saved(draft)
    settings.TWILIO_ACCOUNT_SID, settings.TWILIO_AUTH_TOKEN = ACCOUNT_SID, AUTH_TOKEN
    settings.TWILIO_MESSAGING_SERVICE_SID = SERVICE_SID
    row = saved(draft)
    assert (row.source, row.secrets) == ("installation", {})


def test_a_switch_marks_the_machine_and_another_provider_switches_off(settings: Any) -> None:
    row = switch_on(account=saved(), version=None)
    assert (row.on_at_machine, health_of(row)) == (fingerprint(), Health.ON)
    assert account_for("sms") == row
    settings.TWILIO_ACCOUNT_SID, settings.TWILIO_AUTH_TOKEN = ACCOUNT_SID, AUTH_TOKEN
    settings.TWILIO_MESSAGING_SERVICE_SID = SERVICE_SID
    row = saved(AccountDraft(shape="twilio-installation"), row.version)
    assert (row.is_on, row.secrets, account_for("sms")) == (False, {}, None)


def test_a_pause_is_told_once_and_a_longer_one_wins() -> None:
    row = switch_on(account=saved(), version=None)
    pause(account=row, code="20429", for_s=600)
    long = ChannelAccount.objects.get().paused_until
    pause(account=row, code="20429", for_s=1)
    assert ChannelAccount.objects.get().paused_until == long
    pause(account=row, code="20003")
    row.refresh_from_db()
    assert (row.paused_until, row.paused_code, health_of(row)) == (None, "20003", Health.PAUSED)
    pause(account=row, code="20429", for_s=1)
    row.refresh_from_db()
    assert (row.paused_until, row.paused_code) == (None, "20003")
    resume(account=row)
    resume(account=row)
    row.refresh_from_db()
    assert (row.state, row.paused_code) == ("ok", "")
    assert kinds() == ["channel.paused", "channel.resumed"]
    assert AuditEntry.objects.filter(act="channel.resumed").count() == 1


def test_right_credentials_end_the_pause_that_wrong_ones_caused() -> None:
    row = switch_on(account=saved(), version=None)
    pause(account=row, code="20003")
    row = saved(replace(DRAFT, secrets={"auth_token": "the right one"}))
    assert (row.is_on, row.state) == (True, "ok")
    assert kinds() == ["channel.paused", "channel.resumed"]


def test_the_test_button_stores_code_and_time_and_pauses_nothing(fake: FakeTwilio) -> None:
    row = saved()
    assert check_account(account=row).ok
    row.refresh_from_db()
    assert (row.check_code, row.checked_at is not None) == ("ok", True)
    row = saved(replace(DRAFT, secrets={"api_secret": "wrong"}), row.version)
    assert row.check_code == ""
    answer = check_account(account=row)
    row.refresh_from_db()
    assert (answer.ok, answer.words, row.check_code, row.state) == (
        False,
        "Authenticate",
        "20003",
        "ok",
    )


def test_new_credentials_get_a_new_channel_and_equal_ones_the_open_one() -> None:
    row = saved()
    first = channel_of(row)
    assert isinstance(first, TwilioSms)
    assert channel_of(ChannelAccount.objects.get()) is first
    assert channel_of(saved(replace(DRAFT, per_s=Decimal(7)))) is not first


@pytest.mark.parametrize("flag", ["is_demo", "is_sandbox"])
def test_a_demo_or_sandbox_keeps_its_messages_whatever_its_account_is(
    retailer: RetailerRef, flag: str
) -> None:
    Retailer.objects.filter(schema_name=retailer.schema).update(**{flag: True})
    row = switch_on(account=saved(), version=None)
    assert isinstance(channel_of(row), NullChannel)
    assert isinstance(channel_of(row, for_test=True), TwilioSms)
    kept = saved(AccountDraft(shape="null-own"), row.version)
    assert (kept.kind, kept.is_on, kept.secrets) == ("null", False, {})


def test_only_a_demo_or_sandbox_may_keep_messages_instead_of_sending_them() -> None:
    with pytest.raises(Invalid):
        saved(AccountDraft(shape="null-own"))


def test_two_retailers_have_accounts_and_channels_of_their_own(other: RetailerRef) -> None:
    account = switch_on(account=saved(), version=None)
    with retailer_context(other):
        assert account_for("sms") is None
        foreign = saved()
        assert not foreign.is_on
        assert channel_of(foreign) is not channel_of(account)


def test_every_provider_that_can_be_chosen_has_an_adapter() -> None:
    chosen = {(shape.kind.value, channel) for channel, shapes in SHAPES.items() for shape in shapes}
    assert chosen == {(kind, channel) for kind, channel in ADAPTERS}


MAIL = {
    "host": "mail.example.org",
    "port": "587",
    "security": "starttls",
    "user": "shop",
    "from": "shop@example.org",
    "reply_to": "",
    "bounces": "",
}
KEYS = {"password": "a long password", "bounce_key": ""}


@pytest.mark.parametrize(
    ("values", "pointer"),
    [
        ({"host": ""}, "/host"),
        ({"host": "http://x"}, "/host"),
        ({"port": "80"}, "/port"),
        ({"security": "none"}, "/security"),
        ({"from": ""}, "/from"),
        ({"from": "shop"}, "/from"),
        ({"reply_to": "x@"}, "/reply_to"),
        ({"bounces": "x"}, "/bounces"),
    ],
)
def test_a_mail_server_with_a_wrong_value_is_refused(values: dict[str, str], pointer: str) -> None:
    draft = AccountDraft(shape="smtp-own", values=MAIL | values, secrets=KEYS)
    with pytest.raises(Invalid) as refused:
        set_account(channel="email", draft=draft, version=None)
    assert [problem.pointer for problem in refused.value.errors] == [pointer]


def test_a_mail_server_keeps_its_password_encrypted_and_a_short_key_is_refused() -> None:
    draft = AccountDraft(shape="smtp-own", values=MAIL, secrets=KEYS)
    row = set_account(channel="email", draft=draft, version=None)
    assert row.secrets == {"password": KEYS["password"]}
    assert isinstance(channel_of(row), EmailChannel)
    with pytest.raises(Invalid):
        set_account(
            channel="email", draft=replace(draft, secrets={"bounce_key": "short"}), version=None
        )


def test_web_push_gets_a_key_that_stays_the_same() -> None:
    draft = AccountDraft(shape="vapid-own", values={"contact": "shop@example.org"})
    row = set_account(channel="push", draft=draft, version=None)
    private = row.secrets["private"]
    assert private
    changed = replace(draft, values={"contact": ""})
    again = set_account(channel="push", draft=changed, version=row.version)
    assert again.secrets == {"private": private}
    assert channel_of(again).check().ok


def test_managers_who_set_up_a_channel_at_once_make_one_account(
    fresh_db: str, retailer: RetailerRef
) -> None:
    drafts = [replace(DRAFT, per_s=Decimal(number)) for number in (1, 2, 3, 4)]
    answers = race(retailer, lambda n: set_account(channel="sms", draft=drafts[n], version=None), 4)
    assert [type(one) for one in answers if isinstance(one, Exception)] in (
        [Stale] * n for n in range(4)
    )
    assert ChannelAccount.objects.count() == 1
