"""Tests of placing orders: every order is placed exactly once, from any source."""

from __future__ import annotations

import dataclasses
import datetime as dt
import math
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import translation

from dispatch.orders import selectors, services
from dispatch.orders.drafts import (
    LocalWindowDraft,
    OrderDraft,
    ParcelDraft,
    Placed,
    PlaceDraft,
    ShopperDraft,
    WindowDraft,
)
from dispatch.orders.errors import OrderUnderWay
from dispatch.orders.models import Order, Parcel, Place, Promise, Shopper
from dispatch.orders.services import preparing
from lastmile.core.errors import Conflict, Invalid
from lastmile.core.models import Event
from lastmile.core.tenancy import RetailerRef, retailer_context
from tests.dispatch.helpers import kinds, race, refused
from tests.factories import (
    make_draft,
    make_hub,
    make_order,
    make_orders,
    make_window,
    make_zone,
    square,
)
from tests.factories.fleet import LAT, LON
from tests.factories.orders import DAY

TEXTS = [
    "  leading and trailing  ",
    "line\nbreak\r\nand\ttab",
    "Ünïcödé ñ 漢字 🚚 e\u0301",
    "<script>alert(1)</script> & 'quotes' \"double\"",
    "=HYPERLINK(1)",
    "'; DROP TABLE orders_order; --",
    "\u202eright to left",
]


def test_an_order_is_placed_with_all_its_fields(retailer: RetailerRef) -> None:
    hub = make_hub()
    order = make_order(window=make_window(9, 12), skills=("Cold",), value_minor=1_999)
    assert (order.state, order.hub, order.hub_choice) == ("ready", hub, "nearest")
    assert (order.weight_g, order.volume_cm3, order.parcel_count) == (2_000, 8_000, 1)
    assert (order.skills, order.currency, order.service_date) == (["cold"], "EUR", DAY)
    assert order.promise is not None
    assert (order.promise.number, order.promise.cause) == (1, "api")
    assert kinds(order.public_id) == ["order.placed", "order.promised"]


@pytest.mark.parametrize("text", TEXTS)
def test_free_text_survives_byte_for_byte(retailer: RetailerRef, text: str) -> None:
    make_hub()
    order = make_order(
        notes=text,
        shopper=ShopperDraft(name=text),
        place=PlaceDraft(text=text, lat=LAT, lon=LON),
    )
    assert order.notes == text
    assert order.shopper.name == text
    assert order.place.text == text


def test_the_same_order_again_is_the_same_order(retailer: RetailerRef) -> None:
    make_hub()
    draft = make_draft(window=make_window())
    first = services.place_order(draft=draft)
    events = Event.objects.count()
    again = services.place_order(draft=draft)
    assert (first.status, again.status) == ("placed", "same")
    assert first.order == again.order
    assert Event.objects.count() == events
    assert (Parcel.objects.count(), Shopper.objects.count(), Place.objects.count()) == (1, 1, 1)


def test_other_content_updates_an_order_that_is_not_planned(retailer: RetailerRef) -> None:
    make_hub()
    draft = make_draft(window=make_window(9, 12), parcels=(ParcelDraft(weight_g=1),) * 2)
    order = make_order(**_fields(draft))
    other = dataclasses.replace(
        draft,
        notes="third floor",
        window=make_window(14, 16),
        parcels=(ParcelDraft(weight_g=5_000),),
    )
    placed = services.place_order(draft=other)
    order.refresh_from_db()
    assert placed.status == "updated"
    assert (order.notes, order.weight_g, order.parcel_count) == ("third floor", 5_000, 1)
    assert [p.weight_g for p in order.parcels.all()] == [5_000]
    promises = list(order.promises.order_by("number"))
    assert [p.opens_at.hour for p in promises] == [9, 14]
    assert promises[1].supersedes == promises[0]
    assert order.promise == promises[1]


def test_a_planned_order_is_not_changed_by_a_file(retailer: RetailerRef) -> None:
    make_hub()
    draft = make_draft()
    order = make_order(**_fields(draft))
    services.mark_planned(orders=[order.pk], plan="pln_1")
    with refused(OrderUnderWay, match="“Planned”"):
        services.place_order(draft=dataclasses.replace(draft, notes="too late"))
    with translation.override("es"), refused(OrderUnderWay, match="“Planificado”"):
        services.place_order(draft=dataclasses.replace(draft, notes="too late"))
    order.refresh_from_db()
    assert order.notes == ""
    assert services.place_order(draft=draft).status == "same"


def test_twenty_calls_at_once_place_one_order(retailer: RetailerRef, fresh_db: str) -> None:
    make_hub()
    draft = make_draft(external_id="RACE", window=make_window())
    answers = race(retailer, lambda _n: services.place_order(draft=draft), 20)
    assert all(isinstance(a, Placed) for a in answers), answers
    assert sorted(a.status for a in answers if isinstance(a, Placed)) == ["placed"] + ["same"] * 19
    counts = [m.objects.count() for m in (Order, Parcel, Promise, Shopper, Place)]
    assert counts == [1, 1, 1, 1, 1]
    (order,) = Order.objects.all()
    assert kinds(order.public_id) == ["order.placed", "order.promised"]


def test_two_files_with_the_same_orders_at_once_place_each_once(
    retailer: RetailerRef, fresh_db: str
) -> None:
    make_hub()
    drafts = [make_draft() for _n in range(60)]
    backwards = list(reversed(drafts))
    answers = race(
        retailer,
        lambda n: services.place_orders(backwards if n % 2 else drafts, source=f"file:{n}"),
        4,
    )
    assert all(isinstance(a, list) for a in answers), answers
    statuses = [p.status for a in answers if isinstance(a, list) for p in a]
    assert (statuses.count("placed"), statuses.count("same")) == (60, 180)
    assert Order.objects.count() == 60
    assert Event.objects.filter(kind="order.placed").count() == 60


def test_one_invalid_order_does_not_stop_the_others(retailer: RetailerRef) -> None:
    make_hub()
    good, bad = make_draft(), make_draft(service_s=-1)
    answers = services.place_orders([good, bad], source="file")
    assert [a.status for a in answers] == ["placed", "refused"]
    assert isinstance(answers[1].problem, Invalid)
    assert [e.pointer for e in answers[1].problem.errors] == ["/service_s"]
    assert Order.objects.count() == 1


def test_an_id_that_comes_twice_with_two_contents_is_refused_once(retailer: RetailerRef) -> None:
    make_hub()
    first = make_draft(external_id="TWICE")
    second = dataclasses.replace(first, notes="different")
    answers = services.place_orders([first, second, first], source="file")
    assert [a.status for a in answers] == ["placed", "refused", "same"]
    assert isinstance(answers[1].problem, Conflict)


def test_orders_without_an_id_are_orders_of_their_own(retailer: RetailerRef) -> None:
    make_hub()
    draft = make_draft(external_id=None)
    services.place_orders([draft, draft], source="file")
    assert Order.objects.count() == 2


NAIVE = WindowDraft(opens_at=dt.datetime(2026, 11, 23), closes_at=dt.datetime(2026, 11, 24))
_HOSTILE: list[tuple[dict[str, Any], str]] = [
    ({"direction": "sideways"}, "/direction"),
    ({"service_s": 28_801}, "/service_s"),
    ({"weight_g": -1}, "/weight_g"),
    ({"weight_g": 2**40}, "/weight_g"),
    ({"parcel_count": 0}, "/parcel_count"),
    ({"parcel_count": 3}, "/parcel_count"),
    ({"parcels": (ParcelDraft(weight_g=-1),)}, "/parcels/0/weight_g"),
    ({"parcels": (ParcelDraft(external_id="a"), ParcelDraft(external_id="a"))}, "/parcels"),
    ({"parcels": (ParcelDraft(),) * 1_000}, "/parcels"),
    ({"handover": "thrown"}, "/handover"),
    ({"notes": "nul\x00"}, "/notes"),
    ({"notes": "x" * 4_001}, "/notes"),
    ({"external_id": "x" * 65}, "/external_id"),
    ({"currency": "euro"}, "/currency"),
    ({"value_minor": 1.5}, "/value_minor"),
    ({"hub": "Nowhere"}, "/hub"),
    ({"service_date": dt.date(1, 1, 1)}, "/service_date"),
    ({"shopper": ShopperDraft(phone="12")}, "/shopper/phone"),
    ({"shopper": ShopperDraft(email="not@")}, "/shopper/email"),
    ({"shopper": ShopperDraft(language="x-!")}, "/shopper/language"),
    ({"shopper": ShopperDraft(name="\ud800")}, "/shopper/name"),
    ({"place": PlaceDraft()}, "/place"),
    ({"place": PlaceDraft(text="x", lat=1.0)}, "/place"),
    ({"place": PlaceDraft(lat=91.0, lon=0.0)}, "/place/lat"),
    ({"place": PlaceDraft(lat=math.nan, lon=0.0)}, "/place/lat"),
    ({"place": PlaceDraft(text="x", country="Portugal")}, "/place/country"),
    ({"service_date": None, "window": LocalWindowDraft(opens_minute=0, closes_minute=9)},
     "/service_date"),
    ({"window": LocalWindowDraft(opens_minute=60, closes_minute=60)}, "/window"),
    ({"window": LocalWindowDraft(opens_minute=1_440, closes_minute=1_500)}, "/window"),
    ({"window": make_window(12, 9)}, "/window"),
    ({"window": NAIVE},
     "/window"),
    ({"window": make_window(9, 12, dt.date(2026, 12, 24))}, "/service_date"),
]  # fmt: skip


@pytest.mark.parametrize(("fields", "at"), _HOSTILE)
def test_an_invalid_value_is_named_and_nothing_is_placed(
    retailer: RetailerRef, fields: dict[str, Any], at: str
) -> None:
    make_hub()
    with refused(Invalid, at=at):
        services.place_order(draft=make_draft(**fields))
    assert not Order.objects.exists()
    assert not Place.objects.exists()
    assert not Shopper.objects.exists()


def test_every_fault_is_named_at_once(retailer: RetailerRef) -> None:
    make_hub()
    draft = make_draft(
        service_s=-1, shopper=ShopperDraft(phone="x"), place=PlaceDraft(lat=99.0, lon=999.0)
    )
    with pytest.raises(Invalid) as caught:
        services.place_order(draft=draft)
    pointers = {fault.pointer for fault in caught.value.errors}
    assert pointers == {"/service_s", "/shopper/phone", "/place/lat", "/place/lon"}


def test_the_hub_is_chosen_by_name_zone_or_distance_and_the_choice_is_stored(
    retailer: RetailerRef,
) -> None:
    named = make_hub(name="Loja Norte", external_id="N1", lat=41.1, lon=-8.6)
    zoned = make_zone(hub=make_hub(lat=38.0, lon=-9.0), polygon=square(LAT, LON, 0.01)).hub
    inside, outside = PlaceDraft(lat=LAT, lon=LON), PlaceDraft(lat=39.5, lon=-8.7)
    cases = [
        (make_order(hub="loja norte"), named, "given"),
        (make_order(hub="N1"), named, "given"),
        (make_order(hub=named.public_id), named, "given"),
        (make_order(place=inside), zoned, "zone"),
        (make_order(place=outside), named, "nearest"),
    ]
    for order, hub, hub_choice in cases:
        assert (order.hub, order.hub_choice) == (hub, hub_choice)
        placed = Event.objects.get(subject=order.public_id, kind="order.placed")
        assert placed.data["hub_choice"] == hub_choice


def test_an_order_that_no_hub_serves_waits_with_hub_choice_none(retailer: RetailerRef) -> None:
    make_zone(polygon=square(LAT, LON, 0.01))
    order = make_order(place=PlaceDraft(lat=LAT + 1, lon=LON))
    assert (order.state, order.hub, order.hub_choice) == ("placed", None, "none")


def test_an_order_without_a_date_waits(retailer: RetailerRef) -> None:
    make_hub()
    assert make_order(service_date=None).state == "placed"
    assert make_order(service_date=None, window=make_window()).state == "ready"


@pytest.mark.parametrize(
    ("zone", "date", "opens_utc", "closes_utc"),
    [
        ("Europe/Lisbon", dt.date(2026, 3, 28), "2026-03-28T09:00", "2026-03-28T12:00"),
        ("Europe/Lisbon", dt.date(2026, 3, 29), "2026-03-29T08:00", "2026-03-29T11:00"),
        ("America/Santiago", dt.date(2026, 9, 5), "2026-09-05T13:00", "2026-09-05T16:00"),
        ("America/Santiago", dt.date(2026, 9, 6), "2026-09-06T12:00", "2026-09-06T15:00"),
        ("Asia/Kathmandu", dt.date(2026, 6, 1), "2026-06-01T03:15", "2026-06-01T06:15"),
    ],
)
def test_a_local_window_is_read_in_the_hubs_zone(
    retailer: RetailerRef, zone: str, date: dt.date, opens_utc: str, closes_utc: str
) -> None:
    make_hub(zone=zone)
    window = LocalWindowDraft(opens_minute=9 * 60, closes_minute=12 * 60)
    order = make_order(service_date=date, window=window)
    assert order.promise is not None
    assert order.promise.opens_at == dt.datetime.fromisoformat(opens_utc + "+00:00")
    assert order.promise.closes_at == dt.datetime.fromisoformat(closes_utc + "+00:00")
    assert order.service_date == date


def test_a_window_skipped_by_a_clock_change_is_refused(retailer: RetailerRef) -> None:
    make_hub(zone="Europe/Lisbon")
    window = LocalWindowDraft(opens_minute=60, closes_minute=120)
    draft = make_draft(service_date=dt.date(2026, 3, 29), window=window)
    with refused(Invalid, at="/window", match="clock change"):  # 01:00 to 02:00 does not happen
        services.place_order(draft=draft)
    assert not Order.objects.exists()


def test_a_window_over_midnight_closes_the_next_day(retailer: RetailerRef) -> None:
    make_hub(zone="Europe/Lisbon")
    order = make_order(window=LocalWindowDraft(opens_minute=22 * 60, closes_minute=60))
    assert order.promise is not None
    assert order.promise.closes_at - order.promise.opens_at == dt.timedelta(hours=3)


def test_unlisted_parcels_share_the_totals(retailer: RetailerRef) -> None:
    make_hub()
    order = make_order(parcels=(), parcel_count=3, weight_g=1_000, volume_cm3=10)
    assert sorted(p.weight_g for p in order.parcels.all()) == [333, 333, 334]
    assert sum(p.volume_cm3 for p in order.parcels.all()) == 10
    assert order.parcel_count == 3


def test_one_shopper_has_one_row_and_namesakes_have_their_own(retailer: RetailerRef) -> None:
    make_hub()
    ana = ShopperDraft(name="Ana", phone="912345678", email="ana@example.com")
    one, two = make_order(shopper=ana), make_order(shopper=ana)
    assert one.shopper == two.shopper
    assert one.shopper.phone == "+351912345678"
    bare = ShopperDraft(name="Ana")
    assert make_order(shopper=bare).shopper != make_order(shopper=bare).shopper
    changed = make_order(shopper=dataclasses.replace(ana, email="ana@example.org"))
    assert changed.shopper != one.shopper


def test_two_retailers_have_orders_of_their_own(
    retailer: RetailerRef, fresh_db: str, other: RetailerRef
) -> None:
    make_hub()
    order = make_order(external_id="SAME")
    with retailer_context(other):
        make_hub()
        other_order = make_order(external_id="SAME")
        assert list(selectors.orders()) == [other_order]
        assert other_order.promise is None
    assert list(selectors.orders()) == [order]


def test_a_batch_costs_the_same_queries_whatever_its_size(retailer: RetailerRef) -> None:
    make_hub()
    counts = []
    for size in (10, 300):
        drafts = [make_draft(window=make_window()) for _n in range(size)]
        with CaptureQueriesContext(connection) as queries:
            answers = services.place_orders(drafts, source="file")
        assert {a.status for a in answers} == {"placed"}
        counts.append(len(queries))
    assert counts[0] == counts[1] <= 20


def test_more_than_a_thousand_at_once_are_refused(retailer: RetailerRef) -> None:
    draft = make_draft()
    with refused(Invalid, match="1000"):
        services.place_orders([draft] * 1_001, source="file")


def test_events_hold_no_name_address_phone_or_note(retailer: RetailerRef) -> None:
    make_hub()
    order = make_order(
        shopper=ShopperDraft(name="Zoraida", phone="+351912345678", email="zoraida@example.com"),
        place=PlaceDraft(text="Rua Secreta 7", lat=LAT, lon=LON),
        notes="gate code 4711",
        window=make_window(),
    )
    services.set_pin(order=order, lat=LAT, lon=LON + 0.001)
    services.change_order(order=order, notes="gate code 1147", shopper={"name": "Zoraida B"})
    facts = " ".join(str(e.data) for e in Event.objects.filter(subject=order.public_id))
    for secret in ("Zoraida", "912345678", "zoraida@", "Secreta", "4711", "1147", str(LAT)):
        assert secret not in facts


def test_many_orders_share_a_date_and_a_state(retailer: RetailerRef) -> None:
    hub = make_hub()
    orders = make_orders(25)
    assert [o.pk for o in selectors.to_plan(hub, DAY)] == sorted(o.pk for o in orders)


def _fields(draft: OrderDraft) -> dict[str, Any]:
    return {f.name: getattr(draft, f.name) for f in dataclasses.fields(draft)}


def test_an_order_that_is_sent_again_is_neither_checked_nor_located(
    retailer: RetailerRef, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub = make_hub().public_id
    drafts = [make_draft(hub=hub, external_id=f"S{n}") for n in range(3)]
    services.place_orders(drafts, source="test")
    checked: list[str | None] = []
    real = preparing.check

    def spy(draft: OrderDraft, *args: Any, **kwargs: Any) -> Any:
        checked.append(draft.external_id)
        return real(draft, *args, **kwargs)

    monkeypatch.setattr(preparing, "check", spy)
    changed = dataclasses.replace(drafts[1], notes="Ring twice")
    results = services.place_orders([drafts[0], changed, drafts[2]], source="test")
    assert [one.status for one in results] == ["same", "updated", "same"]
    assert checked == ["S1"]


def test_an_order_that_changed_after_it_was_read_as_the_same_is_compared_again(
    retailer: RetailerRef,
) -> None:
    draft = make_draft(hub=make_hub().public_id, external_id="S")
    services.place_orders([draft], source="test")
    prepared = services.prepare_orders([draft])
    assert list(prepared.same) == [0]
    services.place_orders([dataclasses.replace(draft, notes="Ring twice")], source="test")
    (late,) = services.place_prepared(prepared=prepared, source="test")
    assert late.status == "updated"
    assert Order.objects.get(external_id="S").notes == ""


def test_the_same_order_and_another_version_of_it_in_one_request_are_not_both_taken(
    retailer: RetailerRef,
) -> None:
    draft = make_draft(hub=make_hub().public_id, external_id="S")
    services.place_orders([draft], source="test")
    results = services.place_orders(
        [draft, dataclasses.replace(draft, notes="Ring twice")], source="test"
    )
    assert [one.status for one in results] == ["same", "refused"]
