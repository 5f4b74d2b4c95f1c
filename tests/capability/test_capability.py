"""Tests of the guide for new apps: the example app uses every function of core unchanged."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from channels.layers import channel_layers
from channels.routing import URLRouter
from django.core.checks import run_checks
from django.core.management import call_command
from django.db import connections
from django.test import Client
from django.urls import reverse

from dispatch.orders.models import Cause, Order
from dispatch.orders.services import cancel_order
from lastmile.core import clock, derived
from lastmile.core.erasing import forget
from lastmile.core.models import CallbackRecord, Event, Job
from lastmile.core.providers import ProviderError
from lastmile.core.tenancy import RetailerRef, in_retailer, retailer_context
from tenants.gate import SocketGate
from tenants.people.models import AuditEntry
from tenants.permissions import KeyRole, Role
from tests.capability import ws
from tests.capability.credentials import link_secret
from tests.capability.models import Remark
from tests.capability.policy import remarks_policy
from tests.capability.services import RETENTION
from tests.capability.vendors.corrections import signature
from tests.capability.vendors.libre import LibreTranslator
from tests.captured import Captured, Replay
from tests.drain import drain
from tests.factories import make_hub, make_order
from tests.people import KeyClient, add_member, key_client, logged_in
from tests.sockets import Socket

pytestmark = pytest.mark.usefixtures("installed")
API = "/api/v1/remarks/"


@pytest.fixture
def order(installed: None, retailer: RetailerRef) -> Order:
    """An order of the retailer t1."""
    make_hub()
    return make_order()


def add(api: KeyClient, order: Order, text: str = "The bell is broken.") -> Any:
    """Post a remark to the API and return the answer."""
    return api.post(API, {"order": order.public_id, "text": text})


def test_every_name_resolves_and_every_url_declares_its_permission() -> None:
    assert [str(problem) for problem in run_checks(tags=["house"])] == []


def test_a_remark_is_added_once_recorded_and_translated_by_a_job(
    order: Order, retailer: RetailerRef
) -> None:
    api = key_client(retailer)
    added = add(api, order)
    assert added.status_code == 201, added.content
    event = Event.objects.get(kind="remark.added")
    assert (event.subject, event.data) == (added.json()["id"], {"order": order.public_id})
    drain()
    job = Job.objects.get(kind="remarks.translate")
    assert (job.state, job.subject) == ("succeeded", added.json()["id"])
    assert Remark.objects.get().translated == "[es] The bell is broken."
    (item,) = api.get(API).json()["items"]
    assert item["translated"] == "[es] The bell is broken."


def test_list_page_and_menu_item_show_each_retailer_only_its_own_remarks(
    order: Order, retailer: RetailerRef, other: RetailerRef
) -> None:
    add(key_client(retailer), order)
    reader = logged_in(retailer, add_member(Role.READONLY))
    page = reader.get("/remarks/")
    assert "The bell is broken." in page.content.decode()
    assert 'href="/remarks/"' in page.content.decode(), "the menu leads to it"
    with retailer_context(other):
        stranger = logged_in(other, add_member(Role.OWNER))
    assert "The bell is broken." not in stranger.get("/remarks/").content.decode()
    assert key_client(other).get(API).json()["items"] == []
    assert Client(headers={"host": retailer.domain}).get("/remarks/").status_code == 302
    assert key_client(retailer, KeyRole.LOCKER).get(API).status_code == 403


def test_the_panel_on_the_page_of_an_order_shows_its_remarks_or_is_empty(
    order: Order, retailer: RetailerRef
) -> None:
    reader = logged_in(retailer, add_member(Role.READONLY))
    panel = f"/remarks/of/{order.public_id}/"
    page = reader.get(reverse("orders:order", args=[order.public_id])).content.decode()
    assert f'hx-get="{panel}"' in page
    assert reader.get(panel).status_code == 204
    add(key_client(retailer), order)
    assert "The bell is broken." in reader.get(panel).content.decode()
    assert reader.get("/remarks/of/ord_unknown/").status_code == 404


def test_a_new_remark_is_sent_to_the_open_pages_of_its_retailer(
    order: Order, retailer: RetailerRef
) -> None:
    session = logged_in(retailer, add_member(Role.READONLY)).cookies["sid"].value
    api = key_client(retailer)

    async def listen() -> None:
        channel_layers.backends.clear()
        app = SocketGate(URLRouter(ws.routes))
        headers = [
            (b"host", retailer.domain.encode()),
            (b"origin", f"http://{retailer.domain}:8000".encode()),
            (b"cookie", f"sid={session}".encode()),
        ]
        socket = Socket(app, "/ws/v1/remarks/", headers)
        assert await socket.open()
        first = await socket.frame()
        assert (first["type"], first["data"]) == ("snapshot", {"remarks": 0})
        added = await sync_to_async(add)(api, order)
        await in_retailer(retailer, drain)
        frames = [await socket.frame(), await socket.frame()]
        assert {frame["type"] for frame in frames} == {"remark", "translated"}
        assert {frame["data"]["remark"] for frame in frames} == {added.json()["id"]}
        await socket.leave()
        await sync_to_async(connections.close_all)()

    try:
        async_to_sync(listen)()
    finally:
        channel_layers.backends.clear()


def test_a_link_opens_one_remark_without_an_account_until_it_ends(
    order: Order, retailer: RetailerRef, other: RetailerRef
) -> None:
    public_id = add(key_client(retailer), order).json()["id"]
    secret = link_secret(public_id)
    reader = Client(headers={"host": retailer.domain})
    answer = reader.get(f"/r/{secret}/")
    assert "The bell is broken." in answer.content.decode()
    assert answer.headers["Cache-Control"] == "private, no-store"
    assert answer.headers["Referrer-Policy"] == "same-origin"
    assert reader.get("/r/aaaa/").status_code == 404
    assert Client(headers={"host": other.domain}).get(f"/r/{secret}/").status_code == 404
    derived.end(purpose="remark_link", subject=public_id)
    assert reader.get(f"/r/{secret}/").status_code == 404


def test_the_policy_has_a_page_is_audited_and_applies_at_once_to_its_retailer_only(
    order: Order, retailer: RetailerRef, other: RetailerRef
) -> None:
    owner = logged_in(retailer, add_member(Role.OWNER))
    address = reverse("tenants:section", args=["remarks"])
    assert "Longest remark, characters" in owner.get(address).content.decode()
    assert owner.post(address, {"longest": "12", "version": "0"}).status_code == 302
    api = key_client(retailer)
    refused = add(api, order)
    assert (refused.status_code, refused.json()["code"]) == (422, "remark_too_long")
    assert Remark.objects.count() == 0
    assert add(api, order, "Ring twice.").status_code == 201
    entry = AuditEntry.objects.get(act="policy.set")
    assert entry.changes == {"remarks.longest": {"before": 500, "after": 12}}
    reader = logged_in(retailer, add_member(Role.READONLY))
    assert reader.post(address, {"longest": "4000", "version": "1"}).status_code == 403
    with retailer_context(other):
        assert remarks_policy().longest == 500
    assert remarks_policy().longest == 12


def test_remarks_are_erased_with_their_shopper_and_deleted_after_a_year(
    order: Order, retailer: RetailerRef
) -> None:
    api = key_client(retailer)
    add(api, order)
    shopper = order.shopper.public_id
    cancel_order(order=order, cause=Cause.API)
    call_command("erase_shopper", schema=retailer.schema, shopper=shopper, dry_run=True)
    assert Remark.objects.count() == 1
    call_command("erase_shopper", schema=retailer.schema, shopper=shopper)
    assert Remark.objects.count() == 0
    add(api, order)
    Remark.objects.update(created_at=clock.now() - RETENTION + dt.timedelta(minutes=1))
    forget()
    assert Remark.objects.count() == 1
    Remark.objects.update(created_at=clock.now() - RETENTION - dt.timedelta(minutes=1))
    forget()
    assert Remark.objects.count() == 0


def test_the_adapter_follows_the_recorded_calls_and_tells_permanent_errors() -> None:
    good = Captured(method="POST", path="/translate", body={"translatedText": "No funciona."})
    replayed = LibreTranslator("http://translator.test", Replay(good))
    assert replayed.translate("It is broken.", to="es") == "No funciona."
    for answer, permanent in (({"error": "busy"}, False), ({"odd": 1}, True)):
        status = 200 if permanent else 503
        bad = Captured(method="POST", path="/translate", status=status, body=answer)
        with pytest.raises(ProviderError) as refused:
            LibreTranslator("http://translator.test", Replay(bad)).translate("x", to="es")
        assert refused.value.permanent is permanent


def test_a_repeated_callback_acts_once_and_a_forged_one_changes_nothing(
    order: Order, retailer: RetailerRef, other: RetailerRef
) -> None:
    public_id = add(key_client(retailer), order).json()["id"]
    body = json.dumps({"id": "c1", "remark": public_id, "text": "El timbre no anda."}).encode()

    def call(ref: RetailerRef, signed: str) -> int:
        answer = Client(headers={"host": ref.domain, "x-signature": signed}).post(
            "/callbacks/corrections/", body, content_type="application/json"
        )
        return answer.status_code

    assert call(retailer, "forged") == 403
    assert (
        call(other, signature(body)) == 200
    )  # accepted, although that retailer has no such remark
    assert Remark.objects.get().translated == ""
    assert [call(retailer, signature(body)) for _again in range(2)] == [200, 200]
    assert Remark.objects.get().translated == "El timbre no anda."
    assert CallbackRecord.objects.count() == 1
