"""E-mail: what a real SMTP server gets, and what its answers mean."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

import pytest

from lastmile.env import BadEnvironment, MailServer, mail_url
from notifications.channels.base import ChannelError, Outgoing, Scope
from notifications.channels.email.bounces import NotAReport, read_report
from notifications.channels.email.channel import EmailChannel
from notifications.channels.email.connections import Pool, Target
from notifications.channels.email.letters import Sender, message_named
from tests.notifications import mail_server as servers

SHOP = "Tom & Jerry's <24h>"
LINK = "https://tom.example/u/abc/"
SENDER = Sender(name=SHOP, address="shop@tom.example", reply_to="help@tom.example")
SINCE = dt.datetime(2026, 11, 29, tzinfo=dt.UTC)


@pytest.fixture
def server() -> Iterator[servers.MailServer]:
    with servers.mail_server() as running:
        yield running


def channel(
    server: servers.MailServer, *, pool: Pool | None = None, sender: Sender = SENDER, **fields: Any
) -> EmailChannel:
    values = {"user": "shop", "password": "right", "security": "none"} | fields
    target = MailServer(host="127.0.0.1", port=server.port, sender="", **values)
    return EmailChannel(Target(target, checked=False), sender, pool=pool or Pool())


def outgoing(**fields: Any) -> Outgoing:
    values: dict[str, Any] = {
        "message": "msg_5n8v2w6r0t4y7b1d3f9k",
        "call": 1,
        "to": "ana@shopper.example",
        "subject": f"{SHOP}: on its way",
        "text": f"{SHOP} is on its way.\nNote: 1 < 2 && 'x' \"y\"",
        "html": "<p>Tom &amp; Jerry&#x27;s &lt;24h&gt; is on its way.</p>",
        "headers": {
            "List-Unsubscribe": f"<{LINK}>",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
            "Bcc": "everybody@tom.example",
        },
        "expires_in_s": 600,
        "language": "en",
    }
    return Outgoing(**values | fields)


# --- what arrives -----------------------------------------------------------------------------
def test_m06_texts_arrive_as_typed_and_escaped_only_in_the_html_part(
    server: servers.MailServer,
) -> None:
    accepted = channel(server).send(outgoing())
    (mail,) = server.mails
    assert accepted.provider_id == "msg_5n8v2w6r0t4y7b1d3f9k"
    assert mail.message["Subject"] == f"{SHOP}: on its way"
    assert mail.part("text/plain") == outgoing().text
    assert mail.part("text/html") == outgoing().html
    assert mail.message["From"].addresses[0].display_name == SHOP


def test_a_mail_has_the_headers_that_mail_programs_need(server: servers.MailServer) -> None:
    channel(server).send(outgoing())
    (mail,) = server.mails
    assert mail.message["List-Unsubscribe"] == f"<{LINK}>"
    assert mail.message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert mail.message["Auto-Submitted"] == "auto-generated"
    assert mail.message["Message-ID"] == "<msg_5n8v2w6r0t4y7b1d3f9k@tom.example>"
    assert mail.message["Reply-To"] == "help@tom.example"
    assert mail.message.get_content_type() == "multipart/alternative"


def test_a_message_brings_no_header_of_its_own(server: servers.MailServer) -> None:
    channel(server).send(outgoing())
    (mail,) = server.mails
    assert mail.message["Bcc"] is None
    assert mail.recipients == ["ana@shopper.example"]


@pytest.mark.parametrize("end", ["\r\n", "\n", "\r", "\x00", "\u2028"])
def test_a_line_end_in_a_subject_or_a_name_adds_no_header(
    server: servers.MailServer, end: str
) -> None:
    hostile = f"Ana{end}Bcc: everybody@tom.example{end}{end}<script>"
    sender = Sender(name=hostile, address="shop@tom.example")
    channel(server, sender=sender).send(outgoing(subject=hostile))
    (mail,) = server.mails
    assert mail.message["Bcc"] is None
    assert mail.recipients == ["ana@shopper.example"]
    assert mail.message["Subject"] == "Ana Bcc: everybody@tom.example <script>"


def test_other_scripts_and_long_lines_survive(server: servers.MailServer) -> None:
    text = "مرحبا آنا، طلبك في الطريق " * 60
    channel(server).send(outgoing(subject="طلبك", text=text, html="", language="ar", rtl=True))
    (mail,) = server.mails
    assert mail.part("text/plain").strip() == text.strip()
    assert mail.message["Subject"] == "طلبك"
    assert max(len(line) for line in mail.raw.split(b"\r\n")) <= 998


def test_a_bounce_address_names_the_message(server: servers.MailServer) -> None:
    sender = Sender(name="Tom", address="shop@tom.example", bounces="bounces@tom.example")
    channel(server, sender=sender).send(outgoing())
    (mail,) = server.mails
    assert mail.sender == "bounces+msg_5n8v2w6r0t4y7b1d3f9k@tom.example"
    assert message_named(mail.sender) == "msg_5n8v2w6r0t4y7b1d3f9k"
    assert mail.message["From"].addresses[0].addr_spec == "shop@tom.example"


# --- what answers mean ------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("verb", "reply", "scope", "permanent"),
    [
        ("RCPT", "550 5.1.1 no such user", Scope.CONTACT, True),
        ("RCPT", "550 no such user", Scope.CONTACT, True),
        ("RCPT", "550 5.7.1 we do not like you", Scope.MESSAGE, True),
        ("RCPT", "450 4.2.1 greylisted", Scope.MESSAGE, False),
        ("RCPT", "452 4.2.2 mailbox full", Scope.MESSAGE, False),
        ("MAIL", "553 5.7.1 not your address", Scope.ACCOUNT, True),
        ("MAIL", "421 4.7.0 too many mails", Scope.RATE, False),
        ("MAIL", "450 4.7.1 rate limit", Scope.RATE, False),
        ("DATA.", "554 5.6.0 bad content", Scope.MESSAGE, True),
        ("DATA.", "451 4.3.0 try later", Scope.MESSAGE, False),
        ("AUTH", "535 5.7.8 wrong password", Scope.ACCOUNT, True),
        ("AUTH", "454 4.7.0 locked for now", Scope.ACCOUNT, False),
    ],
)
def test_each_answer_has_its_reach(
    server: servers.MailServer, verb: str, reply: str, scope: Scope, permanent: bool
) -> None:
    server.answers[verb] = reply
    with pytest.raises(ChannelError) as refused:
        channel(server).send(outgoing())
    error = refused.value
    assert (error.scope, error.permanent, error.unclear) == (scope, permanent, False)
    assert error.code == reply[:3]
    assert error.words == reply[4:]
    assert reply[4:] not in str(error)  # the log gets the number alone
    assert server.mails == []


def test_a_lost_answer_after_the_text_is_unclear_and_one_before_it_is_not(
    server: servers.MailServer,
) -> None:
    server.answers["DATA."] = "drop"
    with pytest.raises(ChannelError) as lost:
        channel(server).send(outgoing())
    assert lost.value.unclear
    assert len(server.mails) == 1
    for verb in ("HELLO", "MAIL", "RCPT", "DATA"):
        server.answers = {verb: "drop"}
        with pytest.raises(ChannelError) as before:
            channel(server).send(outgoing())
        assert not before.value.unclear
        assert not before.value.permanent
    assert len(server.mails) == 1


def test_a_server_that_is_away_is_tried_again(server: servers.MailServer) -> None:
    with servers.mail_server() as closed:
        port = closed.port
    target = MailServer(host="127.0.0.1", port=port, sender="", security="none")
    with pytest.raises(ChannelError) as away:
        EmailChannel(Target(target, checked=False), SENDER).send(outgoing())
    assert (away.value.permanent, away.value.unclear) == (False, False)


def test_an_unclear_mail_is_sent_once_more_and_then_nobody_can_tell(
    server: servers.MailServer,
) -> None:
    mails = channel(server)
    assert mails.find(outgoing(call=1), SINCE) is None
    with pytest.raises(ChannelError):
        mails.find(outgoing(call=2), SINCE)
    mails.send(outgoing(call=1))
    mails.send(outgoing(call=2))
    first, second = (mail.message["Message-ID"] for mail in server.mails)
    assert first == second


def test_the_test_button_says_what_the_server_answered(server: servers.MailServer) -> None:
    assert channel(server).check().ok
    wrong = channel(server, password="wrong").check()
    assert (wrong.ok, wrong.code, wrong.words) == (False, "535", "5.7.8 wrong password")
    assert server.mails == []


# --- connections ------------------------------------------------------------------------------
def test_mails_share_a_connection_that_is_closed_after_its_rest(
    server: servers.MailServer,
) -> None:
    pool = Pool(rest_s=30)
    mails = channel(server, pool=pool)
    for _n in range(5):
        mails.send(outgoing())
    assert (server.connections, len(server.mails)) == (1, 5)
    pool._rest_s = 0
    pool.close_rested()
    assert pool._resting == {}
    mails.send(outgoing())
    assert server.connections == 2


def test_a_connection_that_the_server_closed_meanwhile_costs_no_mail(
    server: servers.MailServer,
) -> None:
    mails = channel(server)
    mails.send(outgoing())
    server.answers["MAIL"] = "drop"
    with pytest.raises(ChannelError):  # again on a new connection, then it is reported
        mails.send(outgoing())
    assert server.connections == 2
    del server.answers["MAIL"]
    mails.send(outgoing())
    assert len(server.mails) == 2


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "10.0.0.1", "169.254.169.254", "[::1]"])
def test_a_retailer_reaches_no_server_inside_the_network(
    server: servers.MailServer, host: str
) -> None:
    target = MailServer(host=host.strip("[]"), port=25, sender="", security="none")
    with pytest.raises(ChannelError) as refused:
        EmailChannel(Target(target, checked=True), SENDER, pool=Pool()).send(outgoing())
    assert (refused.value.scope, refused.value.permanent) == (Scope.ACCOUNT, True)
    assert server.connections == 0


def test_a_retailer_reaches_only_the_ports_of_mail_servers() -> None:
    target = MailServer(host="93.184.216.34", port=6379, sender="", security="none")
    with pytest.raises(ChannelError) as refused:
        EmailChannel(Target(target, checked=True), SENDER, pool=Pool()).send(outgoing())
    assert refused.value.scope == Scope.ACCOUNT


# --- bounces ----------------------------------------------------------------------------------
def report_of(
    *, action: str = "failed", status: str = "5.1.1", name: str = "msg_5n8v2w6r0t4y7b1d3f9k"
) -> bytes:
    """Return a report as Postfix writes it (RFC 3464, appendix)."""
    return f"""\
From: MAILER-DAEMON@mail.tom.example
To: shop@tom.example
Subject: Undelivered Mail Returned to Sender
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="B"

--B
Content-Type: text/plain; charset=us-ascii

This is the mail system at host mail.tom.example.

--B
Content-Type: message/delivery-status

Reporting-MTA: dns; mail.tom.example
Arrival-Date: Sun, 29 Nov 2026 12:00:00 +0000

Final-Recipient: rfc822; ana@shopper.example
Action: {action}
Status: {status}
Remote-MTA: dns; mx.shopper.example
Diagnostic-Code: smtp; 550 5.1.1 <ana@shopper.example>: Recipient address
    rejected

--B
Content-Type: text/rfc822-headers

Message-ID: <{name}@tom.example>
Subject: On its way

--B--
""".replace("\n", "\r\n").encode()


def test_a_report_names_the_message_and_what_became_of_it() -> None:
    report = read_report(report_of())
    assert (report.message, report.action, report.status) == (
        "msg_5n8v2w6r0t4y7b1d3f9k",
        "failed",
        "5.1.1",
    )
    assert report.is_final
    assert report.is_bad_mailbox
    assert report.words.startswith("smtp; 550 5.1.1")


def test_a_full_mailbox_or_a_delay_is_no_bad_address() -> None:
    assert not read_report(report_of(action="delayed", status="4.4.1")).is_final
    refused = read_report(report_of(status="5.7.1"))
    assert refused.is_final
    assert not refused.is_bad_mailbox


def test_a_bounce_address_names_the_message_when_the_report_lacks_it() -> None:
    raw = report_of(name="other").replace(
        b"To: shop@tom.example", b"To: bounces+msg_5n8v2w6r0t4y7b1d3f9k@tom.example"
    )
    assert read_report(raw).message == "msg_5n8v2w6r0t4y7b1d3f9k"


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\xff\xfe\x00" * 400,
        b"To: ana@shopper.example\r\n\r\nI am on holiday.",
        report_of(name="other"),
        report_of().replace(b"Action: failed\r\n", b""),
        report_of().replace(b"message/delivery-status", b"text/plain"),
        b"Content-Type: multipart/report; boundary=" + b"B" * 9_000 + b"\r\n\r\n",
        b"Content-Type: message/delivery-status\r\n\r\n" * 60,
    ],
)
def test_another_mail_is_no_report(raw: bytes) -> None:
    with pytest.raises(NotAReport):
        read_report(raw)


# --- EMAIL_URL --------------------------------------------------------------------------------
def test_the_installations_server_is_read_from_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("EMAIL_URL", "smtp://shop:p%40ss@mail.example/?from=shop@example.org")
    server = mail_url("EMAIL_URL")
    assert server is not None
    assert (server.host, server.port, server.security) == ("mail.example", 587, "starttls")
    assert (server.user, server.password, server.sender) == ("shop", "p@ss", "shop@example.org")
    assert "p@ss" not in repr(server)
    monkeypatch.setenv("EMAIL_URL", "smtps://mail.example/?from=a@b.example")
    assert mail_url("EMAIL_URL") == MailServer(
        host="mail.example", port=465, security="tls", sender="a@b.example"
    )
    monkeypatch.delenv("EMAIL_URL")
    assert mail_url("EMAIL_URL") is None


@pytest.mark.parametrize(
    "value",
    [
        "mail.example",
        "https://mail.example/?from=a@b.example",
        "smtp://mail.example/",
        "smtp://mail.example:port/?from=a@b.example",
        "smtps://mail.example/?from=a@b.example&tls=none",
        "smtp://secret:secret@mail.example/?from=a@b.example&x=1",
    ],
)
def test_another_value_is_refused_without_being_shown(
    monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv("EMAIL_URL", value)
    with pytest.raises(BadEnvironment) as refused:
        mail_url("EMAIL_URL")
    assert "secret" not in str(refused.value)
