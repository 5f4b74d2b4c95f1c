"""Choosing a time on the shopper's pages, with scripts off: options, hold, confirmation."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

import pytest
from django.db import connection
from django.http import HttpResponse
from django.test.utils import CaptureQueriesContext

from dispatch.fleet.models import Hub
from dispatch.orders.drafts import PlaceDraft
from dispatch.orders.models import AccessNote, Cause, Order
from dispatch.orders.services import mark_loaded, mark_planned, set_access
from dispatch.planning.services import publish_plan
from dispatch.slots.models import Hold, Slot
from dispatch.slots.services.visits import TRIES
from dispatch.slots.states import HoldState
from lastmile.core.models import Event
from lastmile.core.tenancy import RetailerRef, retailer_context
from portal.choice.models import DeliverySession, ShownOffer
from tests.dispatch.conftest import SetClock
from tests.dispatch.planning.test_plans import plan
from tests.dispatch.slots.booking import take_place, taken
from tests.factories import make_hub, make_order, make_zone
from tests.factories.orders import DAY
from tests.factories.slots import make_slot
from tests.portal.choice.busy import watch_holds, watch_promises
from tests.portal.shopper.codes import let_codes_be_sent, newest_code
from tests.portal.tracking.shoppers import ShopperBrowser, heading, text_of


def below(answer: HttpResponse, shopper: ShopperBrowser) -> str:
    """Return the path under the link to which an answer leads."""
    assert answer.status_code in {302, 303}, answer.content.decode()[:3000]
    return answer.headers["Location"].removeprefix(f"/t/{shopper.secret}/")


def options_of(shopper: ShopperBrowser) -> str:
    """Ask for the options; return the path of their page."""
    return below(shopper.post("choose/"), shopper)


def slot_at(hour: int) -> Slot:
    return next(slot for slot in Slot.objects.all() if slot.opens_at.hour == hour)


def held(shopper: ShopperBrowser, hour: int) -> str:
    """Hold the slot of an hour; return the path of the confirmation."""
    return below(shopper.post(options_of(shopper), offer=slot_at(hour).public_id), shopper)


def fields_of(answer: HttpResponse) -> dict[str, str]:
    """Return the hidden fields of the form of a page."""
    pairs = re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', answer.content.decode())
    return {name: value for name, value in pairs if name != "csrfmiddlewaretoken"}


def book(shopper: ShopperBrowser, hour: int, **fields: str) -> HttpResponse:
    """Hold and confirm the slot of an hour."""
    path = held(shopper, hour)
    return shopper.post(path, **({"way": "attended"} | fields_of(shopper.get(path)) | fields))


def test_days_that_are_being_prepared_come_after_the_times_that_are_free(
    shopper: ShopperBrowser,
) -> None:
    options = options_of(shopper)
    DeliverySession.objects.update(not_ready=["2026-11-24"])
    page = shopper.text(options)
    preparing = "Look again in a minute: Tue, 24 Nov"
    assert page.index("10:00–12:00") < page.index(preparing)
    ShownOffer.objects.all().delete()
    page = shopper.text(options)
    assert preparing in page
    assert "No time is free" not in page, "the day may still have one"
    DeliverySession.objects.update(not_ready=[])
    assert "No time is free" in shopper.text(options)


def test_a_shopper_chooses_a_time_without_scripts_and_the_page_answers_with_it(
    shopper: ShopperBrowser, order: Order
) -> None:
    assert "Choose a time" in shopper.text()
    options = options_of(shopper)
    page = shopper.text(options)
    assert "Monday, 23 November 2026" in page
    assert "10:00–12:00" in page
    assert re.search(r"3[.,]60", page)
    assert "Lowest CO2e" in page
    confirm = below(shopper.post(options, offer=slot_at(12).public_id), shopper)
    summary = shopper.text(confirm)
    assert "12:00–14:00" in summary
    assert "Kept for you until" in summary
    sent = {"way": "attended"} | fields_of(shopper.get(confirm))
    assert below(shopper.post(confirm, **sent), shopper) == "?done=booked"
    order.refresh_from_db()
    promise = order.promise
    assert promise is not None
    assert (promise.slot, promise.price_minor, promise.cause, promise.handover) == (
        slot_at(12).public_id, 362, Cause.CHOICE, "attended",
    )  # fmt: skip
    answer = "Your delivery is planned for tomorrow, between 12:00 and 14:00."
    assert shopper.answer() == answer
    assert "Your time is booked" in shopper.text(done="booked")
    assert taken(slot_at(12)) == 1


def confirm_with_code(shopper: ShopperBrowser, retailer: RetailerRef) -> None:
    """Confirm a browser with the code of the newest message."""
    let_codes_be_sent()
    shopper.post("confirm/", what="send")
    shopper.post("confirm/", code=newest_code(shopper.order))


def test_the_link_alone_never_moves_the_goods_to_the_curb_but_moves_a_pickup_in_time(
    shopper: ShopperBrowser, order: Order, hub: Hub, retailer: RetailerRef
) -> None:
    make_slot(hub=hub, opens=1140, closes=1200, option="curbside", base_minor=0)
    confirm = held(shopper, 17)
    assert "We send you a code first" in shopper.text(confirm)
    sent = fields_of(shopper.get(confirm))
    answer = shopper.post(confirm, **sent)
    assert "/confirm/?next=" in answer.headers["Location"]
    assert order.promises.count() == 0
    confirm_with_code(shopper, retailer)
    assert "We send you a code first" not in shopper.text(confirm)
    assert below(shopper.post(confirm, **sent), shopper) == "?done=booked"
    reader = ShopperBrowser(order)  # has the link, but not the code
    later = held(reader, 19)
    assert below(reader.post(later, **fields_of(reader.get(later))), reader) == "?done=booked"
    order.refresh_from_db()
    assert order.promise is not None
    assert (order.promise.option, order.promise.number) == ("curbside", 2)


def test_a_new_time_with_the_link_alone_keeps_the_handover_and_no_code_is_replaced_by_it(
    shopper: ShopperBrowser, order: Order
) -> None:
    set_access(order=order, kind="pin", code="4711")
    path = held(shopper, 10)
    fields = fields_of(shopper.get(path))
    for change in ({"way": "pin", "code": "0000"}, {"way": "attended"}, {"way": "door"}):
        answer = shopper.post(path, **fields, **change)
        assert "/confirm/?next=" in answer.headers["Location"], change
    assert order.promises.count() == 0
    assert below(shopper.post(path, **fields, way="pin"), shopper) == "?done=booked"
    assert AccessNote.objects.get(order=order).code == "4711"


def test_each_option_says_day_window_price_co2_and_why(shopper: ShopperBrowser) -> None:
    page = shopper.get(options_of(shopper)).content.decode()
    assert page.count('type="radio"') == ShownOffer.objects.count() == 4
    labels = re.findall(r"<label for=\"o-[^>]*>(.*?)</label>", page, re.DOTALL)
    for label in labels:
        assert "Monday, 23 November" in label
        assert re.search(r"\d\d:00–\d\d:00", label)
        assert "Free" in label or "€" in label
    assert sum("of CO2e" in label for label in labels) == 3, "the shopper's own trip is not known"
    assert sum("Lowest CO2e" in label for label in labels) == 1
    assert "Earliest" in page or "Lowest price" in page
    assert page.count("<legend>") == 1


def test_s23_reading_choosing_pages_changes_nothing(shopper: ShopperBrowser) -> None:
    confirm = held(shopper, 10)
    options = confirm.removesuffix("confirm/")
    paths = ("choose/", options, f"{options}?option=curbside&days=all", confirm, "change/cancel/",
             "change/instructions/", "change/address/", "return/")  # fmt: skip
    shopper.get()
    with CaptureQueriesContext(connection) as queries:
        for path in paths:
            for read in (shopper.client.get, shopper.client.head):
                answer = read(f"/t/{shopper.secret}/{path}", headers={"purpose": "prefetch"})
                assert answer.status_code in {200, 302, 303}, path
    changing = [q["sql"] for q in queries if q["sql"].split()[0] not in {"SELECT", "SET", "SHOW"}]
    assert [sql for sql in changing if "SAVEPOINT" not in sql] == []


def test_s06_the_shoppers_own_hold_is_shown_as_kept_and_choosing_again_moves_it(
    shopper: ShopperBrowser,
) -> None:
    Slot.objects.update(capacity_orders=1)
    options = held(shopper, 10).removesuffix("confirm/")
    assert "Kept for you" in shopper.text(options)
    again = options_of(shopper)
    assert again == options, "the same session, so the own hold counts as free"
    assert "Kept for you" in shopper.text(again)
    shopper.post(again, offer=slot_at(12).public_id)
    assert (taken(slot_at(10)), taken(slot_at(12))) == (0, 1)


def test_s13_the_last_option_decides_everything(
    shopper: ShopperBrowser, order: Order, retailer: RetailerRef
) -> None:
    confirm_with_code(shopper, retailer)
    options = options_of(shopper)
    for hour in (10, 17, 12, 17):
        confirm = below(shopper.post(options, offer=slot_at(hour).public_id), shopper)
    assert shopper.post(confirm, **fields_of(shopper.get(confirm))).status_code == 303
    order.refresh_from_db()
    promise = order.promise
    assert promise is not None
    assert (promise.option, promise.price_minor, promise.handover) == ("curbside", 0, "attended")
    assert promise.place.text == "Alcântara"
    assert promise.co2_g is None
    assert Hold.objects.filter(state__in=[HoldState.LIVE, HoldState.KEPT]).count() == 0
    book(shopper, 10, way="door")
    order.refresh_from_db()
    promise = order.promise
    assert promise is not None
    assert (promise.option, promise.price_minor, promise.handover) == (
        "window", 360, "contactless",
    )  # fmt: skip
    assert not promise.elsewhere


def test_s12_a_reload_shows_the_held_time_with_the_price_that_it_will_cost(
    shopper: ShopperBrowser,
) -> None:
    confirm = held(shopper, 10)
    for _reload in range(2):
        assert re.search(r"3[.,]60", shopper.text(confirm))
        page = shopper.get(confirm.removesuffix("confirm/")).content.decode()
        checked = re.search(r'value="(slt_\w+)"[^>]*checked', page)
        assert checked is not None
        assert checked[1] == slot_at(10).public_id


def test_s26_the_old_form_again_gives_the_same_result_or_says_already_changed(
    shopper: ShopperBrowser, order: Order
) -> None:
    confirm = held(shopper, 10)
    old = {"way": "attended"} | fields_of(shopper.get(confirm))
    assert shopper.post(confirm, **old).status_code == 303
    assert below(shopper.post(confirm, **old), shopper) == "?done=booked"
    assert order.promises.count() == 1
    assert below(shopper.get(confirm), shopper) == "", "Back leads to the present state"
    other_tab = held(shopper, 12)
    stale = {"way": "attended"} | fields_of(shopper.get(other_tab))
    book(shopper, 14)
    events = Event.objects.filter(kind="order.promised").count()
    late = shopper.post(other_tab, **stale)
    assert late.status_code == 409
    assert "already changed after you opened this page" in text_of(late)
    assert Event.objects.filter(kind="order.promised").count() == events
    order.refresh_from_db()
    assert order.promise is not None
    assert order.promise.slot == slot_at(14).public_id


@pytest.mark.parametrize(("busy", "status"), [(1, 303), (3, 303), (9, 409)])
def test_a_page_computes_no_travel_while_it_has_locked_the_day(
    shopper: ShopperBrowser,
    order: Order,
    monkeypatch: pytest.MonkeyPatch,
    busy: int,
    status: int,
) -> None:
    options = options_of(shopper)
    seen = watch_holds(monkeypatch, busy)
    answer = shopper.post(options, offer=slot_at(10).public_id)
    assert answer.status_code == status
    assert seen == ["prepared", "locked"] * min(busy + 1, TRIES)
    assert taken(slot_at(10)) == int(status == 303)
    if status == 409:
        assert "Try again in a minute" in text_of(answer)
        assert "Near it, these times are still free" in text_of(answer)
        return
    confirm = below(answer, shopper)
    fields = fields_of(shopper.get(confirm))
    seen = watch_promises(monkeypatch, busy)
    assert below(shopper.post(confirm, way="attended", **fields), shopper) == "?done=booked"
    assert seen == ["prepared", "locked"] * (busy + 1)
    assert (taken(slot_at(10)), order.promises.count()) == (1, 1)


def test_a_time_whose_day_changes_all_the_time_is_not_booked_and_stays_held(
    shopper: ShopperBrowser, order: Order, monkeypatch: pytest.MonkeyPatch
) -> None:
    confirm = held(shopper, 10)
    fields = fields_of(shopper.get(confirm))
    with monkeypatch.context() as patches:
        seen = watch_promises(patches, 9)
        answer = shopper.post(confirm, way="door", **fields)
        assert (answer.status_code, seen) == (303, []), "the code comes first"
        answer = shopper.post(confirm, way="attended", text="Ring twice", **fields)
    assert answer.status_code == 409
    assert seen == ["prepared", "locked"] * TRIES
    assert "Try again in a minute" in text_of(answer)
    assert (order.promises.count(), AccessNote.objects.count()) == (0, 0)
    assert Hold.objects.get().state == "live"
    assert below(shopper.post(confirm, way="attended", **fields), shopper) == "?done=booked"


def test_the_booking_of_an_old_tab_does_not_replace_newer_instructions_in_silence(
    shopper: ShopperBrowser, order: Order
) -> None:
    confirm = held(shopper, 10)
    old = {"way": "attended", "text": "The blue door"} | fields_of(shopper.get(confirm))
    other_tab = shopper.get("change/instructions/")
    newer = {"way": "attended", "text": "Second floor"}
    assert shopper.post("change/instructions/", **newer, **fields_of(other_tab)).status_code == 303
    late = shopper.post(confirm, **old)
    assert late.status_code == 412
    for words in ("were changed after you opened this page", "Second floor", "The blue door"):
        assert words in late.content.decode()
    assert (order.promises.count(), AccessNote.objects.get().text) == (0, "Second floor")
    assert below(shopper.post(confirm, **old | fields_of(late)), shopper) == "?done=booked"
    assert (order.promises.count(), AccessNote.objects.get().text) == (1, "The blue door")


def test_the_booking_of_an_old_tab_with_the_instructions_that_are_stored_is_no_conflict(
    shopper: ShopperBrowser, order: Order
) -> None:
    set_access(order=order, kind="", text="The blue door")
    confirm = held(shopper, 10)
    old = {"way": "attended", "text": "Second floor"} | fields_of(shopper.get(confirm))
    set_access(order=order, kind="", text="Second floor")
    assert below(shopper.post(confirm, **old), shopper) == "?done=booked"
    assert (order.promises.count(), AccessNote.objects.get().text) == (1, "Second floor")


def test_s25_no_answer_may_be_stored_and_two_shoppers_never_share_bytes(
    shopper: ShopperBrowser, hub: Hub
) -> None:
    second = ShopperBrowser(make_order(hub=hub.public_id))
    cache: dict[str, bytes] = {}

    def through_cache(reader: ShopperBrowser, path: str) -> bytes:
        """Answer as a shared cache does that keeps each answer it may keep, by its address."""
        address = f"/t/{reader.secret}/{path}"
        if address not in cache:
            answer = reader.get(path)
            control = answer.headers["Cache-Control"]
            assert control == "private, no-store", path
            assert answer.headers["X-Robots-Tag"] == "noindex, nofollow"
            assert answer.headers["Referrer-Policy"] == "same-origin"
            if "no-store" not in control and "private" not in control:
                cache[address] = answer.content
            return answer.content
        return cache[address]

    paths = ("", "choose/", "change/instructions/", "change/cancel/", "delivery.ics")
    for path in paths:
        for reader, other in ((shopper, second), (second, shopper)):
            body = through_cache(reader, path).decode()
            assert str(other.order.external_id) not in body
            assert other.secret not in body
    assert cache == {}
    foreign = options_of(shopper)
    assert below(second.get(foreign), second) == "choose/", "the session of another order"
    assert below(second.post(foreign, offer=slot_at(10).public_id), second) == "choose/"
    assert taken(slot_at(10)) == 0


def test_a_full_time_is_refused_with_the_times_that_are_free_near_it(
    shopper: ShopperBrowser, hub: Hub
) -> None:
    options = options_of(shopper)
    Slot.objects.filter(pk=slot_at(10).pk).update(capacity_orders=0)
    answer = shopper.post(options, offer=slot_at(10).public_id)
    assert answer.status_code == 409
    text = text_of(answer)
    assert "Near it, these times are still free" in text
    assert "12:00–14:00" in text
    assert Hold.objects.count() == 0


@pytest.mark.parametrize(
    ("offer", "status"), [("", 422), ("slt_nothing", 422), ("a\x00b", 422), ("x" * 500, 422)]
)
def test_a_wrong_offer_is_refused_with_a_sentence_and_holds_nothing(
    shopper: ShopperBrowser, offer: str, status: int
) -> None:
    answer = shopper.post(options_of(shopper), offer=offer)
    assert answer.status_code == status
    assert 'role="alert"' in answer.content.decode()
    assert heading(answer) == "When may we come?"
    assert Hold.objects.count() == 0


def test_a_hold_that_ended_and_is_full_now_is_refused_and_leads_to_the_options(
    shopper: ShopperBrowser, order: Order, clock: SetClock
) -> None:
    confirm = held(shopper, 10)
    sent = {"way": "attended"} | fields_of(shopper.get(confirm))
    Slot.objects.filter(pk=slot_at(10).pk).update(capacity_orders=1)
    clock(dt.datetime.combine(DAY, dt.time(), dt.UTC) - dt.timedelta(hours=7))
    take_place(slot_at(10), session="ses_other")
    answer = shopper.post(confirm, **sent)
    assert answer.status_code == 409
    assert 'role="alert"' in answer.content.decode()
    order.refresh_from_db()
    assert order.promise is None
    assert below(shopper.get(confirm), shopper).endswith("?ended=1")


def test_a_time_that_can_no_longer_be_booked_is_not_shown(
    shopper: ShopperBrowser, clock: SetClock
) -> None:
    options = options_of(shopper)
    assert shopper.get(options).content.count(b'type="radio"') == 4
    ShownOffer.objects.filter(offer=slot_at(10).public_id).update(
        book_until_at=dt.datetime(2026, 11, 22, 1, tzinfo=dt.UTC)
    )
    clock(dt.datetime(2026, 11, 22, 1, tzinfo=dt.UTC))
    page = shopper.get(options).content.decode()
    assert page.count('type="radio"') == 3
    assert slot_at(10).public_id not in page
    old = shopper.post(options, offer="slt_gone")
    assert "This option is no longer in the list." in text_of(old)


def pass_by(*hours: int) -> None:
    """Let the shown offers of some hours be over."""
    over = dt.datetime(2026, 11, 22, 1, tzinfo=dt.UTC)
    offers = [slot_at(hour).public_id for hour in hours]
    ShownOffer.objects.filter(offer__in=offers).update(book_until_at=over)


def marks_of(page: str) -> dict[str, list[str]]:
    """Return the marks of each offer of a page, by its hour."""
    by_hour = {}
    for label in re.findall(r"<label for=\"o-[^>]*>(.*?)</label>", page, re.DOTALL):
        hour = re.search(r"(\d\d):00–", label)
        assert hour is not None
        marks = ("Lowest price", "Earliest", "Lowest CO2e")
        by_hour[hour[1]] = [mark for mark in marks if mark in label]
    return by_hour


def test_after_the_best_times_are_over_the_marks_are_of_those_that_are_left(
    shopper: ShopperBrowser,
) -> None:
    options = options_of(shopper)
    pass_by(10, 17)
    page = shopper.get(options).content.decode()
    marks = [mark for line in marks_of(page).values() for mark in line]
    assert marks.count("Lowest CO2e") == 1
    assert "Another time costs less." not in "".join(
        line for line in page.splitlines() if "12:00–14:00" in line
    )
    assert "Lowest price" in marks or "Earliest" in marks
    assert ShownOffer.objects.filter(reason="").count() == 0
    pass_by(14)
    assert "Another time" not in shopper.text(options), "it is the only time"


def test_a_list_of_pickups_alone_does_not_ask_when_we_may_come(shopper: ShopperBrowser) -> None:
    options = options_of(shopper)
    assert heading(shopper.get(options)) == "When may we come?"
    pass_by(10, 12, 14)
    page = shopper.get(options)
    assert heading(page) == "When will you collect it?"
    assert marks_of(page.content.decode()) == {"17": ["Lowest price"]}


def test_looking_again_and_again_does_not_fill_the_table(
    shopper: ShopperBrowser, settings: Any
) -> None:
    settings.LIMIT_SHOPPER_LINK_PER_MINUTE = 100
    options = options_of(shopper)
    first = ShownOffer.objects.count()
    confirm = below(shopper.post(options, offer=slot_at(12).public_id), shopper)
    for _time in range(6):
        assert below(shopper.post(options, what="again"), shopper) == options
    rounds = set(ShownOffer.objects.values_list("round", flat=True))
    assert rounds == {1, 5, 6, 7}, "the newest three, and the one of the held time"
    assert ShownOffer.objects.count() == 4 * first
    sent = {"way": "attended"} | fields_of(shopper.get(confirm))
    assert below(shopper.post(confirm, **sent), shopper) == "?done=booked"
    assert ShownOffer.objects.filter(chosen_at__isnull=False, round=1).count() == 1


def test_an_order_in_the_vehicle_offers_no_other_time_and_says_why(
    shopper: ShopperBrowser, order: Order
) -> None:
    options = options_of(shopper)
    mark_planned(orders=[order.pk], plan="pln_1")
    mark_loaded(orders=[order.pk])
    for answer in (shopper.post("choose/"), shopper.post(options, offer=slot_at(10).public_id)):
        assert answer.status_code == 409
        assert "The driver already has the order" in text_of(answer)
    assert "The driver already has the order" in shopper.text()
    assert Hold.objects.count() == 0


def test_the_session_of_another_retailer_is_unknown(
    shopper: ShopperBrowser, other: RetailerRef
) -> None:
    options = options_of(shopper)
    with retailer_context(other):
        make_hub()
        stranger = ShopperBrowser(make_order())
        assert below(stranger.get(options), stranger) == "choose/"
    assert DeliverySession.objects.count() == 1


def test_after_the_cut_off_only_an_order_of_the_day_may_still_try_what_the_van_can_take(
    shopper: ShopperBrowser, order: Order, clock: SetClock, hub: Hub
) -> None:
    Slot.objects.update(book_until_at=dt.datetime(2026, 11, 22, 18, tzinfo=dt.UTC))
    assert "Possible until 18:00 today." in (book(shopper, 10), shopper.text())[1]
    clock(dt.datetime(2026, 11, 22, 19, tzinfo=dt.UTC))
    page = shopper.text()
    assert "The time for changes has passed. We can still try" in page
    book(shopper, 14)
    assert shopper.answer() == "Your delivery is planned for tomorrow, between 14:00 and 16:00."
    late = ShopperBrowser(make_order(hub=hub.public_id))
    assert "offers no other times here" in text_of(late.post("choose/"))


def test_an_order_on_a_route_that_has_left_keeps_its_time_and_says_so(
    shopper: ShopperBrowser, order: Order, clock: SetClock, hub: Hub
) -> None:
    book(shopper, 12)
    publish_plan(plan=plan(hub))
    clock(dt.datetime.combine(DAY, dt.time(13), dt.UTC))
    answer = shopper.post("choose/")
    assert answer.status_code == 409
    assert "The driver already has the order" in text_of(answer)
    assert "Another time" not in shopper.text()
    order.refresh_from_db()
    assert order.promise is not None
    assert order.promise.slot == slot_at(12).public_id


def test_a_long_list_of_times_stays_small_and_shows_the_rest_on_request(
    shopper: ShopperBrowser,
) -> None:
    options = options_of(shopper)
    (session,) = DeliverySession.objects.all()
    row = ShownOffer.objects.filter(option="window").order_by("rank")[0]
    for day in range(1, 14):
        for number in range(6):
            later = dt.timedelta(days=day, hours=number)
            row.pk, row.rank, row.offer = None, 100 * day + number, f"slt_{day}x{number}"
            row.service_date = DAY + dt.timedelta(days=day)
            row.opens_at, row.closes_at = slot_at(10).opens_at + later, slot_at(12).opens_at + later
            row.green, row.reason, row.shown_at = False, "costs_more", session.created_at
            row.save(force_insert=True)
    page = shopper.get(options).content
    assert len(page) < 19_000, len(page)
    assert page.count(b'type="radio"') == 4 + 2 * 6
    assert "Show 11 more days" in shopper.text(options)
    assert shopper.get(f"{options}?days=all").content.count(b'type="radio"') == 4 + 13 * 6


def test_the_list_says_how_old_it_is_and_looks_again_on_request(
    shopper: ShopperBrowser, clock: SetClock
) -> None:
    clock(dt.datetime(2026, 11, 22, 14, 5, tzinfo=dt.UTC))
    options = options_of(shopper)
    assert "Times as of 14:05 Look again for free times" in shopper.text(options)
    clock(dt.datetime(2026, 11, 22, 14, 20, tzinfo=dt.UTC))
    assert "Times as of 14:05 " in shopper.text(options), "reading finds nothing new"
    again = below(shopper.post(options, what="again"), shopper)
    assert "Times as of 14:20 " in shopper.text(again)
    clock(dt.datetime(2026, 11, 23, 8, 0, tzinfo=dt.UTC))
    assert "Times as of 14:20 yesterday" in shopper.text(again)


def test_an_address_outside_every_zone_leads_to_another_address_or_to_the_shop(
    shopper: ShopperBrowser, hub: Hub, order: Order
) -> None:
    make_zone(hub=hub)
    place = PlaceDraft(text="Rua do Monte 1, Lisboa", lat=hub.lat + 0.08, lon=hub.lon)
    far = ShopperBrowser(make_order(place=place))
    assert far.order.hub is None
    for answer in (far.get("choose/"), far.post("choose/")):
        page = answer.content.decode()
        assert "We do not deliver to this address" in text_of(answer)
        assert "Show the options" not in page
        assert f'href="/t/{far.secret}/change/address/"' in page
    Slot.objects.all().delete()  # now no address has a time
    for reader in (far, shopper):
        page = reader.get("choose/").content.decode()
        assert "change/address/" not in page
        assert "Contact the shop if it is important" in page
