"""SMS and WhatsApp through the real ``twilio`` client, against a fake Twilio on loopback."""

from __future__ import annotations

import datetime as dt
import json
import logging
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from notifications.channels.base import ChannelError, ContentRef, Outgoing, Scope
from notifications.channels.sms.twilio import TwilioSms
from notifications.channels.twilio_codes import SCOPES, refusal, scope_of
from notifications.channels.twilio_credentials import TwilioCredentials
from notifications.channels.whatsapp.twilio import SANDBOX, TwilioWhatsApp
from notifications.provider_codes import code_words
from tests.fake_twilio import (
    ACCOUNT_SID,
    API_KEY,
    API_SECRET,
    AUTH_TOKEN,
    SENDER,
    SERVICE_SID,
    Behaviour,
    FakeTwilio,
)

ERRORS = json.loads((Path(__file__).parent / "captured/errors.json").read_text(encoding="utf-8"))
ANA = "+34600000001"
SMS = Outgoing(
    message="msg_1",
    call=1,
    to=ANA,
    text="Your order is on its way.",
    expires_in_s=600,
    language="en",
)
READ_S = 0.4


@pytest.fixture
def fake() -> Iterator[FakeTwilio]:
    with FakeTwilio(Behaviour(hang_s=3.0, report_after_s=0.0)) as running:
        yield running


def credentials(fake: FakeTwilio, **changes: str) -> TwilioCredentials:
    return replace(
        TwilioCredentials(
            account_sid=ACCOUNT_SID,
            user=API_KEY,
            secret=API_SECRET,
            service_sid=SERVICE_SID,
            base_url=fake.base_url,
        ),
        **changes,
    )


def sms(fake: FakeTwilio, **changes: str) -> TwilioSms:
    return TwilioSms(credentials(fake, **changes), read_s=READ_S, threads=8)


def refused(act: Callable[[], Any]) -> ChannelError:
    with pytest.raises(ChannelError) as caught:
        act()
    return caught.value


def test_a_message_goes_out_with_service_expiry_and_call_number(fake: FakeTwilio) -> None:
    outgoing = replace(SMS, call=2, report_url="https://acme.test/callbacks/twilio/?m=msg_1&c=2")
    accepted = sms(fake).send(outgoing)
    (taken,) = fake.book
    assert accepted.provider_id == taken.sid
    assert accepted.segments is None  # a messaging service says 0 until it has a sender
    assert taken.fields == {
        "To": ANA,
        "Body": SMS.text,
        "MessagingServiceSid": SERVICE_SID,
        "StatusCallback": outgoing.report_url,
        "ValidityPeriod": "600",
        "Attempt": "2",
        "SmartEncoded": "false",
    }


@pytest.mark.parametrize(("left_s", "sent"), [(1, "6"), (90_000, "36000")])
def test_the_expiry_keeps_within_twilios_limits(fake: FakeTwilio, left_s: int, sent: str) -> None:
    sms(fake).send(replace(SMS, expires_in_s=left_s))
    assert fake.book[0].fields["ValidityPeriod"] == sent


def test_a_number_sends_where_there_is_no_service(fake: FakeTwilio) -> None:
    accepted = sms(fake, service_sid="", sender=SENDER).send(SMS)
    assert fake.book[0].fields["From"] == SENDER
    assert "StatusCallback" not in fake.book[0].fields
    assert accepted.segments == 1


def test_the_auth_token_sends_where_there_is_no_api_key(fake: FakeTwilio) -> None:
    sms(fake, user=ACCOUNT_SID, secret=AUTH_TOKEN).send(SMS)
    assert len(fake.book) == 1


@pytest.mark.parametrize("text", ["Tom & Jerry's <24h> €", "مرحبا", "1\n2", " é ", "🙏" * 70])
def test_a_text_arrives_byte_for_byte_and_is_found_again(fake: FakeTwilio, text: str) -> None:
    channel, since = sms(fake), dt.datetime.now(dt.UTC)
    sent = channel.send(replace(SMS, text=text))
    assert fake.book[0].body == text
    match = channel.find(replace(SMS, text=text), since)
    assert match is not None
    assert match.provider_id == sent.provider_id


@pytest.mark.parametrize(
    ("fault", "is_taken", "short"),
    [
        ("timeout_before", False, False),
        ("timeout_after", True, False),
        ("reset_before", False, False),
        ("reset_after", True, False),
        ("server_error", False, True),
        ("server_error_after", True, True),
        ("bad_json", True, False),
    ],
)
def test_a_call_without_a_clear_answer_is_unclear_and_can_be_looked_up(
    fake: FakeTwilio, fault: str, is_taken: bool, short: bool
) -> None:
    channel, since = sms(fake), dt.datetime.now(dt.UTC)
    fake.script(fault)
    error = refused(lambda: channel.send(SMS))
    assert (error.unclear, error.permanent, error.short_proof) == (True, False, short)
    match = channel.find(SMS, since)
    assert (match.provider_id if match else None) == (fake.book[0].sid if is_taken else None)


def test_a_refused_connection_is_no_unclear_call() -> None:
    with FakeTwilio() as fake:
        channel = sms(fake)
    error = refused(lambda: channel.send(SMS))
    assert (error.code, error.unclear, error.permanent) == ("no_connection", False, False)


def test_a_rate_limit_says_how_long_to_wait(fake: FakeTwilio) -> None:
    fake.behaviour.retry_after_s = 7
    fake.script("rate_limit")
    error = refused(lambda: sms(fake).send(SMS))
    assert (error.scope, error.retry_after_s, error.unclear) == (Scope.RATE, 7, False)
    assert fake.book == []


def test_a_message_that_is_not_listed_yet_is_absent_now_and_found_later(fake: FakeTwilio) -> None:
    channel, since = sms(fake), dt.datetime.now(dt.UTC)
    fake.behaviour.lag_s = 60.0
    channel.send(SMS)
    assert channel.find(SMS, since) is None
    fake.behaviour.lag_s = 0.0
    assert channel.find(SMS, since) is not None


def test_a_look_up_takes_no_older_other_or_known_message(fake: FakeTwilio) -> None:
    channel, since = sms(fake), dt.datetime.now(dt.UTC)
    channel.send(replace(SMS, text="Another text"))
    first = channel.send(SMS)
    assert channel.find(SMS, since, frozenset({first.provider_id})) is None
    assert channel.find(SMS, since + dt.timedelta(minutes=2)) is None
    assert channel.find(replace(SMS, to="+34600000009"), since) is None
    again = channel.send(SMS)
    match = channel.find(SMS, since)
    assert match is not None
    assert match.provider_id == first.provider_id != again.provider_id


def test_a_full_page_of_other_messages_proves_nothing(fake: FakeTwilio) -> None:
    channel, since = sms(fake), dt.datetime.now(dt.UTC)
    for number in range(50):
        channel.send(replace(SMS, text=f"Text {number}"))
    assert refused(lambda: channel.find(SMS, since)).unclear
    assert channel.find(SMS, since + dt.timedelta(minutes=2)) is None  # all of them are older


def test_a_look_up_that_fails_raises_instead_of_proving_absence(fake: FakeTwilio) -> None:
    channel = sms(fake, secret="another secret")
    error = refused(lambda: channel.find(SMS, dt.datetime.now(dt.UTC)))
    assert (error.scope, error.code) == (Scope.ACCOUNT, "20003")


def test_a_fetched_message_has_state_segments_and_a_positive_price(fake: FakeTwilio) -> None:
    channel = sms(fake)
    sent = channel.send(SMS)
    fake.settle()
    status = channel.fetch(sent.provider_id)
    assert (status.state, status.code, status.segments) == ("delivered", "", 1)
    assert (status.price_micros, status.currency) == (7500, "USD")
    fake.ends["+34600000002"] = ("undelivered", 30005)
    lost = channel.send(replace(SMS, to="+34600000002"))
    fake.settle()
    status = channel.fetch(lost.provider_id)
    assert (status.state, status.code, status.price_micros) == ("failed", "30005", None)


def test_whatsapp_sends_free_text_or_a_template_to_whatsapp_numbers(fake: FakeTwilio) -> None:
    channel = TwilioWhatsApp(
        credentials(fake, service_sid="", sender=SENDER), read_s=READ_S, threads=2
    )
    since = dt.datetime.now(dt.UTC)
    channel.send(SMS)
    assert fake.book[0].fields["To"] == f"whatsapp:{ANA}"
    assert fake.book[0].fields["From"] == f"whatsapp:{SENDER}"
    assert fake.book[0].body == SMS.text
    assert channel.find(SMS, since) is not None
    content = ContentRef(sid="HX" + "0" * 32, variables={"1": "Ana\n\tMaría", "2": "a    b"})
    channel.send(replace(SMS, content=content))
    fields = fake.book[1].fields
    assert json.loads(fields["ContentVariables"]) == {"1": "Ana María", "2": "a b"}
    assert (fields["ContentSid"], "Body" in fields) == (content.sid, False)
    channel.send(replace(SMS, content=ContentRef(sid=content.sid)))
    assert "ContentVariables" not in fake.book[2].fields


def test_a_template_is_found_by_its_variables_or_its_link(fake: FakeTwilio) -> None:
    """Twilio lists the words of the template, not those of our text."""
    channel = TwilioWhatsApp(credentials(fake), read_s=READ_S, threads=2)
    since = dt.datetime.now(dt.UTC)
    link = "https://acme.test/t/abc/"
    channel.send(replace(SMS, text=f"Hola Ana: su pedido llega hoy. {link}"))
    outgoing = replace(SMS, text=f"Your order comes today: {link}.")
    variables = {"1": "Ana", "2": link}
    for known, is_found in (
        (outgoing, True),
        (replace(outgoing, content=ContentRef(sid="HX1", variables=variables)), True),
        (replace(outgoing, content=ContentRef(sid="HX1", variables={"1": "Eva"})), False),
        (replace(outgoing, text="Your order comes today: https://acme.test/t/xyz/"), False),
        (replace(outgoing, text="Your order comes today."), False),
    ):
        assert (channel.find(known, since) is not None) == is_found


def test_an_empty_variable_of_a_template_is_refused_before_the_call(fake: FakeTwilio) -> None:
    channel = TwilioWhatsApp(credentials(fake), read_s=READ_S, threads=2)
    content = ContentRef(sid="HX1", variables={"1": " \n"})
    error = refused(lambda: channel.send(replace(SMS, content=content)))
    assert (error.code, error.permanent, error.unclear) == ("21656", True, False)
    assert fake.calls == []


def test_the_test_of_an_account_says_what_twilio_answered(fake: FakeTwilio) -> None:
    fake.services[SERVICE_SID]["inbound_request_url"] = "https://acme.test/callbacks/twilio/"
    good = sms(fake).check()
    assert good.ok
    assert good.facts == {
        "service": "Deliveries",
        "replies_to": "https://acme.test/callbacks/twilio/",
    }
    bad = sms(fake, secret="wrong").check()
    assert (bad.ok, bad.code, bad.words) == (False, "20003", "Authenticate")
    other = sms(fake, service_sid="MG" + "9" * 32).check()
    assert (other.ok, other.code) == (False, "20404")
    assert fake.book == []


@pytest.mark.parametrize("changes", [{}, {"service_sid": "", "sender": SENDER}])
def test_the_test_of_whatsapp_looks_for_the_sender(
    fake: FakeTwilio, changes: dict[str, str]
) -> None:
    channel = TwilioWhatsApp(credentials(fake, **changes), read_s=READ_S, threads=8)
    assert channel.check().ok
    fake.senders = {"whatsapp:+15005559999": "ONLINE", f"messenger:{SENDER}": "ONLINE"}
    fake.senders_of = {SERVICE_SID: ["messenger:1"]}
    answer = channel.check()
    assert (answer.ok, answer.code) == (
        False, "63007" if changes else "no_whatsapp_sender"
    )  # fmt: skip
    assert code_words(answer.code), "cause and remedy"
    assert sms(fake, **changes).check().ok, "text messages do not need it"
    fake.hidden = {"Senders"}
    answer = channel.check()
    assert (answer.ok, answer.facts["sender"]) == (True, "not_checked")


def test_a_whatsapp_sender_that_is_not_online_is_named(fake: FakeTwilio) -> None:
    changes = {"service_sid": "", "sender": SENDER}
    channel = TwilioWhatsApp(credentials(fake, **changes), read_s=READ_S, threads=8)
    for status, is_ok in (("ONLINE:UPDATING", True), ("PENDING_VERIFICATION", False)):
        fake.senders = {f"whatsapp:{SENDER}": status}
        answer = channel.check()
        assert answer.ok == is_ok
    assert (answer.code, answer.words) == ("whatsapp_offline", "PENDING_VERIFICATION")
    assert code_words(answer.code)


def test_the_number_of_the_whatsapp_sandbox_is_listed_nowhere_and_passes(
    fake: FakeTwilio,
) -> None:
    changes = {"service_sid": "", "sender": SANDBOX}
    channel = TwilioWhatsApp(credentials(fake, **changes), read_s=READ_S, threads=8)
    assert channel.check().ok


def test_many_threads_share_a_channel_and_each_gets_its_own_answer(fake: FakeTwilio) -> None:
    channel = sms(fake)
    start = threading.Barrier(8)

    def send(worker: int) -> list[tuple[str, str]]:
        start.wait()
        texts = [f"{worker}-{number}" for number in range(25)]
        return [(text, channel.send(replace(SMS, text=text)).provider_id) for text in texts]

    with ThreadPoolExecutor(8) as pool:
        answers = [pair for pairs in pool.map(send, range(8)) for pair in pairs]
    assert dict(answers) == {taken.body: taken.sid for taken in fake.book}
    assert len(answers) == 200


def test_proxies_of_the_environment_and_twilios_own_variables_are_not_used(
    fake: FakeTwilio, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
        monkeypatch.setenv(name.lower(), "http://127.0.0.1:9")
    monkeypatch.setenv("TWILIO_EDGE", "sydney")
    monkeypatch.setenv("TWILIO_REGION", "au1")
    monkeypatch.setenv("TWILIO_AUTH_TOKEN", "of the environment")
    sms(fake).send(SMS)
    assert len(fake.book) == 1


def test_no_number_text_or_secret_is_logged_or_in_an_error(
    fake: FakeTwilio, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    fake.refuse[ANA] = 21211
    error = refused(lambda: sms(fake).send(SMS))
    sms(fake).check()
    assert ANA in error.words  # staff may read it; it is stored encrypted
    logged = caplog.text + str(error) + repr(error) + repr(credentials(fake))
    for secret in (ANA, ANA[1:], SMS.text, API_SECRET):
        assert secret not in logged


@pytest.mark.parametrize("name", ERRORS)
def test_captured_error_bodies_have_the_right_reach(name: str) -> None:
    captured = ERRORS[name]
    body = captured["body"]
    text = body if isinstance(body, str) else json.dumps(body)
    error = refusal(captured["method"], captured["status"], text, None)
    expected = captured["expect"]
    assert {
        "scope": error.scope.value,
        "permanent": error.permanent,
        "unclear": error.unclear,
        "short_proof": error.short_proof,
        "code": error.code,
    } == expected


def test_every_code_has_one_reach_and_an_unknown_one_concerns_its_message() -> None:
    assert scope_of("21610") is Scope.OPTED_OUT
    assert scope_of("63016") is Scope.WINDOW
    assert scope_of("1") is Scope.MESSAGE
    assert set(SCOPES.values()) == set(Scope)


def test_the_fake_counts_its_busiest_second(fake: FakeTwilio) -> None:
    channel = sms(fake)
    for _time in range(5):
        channel.send(SMS)
    assert fake.peak_per_s() == 5
