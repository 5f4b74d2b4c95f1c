"""Twilio's callbacks: genuine ones are taken once, all others are refused with 403."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from django.http import QueryDict
from django.test import Client
from twilio.request_validator import RequestValidator

from lastmile.core.callbacks import Incoming
from lastmile.core.models import CallbackRecord
from lastmile.core.tenancy import RetailerRef, retailer_context
from notifications import callbacks
from notifications.channels.base import ProviderStatus
from notifications.models import ChannelAccount, ProviderReport
from notifications.services.threads import Inbound
from tests.fake_twilio import ACCOUNT_SID, AUTH_TOKEN, SERVICE_SID

CALLS = json.loads((Path(__file__).parent / "captured/callbacks.json").read_text(encoding="utf-8"))
MESSAGE = "msg_" + "0" * 20
PATH = f"/callbacks/twilio/?m={MESSAGE}&c=2"
FORM = "application/x-www-form-urlencoded"
DELIVERED = CALLS["status_delivered_by_service"]["fields"]

Passed = list[dict[str, Any]]


def add_account(channel: str = "sms", **changes: Any) -> ChannelAccount:
    values: dict[str, Any] = {
        "channel": channel,
        "kind": "twilio",
        "source": "own",
        "settings": {"account_sid": ACCOUNT_SID, "service": SERVICE_SID},
        "secrets": {"auth_token": AUTH_TOKEN},
    }
    return ChannelAccount.objects.create(**values | changes)


@pytest.fixture
def passed(monkeypatch: pytest.MonkeyPatch) -> Passed:
    """Return the list of calls that go to the ledger and to the threads."""
    calls: Passed = []
    monkeypatch.setattr(callbacks, "keep_report", lambda **facts: calls.append(facts))
    monkeypatch.setattr(callbacks, "receive_reply", lambda inbound: calls.append({"in": inbound}))
    return calls


@pytest.fixture
def account(retailer: RetailerRef) -> ChannelAccount:
    return add_account()


def signature(url: str, fields: Any, token: str = AUTH_TOKEN, algorithm: str | None = None) -> str:
    return RequestValidator(token).compute_signature(url, fields, algorithm)


def post(
    ref: RetailerRef,
    fields: Any = DELIVERED,
    *,
    signed: str | None = None,
    path: str = PATH,
    kind: str = FORM,
    **headers: str,
) -> Any:
    """Send a call as Twilio does; ``signed`` replaces the right signature, "" leaves it out."""
    body = fields if isinstance(fields, bytes) else urlencode(fields).encode()
    if signed is None:
        signed = signature(f"http://{ref.domain}:8000{PATH}", fields)
    sent = {"host": ref.domain, "x-twilio-signature": signed} | {
        name.replace("_", "-"): value for name, value in headers.items()
    }
    client = Client(headers={k: v for k, v in sent.items() if v}, raise_request_exception=False)
    return client.post(path, body, content_type=kind)


def refused(answer: Any) -> bool:
    return bool(answer.status_code == 403 and answer.json()["code"] == "bad_signature")


@pytest.mark.parametrize(
    ("scheme", "port", "written"),
    [
        ("https", 0, ""),
        ("https", 0, ":443"),
        ("https", 443, ""),
        ("https", 8443, ":8443"),
        ("https", 8443, ""),
        ("http", 8080, ":8080"),
    ],
)
def test_m01_a_genuine_callback_passes_on_any_port_and_a_changed_one_is_refused(
    retailer: RetailerRef, other: RetailerRef, passed: Passed, settings: Any,
    scheme: str, port: int, written: str,
) -> None:  # fmt: skip
    """The proxy ends TLS and drops the port from the Host header; the address is configured."""
    settings.LOCAL, settings.PUBLIC_SCHEME, settings.PUBLIC_PORT = False, scheme, port
    settings.FIELD_KEYS = ("a key of thirty-two characters or more",)
    add_account()
    with retailer_context(other):
        add_account()
    url = f"{scheme}://{retailer.domain}{written}{PATH}"
    right = signature(url, DELIVERED)
    changed = DELIVERED | {"MessageStatus": "read"}
    for answer in (
        post(other, signed=right),
        post(retailer, signed=right, path=PATH.replace("c=2", "c=3")),
        post(retailer, signed=right, path=PATH + "&x=1"),
        post(retailer, signed=right, path="/callbacks/twilio/"),
        post(retailer, changed, signed=right),
        post(retailer, DELIVERED | {"Extra": ""}, signed=right),
        post(retailer, {k: v for k, v in DELIVERED.items() if k != "To"}, signed=right),
        post(retailer, signed=signature(url.replace("/twilio/", "/twili0/"), DELIVERED)),
        post(retailer, signed=signature(url.replace(retailer.domain, "evil.test"), DELIVERED)),
    ):
        assert refused(answer), answer.content
    assert passed == []
    assert post(retailer, signed=right).status_code == 200
    assert [call["message"] for call in passed] == [MESSAGE]
    # A port that is neither configured nor the usual one was not signed by Twilio for us.
    assert refused(
        post(retailer, signed=signature(f"{scheme}://{retailer.domain}:999{PATH}", DELIVERED))
    )


@pytest.mark.usefixtures("account")
def test_a_repeated_callback_is_kept_once_and_gets_the_same_empty_instructions(
    retailer: RetailerRef,
) -> None:
    first, again = post(retailer), post(retailer)
    assert first["Content-Type"] == "text/xml; charset=utf-8"
    assert first.content == again.content == callbacks.Twilio.reply.content.encode()
    assert b"<Response/>" in first.content
    kept = ProviderReport.objects.get()
    facts = (kept.channel, kept.provider_id, kept.state, kept.code, kept.named, kept.call)
    assert facts == ("sms", DELIVERED["MessageSid"], "delivered", "", MESSAGE, 2)
    assert kept.take_at is not None


@pytest.mark.usefixtures("account")
def test_what_a_callback_says_goes_to_the_ledger(retailer: RetailerRef, passed: Passed) -> None:
    assert post(retailer).status_code == 200
    assert passed == [
        {
            "channel": "sms",
            "status": ProviderStatus(
                provider_id=DELIVERED["MessageSid"], state="delivered", code=""
            ),
            "message": MESSAGE,
            "call": 2,
        }
    ]


@pytest.mark.usefixtures("account")
def test_the_same_status_with_another_date_is_no_conflict(retailer: RetailerRef) -> None:
    later = DELIVERED | {"RawDlrDoneDate": "2611291807"}
    assert [post(retailer, f).status_code for f in (DELIVERED, later, later)] == [200] * 3
    assert ProviderReport.objects.count() == 1


@pytest.mark.usefixtures("account")
@pytest.mark.parametrize("name", CALLS)
def test_captured_callbacks_are_understood(
    retailer: RetailerRef, passed: Passed, name: str
) -> None:
    fields, expected = CALLS[name]["fields"], dict(CALLS[name]["expect"])
    body = urlencode(fields).encode()
    event = callbacks.Twilio().parse(Incoming(path=PATH, headers={"content-type": FORM}, body=body))
    assert event.kind == expected.pop("kind")
    assert event.subject == fields["MessageSid"]
    assert {name: event.facts[name] for name in expected} == expected
    assert post(retailer, fields).status_code == 200
    assert len(passed) == (0 if event.kind == callbacks.OTHER else 1)
    if event.kind == callbacks.RECEIVED:
        inbound = passed[0]["in"]
        assert isinstance(inbound, Inbound)
        assert (inbound.text, inbound.provider_id) == (expected["text"], fields["MessageSid"])


@pytest.mark.usefixtures("account")
@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"signed": ""}, "no signature"),
        ({"signed": "x"}, "a wrong one"),
        ({"signed": "ñ€"}, "a signature that is no ASCII"),
        ({"signed": "A" * 10_000}, "an endless signature"),
        ({"fields": json.dumps(DELIVERED).encode(), "kind": "application/json"}, "JSON"),
        ({"fields": b"", "signed": "x"}, "no body"),
        ({"fields": b"\xff\xfe%zz", "signed": "x"}, "not UTF-8"),
        ({"fields": b"{}", "signed": "x"}, "JSON that says it is a form"),
        ({"fields": b"a" * 70_000, "signed": "x"}, "more than 64 kB"),
        ({"fields": b"&".join([b"a=1"] * 1_500), "signed": "x"}, "too many fields"),
        ({"kind": "multipart/form-data; boundary=x"}, "another form"),
        ({"kind": ""}, "no type"),
        ({"fields": DELIVERED | {"AccountSid": "AC" + "9" * 32}}, "another account"),
        ({"fields": {k: v for k, v in DELIVERED.items() if k != "AccountSid"}}, "no account"),
        ({"fields": DELIVERED | {"MessageSid": "x"}}, "no message"),
        ({"fields": DELIVERED | {"MessageSid": "SM\x00" + "0" * 31}}, "a NUL in its id"),
        ({"path": "/callbacks/twilio/?m[=%zz&c=\x00"}, "an odd address"),
        ({"x_twilio_webhooks_signature_settings": "algorithm=HMAC_MD5"}, "an unknown algorithm"),
        ({"x_twilio_webhooks_signature_settings": "algorithm=HMAC_SHA256"}, "another algorithm"),
    ],
)
def test_a_missing_signature_or_an_odd_body_is_403_and_stores_nothing(
    retailer: RetailerRef, passed: Passed, change: dict[str, Any], why: str
) -> None:
    options = dict(change)
    fields = options.pop("fields", DELIVERED)
    if isinstance(fields, bytes):
        options.setdefault("signed", "x")
    assert refused(post(retailer, fields, **options)), why
    assert (passed, CallbackRecord.objects.count(), ProviderReport.objects.count()) == ([], 0, 0)


def json_with_hash(ref: RetailerRef, token: str = AUTH_TOKEN) -> tuple[str, bytes, str]:
    """Return path, body and right signature of a JSON call, whose address has the body's hash."""
    body = json.dumps(DELIVERED).encode()
    path = f"{PATH}&bodySHA256={hashlib.sha256(body).hexdigest()}"
    return path, body, signature(f"http://{ref.domain}:8000{path}", {}, token)


@pytest.mark.usefixtures("account")
def test_a_json_body_is_refused_though_the_validator_takes_its_hash(
    retailer: RetailerRef, passed: Passed
) -> None:
    """Twilio sends messages as forms. Its validator takes such a body only as text."""
    path, body, signed = json_with_hash(retailer)
    url = f"http://{retailer.domain}:8000{path}"
    assert RequestValidator(AUTH_TOKEN).validate(url, body.decode(), signed)
    for kind in ("application/json", FORM):
        assert refused(post(retailer, body, signed=signed, path=path, kind=kind))
    assert passed == []


@pytest.mark.usefixtures("account")
def test_a_repeated_field_is_signed_with_all_its_values(
    retailer: RetailerRef, passed: Passed
) -> None:
    """The validator sorts the values, so no value can be added or replaced."""
    twice = QueryDict(urlencode(DELIVERED) + "&MessageStatus=read")
    url = f"http://{retailer.domain}:8000{PATH}"
    right = signature(url, twice)
    assert refused(post(retailer, DELIVERED, signed=right))
    assert refused(post(retailer, twice.urlencode().encode(), signed=signature(url, DELIVERED)))
    assert passed == []
    assert post(retailer, twice.urlencode().encode(), signed=right).status_code == 200


@pytest.mark.usefixtures("account")
def test_a_call_with_spaces_plus_signs_and_empty_fields_is_verified_byte_for_byte(
    retailer: RetailerRef, passed: Passed
) -> None:
    fields = CALLS["reply_sms"]["fields"] | {"Body": "  a+b & c=d%20  \n", "FromZip": " "}
    assert post(retailer, fields).status_code == 200
    assert passed[0]["in"].text == "  a+b & c=d%20  \n"
    assert refused(post(retailer, fields | {"Body": "a+b & c=d%20"}, signed=signature(
        f"http://{retailer.domain}:8000{PATH}", fields)))  # fmt: skip


@pytest.mark.usefixtures("account")
def test_ten_megabytes_are_refused_and_never_stored(retailer: RetailerRef, passed: Passed) -> None:
    body = urlencode(DELIVERED).encode() + b"&x=" + b"a" * 10_000_000
    answer = post(retailer, body, signed="x")
    assert answer.status_code in {403, 413}
    assert (passed, CallbackRecord.objects.count(), ProviderReport.objects.count()) == ([], 0, 0)


@pytest.mark.usefixtures("account")
def test_a_stronger_algorithm_that_the_header_names_is_honoured(
    retailer: RetailerRef, passed: Passed
) -> None:
    url = f"http://{retailer.domain}:8000{PATH}"
    strong = signature(url, DELIVERED, algorithm="HMAC_SHA256")
    assert refused(post(retailer, signed=strong))
    header = "key=webhooks_sharedkey_1,algorithm=HMAC_SHA256"
    answer = post(retailer, signed=strong, x_twilio_webhooks_signature_settings=header)
    assert answer.status_code == 200
    assert len(passed) == 1


def test_without_an_account_every_callback_is_refused(
    retailer: RetailerRef, passed: Passed
) -> None:
    assert refused(post(retailer))
    add_account(secrets={})
    assert refused(
        post(retailer, signed=signature(f"http://{retailer.domain}:8000{PATH}", DELIVERED, ""))
    )
    assert passed == []


def test_the_installations_account_is_verified_with_the_token_of_the_environment(
    retailer: RetailerRef, passed: Passed, settings: Any
) -> None:
    settings.TWILIO_ACCOUNT_SID, settings.TWILIO_AUTH_TOKEN = ACCOUNT_SID, AUTH_TOKEN
    assert refused(post(retailer))  # no account of this retailer uses it
    add_account(source="installation", settings={}, secrets={})
    assert post(retailer).status_code == 200
    assert len(passed) == 1


def test_whatsapp_and_sms_may_have_accounts_of_their_own(
    retailer: RetailerRef, passed: Passed
) -> None:
    add_account()
    other_sid = "AC" + "7" * 32
    add_account(
        "whatsapp",
        settings={"account_sid": other_sid, "service": SERVICE_SID},
        secrets={"auth_token": "another token"},
    )
    fields = CALLS["status_whatsapp_read"]["fields"] | {"AccountSid": other_sid}
    url = f"http://{retailer.domain}:8000{PATH}"
    assert refused(post(retailer, fields))
    assert post(retailer, fields, signed=signature(url, fields, "another token")).status_code == 200
    assert passed[0]["channel"] == "whatsapp"


@pytest.mark.usefixtures("account")
@pytest.mark.parametrize(
    "query", ["", "?m=&c=", "?m=msg_1&c=2", "?m=ord_00000000000000000000&c=x", "?c=99"]
)
def test_an_address_that_names_no_message_is_kept_by_its_provider_id(
    retailer: RetailerRef, passed: Passed, query: str
) -> None:
    path = f"/callbacks/twilio/{query}"
    url = f"http://{retailer.domain}:8000{path}"
    assert post(retailer, path=path, signed=signature(url, DELIVERED)).status_code == 200
    assert (passed[0]["message"], passed[0]["call"] in {0, 2}) == ("", True)


@pytest.mark.usefixtures("account")
def test_a_nul_in_a_reply_is_taken_out_of_its_text(retailer: RetailerRef, passed: Passed) -> None:
    fields = CALLS["reply_sms"]["fields"] | {"Body": "a\x00b", "NumMedia": "-1"}
    assert post(retailer, fields).status_code == 200
    assert (passed[0]["in"].text, passed[0]["in"].media_count) == ("ab", 0)


def test_a_get_is_refused(retailer: RetailerRef) -> None:
    assert Client(headers={"host": retailer.domain}).get(PATH).status_code == 405
