"""/api/v1/locker-events/ and /courier-sessions/: what networks and carriers report."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from dispatch.live.models import Incident
from dispatch.orders.models import Order
from lastmile.core.clock import real_now
from lastmile.core.tenancy import RetailerRef, retailer_context
from lockers.models import LockerAccount, LockerBank, LockerEvent, LockerReservation
from lockers.services import cancel_reservation
from lockers.states import ReservationState
from tenants.people import services as people
from tenants.permissions import KeyRole
from tests.drain import drain
from tests.factories.lockers import make_bank, make_reservation, make_station
from tests.factories.orders import make_order
from tests.people import KeyClient, key_client

EVENTS, SESSIONS = "/api/v1/locker-events/", "/api/v1/courier-sessions/"
S = ReservationState
AT = "2026-01-05T10:00:00Z"


def point(boxes: int = 2, **fields: Any) -> LockerBank:
    return make_bank(boxes, kind="vendor", network="Nearby", **fields)


def event(kind: str, **fields: Any) -> dict[str, Any]:
    return {"id": str(uuid.uuid4()), "kind": kind, "at": AT, **fields}


def send(api: KeyClient, *events: Any, url: str = EVENTS) -> list[dict[str, Any]]:
    answer = api.post(url, {"events": list(events)})
    assert answer.status_code == 200, answer.json()
    results: list[dict[str, Any]] = answer.json()["results"]
    assert len(results) == len(events)
    return results


def state(row: LockerReservation) -> str:
    return LockerReservation.objects.get(pk=row.pk).state


def locker_key(ref: RetailerRef, name: str) -> KeyClient:
    with retailer_context(ref):
        _key, secret = people.create_key(name="Network", role=KeyRole.LOCKER, ref=name)
    return KeyClient(ref, secret)


def test_a_network_without_an_adapter_reports_the_way_of_a_parcel(retailer: RetailerRef) -> None:
    bank, order = point(), make_order()
    row = make_reservation(bank, order=order)
    api = locker_key(retailer, "nearby")
    put_in = event("deposited", reservation=row.public_id, compartment="2")
    first, again = send(api, put_in, put_in)
    assert [first["status"], again["status"]] == ["stored", "duplicate"]
    assert first["reservation"]["state"] == "ready"
    drain(jobs=False)
    assert Order.objects.get(pk=order.pk).state == "awaiting_collection"
    (out,) = send(api, event("collected", reservation=row.public_id))
    assert (out["status"], state(row)) == ("stored", S.COLLECTED)
    assert Order.objects.get(pk=order.pk).state == "delivered"
    assert LockerEvent.objects.count() == 2
    listed = key_client(retailer).browser.get(EVENTS).json()["items"]
    assert [one["kind"] for one in listed] == ["collected", "deposited"]


def test_what_a_network_saw_counts_and_its_refusal_is_told_to_staff(retailer: RetailerRef) -> None:
    bank = point()
    ended, refused = (make_reservation(bank, order=make_order()) for _n in range(2))
    cancel_reservation(reservation=ended, cause="api")
    send(
        key_client(retailer),
        event("deposited", reservation=ended.public_id),
        event("rejected", reservation=refused.public_id, reason="no_capacity"),
    )
    assert [state(ended), state(refused)] == [S.DISPUTED, S.REJECTED]
    kinds = Incident.objects.order_by("kind").values_list("kind", flat=True)
    assert list(kinds) == ["locker_dispute", "locker_refused"]


def test_compartments_are_blocked_and_free_again(retailer: RetailerRef) -> None:
    bank, api = point(), key_client(retailer)
    about = {"bank": bank.public_id, "compartment": "1"}
    send(api, event("blocked", **about))
    box = bank.compartments.get(number="1")
    assert box.state == "blocked"
    send(api, event("unblocked", **about))
    box.refresh_from_db()
    assert box.state == "empty"


@pytest.mark.parametrize(
    ("change", "code", "detail"),
    [
        ({"id": "7"}, "invalid", "/id"),
        ({"kind": "eaten"}, "invalid", "/kind"),
        ({"at": "2026-01-05T10:00:00"}, "invalid", "/at"),
        ({"extra": 1}, "invalid", "/extra"),
        ({"reservation": "rsv_00000000000000000001"}, "invalid", "/reservation"),
        ({"compartment": "99"}, "invalid", "no compartment"),
        ({"kind": "skipped"}, "report_refused", "cannot be reported here"),
        ({"kind": "blocked"}, "report_refused", "Name the compartment"),
    ],
)
def test_a_wrong_event_is_refused_alone_with_its_cause(
    retailer: RetailerRef, change: dict[str, Any], code: str, detail: str
) -> None:
    row = make_reservation(point())
    right = event("deposited", reservation=row.public_id)
    wrong = event("collected", reservation=row.public_id) | change
    results = send(key_client(retailer), wrong, right, "no object")
    assert [one["status"] for one in results] == ["rejected", "stored", "rejected"]
    assert results[0]["problem"]["code"] == code
    assert detail in results[0]["problem"]["detail"]
    assert LockerEvent.objects.count() == 1


def test_cabinets_counters_and_connected_networks_report_by_themselves(
    retailer: RetailerRef,
) -> None:
    own, counter, connected = make_bank(1), make_bank(1, kind="counter"), point()
    LockerAccount.objects.create(vendor="nearby", is_on=True)
    rows = [make_reservation(bank) for bank in (own, counter, connected)]
    events = [event("deposited", reservation=row.public_id) for row in rows]
    results = send(key_client(retailer), *events)
    assert {one["problem"]["code"] for one in results} == {"report_refused"}
    assert {state(row) for row in rows} == {S.HARD_HELD}


def test_the_key_of_a_locker_reports_of_its_own_banks_only(
    retailer: RetailerRef, other: RetailerRef
) -> None:
    near, far = point(), make_bank(1, kind="vendor", network="Far")
    rows = [make_reservation(bank) for bank in (near, far)]
    events = [event("deposited", reservation=row.public_id) for row in rows]
    api = locker_key(retailer, near.public_id)
    assert [one["status"] for one in send(api, *events)] == ["stored", "rejected"]
    assert state(rows[1]) == S.HARD_HELD
    nameless = locker_key(retailer, "").post(EVENTS, {"events": events})
    assert nameless.status_code == 403
    stranger = send(key_client(other), *events)
    assert {one["status"] for one in stranger} == {"rejected"}
    assert key_client(other).browser.get(EVENTS).json()["items"] == []


def test_a_courier_of_a_carrier_works_at_a_bank_by_a_session(retailer: RetailerRef) -> None:
    bank = make_bank(3)
    first, second = (make_reservation(bank) for _n in range(2))
    over = make_reservation(bank)
    LockerReservation.objects.filter(pk=over.pk).update(
        state=S.COURIER_TO_COLLECT, deposited_at=real_now()
    )
    api = key_client(retailer)
    opened = api.post(SESSIONS, {"bank": bank.public_id})
    assert opened.status_code == 201, opened.json()
    work = opened.json()
    assert [one["id"] for one in work["puts_in"]] == [first.public_id, second.public_id]
    assert [one["id"] for one in work["takes_out"]] == [over.public_id]
    url = f"{SESSIONS}{work['id']}/events/"
    taken = event("taken_out", reservation=over.public_id)
    put_in = event("deposited", reservation=first.public_id)
    results = send(api, taken, put_in, url=url)
    assert [one["status"] for one in results] == ["stored", "stored"]
    assert [state(over), state(first)] == [S.RETURNED, S.READY]
    doors = [row.compartment.number for row in (second, over) if row.compartment]
    fault = event("broken", reservation=second.public_id, compartment=doors[0])
    (other_box,) = send(api, fault, url=url)
    assert other_box["reservation"]["number"] == doors[1]
    full = event("broken", reservation=second.public_id, compartment=doors[1])
    (none_left,) = send(api, full, url=url)
    assert none_left["problem"]["code"] == "no_free_compartment"
    (wrong,) = send(api, event("collected", reservation=first.public_id), url=url)
    assert wrong["problem"]["code"] == "report_refused"
    shown = api.browser.get(f"{SESSIONS}{work['id']}/").json()
    assert [one["id"] for one in shown["puts_in"]] == [second.public_id]
    assert [one["id"] for one in api.browser.get(SESSIONS).json()["items"]] == [work["id"]]


def test_where_a_cabinet_is_connected_its_report_comes_before_the_couriers(
    retailer: RetailerRef, other: RetailerRef
) -> None:
    bank = make_bank(1)
    station = make_station(retailer, bank)
    station.cabinet.sync()
    row = make_reservation(bank)
    api = key_client(retailer)
    session = api.post(SESSIONS, {"bank": bank.public_id}).json()["id"]
    url = f"{SESSIONS}{session}/events/"
    (kept,) = send(api, event("deposited", reservation=row.public_id), url=url)
    assert (kept["status"], state(row)) == ("stored", S.HARD_HELD)
    stranger = key_client(other)
    assert stranger.browser.get(f"{SESSIONS}{session}/").status_code == 404
    answer = stranger.post(url, {"events": [{}]})
    assert answer.status_code == 404
