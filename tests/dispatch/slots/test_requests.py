"""Tests of requests: from an address or an order to a point, a hub, a zone and amounts."""

from __future__ import annotations

from typing import Any

import pytest

from dispatch.orders.drafts import ParcelDraft, PlaceDraft
from dispatch.planning.services import reconcile_day
from dispatch.slots.errors import AddressUnknown, OtherCurrency, OutsideEveryZone
from dispatch.slots.services import (
    DeliveryRequest,
    Goods,
    Terms,
    find_offers,
    prepare_promise,
    promise_hold,
    request_elsewhere,
    request_for_address,
    request_for_order,
)
from lastmile.core.errors import Invalid
from tests.dispatch.conftest import EVE, SetClock
from tests.dispatch.helpers import refused
from tests.dispatch.slots.booking import curbside, minutes, request_at, take_place, taken
from tests.dispatch.slots.test_windows import hub_with_van, order_at, visits
from tests.factories import make_hub, make_order, make_slot, make_vehicle, make_zone
from tests.factories.fleet import LAT, LON, square
from tests.factories.orders import DAY

pytestmark = pytest.mark.usefixtures("retailer", "clock")
HOME = PlaceDraft(text="Rua 1, Lisboa", lat=LAT, lon=LON)
FAR = 0.3  # degrees of latitude, outside a zone of 0.05


def test_an_address_has_its_hub_its_smallest_zone_and_its_goods() -> None:
    hub = make_hub()
    make_zone(hub=hub)
    small = make_zone(hub=hub, polygon=square(LAT, LON, 0.01))
    parcels = (
        ParcelDraft(weight_g=1_500, volume_cm3=4_000, length_mm=300, width_mm=200, height_mm=100),
        ParcelDraft(weight_g=500),
    )
    request = request_for_address(place=HOME, goods=Goods(parcels=parcels, value_minor=4_500))
    assert (request.hub, request.zone, request.place_text) == (hub, small, "Rua 1, Lisboa")
    assert (request.weight_g, request.volume_cm3, request.parcels) == (2_000, 4_000, 2)
    assert (request.value_minor, request.currency) == (4_500, "EUR")
    assert request.parcel_sides_mm == ((300, 200, 100),)


def ask(**fields: Any) -> DeliveryRequest:
    goods = fields.pop("goods", None)
    return request_for_address(place=PlaceDraft(**fields), goods=goods)


def test_an_address_outside_every_zone_is_refused_with_a_remedy() -> None:
    make_zone()
    with refused(OutsideEveryZone, at="/place", match="choose another"):
        ask(text="Rua 9, Porto", lat=LAT + FAR, lon=LON)


def test_an_address_that_is_not_on_the_map_is_refused_with_a_remedy() -> None:
    make_hub()
    with refused(AddressUnknown, at="/place", match="town"):
        ask(text="Rua que não existe 1, Lisboa")


def test_coordinates_in_the_wrong_order_are_named() -> None:
    make_hub()
    with refused(AddressUnknown, at="/place", match="swapped"):
        ask(text="Rua 1, Lisboa", lat=LON, lon=LAT)


def test_each_wrong_value_has_its_pointer() -> None:
    make_hub()
    with refused(Invalid, at="/weight_g"):
        ask(text="Rua 1", lat=LAT, lon=LON, goods=Goods(weight_g=-1))
    with refused(OtherCurrency, at="/currency"):
        ask(text="Rua 1", lat=LAT, lon=LON, goods=Goods(value_minor=1, currency="USD"))


def test_goods_that_need_a_person_are_offered_no_contactless_handover() -> None:
    hub = hub_with_van()
    slot = make_slot(hub=hub)
    for demand in ({"least_age": 18}, {"signature": True}):
        request = request_for_address(place=HOME, goods=Goods(weight_g=1_000, **demand))
        (offer,) = find_offers(request=request, since=DAY, until=DAY).offers
        assert offer.handovers == ("attended",)
        with refused(Invalid, at="/handover"):
            terms = Terms(price_minor=0, currency="EUR", handover="contactless")
            take_place(slot, request=request, terms=terms)
    (offer,) = find_offers(request=request_at(hub), since=DAY, until=DAY).offers
    assert offer.handovers == ("attended", "contactless")
    assert taken(slot) == 0


def test_a_zone_is_offered_its_own_slots_and_those_of_the_whole_hub() -> None:
    hub = make_hub()
    zone, other = make_zone(hub=hub), make_zone(hub=hub, polygon=square(LAT + FAR, LON))
    whole = curbside(hub=hub)
    own = curbside(hub=hub, zone=zone, opens=720, closes=780)
    curbside(hub=hub, zone=other, opens=780, closes=840)
    answer = find_offers(request=request_for_address(place=HOME), since=DAY, until=DAY)
    assert {offer.slot for offer in answer.offers} == {whole.public_id, own.public_id}


def test_offers_have_price_cost_and_grams_and_the_others_their_reason() -> None:
    hub = hub_with_van()
    window = make_slot(hub=hub, base_minor=500, surcharge_minor=100)
    bay = curbside(hub=hub)
    full = curbside(hub=hub, opens=660, closes=720, capacity_orders=0)
    shut = curbside(hub=hub, opens=700, closes=760, state="closed", closed_reason="staff")
    night = make_slot(hub=hub, opens=1_200, closes=1_260)
    answer = find_offers(request=request_at(hub), since=DAY, until=DAY, explain=True)
    offers = {offer.slot: offer for offer in answer.offers}
    assert set(offers) == {window.public_id, bay.public_id}
    at_door, at_bay = offers[window.public_id], offers[bay.public_id]
    assert (at_door.price_minor, at_door.green, at_door.rank > 0) == (600, True, True)
    assert at_door.added_m > 0
    assert at_door.cost_minor is not None
    assert at_door.co2_g is not None
    assert (at_bay.co2_g, at_bay.green, at_bay.place_text) == (None, False, hub.name)
    reasons = {it.slot: it.reason for it in answer.not_offered}
    assert reasons.pop(night.public_id) not in {"", "no_room"}
    assert reasons == {full.public_id: "orders", shut.public_id: "closed"}


def test_parcels_too_large_for_every_vehicle_are_offered_curbside_only() -> None:
    hub = hub_with_van()
    make_vehicle(hub=hub, weight_g=3_000_000, active=False)
    make_slot(hub=hub)
    bay = curbside(hub=hub)
    request = request_at(hub, weight_g=1_000_001)
    answer = find_offers(request=request, since=DAY, until=DAY)
    assert [offer.slot for offer in answer.offers] == [bay.public_id]
    assert [it.reason for it in answer.not_offered] == ["too_large"]


def test_a_redirect_goes_to_another_address_and_hub_and_gives_the_old_place_back() -> None:
    first = hub_with_van()
    second = hub_with_van(lat=LAT + FAR)
    old, new = make_slot(hub=first), make_slot(hub=second)
    order = order_at(first)
    promise_hold(hold=take_place(old), order=order, handover="", cause="choice")
    order.refresh_from_db()
    address = PlaceDraft(text="Rua 7, Mafra", lat=LAT + FAR, lon=LON)
    request = request_elsewhere(order, address)
    assert request.hub == second
    hold = take_place(new, order=order, request=request)
    promise = promise_hold(hold=hold, order=order, handover="", cause="shopper")
    order.refresh_from_db()
    assert (order.hub, order.promise, promise.elsewhere) == (second, promise, True)
    assert (promise.place.text, order.place.text) == ("Rua 7, Mafra", "Rua 1, Lisboa")
    assert (taken(old), taken(new)) == (0, 1)
    assert (visits(first), visits(second)) == ({}, {order.public_id: "placed"})
    later = make_slot(hub=second, opens=720, closes=840)
    hold = take_place(later, order=order, request=request_for_order(order))
    moved = promise_hold(hold=hold, order=order, handover="", cause="shopper")
    assert (moved.place, taken(new), taken(later)) == (promise.place, 0, 1)


@pytest.mark.parametrize("with_zones", [True, False])
def test_after_a_pickup_at_the_hub_of_a_redirect_the_own_address_has_its_own_hub_again(
    with_zones: bool,
) -> None:
    first, second = hub_with_van(), hub_with_van(lat=LAT + FAR)
    if with_zones:
        make_zone(hub=first)
        make_zone(hub=second, polygon=square(LAT + FAR, LON))
    order = order_at(first)
    there = request_elsewhere(order, PlaceDraft(text="Rua 7, Mafra", lat=LAT + FAR, lon=LON))
    for slot in (make_slot(hub=second), curbside(hub=second)):
        hold = take_place(slot, order=order, request=there)
        promise_hold(hold=hold, order=order, handover="", cause="shopper")
        order.refresh_from_db()
    assert (order.hub, order.door.text) == (second, "Rua 1, Lisboa")
    assert request_for_order(order).hub == first


def test_a_pickup_leaves_the_hub_that_the_retailer_named() -> None:
    _near, named = hub_with_van(), hub_with_van(lat=LAT + FAR)
    order = order_at(named, hub=named.public_id)
    hold = take_place(curbside(hub=named), order=order)
    promise_hold(hold=hold, order=order, handover="", cause="shopper")
    order.refresh_from_db()
    assert request_for_order(order).hub == named


def test_an_order_with_a_named_hub_outside_every_zone_is_promised_from_that_hub(
    clock: SetClock,
) -> None:
    hub = hub_with_van()
    make_zone(hub=hub, polygon=square(LAT + FAR, LON))
    order = order_at(hub, hub=hub.public_id)
    hold = take_place(make_slot(hub=hub), order=order)
    clock(EVE + minutes(16))
    reconcile_day(hub=hub, service_date=DAY)
    ready = prepare_promise(hold=hold, order=order)
    promise = promise_hold(hold=hold, order=order, handover="", cause="shopper", prepared=ready)
    assert promise.slot == hold.slot.public_id


def test_a_redirect_outside_every_zone_changes_nothing() -> None:
    make_zone()
    order = make_order()
    with refused(OutsideEveryZone):
        request_elsewhere(order, PlaceDraft(text="Rua 9, Porto", lat=LAT + FAR, lon=LON))
