"""Access notes: who writes them, who sees the code, and when it is deleted."""

from __future__ import annotations

import io
import json
import re
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection

from dispatch.orders import selectors, services
from dispatch.orders.drafts import ShopperDraft
from dispatch.orders.errors import NoAccessCode, OrderUnderWay
from dispatch.orders.models import AccessNote, Order
from dispatch.orders.states import ENDED
from dispatch.planning.selectors import lists
from lastmile.core.errors import Invalid, Stale
from lastmile.core.events import Event
from lastmile.core.tenancy import RetailerRef, retailer_context
from tenants.people.models import AuditEntry
from tenants.permissions import Role
from tests.dispatch.orders.actions import attempt, out
from tests.dispatch.planning.test_plans import day_of, plan
from tests.factories import make_hub, make_order
from tests.people import add_member, logged_in

CODE = "4711#B"


@pytest.fixture
def order(retailer: RetailerRef) -> Order:
    make_hub()
    return make_order()


def coded(order: Order, **fields: Any) -> AccessNote:
    values = {"kind": "gate_code", "text": "Second gate, then left", "code": CODE} | fields
    return services.set_access(order=order, **values)


def page_of(order: Order) -> str:
    return f"/console/orders/{order.public_id}/"


def revealed() -> list[tuple[str, str]]:
    return list(AuditEntry.objects.filter(act="access.reveal").values_list("actor", "subject"))


def test_a_code_is_encrypted_in_the_database_and_never_in_an_event(order: Order) -> None:
    coded(order)
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_jsonb(t)::text FROM orders_accessnote t")
        ((row,),) = cursor.fetchall()
    assert CODE not in row
    event = Event.objects.get(kind="order.changed")
    assert event.data == {"changed": ["access"]}
    note = selectors.access_notes([order.pk])[order.pk]
    assert (note.kind, note.has_code) == ("gate_code", True)
    assert CODE not in str(note)


def test_a_new_text_keeps_the_code_and_another_kind_does_not(order: Order) -> None:
    coded(order)
    coded(order, text="Third gate", code=None)
    assert AccessNote.objects.get().code == CODE
    coded(order, kind="pin", code=None)
    assert AccessNote.objects.get().code is None
    coded(order)
    coded(order, code="")
    assert AccessNote.objects.get().code is None


def test_the_same_note_again_records_nothing_and_a_cleared_note_is_gone(order: Order) -> None:
    coded(order)
    coded(order)
    assert Event.objects.filter(kind="order.changed").count() == 1
    services.clear_access(order=order)
    services.clear_access(order=order)
    assert not AccessNote.objects.exists()
    assert Event.objects.filter(kind="order.changed").count() == 2
    services.set_access(order=order, kind="")
    assert not AccessNote.objects.exists(), "an empty note is no note"


@pytest.mark.parametrize("fields", [
    {"kind": "balcony"}, {"kind": "safe_place", "code": "12"}, {"text": "x" * 1001},
    {"code": "9" * 65}, {"code": "nul\x00"},
])  # fmt: skip
def test_a_wrong_note_is_refused_and_the_note_before_stays(
    order: Order, fields: dict[str, Any]
) -> None:
    coded(order)
    with pytest.raises(Invalid):
        coded(order, **fields)
    with pytest.raises(Stale):
        coded(order, text="Other", version=99)
    note = AccessNote.objects.get()
    assert (note.kind, note.text, note.code) == ("gate_code", "Second gate, then left", CODE)


def end(order: Order, state: str) -> None:
    """Bring an order to one of the states that end it."""
    if state == "cancelled":
        services.cancel_order(order=order)
    elif state == "delivered":
        attempt(out(order))
    else:
        attempt(out(order), outcome="failed", reason="not_home")
        services.return_order(order=order)


@pytest.mark.parametrize("state", sorted(ENDED))
def test_the_code_is_deleted_when_the_order_ends_and_the_note_is_final(
    order: Order, state: str
) -> None:
    coded(order)
    coded(other := make_order())
    end(order, state)
    assert Order.objects.get(pk=order.pk).state == state
    assert AccessNote.objects.get(order=order).code is None
    assert AccessNote.objects.get(order=other).code == CODE
    with pytest.raises(NoAccessCode):
        services.reveal_code(order=order)
    for act in (lambda: coded(order), lambda: services.clear_access(order=order)):
        with pytest.raises(OrderUnderWay):
            act()
    assert AccessNote.objects.get(order=order).text == "Second gate, then left"


def test_a_failed_attempt_keeps_the_code_for_the_next_one(order: Order) -> None:
    coded(order)
    attempt(out(order), outcome="failed", reason="not_home")
    assert services.reveal_code(order=order) == CODE


# --- pages ----------------------------------------------------------------------------------------
@pytest.mark.parametrize("role", [Role.OWNER, Role.MANAGER, Role.DISPATCHER])
@pytest.mark.parametrize("htmx", [False, True])
def test_a_look_at_the_code_is_a_post_and_each_one_is_in_the_audit_log(
    retailer: RetailerRef, order: Order, role: str, htmx: bool
) -> None:
    coded(order)
    member = add_member(role)
    desk = logged_in(retailer, member)
    for answer in (
        desk.get(page_of(order)),
        desk.get(page_of(order), headers={"hx-request": "true"}),
    ):
        assert "Second gate" in answer.content.decode()
        assert CODE not in answer.content.decode()
    address = f"{page_of(order)}access-code/"
    assert desk.get(address).status_code == 405
    assert revealed() == []
    headers = {"hx-request": "true"} if htmx else {}
    for _n in range(2):
        answer = desk.post(address, headers=headers)
        assert CODE in answer.content.decode()
        assert "no-store" in answer.headers["Cache-Control"]
    assert revealed() == [(member.public_id, order.public_id)] * 2
    log = logged_in(retailer, add_member(Role.OWNER)).get("/audit/").content.decode()
    log = " ".join(re.sub(r"<[^>]+>", " ", log).split())
    assert f"looked at the access code of the order {order.external_id}" in log


@pytest.mark.parametrize("role", [Role.READONLY, Role.PICKER])
def test_who_may_only_read_never_sees_the_code(
    retailer: RetailerRef, order: Order, role: str
) -> None:
    coded(order)
    desk = logged_in(retailer, add_member(role))
    assert "Your role cannot see it" in desk.get(page_of(order)).content.decode()
    assert desk.post(f"{page_of(order)}access-code/").status_code == 403
    assert revealed() == []


def test_another_hub_and_another_do_not_find_the_code(
    retailer: RetailerRef, other: RetailerRef, order: Order
) -> None:
    coded(order)
    far = make_hub(name="Porto", lat=41.1, lon=-8.6)
    of_porto = logged_in(retailer, add_member(Role.DISPATCHER, hubs=[far.public_id]))
    assert of_porto.post(f"{page_of(order)}access-code/").status_code == 404
    with retailer_context(other):
        stranger = logged_in(other, add_member(Role.OWNER))
    assert stranger.post(f"{page_of(order)}access-code/").status_code == 404
    assert revealed() == []


def test_staff_write_the_note_on_the_order_page(retailer: RetailerRef, order: Order) -> None:
    desk = logged_in(retailer, add_member(Role.DISPATCHER))
    form = {"what": "access", "version": order.version, "access-kind": "lockbox",
            "access-text": "Left of the door", "access-code": CODE}  # fmt: skip
    assert desk.post(page_of(order), form).status_code == 302
    note = AccessNote.objects.get()
    assert (note.kind, note.text, note.code) == ("lockbox", "Left of the door", CODE)
    form |= {"access-code": "", "access-text": "Right of the door"}
    assert desk.post(page_of(order), form).status_code == 302
    note.refresh_from_db()
    assert (note.text, note.code) == ("Right of the door", CODE)
    assert desk.post(page_of(order), form | {"access-no_code": "on"}).status_code == 302
    assert AccessNote.objects.get().code is None
    services.clear_access(order=order)
    services.change_order(order=order, least_age=18)
    version = Order.objects.get(pk=order.pk).version
    refused = desk.post(page_of(order), form | {"version": version})
    assert (refused.status_code, "18 or older" in refused.content.decode()) == (422, True)
    assert not AccessNote.objects.exists()


def test_a_manifest_prints_the_note_and_shows_codes_only_when_asked(
    retailer: RetailerRef,
) -> None:
    hub = day_of(2)
    orders = list(Order.objects.all())
    services.change_order(order=orders[0], least_age=18, signature=True)
    for row in orders:
        coded(row)
    draft = plan(hub)
    (route,) = [r for r in lists.routes_of(draft) if r.stops.count()][:1]
    served = [stop.order.public_id for stop in route.stops.all()]
    address = f"/console/routes/{route.public_id}/manifest/"
    member = add_member(Role.DISPATCHER)
    desk = logged_in(retailer, member)
    printed = desk.get(address).content.decode()
    assert "Second gate, then left" in printed
    assert "Check age: 18 or older" in printed
    assert CODE not in printed
    with_codes = desk.post(address).content.decode()
    assert with_codes.count(CODE) == len(served)
    assert sorted(revealed()) == sorted((member.public_id, one) for one in served)
    reader = logged_in(retailer, add_member(Role.READONLY))
    assert "Second gate" in reader.get(address).content.decode()
    assert reader.post(address).status_code == 403


def test_erasing_a_shopper_deletes_the_note(retailer: RetailerRef, order: Order) -> None:
    of_ana = make_order(shopper=ShopperDraft(name="Ana", email="ana@example.org"))
    coded(of_ana)
    coded(order)
    attempt(out(of_ana))
    output = io.StringIO()
    call_command("erase_shopper", "--schema", "t1", "--email", "ana@example.org", "--json",
                 stdout=output)  # fmt: skip
    assert json.loads(output.getvalue())
    assert list(AccessNote.objects.values_list("order", flat=True)) == [order.pk]
