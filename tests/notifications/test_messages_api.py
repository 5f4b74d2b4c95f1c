"""The REST API of messages, message templates and opt-outs."""

from __future__ import annotations

import pytest
from django.utils.html import strip_tags

from dispatch.orders.drafts import ShopperDraft
from dispatch.orders.models import Order
from lastmile.core.tenancy import RetailerRef
from notifications.models import ContactChannel, Message, MessageTemplate
from notifications.services.contacts import contact_of, opt_out
from tenants.people.audit_log import lines
from tenants.people.models import AuditEntry
from tenants.permissions import KeyRole, Role
from tests.factories.fleet import make_hub
from tests.factories.messages import make_account, make_call, make_contact, make_message
from tests.factories.orders import make_order
from tests.people import KeyClient, add_member, key_client, logged_in

MESSAGES = "/api/v1/messages/"
OPT_OUTS = "/api/v1/opt-outs/"
TEMPLATES = "/api/v1/message-templates/"


@pytest.fixture
def key(retailer: RetailerRef) -> KeyClient:
    return key_client(retailer, KeyRole.INTEGRATION)


@pytest.fixture
def order(retailer: RetailerRef) -> Order:
    shopper = ShopperDraft(name="Ana", phone="+351912345678", email="ana@example.org")
    return make_order(hub=make_hub().public_id, shopper=shopper, external_id="A-1")


def test_the_list_filters_by_order_state_reason_channel_moment_and_day(
    key: KeyClient, order: Order
) -> None:
    good = make_message(order, contact=make_contact("+351912345678"))
    bad = make_message(order, state="failed", reason="refused", channel="email", moment="failed")
    other = make_message(make_order(hub=make_hub().public_id))
    for query, expected in {
        "": {good, bad, other},
        f"?order={order.public_id}": {good, bad},
        "?order=external_id:A-1": {good, bad},
        "?state=failed,unknown": {bad},
        "?reason=refused": {bad},
        "?channel=email": {bad},
        "?moment=failed": {bad},
        "?until=2001-01-01": set(),
    }.items():
        answer = key.get(f"{MESSAGES}{query}")
        assert answer.status_code == 200, answer.content
        assert {item["id"] for item in answer.json()["items"]} == {
            row.public_id for row in expected
        }, query
    for wrong in ("state=x", "reason=x", "channel=x", "since=x", "unknown=1"):
        assert key.get(f"{MESSAGES}?{wrong}").status_code == 422, wrong


def test_a_message_shows_words_calls_and_why_but_no_link_and_no_code(
    key: KeyClient, order: Order
) -> None:
    row = make_message(
        order, state="failed", reason="refused", text="Go ⟦link⟧ ⟦code⟧",
        contact=make_contact("+351912345678"), price_micros=7_500, currency="USD",
    )  # fmt: skip
    make_call(row, result="refused", code="21211", words="Bad number")
    shown = key.get(f"{MESSAGES}{row.public_id}/").json()
    assert shown["text"] == "Go (link) ••••••"
    assert shown["to"] == "+351912345678"
    assert shown["why"].startswith("The provider refused this message.")
    assert shown["provider_calls"][0]["words"] == "Bad number"
    assert (shown["price_micros"], shown["currency"]) == (7_500, "USD")
    assert "secret" not in shown


def test_own_words_are_sent_and_a_repeated_call_sends_once(key: KeyClient, order: Order) -> None:
    make_account("sms")
    body = {"order": "external_id:A-1", "text": " Tom & Jerry's <24h> "}
    answer = key.call("post", MESSAGES, body, idempotency_key="one")
    again = key.call("post", MESSAGES, body, idempotency_key="one")
    assert (answer.status_code, again.status_code) == (201, 201)
    assert answer.json()["id"] == again.json()["id"]
    row = Message.objects.get()
    assert (row.text, row.channel) == (body["text"], "sms")
    assert answer["Location"].endswith(f"{MESSAGES}{row.public_id}/")


@pytest.mark.parametrize(
    ("body", "status", "pointer"),
    [
        ({}, 422, "/order"),
        ({"order": "ord_x", "text": "x"}, 422, "/order"),
        ({"order": "external_id:A-1"}, 422, "/text"),
        ({"order": "external_id:A-1", "text": "x", "moment": "delivered"}, 422, "/text"),
        ({"order": "external_id:A-1", "text": "x", "channel": "email"}, 422, "/channel"),
        ({"order": "external_id:A-1", "text": "x", "channel": "fax"}, 422, "/channel"),
        ({"order": "external_id:A-1", "moment": "step_up_code"}, 422, "/moment"),
        ({"order": "external_id:A-1", "moment": "delivered", "channel": "sms"}, 422, "/channel"),
        ({"order": "external_id:A-1", "moment": "delivered"}, 409, None),
        ({"order": "external_id:A-1", "text": "x" * 1_401}, 422, "/text"),
    ],
)
def test_a_refused_message_names_the_field_and_changes_nothing(
    key: KeyClient, order: Order, body: dict[str, str], status: int, pointer: str | None
) -> None:
    make_account("sms")
    answer = key.call("post", MESSAGES, body)
    assert answer.status_code == status, answer.content
    pointers = [error["pointer"] for error in answer.json().get("errors", [])]
    assert pointers == ([pointer] if pointer else [])
    if status == 409:
        assert answer.json()["code"] == "message_not_sendable"
    assert Message.objects.count() == 0


def test_without_any_channel_the_answer_says_why(key: KeyClient, order: Order) -> None:
    answer = key.call("post", MESSAGES, {"order": "external_id:A-1", "text": "x"})
    assert answer.status_code == 409
    assert answer.json()["detail"].startswith("No channel is on that could reach this person.")


def test_only_what_did_not_arrive_is_sent_again(key: KeyClient, order: Order) -> None:
    make_account("sms")
    done = make_message(order)
    answer = key.call("post", f"{MESSAGES}{done.public_id}/retry/")
    assert (answer.status_code, answer.json()["code"]) == (409, "message_not_retryable")
    failed = make_message(
        order, state="failed", reason="refused", moment="answer",
        not_after="2100-01-01T00:00:00Z", contact=contact_of("phone", order.shopper.phone),
    )  # fmt: skip
    answer = key.call("post", f"{MESSAGES}{failed.public_id}/retry/")
    assert answer.status_code == 201
    assert answer.json()["state"] == "waiting"


def test_a_key_of_one_hub_sees_and_sends_for_its_orders_alone(
    retailer: RetailerRef, order: Order
) -> None:
    make_account("sms")
    hub = make_hub()
    own = make_message(make_order(hub=hub.public_id))
    other = make_message(order)
    to_members = make_message(None, channel="email", moment="budget_reached")
    bound = key_client(retailer, KeyRole.INTEGRATION, hubs=[hub.public_id])
    assert [item["id"] for item in bound.get(MESSAGES).json()["items"]] == [own.public_id]
    for row in (other, to_members):
        assert bound.get(f"{MESSAGES}{row.public_id}/").status_code == 404
        assert bound.call("post", f"{MESSAGES}{row.public_id}/retry/").status_code == 404
    sent = bound.call("post", MESSAGES, {"order": order.public_id, "text": "x"})
    assert sent.status_code == 422
    assert Message.objects.count() == 3


def test_an_opt_out_is_added_listed_and_lifted_by_staff(key: KeyClient) -> None:
    body = {"to": "+351 912 345 678", "channel": "sms"}
    added = key.call("post", OPT_OUTS, body)
    assert added.status_code == 201, added.content
    assert key.call("post", OPT_OUTS, body).json()["id"] == added.json()["id"]
    (item,) = key.get(OPT_OUTS).json()["items"]
    assert (item["to"], item["channel"], item["by"]) == ("+351912345678", "sms", "staff")
    assert key.get(f"{OPT_OUTS}{item['id']}/").json() == item
    assert key.call("delete", f"{OPT_OUTS}{item['id']}/").status_code == 204
    assert key.get(OPT_OUTS).json()["items"] == []
    assert key.get(f"{OPT_OUTS}{item['id']}/").status_code == 404
    entries = AuditEntry.objects.filter(act__startswith="contact.").order_by("pk")
    assert [entry.act for entry in entries] == ["contact.opted_out", "contact.opted_in"]
    texts = [strip_tags(line.sentence) for line in lines(list(entries))]
    assert "stopped messages to a phone number" in texts[0]
    assert "allowed messages to a phone number again" in texts[1]
    stored = str([(entry.subject, entry.changes) for entry in entries])
    assert "912" not in stored


def test_the_opt_out_of_a_person_is_theirs_to_lift(key: KeyClient) -> None:
    contact = contact_of("phone", "+351912345678")
    opt_out(contact=contact, channel="sms", by="word")
    answer = key.call("delete", f"{OPT_OUTS}{contact.public_id}:sms/")
    assert (answer.status_code, answer.json()["code"]) == (409, "opt_out_is_theirs")
    assert ContactChannel.objects.get(contact=contact).opted_out_at is not None
    assert not AuditEntry.objects.filter(act__startswith="contact.").exists(), "they did it"


@pytest.mark.parametrize(
    "body",
    [
        {"to": "12", "channel": "sms"},
        {"to": "ana@example.org", "channel": "sms"},
        {"to": "+351912345678", "channel": "email"},
        {"to": "+351912345678", "channel": "push"},
        {"to": "", "channel": "sms"},
    ],
)
def test_a_wrong_opt_out_is_refused_and_stores_nothing(
    key: KeyClient, body: dict[str, str]
) -> None:
    assert key.call("post", OPT_OUTS, body).status_code == 422
    assert ContactChannel.objects.count() == 0


def test_templates_are_read_by_name_saved_with_a_version_and_restored(
    retailer: RetailerRef, key: KeyClient
) -> None:
    name = f"{TEMPLATES}out_for_delivery:en:sms/"
    default = key.get(name)
    assert default.status_code == 200
    assert (default.json()["id"], default.json()["is_default"]) == (None, True)
    assert default["ETag"] == '"0"'
    owner = logged_in(retailer, add_member(Role.OWNER))
    new = {"parts": {"text": "{shop}: on its way. {link}"}}

    def put(body: dict[str, object], etag: str) -> object:
        return owner.put(name, body, content_type="application/json", headers={"if-match": etag})

    saved = put(new, '"0"')
    assert saved.status_code == 200, saved.content  # type: ignore[attr-defined]
    row = MessageTemplate.objects.get()
    (item,) = key.get(TEMPLATES).json()["items"]
    assert (item["id"], item["ref"]) == (row.public_id, "out_for_delivery:en:sms")
    assert key.get(f"{TEMPLATES}{row.public_id}/").json()["parts"] == new["parts"]
    assert put(new, '"0"').status_code == 412  # type: ignore[attr-defined]
    wrong = put({"parts": {"text": "{nobody} {"}}, '"1"')
    assert wrong.status_code == 422  # type: ignore[attr-defined]
    assert wrong.json()["errors"][0]["pointer"].startswith("/parts/")  # type: ignore[attr-defined]
    restored = owner.delete(name)
    assert restored.json()["is_default"] is True
    assert restored.json()["parts"] == default.json()["parts"]


def test_a_key_may_try_words_but_not_save_them(key: KeyClient, order: Order) -> None:
    body = {
        "moment": "out_for_delivery", "language": "en", "channel": "sms",
        "parts": {"text": "{shop} “brings” it. {link}"}, "order": "external_id:A-1",
    }  # fmt: skip
    shown = key.call("post", f"{TEMPLATES}preview/", body)
    assert shown.status_code == 200, shown.content
    assert shown.json()["alphabet"] == "UCS-2"
    assert "“" in shown.json()["costly"]
    faulty = key.call("post", f"{TEMPLATES}preview/", body | {"parts": {"text": "{"}})
    assert faulty.json()["faults"][0]["part"] == "text"
    for wrong in ({"moment": "x"}, {"language": "xx"}, {"channel": "fax"}):
        assert key.call("post", f"{TEMPLATES}preview/", body | wrong).status_code == 422
    name = f"{TEMPLATES}out_for_delivery:en:sms/"
    assert key.call("put", name, {"parts": {"text": "x"}}).status_code == 403
    assert MessageTemplate.objects.count() == 0
    assert Message.objects.count() == 0


@pytest.mark.parametrize("ref", ["x", "a:b:c", "out_for_delivery:en", "mtp_00000000000000000000"])
def test_an_unknown_template_is_not_found(key: KeyClient, ref: str) -> None:
    assert key.get(f"{TEMPLATES}{ref}/").status_code == 404
