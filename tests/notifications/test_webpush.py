"""Web push: encrypted for one browser, signed for one push service, and never to a private one."""

from __future__ import annotations

import base64
import json
import struct
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_network
from typing import Any, ClassVar

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.test import Client

from lastmile.core.tenancy import RetailerRef, retailer_context
from notifications.channels.base import ChannelError, Outgoing, Scope
from notifications.channels.webpush.channel import PushSender, WebPushChannel, payload_of
from notifications.channels.webpush.encryption import (
    LONGEST_PAYLOAD,
    BadSubscription,
    b64,
    encrypt,
    new_vapid_key,
    unb64,
    vapid_authorization,
    vapid_public,
)
from notifications.channels.webpush.subscriptions import Subscription, read_subscription
from notifications.models import ChannelAccount, Contact, Message
from tenants.permissions import Role
from tests.people import add_member, logged_in

SECRET = b64(b"0123456789abcdef")
KEY = new_vapid_key()
SHOP = "Tom & Jerry's <24h>"
SENDER = PushSender(
    title=SHOP, origin="https://tom.example", private=KEY, contact="mailto:shop@tom.example"
)


class Browser:
    """A browser with a subscription, which can read what it gets."""

    def __init__(self) -> None:
        self.private = ec.generate_private_key(ec.SECP256R1())
        self.public = self.private.public_key().public_bytes(
            Encoding.X962, PublicFormat.UncompressedPoint
        )

    def subscription(self, endpoint: str = "https://push.example/abc") -> Subscription:
        return Subscription(endpoint=endpoint, p256dh=b64(self.public), auth=SECRET)

    def read(self, body: bytes) -> bytes:
        """Decrypt a body as RFC 8291 says."""
        salt, size, length = body[:16], *struct.unpack("!IB", body[16:21])
        assert size == 4096
        sender, sealed = body[21 : 21 + length], body[21 + length :]
        point = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), sender)
        shared = self.private.exchange(ec.ECDH(), point)

        def derive(key: bytes, salt: bytes, info: bytes, size: int) -> bytes:
            return HKDF(algorithm=hashes.SHA256(), length=size, salt=salt, info=info).derive(key)

        key = derive(shared, unb64(SECRET), b"WebPush: info\0" + self.public + sender, 32)
        cipher = AESGCM(derive(key, salt, b"Content-Encoding: aes128gcm\0", 16))
        plain = cipher.decrypt(derive(key, salt, b"Content-Encoding: nonce\0", 12), sealed, None)
        assert plain.endswith(b"\x02")
        return plain[:-1]


class PushService(BaseHTTPRequestHandler):
    """A push service that answers what a test sets."""

    status: ClassVar[int] = 201
    extra: ClassVar[dict[str, str]] = {}
    calls: ClassVar[list[tuple[dict[str, str], bytes]]] = []

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.calls.append(({k.lower(): v for k, v in self.headers.items()}, body))
        if self.status == 0:
            return  # it takes the message and says nothing
        self.send_response(self.status)
        for name, value in {"Content-Length": "4", **self.extra}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(b"word")

    def log_message(self, *_words: Any) -> None:
        pass


@pytest.fixture
def service(settings: Any) -> Iterator[str]:
    """Run a push service on the loopback address, which this test may call; return its address."""
    settings.EGRESS_ALLOW = (ip_network("127.0.0.0/8"),)
    PushService.status, PushService.extra, PushService.calls = 201, {}, []
    server = ThreadingHTTPServer(("127.0.0.1", 0), PushService)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/push/abc"
    finally:
        server.shutdown()
        thread.join(10)
        server.server_close()


def outgoing(to: str, **fields: Any) -> Outgoing:
    values: dict[str, Any] = {
        "message": "msg_5n8v2w6r0t4y7b1d3f9k",
        "call": 1,
        "to": to,
        "text": f"{SHOP} is on its way. https://tom.example/t/secret/",
        "topic": "ord_1",
        "expires_in_s": 600,
        "language": "en",
    }
    return Outgoing(**values | fields)


def test_the_example_of_rfc_8291_has_the_same_bytes() -> None:
    number = int.from_bytes(unb64("yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"), "big")
    body = encrypt(
        b"When I grow up, I want to be a watermelon",
        p256dh=(
            "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
        ),
        auth="BTBZMqHH6r4Tts7J_aSIgg",
        salt=unb64("DGv6ra1nlYgDCS1FRnbzlw"),
        private=ec.derive_private_key(number, ec.SECP256R1()),
    )
    assert b64(body) == (
        "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYW"
        "AmS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgS"
        "xsj_Qulcy4a-fN"
    )


def test_m06_the_browser_reads_the_text_as_typed(service: str) -> None:
    browser = Browser()
    text = browser.subscription(service).to_text()
    assert WebPushChannel(SENDER).send(outgoing(text)).state == "sent"
    ((headers, body),) = PushService.calls
    payload = json.loads(browser.read(body))
    assert payload["title"] == SHOP
    assert payload["body"] == f"{SHOP} is on its way."
    assert payload["path"] == "/t/secret/"
    assert (headers["ttl"], headers["content-encoding"]) == ("600", "aes128gcm")
    assert headers["urgency"] == "high"
    assert len(headers["topic"]) <= 32
    assert b"secret" not in body


def test_the_call_is_signed_for_this_push_service(service: str) -> None:
    WebPushChannel(SENDER).send(outgoing(Browser().subscription(service).to_text()))
    ((headers, _body),) = PushService.calls
    token, key = headers["authorization"].removeprefix("vapid t=").split(", k=")
    assert key == vapid_public(KEY)
    signed, _dot, signature = token.rpartition(".")
    raw = unb64(signature)
    r, s = int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big")
    public = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), unb64(key))
    public.verify(encode_dss_signature(r, s), signed.encode(), ec.ECDSA(hashes.SHA256()))
    claims = json.loads(unb64(signed.split(".")[1]))
    assert claims["aud"] == service.removesuffix("/push/abc")
    assert claims["sub"] == "mailto:shop@tom.example"
    other = vapid_authorization("https://push.example/x", private=KEY, contact="x", now_s=100)
    claims = json.loads(unb64(other.removeprefix("vapid t=").split(".")[1]))
    assert claims["aud"] == "https://push.example"
    assert 100 < claims["exp"] <= 100 + 24 * 3600


@pytest.mark.parametrize(
    ("status", "scope", "permanent", "unclear"),
    [
        (404, Scope.CONTACT, True, False),
        (410, Scope.CONTACT, True, False),
        (403, Scope.CONTACT, True, False),
        (400, Scope.MESSAGE, True, False),
        (413, Scope.MESSAGE, True, False),
        (429, Scope.RATE, False, False),
        (500, Scope.MESSAGE, False, True),
        (503, Scope.MESSAGE, False, True),
        (301, Scope.MESSAGE, True, False),
        (0, Scope.MESSAGE, False, True),
    ],
)
def test_each_answer_has_its_reach(
    service: str, status: int, scope: Scope, permanent: bool, unclear: bool
) -> None:
    PushService.status = status
    PushService.extra = {"Location": "http://127.0.0.1:1/", "Retry-After": "7"} if status else {}
    with pytest.raises(ChannelError) as refused:
        WebPushChannel(SENDER).send(outgoing(Browser().subscription(service).to_text()))
    error = refused.value
    assert (error.scope, error.permanent, error.unclear) == (scope, permanent, unclear)
    assert error.retry_after_s == (7 if status == 429 else None)
    assert len(PushService.calls) == 1  # no redirect is followed


@pytest.mark.parametrize("text", ["x" * 20_000, "م" * 9_000, '"\\' * 9_000, "\U0001f4a5" * 3_000])
def test_a_long_text_is_cut_and_stays_readable(text: str) -> None:
    payload = payload_of(outgoing("", text=text), SENDER)
    assert len(payload) <= LONGEST_PAYLOAD
    body = json.loads(payload)["body"]
    assert body.endswith("…")
    assert text.startswith(body[:-1].rstrip("…"))


def test_a_message_without_a_link_opens_the_page_that_goes_with_it() -> None:
    page = "https://tom.example/t/secret/"
    payload = json.loads(payload_of(outgoing("", text="Soon", headers={"Page": page}), SENDER))
    assert (payload["path"], payload["body"]) == ("/t/secret/", "Soon")
    for other in ("https://tom.example.evil/t/", "https://evil.example/t/x/", "/t/x/"):
        payload = json.loads(payload_of(outgoing("", text="x", headers={"Page": other}), SENDER))
        assert payload["path"] == ""


def test_only_a_page_of_the_shop_is_opened() -> None:
    for link in ("https://evil.example/t/x/", "javascript:alert(1)", "//evil.example", "/t/x/"):
        payload = json.loads(payload_of(outgoing("", text=f"See {link}"), SENDER))
        assert (payload["path"], payload["body"]) == ("", f"See {link}")


@pytest.mark.parametrize(
    "endpoint",
    [
        "http://push.example/x",
        "https://user:secret@push.example/x",
        "https://push.example:8443/x",
        "ftp://push.example/x",
        "https:///x",
        "https://push.example/\r\nHost: x",
        "https://push.example/" + "x" * 3_000,
        "javascript:alert(1)",
        "",
    ],
)
def test_a_subscription_with_an_odd_address_is_refused(endpoint: str) -> None:
    with pytest.raises(BadSubscription):
        read_subscription(Browser().subscription(endpoint).to_text())


def test_a_subscription_with_odd_keys_is_refused() -> None:
    good = json.loads(Browser().subscription().to_text())
    off_curve = b64(b"\x04" + b"\x01" * 64)
    for change in (
        {"p256dh": off_curve},
        {"p256dh": "???"},
        {"p256dh": b64(b"\x04")},
        {"auth": b64(b"short")},
        {"auth": None},
        {"endpoint": 7},
    ):
        with pytest.raises(BadSubscription):
            read_subscription(json.dumps(good | change))
    for text in ("", "[]", "null", "7", "{", '{"keys": 7}', "[" * 5_000):
        with pytest.raises(BadSubscription):
            read_subscription(text)


def test_a_browsers_own_form_is_read() -> None:
    own = Browser().subscription()
    form = {
        "endpoint": own.endpoint,
        "expirationTime": None,
        "keys": {"p256dh": own.p256dh, "auth": own.auth},
    }
    assert read_subscription(json.dumps(form)) == own
    assert read_subscription(own.to_text()) == own


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "10.0.0.1", "169.254.169.254"])
def test_an_address_inside_the_network_is_not_called(host: str) -> None:
    to = Browser().subscription(f"https://{host}/x").to_text()
    with pytest.raises(ChannelError) as refused:
        WebPushChannel(SENDER).send(outgoing(to))
    assert (refused.value.scope, refused.value.permanent) == (Scope.CONTACT, True)


def test_keys_are_made_and_padding_is_not_needed() -> None:
    assert len(unb64(vapid_public(new_vapid_key()))) == 65
    assert base64.urlsafe_b64decode(SECRET + "==") == unb64(SECRET)


def post_test(browser: Client, text: str) -> Any:
    return browser.post("/messages/channels/push/test/", {"subscription": text})


@pytest.fixture
def owner(retailer: RetailerRef) -> Client:
    ChannelAccount.objects.create(
        channel="push", kind="vapid", source="own", secrets={"private": KEY}
    )
    return logged_in(retailer, add_member(Role.OWNER))


def test_a_member_sends_a_test_to_their_own_browser(
    owner: Client, retailer: RetailerRef, service: str
) -> None:
    page = owner.get("/messages/channels/push/").content.decode()
    assert f'data-key="{vapid_public(KEY)}"' in page
    browser = Browser()
    answer = post_test(owner, browser.subscription(service).to_text())
    assert "the push service 127.0.0.1 took the test" in answer.content.decode()
    ((_headers, body),) = PushService.calls
    assert json.loads(browser.read(body))["body"].startswith("This is a test.")
    assert not Contact.objects.exists(), "nothing about the browser is stored"
    assert not Message.objects.exists()


@pytest.mark.parametrize(
    ("status", "says"),
    [(410, "knows this browser no more"), (403, "with another key"), (500, "Try again")],
)
def test_the_answer_of_the_push_service_is_shown_with_cause_and_remedy(
    owner: Client, service: str, status: int, says: str
) -> None:
    PushService.status = status
    page = post_test(owner, Browser().subscription(service).to_text()).content.decode()
    assert says in page
    assert "word" in page, "the words of the push service"
    assert "It works" not in page


def test_a_wrong_or_private_subscription_is_refused_without_a_call(owner: Client) -> None:
    for text in ("", "{}", "[" * 9000):
        page = post_test(owner, text).content.decode()
        assert "no address that can be called" in page
    private = Browser().subscription("https://10.0.0.1/push").to_text()
    page = post_test(owner, private).content.decode()
    assert "it is not on the public internet" in page
    assert "It works" not in page


def test_without_a_key_or_the_right_there_is_no_test(
    retailer: RetailerRef, other: RetailerRef, owner: Client
) -> None:
    reader = logged_in(retailer, add_member(Role.READONLY))
    assert post_test(reader, "{}").status_code == 403
    with retailer_context(other):
        foreign = logged_in(other, add_member(Role.OWNER))
    assert post_test(foreign, "{}").status_code == 404
    assert "data-key" not in foreign.get("/messages/channels/push/").content.decode()
