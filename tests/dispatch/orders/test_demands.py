"""The age check and the signature of an order, and the one rule that they need a person."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from dispatch.intake.services import receive_file
from dispatch.orders import services
from dispatch.orders.drafts import OrderDraft, ParcelDraft, PlaceDraft, PromiseDraft
from dispatch.orders.handovers import handovers_for
from dispatch.orders.models import AccessNote, Order, Promise
from lastmile.core.errors import DomainError, Invalid
from lastmile.core.models import JobState
from lastmile.core.runner import run_job
from lastmile.core.tenancy import RetailerRef
from tests.dispatch.orders.actions import at
from tests.factories import make_draft, make_hub, make_order, make_window
from tests.people import key_client

pytestmark = pytest.mark.usefixtures("hub")
BEFORE = "33d71c842f496da4b42947f28e869f6776220f6c20d5e966719b8be334844375"


@pytest.fixture
def hub(retailer: RetailerRef) -> Any:
    return make_hub()


def terms(**fields: Any) -> PromiseDraft:
    return PromiseDraft(**{"opens_at": at(13), "closes_at": at(15), "cause": "shopper"} | fields)


def place_again(order: Order, **fields: Any) -> None:
    """Send an existing order again, with other values."""
    draft = make_draft(external_id=order.external_id, **fields)
    services.place_order(draft=draft)


def facts(order: Order) -> dict[str, Any]:
    row = Order.objects.filter(pk=order.pk).values().get()
    promises = list(Promise.objects.filter(order=order).values().order_by("pk"))
    return {"row": row, "promises": promises, "notes": list(AccessNote.objects.values())}


def test_an_order_from_before_has_the_same_digest_when_it_is_sent_again() -> None:
    draft = OrderDraft(
        external_id="A-1",
        place=PlaceDraft(text="Rua 1, Lisboa", lat=38.72, lon=-9.14),
        service_date=dt.date(2026, 11, 23),
        parcels=(ParcelDraft(weight_g=2000),),
        notes="ñ",
    )
    assert draft.digest() == BEFORE


@pytest.mark.parametrize("fields", [{"least_age": 18}, {"signature": True}, {"choice": "chc_1"}])
def test_an_added_field_changes_the_digest(fields: dict[str, Any]) -> None:
    plain = make_draft(external_id="A", place=PlaceDraft(text="Rua 1"))
    assert make_draft(external_id="A", place=PlaceDraft(text="Rua 1"), **fields).digest() != (
        plain.digest()
    )


@pytest.mark.parametrize("age", [0, 12, 16, 18, 21, 30])
def test_a_least_age_within_the_bounds_is_stored(age: int) -> None:
    assert make_order(least_age=age).least_age == age


@pytest.mark.parametrize("age", [-1, 1, 11, 31, 180, True, "18", None, 18.0])
def test_any_other_least_age_is_refused_by_name(age: Any) -> None:
    with pytest.raises(Invalid) as refused:
        make_order(least_age=age)
    assert [error.pointer for error in refused.value.errors] == ["/least_age"]
    assert not Order.objects.exists()


# --- one rule, all doors --------------------------------------------------------------------------
@pytest.mark.parametrize("demand", [{"least_age": 18}, {"signature": True}])
def test_contactless_is_refused_at_every_door_where_a_person_is_demanded(
    demand: dict[str, Any],
) -> None:
    with pytest.raises(Invalid) as refused:
        make_order(handover="contactless", **demand)
    assert [e.code for e in refused.value.errors] == ["needs_a_person"]
    order = make_order(window=make_window(), **demand)
    before = facts(order)
    doors = [
        lambda: services.change_order(order=order, handover="contactless"),
        lambda: services.set_promise(order=order, draft=terms(handover="contactless")),
        lambda: services.set_access(order=order, kind="safe_place", text="Shed"),
        lambda: services.set_access(order=order, kind="neighbour", text="No. 7"),
        lambda: services.set_access(order=order, kind="lockbox", code="77"),
        lambda: place_again(order, handover="contactless", **demand),
    ]
    for number, door in enumerate(doors):
        with pytest.raises(Invalid) as closed:
            door()
        assert closed.value.errors[0].code == "needs_a_person", number
        assert facts(order) == before, number
    assert handovers_for(order) == ("attended",)
    services.set_promise(order=order, draft=terms(handover="attended"))
    services.set_access(order=order, kind="gate_code", code="1234#")  # it only opens the gate


def test_a_demand_is_refused_while_the_promise_or_the_access_avoids_a_person() -> None:
    promised = make_order(window=make_window())
    services.set_promise(order=promised, draft=terms(handover="contactless"))
    wanted = make_order(handover="contactless")
    noted = make_order()
    services.set_access(order=noted, kind="neighbour", text="Ana, no. 7")
    for order in (promised, wanted, noted):
        before = facts(order)
        for demand in ({"least_age": 18}, {"signature": True}):
            with pytest.raises(Invalid):
                services.change_order(order=Order.objects.get(pk=order.pk), **demand)
            assert facts(order) == before
    assert handovers_for(noted) == ("attended", "contactless")
    changed = services.change_order(
        order=Order.objects.get(pk=wanted.pk), handover="attended", least_age=18
    )
    assert (changed.handover, changed.least_age) == ("attended", 18)


def test_an_order_sent_again_with_a_demand_does_not_pass_its_contactless_promise() -> None:
    order = make_order(window=make_window())
    services.set_promise(order=order, draft=terms(handover="contactless"))
    before = facts(order)
    with pytest.raises(DomainError) as refused:
        place_again(order, least_age=18)
    assert "First promise a handover in person." in refused.value.detail
    assert facts(order) == before


# --- the API and files ----------------------------------------------------------------------------
def test_the_api_takes_shows_and_changes_age_and_signature(retailer: RetailerRef) -> None:
    api = key_client(retailer)
    body = {"external_id": "A", "place": {"text": "x", "lat": 38.72, "lon": -9.14}}
    placed = api.post("/api/v1/orders/", body | {"least_age": 18, "signature": True})
    assert placed.status_code == 201, placed.content
    assert (placed.json()["least_age"], placed.json()["signature"]) == (18, True)
    path = f"/api/v1/orders/{placed.json()['id']}/"
    changed = api.call("patch", path, {"least_age": 0, "signature": False})
    assert (changed.json()["least_age"], changed.json()["signature"]) == (0, False)
    assert api.call("patch", path, {"least_age": 21}).json()["signature"] is False
    refused = api.call("patch", path, {"handover": "contactless"})
    assert (refused.status_code, refused.json()["errors"][0]["code"]) == (422, "needs_a_person")
    wrong = api.post("/api/v1/orders/", body | {"external_id": "B", "least_age": 3})
    assert (wrong.status_code, wrong.json()["errors"][0]["pointer"]) == (422, "/least_age")
    choice = api.post("/api/v1/orders/", body | {"external_id": "C", "choice": "ord_1"})
    assert (choice.status_code, choice.json()["errors"][0]["pointer"]) == (422, "/choice")


HEAD = "order_id,lat,lon,{}\n"


def bring(text: str) -> Any:
    batch = receive_file(content=text.encode(), filename="orders.csv")
    assert run_job(batch.job) == JobState.SUCCEEDED
    batch.refresh_from_db()
    return batch


@pytest.mark.parametrize("headings", ["minimum_age,signature", "Edad mínima,Firma requerida"])
def test_a_file_brings_age_and_signature_with_english_or_spanish_headings(headings: str) -> None:
    lines = [
        "A,38.72,-9.14,18,yes",
        "B,38.72,-9.14,18+,Sí",
        "C,38.72,-9.14,,",
        "D,38.72,-9.14,no,0",
    ]
    bring(HEAD.format(headings) + "\n".join(lines))
    ages = dict(Order.objects.values_list("external_id", "least_age"))
    assert ages == {"A": 18, "B": 18, "C": 0, "D": 0}
    signed = Order.objects.filter(signature=True).values_list("external_id", flat=True)
    assert set(signed) == {"A", "B"}


def test_a_wrong_age_or_signature_in_a_file_refuses_its_row_with_the_remedy() -> None:
    batch = bring(HEAD.format("minimum_age,signature") + "A,38.72,-9.14,adult,maybe\nB,1,1,3,\n")
    faults = {row.number: [f["column"] for f in row.faults] for row in batch.refused.all()}
    assert next(iter(faults.values())) == ["minimum_age", "signature"]
    assert len(faults) == 2
    assert not Order.objects.exists()


def test_a_file_without_these_columns_keeps_age_and_signature() -> None:
    bring(HEAD.format("minimum_age,signature") + "A,38.72,-9.14,18,yes\n")
    bring("order_id,lat,lon,notes\nA,38.72,-9.14,Ring\n")
    order = Order.objects.get()
    assert (order.least_age, order.signature, order.notes) == (18, True, "Ring")
    bring(HEAD.format("minimum_age,signature") + "A,38.72,-9.14,0,no\n")
    order = Order.objects.get()
    assert (order.least_age, order.signature) == (0, False)
