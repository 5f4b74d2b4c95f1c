"""The adapter of InPost over HTTP: every endpoint, every error body, paging, and lost answers.

No test needs a database.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

import pytest

from lastmile.core.providers import Limits
from lockers.fitting import Size
from lockers.states import Capability, Rejection, ReservationState
from lockers.vendors.base import (
    PointState,
    VendorError,
    VendorRequest,
)
from lockers.vendors.inpost import adapter
from lockers.vendors.inpost.adapter import InPost, InPostCredentials
from lockers.vendors.once import SETTLED_AFTER, reserve_once
from tests.fake_inpost import CAPTURED, ORGANIZATION, TOKEN, FakeInPost

NOW = dt.datetime(2026, 11, 30, 12, tzinfo=dt.UTC)
SMALL = Size(width_mm=600, height_mm=70, depth_mm=300)


@pytest.fixture
def fake(settings: Any) -> Iterator[FakeInPost]:
    with FakeInPost() as running:
        settings.LOCKER_VENDOR_URLS = {"inpost": running.base_url}
        yield running


def inpost(total_s: float = 20.0, token: str = TOKEN, most_bytes: int = 8_000_000) -> InPost:
    return InPost(
        InPostCredentials(organization=ORGANIZATION, token=token),
        limits=Limits(total_s=total_s, most_bytes=most_bytes),
    )


def request(reference: str = "rsv_1", **changes: Any) -> VendorRequest:
    values: dict[str, Any] = {
        "reference": reference,
        "point": "TST01A",
        "parcel": SMALL,
        "weight_g": 1_000,
        "phone": "500000001",
        "email": "shopper@example.com",
    }
    return VendorRequest(**values | changes)


def failure(call: Any) -> VendorError:
    with pytest.raises(VendorError) as caught:
        call()
    return caught.value


# --- Points -----------------------------------------------------------------------------------
def test_a_point_has_place_hours_sizes_payment_and_low_doors(fake: FakeInPost) -> None:
    point = inpost().point("TST01A")
    assert point is not None
    assert (point.at.lat, point.at.lon, point.zone) == (50.1, 19.9, "Europe/Warsaw")
    assert (point.state, point.hours, point.payment) == (PointState.OPEN, "24/7", True)
    assert point.capabilities == {Capability.LOW_DOORS, Capability.COOLED}
    assert (point.address, point.access) == (
        "Testowa 1, 00-000 Przykład",
        "Behind the example shop",
    )
    assert [(size.word, size.parcel.sides, size.most_weight_g) for size in point.sizes] == [
        ("A", (80, 380, 640), 25_000),
        ("B", (190, 380, 640), 25_000),
        ("C", (380, 410, 640), 25_000),
    ]
    assert (point.takes_deliveries, point.others, point.unknown) == (
        True, ("TST02B", "TST03C"), (),
    )  # fmt: skip
    assert fake.tokens == [""], "points are public, so no token is sent"


def test_hours_that_have_no_documented_form_are_kept_and_not_guessed(fake: FakeInPost) -> None:
    by_spans, by_text = inpost().point("TST02B"), inpost().point("POP-TST3")
    assert by_spans is not None
    assert by_text is not None
    assert by_spans.hours == (
        "Mo 09:00-17:00; Tu 09:00-12:00,13:00-17:00; We 09:00-17:00; Th 09:00-17:00;"
        " Fr 09:00-24:00; Sa off; Su off"
    )
    assert (by_text.hours, by_text.hours_text) == (None, "PN-SB 06-22;NIEDZIELA 08-22")
    assert (by_text.is_locker, by_text.takes_deliveries, by_text.sizes) == (False, False, ())
    fake.points[1]["operating_hours_extended"]["customer"]["monday"] = [{"start": 1020, "end": 1}]
    odd = inpost().point("TST02B")
    assert odd is not None
    assert odd.hours is None


def test_l08_a_point_that_closed_or_left_is_seen_when_it_is_asked_for(fake: FakeInPost) -> None:
    """L08: closed, disabled, or gone from the network."""
    for word, state in (
        ("Operating", PointState.OPEN),
        ("NonOperating", PointState.CLOSED),
        ("Disabled", PointState.LEFT),
        ("Overloaded", PointState.UNKNOWN),
    ):
        fake.points[0]["status"] = word
        assert inpost().availability("TST01A").state == state
    assert inpost().availability("NO/SUCH POINT").state == PointState.LEFT
    assert fake.calls[-1] == ("GET", "/v1/points/NO%2FSUCH%20POINT")
    fake.script("error_before", "error_before")
    assert failure(lambda: inpost().availability("TST01A")).permanent is False, "no answer: unknown"


def test_unknown_words_of_a_point_are_kept_by_name(fake: FakeInPost) -> None:
    fake.points[0] |= {
        "status": "Overloaded",
        "type": ["parcel_locker", "robot"],
        "locker_availability": {"status": "?", "details": {"A": "SOME", "B": "NO_DATA"}},
    }
    point = inpost().point("TST01A")
    assert point is not None
    assert (point.state, point.word) == (PointState.UNKNOWN, "Overloaded")
    assert point.unknown == ("type=robot", "status=Overloaded", "room A=SOME")
    assert set(point.room.values()) == {"unknown"}


def test_all_pages_are_read_and_a_point_that_is_odd_stops_no_other(fake: FakeInPost) -> None:
    fake.most_per_page = 2
    fake.points += [
        {"name": "NOWHERE", "status": "Operating"},
        {"name": "NULL", "location": {"latitude": 0, "longitude": 0}},
        {"name": "MARS", "location": {"latitude": 95, "longitude": "x"}},
        {"location": {"latitude": 1, "longitude": 1}},
        "no object",
    ]
    pages = list(inpost().points())
    assert [page.number for page in pages] == [1, 2, 3, 4]
    assert {page.total for page in pages} == {8}
    assert [point.name for page in pages for point in page.points] == [
        "TST01A", "TST02B", "POP-TST3",
    ]  # fmt: skip
    assert [refused.vendor_id for page in pages for refused in page.refused] == [
        "NOWHERE", "NULL", "MARS", "", "",
    ]  # fmt: skip
    assert all(refused.cause for page in pages for refused in page.refused)
    assert fake.queries[0] == {"per_page": "500", "page": "1"}


def test_a_lost_page_is_asked_for_once_more_and_then_ends_the_list(fake: FakeInPost) -> None:
    fake.most_per_page = 1
    fake.script("", "reset_before", "", "bad_json", "error_before")
    pages = inpost().points()
    assert [next(pages).number, next(pages).number] == [1, 2]
    fault = failure(lambda: next(pages))
    assert (fault.permanent, fault.unclear) == (False, False)
    assert len(fake.calls) == 5


@pytest.mark.parametrize("change", [{"page": 7}, {"items": None}, {"count": "3"}])
def test_a_page_that_is_not_the_asked_one_is_refused(
    fake: FakeInPost, monkeypatch: pytest.MonkeyPatch, change: dict[str, Any]
) -> None:
    odd = {"count": 3, "page": 1, "per_page": 500, "total_pages": 1, "items": []} | change
    monkeypatch.setattr(fake, "_act", lambda *_: (200, odd))
    assert failure(lambda: list(inpost().points())).code == "odd_page"


def test_changes_are_asked_for_up_to_three_days_back_and_else_everything(
    fake: FakeInPost, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(adapter, "real_now", lambda: NOW)
    list(inpost().points(dt.date(2026, 11, 27)))
    list(inpost().points(dt.date(2026, 11, 26)))
    assert fake.queries[0]["updated_from"] == "2026-11-27"
    assert "updated_from" not in fake.queries[1]


def test_an_answer_above_the_limits_is_refused(fake: FakeInPost) -> None:
    assert failure(lambda: inpost(most_bytes=100).point("TST01A")).code == "too_long"
    fake.script("hang_before", "hang_before")
    late = failure(lambda: inpost(total_s=0.2).point("TST01A"))
    assert (late.code, late.permanent, late.unclear) == ("no_answer", False, False)


# --- Reservations -----------------------------------------------------------------------------
def test_a_shipment_names_point_size_and_our_reference(fake: FakeInPost) -> None:
    status = inpost().reserve(request(parcel=Size(width_mm=100, height_mm=380, depth_mm=600)))
    assert (status.vendor_id, status.word, status.known) == ("9000001", "created", True)
    assert status.state is None, "it is not bought yet"
    (shipment,) = fake.shipments
    assert shipment["custom_attributes"] == {"target_point": "TST01A"}
    assert (shipment["reference"], shipment["parcels"][0]["template"]) == ("rsv_1", "medium")
    assert fake.tokens == [f"Bearer {TOKEN}"]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"parcel": Size(width_mm=411, height_mm=411, depth_mm=100)}, Rejection.DIMENSIONS_EXCEED),
        ({"weight_g": 25_001}, Rejection.WEIGHT_EXCEED),
    ],
)
def test_a_parcel_that_fits_nowhere_is_refused_without_a_call(
    fake: FakeInPost, changes: dict[str, Any], reason: Rejection
) -> None:
    fault = failure(lambda: inpost().reserve(request(**changes)))
    assert (fault.reason, fault.permanent, fake.calls) == (reason, True, [])


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("no_such_point", Rejection.SITE_UNKNOWN),
        ("too_large", Rejection.DIMENSIONS_EXCEED),
        ("too_heavy", Rejection.WEIGHT_EXCEED),
        ("bad_phone", Rejection.PROVIDER_ERROR),
        ("invalid_parameter", Rejection.PROVIDER_ERROR),
        ("forbidden", None),
    ],
)
def test_each_error_body_has_one_reason_of_ours(
    fake: FakeInPost, name: str, reason: Rejection | None
) -> None:
    fake.refuse = CAPTURED["errors"][name]
    fault = failure(lambda: inpost().reserve(request()))
    assert (fault.reason, fault.permanent, fault.unclear) == (reason, True, False)
    assert fault.code == CAPTURED["errors"][name]["error"]
    assert len(fake.calls) == 1, "a refused call is not repeated"


def test_a_wrong_token_is_the_accounts_fault_and_no_refusal_of_the_parcel(
    fake: FakeInPost,
) -> None:
    fault = failure(lambda: inpost(token="wrong").reserve(request()))
    assert (fault.code, fault.reason, fault.permanent) == ("token_invalid", None, True)
    assert "wrong" not in str(fault)
    assert "wrong" not in repr(InPostCredentials(organization="1", token="wrong"))


def test_a_busy_network_says_when_to_come_back_and_is_not_called_again(fake: FakeInPost) -> None:
    fake.script("busy", "busy")
    for call in (lambda: inpost().reserve(request()), lambda: inpost().status("1")):
        fault = failure(call)
        assert (fault.permanent, fault.unclear, fault.retry_after_s) == (False, False, 17)
    assert len(fake.calls) == 2


def test_an_error_page_that_is_no_json_is_understood_as_far_as_it_says(fake: FakeInPost) -> None:
    fake.script("html")
    fault = failure(lambda: inpost().reserve(request()))
    assert (fault.code, fault.reason, fault.unclear) == ("403", Rejection.PROVIDER_ERROR, False)


@pytest.mark.parametrize(
    "fault", ["hang_after", "reset_after", "bad_json", "error_after", "odd_after", "hang_before"]
)
def test_a_lost_answer_is_looked_up_before_anything_is_sent_again(
    fake: FakeInPost, fault: str
) -> None:
    """There is one shipment afterwards, whether the first call had arrived or not."""
    network, tried = inpost(total_s=0.5), NOW
    sent: list[dt.datetime] = []

    def ask(at: dt.datetime, first: dt.datetime | None) -> Any:
        return reserve_once(
            network,
            request(),
            first_tried_at=first,
            last_tried_at=first,
            now=at,
            before_sending=lambda: sent.append(at),
        )

    fake.script(fault)
    assert failure(lambda: ask(tried, None)).unclear
    if fault == "hang_before":
        unsettled = failure(lambda: ask(tried + dt.timedelta(seconds=20), tried))
        assert (unsettled.unclear, unsettled.retry_after_s) == (True, 101)
        assert fake.shipments == []
        status = ask(tried + SETTLED_AFTER, tried)
    else:
        status = ask(tried + dt.timedelta(seconds=20), tried)
    assert status.vendor_id == "9000001"
    assert len(fake.shipments) == 1
    posts = [call for call in fake.calls if call[0] == "POST"]
    assert len(sent) == len(posts), "each time of a call is stored before it is sent"


def test_a_shipment_that_the_list_does_not_have_yet_is_not_sent_again(fake: FakeInPost) -> None:
    fake.script("reset_after")
    fake.hidden_for_lists = {"rsv_1"}
    network = inpost()
    assert failure(lambda: network.reserve(request())).unclear
    at = NOW + dt.timedelta(seconds=5)
    fault = failure(
        lambda: reserve_once(
            network,
            request(),
            first_tried_at=NOW,
            last_tried_at=NOW,
            now=at,
            before_sending=lambda: None,
        )
    )
    assert (fault.code, len(fake.shipments)) == ("not_settled", 1)
    fake.hidden_for_lists = set()
    status = reserve_once(
        network,
        request(),
        first_tried_at=NOW,
        last_tried_at=NOW,
        now=at,
        before_sending=lambda: None,
    )
    assert (status.vendor_id, len(fake.shipments)) == ("9000001", 1)


def test_a_refused_connection_is_not_unclear(settings: Any) -> None:
    settings.LOCKER_VENDOR_URLS = {"inpost": "http://127.0.0.1:9"}
    fault = failure(lambda: inpost().reserve(request()))
    assert (fault.permanent, fault.unclear) == (False, False)


def test_a_shipment_is_looked_up_on_all_pages_of_its_time(fake: FakeInPost) -> None:
    network = inpost()
    for number in range(5):
        network.reserve(request(f"rsv_{number}"))
    fake.most_per_page = 2  # less than was asked for
    status = network.find("rsv_4", NOW)
    assert status is not None
    assert status.vendor_id == "9000005"
    assert network.find("rsv_", NOW) is None, "only the whole reference counts"
    assert fake.queries[-1]["created_at_gteq"] == "2026-11-30T12:00:00+00:00"
    assert fake.queries[-1]["page"] == "3"


def test_a_list_with_a_gap_does_not_say_that_there_is_no_shipment(
    fake: FakeInPost, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = {"count": 5, "page": 1, "items": []}
    monkeypatch.setattr(fake, "_act", lambda *_: (200, page))
    assert failure(lambda: inpost().find("rsv_1", NOW)).code == "odd_page"


def test_cancelling_works_until_the_label_is_bought_and_twice_does_no_harm(
    fake: FakeInPost,
) -> None:
    network = inpost()
    first = network.reserve(request("rsv_1"))
    assert network.cancel(first.vendor_id).state == ReservationState.CANCELLED
    assert network.cancel(first.vendor_id).state == ReservationState.CANCELLED
    second = network.reserve(request("rsv_2"))
    fake.shipments[1]["status"] = "confirmed"
    fault = failure(lambda: network.cancel(second.vendor_id))
    assert (fault.code, fault.permanent, fault.unclear) == ("invalid_action", True, False)
    third = network.reserve(request("rsv_3"))
    fake.script("reset_after")
    assert network.cancel(third.vendor_id).state == ReservationState.CANCELLED
    for odd in ("1/../2", "", "9000009"):
        assert failure(lambda odd=odd: network.cancel(odd)).code == "resource_not_found"


def test_the_status_of_a_shipment_in_our_words(fake: FakeInPost) -> None:
    network = inpost()
    reservation = network.reserve(request())
    for word, state, attention in (
        ("confirmed", ReservationState.AWAITING_DEPOSIT, False),
        ("ready_to_pickup", ReservationState.READY, False),
        ("delivered", ReservationState.COLLECTED, False),
        ("pickup_time_expired", ReservationState.COLLECT_EXPIRED, False),
        ("returned_to_sender", ReservationState.RETURNED, False),
        ("missing", ReservationState.LOST, True),
        ("stack_in_box_machine", None, True),
        ("beamed_up", None, True),
    ):
        fake.shipments[0]["status"] = word
        status = network.status(reservation.vendor_id)
        assert (status.word, status.state, status.attention) == (word, state, attention)
        assert status.known is (word != "beamed_up")


def test_a_purchase_that_failed_is_told_to_staff_with_its_code(fake: FakeInPost) -> None:
    network = inpost()
    reservation = network.reserve(request())
    fake.shipments[0]["transactions"] = [CAPTURED["failed_purchase"]]
    status = network.status(reservation.vendor_id)
    assert (status.reason, status.attention, status.code) == (
        Rejection.PROVIDER_ERROR, True, "debt_collection",
    )  # fmt: skip
    fake.shipments[0]["status"] = "confirmed"  # bought at a second try
    assert network.status(reservation.vendor_id).reason is None


@pytest.mark.parametrize(
    "facts", [{}, {"organization": "x"}, {"organization": "1", "country": "XX"}]
)
def test_an_account_with_wrong_facts_is_refused(facts: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"ID|choose"):
        InPost.for_account(facts, {"token": "t"})
