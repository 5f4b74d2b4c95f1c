"""Pages of threads: the panel of an order, the inbox, and the saved replies."""

from __future__ import annotations

import datetime as dt
import re
import uuid

import pytest
from django.test import Client

from dispatch.orders.models import Order
from lastmile.core.tenancy import RetailerRef, retailer_context
from notifications.models import Message, SavedReply, Thread, ThreadEntry
from notifications.selectors.threads import last_entries
from notifications.services.saved_replies import save_reply
from notifications.services.threads import write_from_page
from tenants.people.models import AuditEntry
from tenants.roles import Role
from tests.dispatch.conftest import SetClock, clock
from tests.factories import make_hub, make_order
from tests.factories.orders import DAY
from tests.notifications.making import switch_on
from tests.notifications.test_threads import reply
from tests.people import add_member, logged_in

__all__ = ["clock"]
HTMX = {"hx-request": "true"}


@pytest.fixture(autouse=True)
def morning(clock: SetClock) -> None:
    clock(dt.datetime.combine(DAY, dt.time(9), dt.UTC))


@pytest.fixture
def order(retailer: RetailerRef) -> Order:
    make_hub()
    return make_order()


@pytest.fixture
def desk(retailer: RetailerRef) -> Client:
    return logged_in(retailer, add_member(Role.DISPATCHER))


def panel_of(order: Order) -> str:
    return f"/messages/of-order/{order.public_id}/thread/"


def send(browser: Client, thread: Thread, text: str, **options: object) -> int:
    form = {"text": text, "key": uuid.uuid4().hex}
    path = f"/messages/inbox/{thread.public_id}/answer/"
    return browser.post(path, form, **options).status_code  # type: ignore[arg-type]


def test_the_panel_of_an_order_shows_what_was_written_and_takes_an_answer(
    desk: Client, order: Order
) -> None:
    switch_on("sms")
    assert desk.get(panel_of(order), headers=HTMX).status_code == 204
    thread = reply("Where <b>are</b> you?", from_=order.shopper.phone).thread
    page = desk.get(panel_of(order), headers=HTMX).content.decode()
    assert "Where &lt;b&gt;are&lt;/b&gt; you?" in page
    assert send(desk, thread, "At two.", headers=HTMX) == 200
    page = desk.get(panel_of(order), headers=HTMX).content.decode()
    assert "At two." in page
    assert Message.objects.get().text == "At two."
    assert desk.get(panel_of(order)).status_code == 302, "without scripts, back to the order"


def test_a_refused_answer_says_why_and_keeps_what_was_typed(desk: Client, order: Order) -> None:
    thread = reply("Hi", from_=order.shopper.phone).thread  # no channel is on
    form = {"text": "At two.", "key": uuid.uuid4().hex}
    answer = desk.post(f"/messages/inbox/{thread.public_id}/answer/", form)
    assert answer.status_code == 422
    assert "At two." in answer.content.decode()
    assert not Message.objects.exists()


def test_the_inbox_lists_what_waits_and_the_threads_without_an_order(
    desk: Client, order: Order
) -> None:
    waiting = write_from_page(order=order, text="Please ring twice", key="p1").thread
    reply("Who are you?", from_="+34600111222")
    page = desk.get("/messages/inbox/").content.decode()
    assert "Please ring twice" in page
    assert "Who are you?" in page
    general = desk.get("/messages/inbox/?view=general").content.decode()
    assert "Please ring twice" not in general
    assert "+34600111222" in general
    desk.post(f"/messages/inbox/{waiting.public_id}/read/")
    assert "Please ring twice" not in desk.get("/messages/inbox/").content.decode()
    assert "Please ring twice" in desk.get("/messages/inbox/?view=all").content.decode()


def test_the_board_shows_how_many_replies_of_its_hub_wait(
    desk: Client, retailer: RetailerRef, order: Order
) -> None:
    assert order.hub is not None
    path = f"/messages/replies-of/{order.hub.public_id}/"
    assert desk.get(path, headers=HTMX).content.decode().strip() == ""
    thread = write_from_page(order=order, text="Please ring twice", key="p1").thread
    reply("Who are you?", from_="+34600111222")  # no hub
    assert "1 reply to answer" in desk.get(path, headers=HTMX).content.decode()
    elsewhere = make_hub(name="Elsewhere", external_id="H-2")
    there = f"/messages/replies-of/{elsewhere.public_id}/"
    assert desk.get(there, headers=HTMX).content.decode().strip() == ""
    limited = logged_in(retailer, add_member(Role.DISPATCHER, hubs=[elsewhere.public_id]))
    assert limited.get(path, headers=HTMX).status_code == 404
    desk.post(f"/messages/inbox/{thread.public_id}/read/")
    assert desk.get(path, headers=HTMX).content.decode().strip() == ""
    assert desk.get(path)["Location"] == "/messages/inbox/", "without scripts, the inbox"


def test_a_thread_is_moved_to_the_order_with_the_typed_number(desk: Client, order: Order) -> None:
    stray = reply("Hi", from_="+34600111222").thread
    path = f"/messages/inbox/{stray.public_id}/move/"
    assert desk.post(path, {"order": "nothing"}).status_code == 422
    assert desk.post(path, {"order": order.external_id}).status_code == 302
    stray.refresh_from_db()
    assert stray.order == order


def test_members_see_only_threads_of_their_hubs_and_strangers_nothing(
    retailer: RetailerRef, other: RetailerRef, client: Client, order: Order
) -> None:
    thread = write_from_page(order=order, text="Please ring twice", key="p1").thread
    stray = reply("Who are you?", from_="+34600111222").thread
    elsewhere = make_hub(name="Elsewhere", external_id="H-2")
    limited = logged_in(retailer, add_member(Role.DISPATCHER, hubs=[elsewhere.public_id]))
    with retailer_context(other):
        foreign = logged_in(other, add_member(Role.OWNER))
    for browser in (limited, foreign):
        page = browser.get("/messages/inbox/?view=all").content.decode()
        assert "Please ring twice" not in page
        assert "Who are you?" not in page
        for row in (thread, stray):
            assert browser.get(f"/messages/inbox/{row.public_id}/").status_code == 404
            assert send(browser, row, "Hello") == 404
    reader = logged_in(retailer, add_member(Role.READONLY))
    assert reader.get(f"/messages/inbox/{thread.public_id}/").status_code == 200
    assert send(reader, thread, "Hello") == 403
    assert client.get("/messages/inbox/").status_code == 302
    assert ThreadEntry.objects.count() == 2


def test_a_reply_is_saved_changed_offered_and_deleted(desk: Client, order: Order) -> None:
    form = {"language": "en", "title": "Coming", "text": "We are coming."}
    assert desk.post("/messages/saved-replies/", form).status_code == 302
    assert desk.post("/messages/saved-replies/", form).status_code == 422, "one title once"
    row = SavedReply.objects.get()
    path = f"/messages/saved-replies/{row.public_id}/"
    form["version"] = "1"
    assert desk.post(path, form | {"text": "We come."}).status_code == 302
    thread = write_from_page(order=order, text="Hello", key="p1").thread
    assert "We come." in desk.get(f"/messages/inbox/{thread.public_id}/").content.decode()
    assert desk.post(path, {"what": "delete", "version": "2"}).status_code == 302
    assert not SavedReply.objects.exists()


def test_a_reply_that_somebody_else_changed_is_neither_changed_nor_deleted(
    desk: Client, retailer: RetailerRef
) -> None:
    row = save_reply(language="en", title="Coming", text="We are coming.")
    path = f"/messages/saved-replies/{row.public_id}/"
    assert 'name="version" value="1"' in desk.get(path).content.decode()
    save_reply(reply=row, version=1, language="en", title="Coming", text="We come.")
    typed = {"language": "en", "title": "Coming", "text": "Mine"}
    for version in ({"version": "1"}, {}):
        answer = desk.post(path, typed | version)
        assert answer.status_code == 422
        page = answer.content.decode()
        assert "Someone else changed this meanwhile" in page
        assert "Mine" in page, "what was typed is kept"
        answer = desk.post(path, {"what": "delete"} | version, follow=True)
        assert "Someone else changed this meanwhile" in answer.content.decode()
    row.refresh_from_db()
    assert (row.text, row.version) == ("We come.", 2)
    assert desk.post(path, {"what": "delete", "version": "9" * 12}).status_code == 422


def write_many(order: Order, count: int) -> Thread:
    for number in range(count):
        entry = write_from_page(order=order, text=f"Text {number:03d}.", key=f"many{number}")
    return entry.thread


def test_a_long_thread_shows_the_newest_texts_and_leads_to_the_earlier_ones(
    desk: Client, order: Order
) -> None:
    thread = write_many(order, 51)
    for path, headers in (
        (f"/messages/inbox/{thread.public_id}/", {}),
        (panel_of(order), HTMX),
    ):
        page = desk.get(path, headers=headers).content.decode()
        assert "Text 000." not in page
        assert page.index("Text 001.") < page.index("Text 050."), "the oldest first"
        assert "Newest messages" not in page
        (earlier,) = {*re.findall(r'href="([^"]*cursor=[^"]*)"', page)}
        page = desk.get(earlier, headers=headers).content.decode()
        assert "Text 000." in page
        assert "Text 001." not in page
        assert "Earlier messages" not in page.replace("Earlier and", "")
        assert f'href="{path}"' in page, "back to the newest ones"
    assert send(desk, thread, "At two.", headers=HTMX) == 200
    answer = desk.post(
        f"/messages/inbox/{thread.public_id}/answer/",
        {"text": "At three.", "key": uuid.uuid4().hex},
        headers=HTMX,
    )
    assert f'href="{panel_of(order)}?cursor=' in answer.content.decode()
    assert desk.get(f"/messages/inbox/{thread.public_id}/?cursor=x").status_code == 422


def test_the_inbox_shows_the_last_text_of_a_thread_and_reads_no_more(
    desk: Client, order: Order
) -> None:
    write_many(order, 3)
    reply("Who are you?", from_="+34600111222")
    last = last_entries(Thread.objects.all())
    assert {entry.text for entry in last.values()} == {"Text 002.", "Who are you?"}
    assert "Text 002." in desk.get("/messages/inbox/").content.decode()


def test_an_answer_is_in_the_audit_log_without_its_text(desk: Client, order: Order) -> None:
    switch_on("sms")
    thread = reply("Where are you?", from_=order.shopper.phone).thread
    form = {"text": "At two, under the red oak.", "key": uuid.uuid4().hex}
    for _click in range(2):
        desk.post(f"/messages/inbox/{thread.public_id}/answer/", form)
    entry = AuditEntry.objects.get(act="thread.answered")
    assert (entry.subject, entry.changes["channel"]["after"]) == (thread.public_id, "sms")
    assert entry.actor.startswith("mbr_")
    assert "oak" not in str(entry.changes)


def test_the_home_page_asks_to_answer(desk: Client, order: Order) -> None:
    assert "waits for an answer" not in desk.get("/").content.decode()
    write_from_page(order=order, text="Hello", key="p1")
    assert "waits for an answer" in desk.get("/").content.decode()
