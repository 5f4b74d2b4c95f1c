"""Acts at a bank have the checks of acts at a door: doubts are flagged, nothing is refused."""

from __future__ import annotations

from dispatch.live.models import CustodyStep, DriverAct, Incident
from dispatch.live.policy import ProofPolicy
from dispatch.live.services import take_acts
from dispatch.orders.models import Order, Parcel
from dispatch.orders.services import cancel_order
from lastmile.core.tenancy import RetailerRef
from tenants.people.services import set_section
from tenants.sections import section_of
from tests.dispatch.conftest import SetClock
from tests.drain import drain
from tests.factories.fleet import make_driver, make_hub, make_shift, make_vehicle
from tests.factories.live import make_phone, publish, read, send
from tests.lockers.courier.test_acts import make_round

FAR = {"lat": 38.80, "lon": -9.14, "accuracy_m": 10}


def kinds() -> list[str]:
    return sorted(Incident.objects.values_list("kind", flat=True))


def test_a_deposit_far_from_the_bank_is_flagged_and_counts(
    retailer: RetailerRef, clock: SetClock
) -> None:
    it = make_round(clock)
    (answer,) = send(it.phone, it.put_in() | FAR)
    assert (answer.status, answer.incident is not None) == ("stored", True)
    drain()
    incident = Incident.objects.get(kind="proof_doubtful")
    assert incident.params["flags"] == ["far"]
    assert int(DriverAct.objects.get().data["far_m"]) > 5_000
    assert it.state() == ("ready", "awaiting_collection"), "a flag, no refusal"


def test_each_far_parcel_of_an_order_is_one_incident(
    retailer: RetailerRef, clock: SetClock
) -> None:
    it = make_round(clock)
    for minute in (0, 1):
        send(it.phone, it.put_in(minute=minute) | FAR | {"last": False})
    assert kinds() == ["proof_doubtful"]


def test_a_deposit_near_the_bank_is_not_flagged(retailer: RetailerRef, clock: SetClock) -> None:
    it = make_round(clock)
    send(it.phone, it.put_in() | {"lat": 38.72, "lon": -9.14, "accuracy_m": 10})
    assert kinds() == []


def test_a_deposit_of_an_order_of_another_vehicle_is_told_and_counts(
    retailer: RetailerRef, clock: SetClock
) -> None:
    it = make_round(clock)
    hub = it.bank.hub
    driver = make_driver(hub=hub)
    shift = make_shift(vehicle=make_vehicle(hub=hub), driver=driver)
    kept = Order.objects.get(pk=it.orders[1].pk)
    old = kept.stops.get(plan__status="published").route.shift
    publish(hub, {old: [kept], shift: [Order.objects.get(pk=it.orders[0].pk)]})
    send(it.phone, it.put_in())
    drain()
    assert kinds() == ["done_by_other_vehicle"]
    assert it.state() == ("ready", "awaiting_collection")


def test_a_deposit_at_another_hub_is_told_and_has_no_effect(
    retailer: RetailerRef, clock: SetClock
) -> None:
    it = make_round(clock)
    stranger = make_driver(hub=make_hub())
    phone = make_phone(stranger)
    take_acts(device=phone, drafts=read(it.put_in()))
    drain()
    assert kinds() == ["done_by_other_vehicle"]
    assert it.state()[0] == "hard_held"
    assert not CustodyStep.objects.exists()


def test_a_deposit_of_a_cancelled_order_is_told(retailer: RetailerRef, clock: SetClock) -> None:
    it = make_round(clock)
    cancel_order(order=Order.objects.get(pk=it.orders[0].pk))
    send(it.phone, it.put_in())
    assert kinds() == ["delivered_after_cancel"]
    drain()
    assert it.state()[0] == "disputed", "the parcel is inside all the same"


def test_the_proof_rule_of_scans_holds_at_a_bank(retailer: RetailerRef, clock: SetClock) -> None:
    set_section(section=section_of(ProofPolicy), policy=ProofPolicy(scan=True))
    it = make_round(clock)
    Parcel.objects.update(barcode="4006381333931")
    parcel = it.orders[0].parcels.get()
    send(it.phone, it.put_in())
    incident = Incident.objects.get(kind="proof_missing")
    assert incident.params["missing"] == ["scan"]
    other = it.orders[1].parcels.get()
    scan = {
        "proofs": [{"kind": "scan", "parcels": [other.public_id]}],
        "parcels": [other.public_id],
    }
    send(it.phone, it.put_in(1) | scan)
    assert Incident.objects.filter(kind="proof_missing").count() == 1
    steps = CustodyStep.objects.order_by("pk").values_list("parcel__public_id", "kind", "by")
    assert list(steps) == [
        (parcel.public_id, "handed_over", "list"),
        (other.public_id, "handed_over", "scan"),
    ]


def test_an_age_check_that_a_locker_cannot_make_is_told(
    retailer: RetailerRef, clock: SetClock
) -> None:
    it = make_round(clock)
    Order.objects.filter(pk=it.orders[0].pk).update(least_age=18)
    send(it.phone, it.put_in())
    assert Incident.objects.get(kind="proof_missing").params["missing"] == ["age"]
