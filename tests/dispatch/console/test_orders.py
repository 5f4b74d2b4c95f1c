"""The pages of orders: list, filters, actions on an order, and permissions."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import translation

from dispatch.console.orders.words import EVENT_TEXTS, NOT_SHOWN
from dispatch.live.events import ARRIVAL_CHANGED, ExpectedFacts
from dispatch.orders import services
from dispatch.orders.drafts import PlaceDraft, ShopperDraft
from dispatch.orders.models import Order
from lastmile.core import clock
from lastmile.core.actor import acting_as
from lastmile.core.events import Event, record
from lastmile.core.tenancy import RetailerRef, retailer_context
from lastmile.core.wiring import kind_table
from tenants.permissions import Role
from tests.factories import make_hub, make_order, make_orders, make_window
from tests.people import add_member, logged_in

HOSTILE = "<script>alert(1)</script>"
DAY = dt.date(2026, 11, 23)
MAY_EDIT = {Role.OWNER, Role.MANAGER, Role.DISPATCHER}
MAY_SEE = {*MAY_EDIT, Role.PICKER, Role.READONLY}


@pytest.fixture
def desk(retailer: RetailerRef) -> Client:
    make_hub(name="Lisboa")
    return logged_in(retailer, add_member(Role.DISPATCHER))


def new(**fields: Any) -> dict[str, Any]:
    """Return the form of a new order as a browser sends it."""
    form = {
        "external_id": "M-1", "name": "Ana", "phone": "912 345 678", "email": "", "text": "Rua 1",
        "lat": "38.72", "lon": "-9.14", "hub": "", "service_date": "2026-11-23", "opens": "09:00",
        "closes": "11:30", "parcels": "2", "weight_kg": "3.5", "volume_l": "12", "skills": "Cold",
        "service_minutes": "4", "direction": "outward", "handover": "", "notes": "Ring twice",
    }  # fmt: skip
    return form | fields


def path_of(order: Order) -> str:
    return f"/console/orders/{order.public_id}/"


def body(answer: Any) -> str:
    text: str = answer.content.decode()
    return text


# --- the list -----------------------------------------------------------------------------------
def test_the_list_is_filtered_by_search_state_hub_date_window_and_import(desk: Client) -> None:
    hub = make_hub(name="Porto")
    make_order(external_id="SEEN", shopper=ShopperDraft(name="Zoë Álvarez"), window=make_window())
    make_order(external_id="PORTO", hub=hub.public_id)
    make_order(external_id="LATER", service_date=dt.date(2026, 12, 24))
    make_order(external_id="LOST", place=PlaceDraft(text="Rua que não existe 1"))
    Order.objects.filter(external_id="LATER").update(source="import:imp_00000000000000000000")

    def listed(query: str) -> set[str]:
        page = body(desk.get(f"/console/orders/?{query}"))
        return {name for name in ("SEEN", "PORTO", "LATER", "LOST") if f">{name}<" in page}

    assert listed("") == {"SEEN", "PORTO", "LATER", "LOST"}
    assert listed("q=zoe+alvarez") == {"SEEN"}
    assert listed("state=needs_pin") == {"LOST"}
    assert listed(f"hub={hub.public_id}") == {"PORTO"}
    assert listed("since=2026-12-01") == {"LATER"}
    assert listed("until=2026-12-01") == {"SEEN", "PORTO", "LOST"}
    assert listed("unpromised=1") == {"PORTO", "LATER", "LOST"}
    assert listed("import=imp_00000000000000000000") == {"LATER"}
    assert listed("q=nobody") == set()
    assert "No orders match these filters." in body(desk.get("/console/orders/?q=nobody"))


@pytest.mark.parametrize("query", ["state=x&since=x&until=99&hub=x", "q=%27%22%3C", "cursor="])
def test_invalid_query_values_are_ignored(desk: Client, query: str) -> None:
    assert desk.get(f"/console/orders/?{query}").status_code == 200
    assert desk.get("/console/orders/?cursor=zzz").status_code == 422


def test_the_pages_of_the_list_contain_every_order_once(desk: Client) -> None:
    orders = {order.external_id for order in make_orders(120)}
    seen: list[str] = []
    path: str | None = "/console/orders/"
    while path:
        page = desk.get(path)
        seen += [row.external_id for row, _window in page.context["rows"]]
        path = page.context["next"]
        assert (path is None) or path in body(page).replace("&amp;", "&")
    assert len(seen) == 120
    assert set(seen) == orders


def test_the_list_takes_the_same_queries_for_one_order_and_for_fifty(desk: Client) -> None:
    make_orders(1)
    desk.get("/console/orders/")
    with CaptureQueriesContext(
        connection,
    ) as few:
        desk.get("/console/orders/")
    make_orders(49)
    with CaptureQueriesContext(connection) as many:
        desk.get("/console/orders/")
    assert len(few) == len(many) <= 12, [q["sql"][:90] for q in many]


# --- an order ------------------------------------------------------------------------------------
def test_an_order_shows_its_facts_and_its_history(desk: Client) -> None:
    order = make_order(window=make_window(9, 12), notes="Second bell", skills=("cold",))
    page = body(desk.get(path_of(order)))
    for words in (
        "Second bell",
        "cold",
        "09:00–12:00",
        "Promised for Mon, 23 Nov, 09:00–12:00",
        "Created",
        "2,0 kg",
    ):
        assert words in page, words
    drawer = body(desk.get(path_of(order), headers={"hx-request": "true"}))
    assert drawer.lstrip().startswith("<header>")
    assert "Second bell" in drawer


def test_a_promise_a_change_and_a_cancellation_appear_in_the_timeline(desk: Client) -> None:
    order = make_order(window=make_window(9, 12))
    form = {"what": "promise", "promise-service_date": "2026-11-24", "promise-opens": "14:00",
            "promise-closes": "16:00", "version": order.version}  # fmt: skip
    assert desk.post(path_of(order), form).status_code == 302
    order.refresh_from_db()
    assert order.service_date == dt.date(2026, 11, 24)
    assert order.promise is not None
    assert (order.promise.opens_at.hour, order.promise.cause) == (14, "dispatcher")
    desk.post(path_of(order), {"what": "cancel", "cause": "shopper", "version": order.version})
    order.refresh_from_db()
    assert order.state == "cancelled"
    page = body(desk.get(path_of(order)))
    assert "Cancelled: The shopper cancelled it" in page
    assert "Tue, 24 Nov, 14:00–16:00" in page


def test_each_event_about_an_order_has_words_in_its_history_or_is_not_shown() -> None:
    prefixes = {"order", "arrival", "visit", "attempt", "proof", "curbside", "delivery"}
    about_orders = {name for name in kind_table() if name.partition(".")[0] in prefixes}
    assert len(about_orders) > 25
    assert about_orders - set(EVENT_TEXTS) == NOT_SHOWN


def test_the_history_shows_no_moved_forecast(desk: Client) -> None:
    order = make_order()
    now = clock.now()
    facts = ExpectedFacts(
        run="run_x", shift="sft_x", hub="hub_x", service_date=DAY, low_at=now, high_at=now,
        stops_before=1,
    )  # fmt: skip
    with transaction.atomic():
        record(ARRIVAL_CHANGED, facts, subject=order.public_id)
    lines = body(desk.get(path_of(order))).partition("History")[2]
    assert "Created" in lines
    assert "arrival" not in lines


def test_the_timeline_names_a_shopper_and_never_the_id_of_the_link(desk: Client) -> None:
    order = make_order(window=make_window(9, 12))
    with acting_as(order.public_id):
        services.cancel_order(order=order, cause="shopper")
    lines = body(desk.get(path_of(order))).partition("History")[2]
    assert '<span class="who">Shopper</span>' in lines
    assert f'<span class="who">{order.public_id}' not in lines


def test_a_change_writes_only_the_changed_fields(desk: Client) -> None:
    porto = make_hub(name="Porto")
    order = make_order(notes="  keep\r\n me  ", skills=("cold",))
    form = {
        "what": "change", "version": order.version, "hub": porto.public_id,
        "service_date": "2026-11-30", "name": order.shopper.name, "phone": order.shopper.phone,
        "email": "new@example.org", "service_minutes": "3", "skills": "cold", "handover": "",
        "notes": "  keep\r\n me  ",
    }  # fmt: skip
    assert desk.post(path_of(order), form).status_code == 302
    order = Order.objects.select_related("shopper").get(pk=order.pk)
    assert (order.hub, order.service_date, order.shopper.email) == (
        porto,
        dt.date(2026, 11, 30),
        "new@example.org",
    )
    assert order.service_s == 180
    (event,) = Event.objects.filter(kind="order.changed", subject=order.public_id)
    assert event.data["changed"] == ["hub", "service_date", "shopper"]


def test_a_stale_form_changes_nothing_and_shows_an_error(desk: Client) -> None:
    order = make_order()
    services.change_order(order=order, notes="somebody else's")
    form = {"what": "cancel", "cause": "mistake", "version": order.version}
    answer = desk.post(path_of(order), form)
    assert answer.status_code == 422
    assert "Someone else changed this order" in body(answer)
    order.refresh_from_db()
    assert order.state == "ready"


def test_an_error_in_a_field_is_shown_beside_the_field(desk: Client) -> None:
    order = make_order()
    form = {"what": "change", "version": order.version, "hub": order.hub.public_id, "phone": "12",
            "service_date": "2026-11-23", "service_minutes": "3"}  # fmt: skip
    answer = desk.post(path_of(order), form)
    assert answer.status_code == 422
    assert answer.context["forms"]["change"].errors["phone"]
    assert 'id="id_phone-error"' in body(answer)
    backwards = {"what": "promise", "promise-service_date": "2026-11-24", "promise-opens": "14:00"}
    answer = desk.post(path_of(order), backwards)
    assert answer.context["forms"]["promise"].errors["closes"]


def test_a_failed_order_is_tried_again_or_returned(desk: Client) -> None:
    again, back = make_order(window=make_window()), make_order()
    Order.objects.update(state="failed")
    page = body(desk.get(path_of(again)))
    assert "Try again" in page
    desk.post(path_of(again), {"what": "again", "service_date": "2026-11-25"})
    desk.post(path_of(back), {"what": "return"})
    assert list(Order.objects.order_by("pk").values_list("state", flat=True)) == [
        "ready",
        "returned",
    ]


def test_an_order_awaiting_collection_can_be_planned_again_or_returned_but_not_promised(
    desk: Client,
) -> None:
    again, back = make_order(), make_order()
    services.mark_awaiting_collection(orders=[again.pk, back.pk])
    page = body(desk.get(path_of(again)))
    assert "Awaiting collection" in page
    assert page.count("Awaiting collection") >= 2  # the status and the heading of its form
    assert "The attempt failed" not in page
    assert 'value="promise"' not in page
    assert 'name="what" value="cancel"' not in page
    desk.post(path_of(again), {"what": "again", "service_date": "2026-11-25"})
    desk.post(path_of(back), {"what": "return"})
    assert list(Order.objects.order_by("pk").values_list("state", flat=True)) == [
        "ready",
        "returned",
    ]


# --- a new order ---
def test_an_order_is_created_by_form(desk: Client) -> None:
    answer = desk.post("/console/orders/new/", new())
    order = Order.objects.select_related("shopper", "promise").get()
    assert answer["Location"] == path_of(order)
    assert (order.external_id, order.state, order.parcel_count) == ("M-1", "ready", 2)
    assert (order.weight_g, order.volume_cm3, order.skills) == (3500, 12000, ["cold"])
    assert order.shopper.phone == "+351912345678"
    assert order.promise is not None
    assert order.promise.cause == "dispatcher"


def test_the_form_sent_twice_creates_one_order(desk: Client) -> None:
    first, again = (desk.post("/console/orders/new/", new()) for _n in range(2))
    assert first["Location"] == again["Location"]
    assert Order.objects.count() == 1


def test_every_new_form_has_its_own_order_number(desk: Client) -> None:
    numbers = {
        desk.get("/console/orders/new/").context["form"]["external_id"].value() for _n in "123"
    }
    assert len(numbers) == 3


def test_a_new_order_never_overwrites_another(desk: Client) -> None:
    order = make_order(external_id="M-1", notes="unchanged")
    answer = desk.post("/console/orders/new/", new(notes="other"))
    assert answer.status_code == 422
    assert answer.context["form"].errors["external_id"]
    order.refresh_from_db()
    assert (order.notes, order.version) == ("unchanged", 1)


def test_the_errors_of_a_new_order_are_shown_beside_their_fields(desk: Client) -> None:
    answer = desk.post(
        "/console/orders/new/",
        new(phone="12", email="x", lat="91", lon="200", closes="", skills="x" * 60, parcels="0"),
    )
    assert answer.status_code == 422
    assert {"closes", "parcels"} <= set(answer.context["form"].errors)
    answer = desk.post("/console/orders/new/", new(phone="12", email="x", lat="91"))
    assert {"phone", "email", "lat"} <= set(answer.context["form"].errors)
    assert Order.objects.count() == 0


def test_an_address_that_is_not_found_opens_the_pin_page(desk: Client) -> None:
    answer = desk.post("/console/orders/new/", new(lat="", lon="", text="Rua que não existe 1"))
    order = Order.objects.get()
    assert answer["Location"] == f"/console/pins/{order.public_id}/"


# --- permissions ---
@pytest.mark.parametrize("role", list(Role))
def test_each_role_sees_and_does_only_what_its_permissions_allow(
    retailer: RetailerRef, role: Role
) -> None:
    make_hub()
    order = make_order()
    browser = logged_in(retailer, add_member(role))
    for path in ("/console/orders/", path_of(order)):
        assert (browser.get(path).status_code == 200) is (role in MAY_SEE)
    assert (browser.get("/console/orders/new/").status_code == 200) is (role in MAY_EDIT)
    if role in MAY_SEE:
        assert ('name="what" value="cancel"' in body(browser.get(path_of(order)))) is (
            role in MAY_EDIT
        )
    events = Event.objects.count()
    cancelled = browser.post(path_of(order), {"what": "cancel", "cause": "shopper"})
    placed = browser.post("/console/orders/new/", new())
    order.refresh_from_db()
    if role in MAY_EDIT:
        assert (cancelled.status_code, placed.status_code, order.state) == (302, 302, "cancelled")
    else:
        assert (cancelled.status_code, placed.status_code, order.state) == (403, 403, "ready")
        assert (Order.objects.count(), Event.objects.count()) == (1, events)


def test_a_member_of_one_hub_sees_and_places_orders_of_that_hub_only(
    retailer: RetailerRef,
) -> None:
    own_order, other_order = make_hub(name="Mine"), make_hub(name="Theirs")
    own = make_order(hub=own_order.public_id, external_id="OWN")
    foreign = make_order(hub=other_order.public_id, external_id="FOREIGN")
    browser = logged_in(retailer, add_member(Role.DISPATCHER, hubs=[own_order.public_id]))
    page = body(browser.get("/console/orders/"))
    assert "OWN" in page
    assert "FOREIGN" not in page
    assert browser.get(path_of(own)).status_code == 200
    for path in (
        path_of(foreign),
        f"{path_of(foreign)}map.json",
        f"/console/pins/{foreign.public_id}/",
    ):
        assert browser.get(path).status_code == 404
    assert browser.post(path_of(foreign), {"what": "cancel", "cause": "shopper"}).status_code == 404
    assert browser.post("/console/orders/new/", new(hub="")).status_code == 422
    assert browser.post("/console/orders/new/", new(hub=other_order.public_id)).status_code == 422
    form = {"what": "change", "hub": other_order.public_id, "service_minutes": "3"}
    assert browser.post(path_of(own), form).status_code == 422
    assert Order.objects.count() == 2
    assert browser.post("/console/orders/new/", new(hub=own_order.public_id)).status_code == 302
    assert Order.objects.get(external_id="M-1").hub == own_order


def test_another_retailer_and_a_stranger_see_no_order(
    desk: Client, other: RetailerRef, client: Client
) -> None:
    order = make_order(external_id="OURS")
    for path in ("/console/orders/", path_of(order), "/console/orders/new/"):
        assert client.get(path).status_code == 302
    assert client.post("/console/orders/new/", new()).status_code == 302
    with retailer_context(other):
        outsider = logged_in(other, add_member(Role.OWNER))
    assert "OURS" not in body(outsider.get("/console/orders/"))
    assert outsider.get(path_of(order)).status_code == 404
    assert outsider.post(path_of(order), {"what": "cancel", "cause": "shopper"}).status_code == 404
    assert Order.objects.get().state == "ready"


def test_forms_without_a_csrf_token_are_refused(retailer: RetailerRef) -> None:
    make_hub()
    order = make_order()
    browser = Client(enforce_csrf_checks=True, headers={"host": retailer.domain})
    browser.cookies = logged_in(retailer, add_member(Role.OWNER)).cookies
    assert browser.post(path_of(order), {"what": "cancel", "cause": "shopper"}).status_code == 403
    assert browser.post("/console/orders/new/", new()).status_code == 403
    assert list(Order.objects.values_list("state", flat=True)) == ["ready"]


def test_hostile_text_is_escaped(retailer: RetailerRef) -> None:
    make_hub(name=HOSTILE)
    make_hub(name="Other")
    browser = logged_in(retailer, add_member(Role.OWNER))
    order = make_order(
        external_id=HOSTILE, notes=HOSTILE, shopper=ShopperDraft(name=HOSTILE),
        place=PlaceDraft(text=HOSTILE, lat=38.72, lon=-9.14),
    )  # fmt: skip
    hostile = make_order(external_id="L", place=PlaceDraft(text=HOSTILE), notes=HOSTILE)
    paths = ["/console/orders/", path_of(order), f"/console/orders/?q={HOSTILE}", "/console/pins/",
             f"/console/pins/{hostile.public_id}/?q={HOSTILE}", "/console/orders/new/",
             f"/console/orders/?import={HOSTILE}"]  # fmt: skip
    for path in paths:
        page = body(browser.get(path))
        assert "<script>alert" not in page, path
        assert "<html" in page
    fragment = body(browser.get(path_of(order), headers={"hx-request": "true"}))
    assert "<script>alert" not in fragment
    assert "&lt;script&gt;" in fragment


def test_a_page_is_written_in_the_readers_language_and_the_retailers_country(
    retailer: RetailerRef, other: RetailerRef
) -> None:
    pages = {}
    for ref, language in ((retailer, "en"), (other, "en"), (other, "es")):
        with retailer_context(ref):
            if not Order.objects.exists():
                make_order(window=make_window(9, 12))
            client = logged_in(ref, add_member(Role.DISPATCHER, language=language))
            order = Order.objects.get()
        with translation.override("en"):  # Django's middleware leaves its language active
            page = client.get(path_of(order), headers={"accept-language": language})
        pages[ref.schema, language] = body(page).replace("\xa0", " ")
    for (schema, language), words in {
        ("t1", "en"): ("Mon, 23 Nov", "2,0 kg"),  # English in Portugal
        ("t2", "en"): ("Mon, 23 Nov", "2.0 kg"),
        ("t2", "es"): ("lun, 23 nov", "2,0 kg"),
    }.items():
        for word in words:
            assert word in pages[schema, language], (schema, language, word)
