"""Words, calls, signatures and comparisons of networks. No database, no network."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import hmac
import json
from typing import Any

import pytest

from lastmile.core.geo import Point
from lockers.fitting import Size
from lockers.states import Capability, Rejection, ReservationState, may_move
from lockers.vendors.base import PointState, Room, VendorError, VendorPoint, VendorRequest
from lockers.vendors.comparing import compare, refusal_of
from lockers.vendors.inpost.reading import read_call, status_of
from lockers.vendors.inpost.signing import LONGEST_AGE, is_signed, sign
from lockers.vendors.inpost.words import SIZES, STATUSES
from lockers.vendors.null import NullVendor
from lockers.vendors.registry import ADAPTERS, MEANINGS
from tests.fake_inpost import CAPTURED, SECRET, signed

NOW = dt.datetime(2026, 11, 30, 12, tzinfo=dt.UTC)
PARCEL = Size(width_mm=300, height_mm=70, depth_mm=600)


def a_point(name: str = "TST01A", **changes: Any) -> VendorPoint:
    values: dict[str, Any] = {
        "vendor_id": name, "name": name, "at": Point(lat=50, lon=19), "country": "PL",
        "zone": "Europe/Warsaw", "state": PointState.OPEN, "word": "Operating", "is_locker": True,
        "takes_deliveries": True, "sizes": SIZES,
    }  # fmt: skip
    return VendorPoint(**values | changes)


def a_request(reference: str) -> VendorRequest:
    return VendorRequest(
        reference=reference, point="TST01A", parcel=PARCEL, weight_g=1_000, phone="", email=""
    )


# --- Words ------------------------------------------------------------------------------------
def test_the_usual_way_of_a_parcel_is_a_way_of_our_states() -> None:
    way = [
        STATUSES[word].state
        for word in ("confirmed", "out_for_delivery", "ready_to_pickup", "delivered")
    ]
    assert way == [
        ReservationState.AWAITING_DEPOSIT, ReservationState.AWAITING_DEPOSIT,
        ReservationState.READY, ReservationState.COLLECTED,
    ]  # fmt: skip
    assert may_move(ReservationState.READY, ReservationState.COLLECT_EXPIRED)


def test_a_parcel_that_waits_in_another_locker_is_never_called_ready() -> None:
    for word in STATUSES:
        meaning = STATUSES[word]
        if word.startswith(("stack", "unstack", "redirect", "readdressed", "undelivered", "avizo")):
            assert (meaning.state, meaning.attention) == (None, True), word


def test_an_unknown_status_is_kept_and_changes_nothing() -> None:
    status = status_of("1", "beamed_up")
    assert (status.word, status.known, status.state, status.attention) == (
        "beamed_up", False, None, True,
    )  # fmt: skip


# --- Calls ------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("name", "word", "state"),
    [
        ("shipment_confirmed", "confirmed", ReservationState.AWAITING_DEPOSIT),
        ("shipment_status_changed", "ready_to_pickup", ReservationState.READY),
        ("offers_prepared", "offers_prepared", None),
    ],
)
def test_each_captured_call_is_understood(
    name: str, word: str, state: ReservationState | None
) -> None:
    call = read_call(json.dumps(CAPTURED["calls"][name]).encode())
    assert (call.account, call.event, call.status.vendor_id) == ("4711", name, "9000001")
    assert (call.status.word, call.status.state) == (word, state)
    assert call.occurred_at.utcoffset() == dt.timedelta(hours=1)


def test_an_event_that_we_do_not_know_is_kept_by_its_name() -> None:
    data = CAPTURED["calls"]["shipment_confirmed"] | {"event": "label_printed"}
    status = read_call(json.dumps(data).encode()).status
    assert (status.word, status.known, status.state) == ("event:label_printed", False, None)


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{", b"null", b"[]", b"{}", b"\xff\xfe", b"[" * 100_000, b'{"payload": 1}',
        b'{"event": "e", "organization_id": 1, "payload": {}}',
        b'{"event": "e", "organization_id": true, "payload": {"shipment_id": 1}}',
        (
            b'{"event": "shipment_status_changed", "organization_id": 1, "event_ts": "now",'
            b' "payload": {"shipment_id": 1, "status": "x"}}'
        ),
        (
            b'{"event": "shipment_status_changed", "organization_id": 1,'
            b' "event_ts": "2026-11-30T12:00:00", "payload": {"shipment_id": 1, "status": "x"}}'
        ),
        (
            b'{"event": "shipment_status_changed", "organization_id": 1,'
            b' "event_ts": "2026-11-30 12:00:00 +0100",'
            b' "payload": {"shipment_id": -1, "status": "x"}}'
        ),
    ],
)  # fmt: skip
def test_an_odd_body_is_a_value_error_and_nothing_else(body: bytes) -> None:
    with pytest.raises(ValueError):
        read_call(body)


# --- Signatures -------------------------------------------------------------------------------
def test_a_signature_is_base64_of_hmac_sha256_over_time_and_body() -> None:
    expected = hmac.new(b"key", b"2026-11-30T12:00:00.000Z.{}", hashlib.sha256).digest()
    assert sign("key", "2026-11-30T12:00:00.000Z", b"{}") == base64.b64encode(expected).decode()


def test_only_a_fresh_signature_by_one_of_the_secrets_passes() -> None:
    right = signed(b"{}", NOW)
    assert is_signed(right, b"{}", ["", "older", SECRET], now=NOW)
    assert is_signed(signed(b"{}", NOW - LONGEST_AGE), b"{}", [SECRET], now=NOW)
    old = signed(b"{}", NOW - LONGEST_AGE - dt.timedelta(seconds=1))
    for headers, body, secrets in (
        (right, b"{} ", [SECRET]),
        (right, b"{}", ["other"]),
        (right, b"{}", []),
        (right, b"{}", [""]),
        (old, b"{}", [SECRET]),
        ({}, b"{}", [SECRET]),
        (right | {"x-inpost-timestamp": "yesterday"}, b"{}", [SECRET]),
        (right | {"x-inpost-timestamp": "2026-11-30T12:00:00"}, b"{}", [SECRET]),
        (right | {"x-inpost-signature": "ñ€"}, b"{}", [SECRET]),
        (right | {"x-inpost-signature": "A" * 10_000}, b"{}", [SECRET]),
    ):
        assert not is_signed(headers, body, secrets, now=NOW)


# --- Comparing --------------------------------------------------------------------------------
def test_l08_a_list_tells_which_points_closed_left_and_came_back() -> None:
    """L08: closed by word, and missing in a complete list."""
    known = {
        "A": PointState.OPEN, "B": PointState.OPEN, "C": PointState.CLOSED, "D": PointState.OPEN,
        "E": PointState.LEFT, "U": PointState.OPEN,
    }  # fmt: skip
    listed = [
        a_point("A"),
        a_point("B", state=PointState.CLOSED),
        a_point("C"),
        a_point("N"),
        a_point("U", state=PointState.UNKNOWN),
    ]
    news = compare(known, listed, is_complete=True)
    assert [point.name for point in news.added] == ["N"]
    assert [point.name for point in news.ended] == ["B", "U"]
    assert [point.name for point in news.back] == ["C"]
    assert news.missing == ("D",)
    assert compare(known, listed, is_complete=False).missing == ()


def test_an_empty_list_does_not_close_a_network() -> None:
    known = {str(number): PointState.OPEN for number in range(100)}
    listed = [a_point(str(number)) for number in range(79)]
    for few in ([], listed):
        with pytest.raises(VendorError) as caught:
            compare(known, few, is_complete=True)
        assert caught.value.code == "list_shrank"
    assert len(compare(known, [*listed, a_point("79")], is_complete=True).missing) == 20


@pytest.mark.parametrize(
    ("changes", "low_door", "reason"),
    [
        ({}, False, None),
        ({"state": PointState.CLOSED}, False, Rejection.SITE_OFFLINE),
        ({"state": PointState.UNKNOWN}, False, Rejection.SITE_OFFLINE),
        ({"state": PointState.LEFT}, False, Rejection.SITE_UNKNOWN),
        ({"takes_deliveries": False}, False, Rejection.CAPABILITY_MISSING),
        ({}, True, Rejection.CAPABILITY_MISSING),
        ({"capabilities": frozenset({Capability.LOW_DOORS})}, True, None),
        ({"sizes": ()}, False, Rejection.DIMENSIONS_EXCEED),
        ({"room": dict.fromkeys("ABC", Room.FULL)}, False, Rejection.NO_CAPACITY),
        ({"room": {"A": Room.FULL, "B": Room.FULL}}, False, None),
        ({"room": dict.fromkeys("ABC", Room.UNKNOWN)}, False, None),
    ],
)
def test_l08_a_point_is_checked_again_for_one_parcel(
    changes: dict[str, Any], low_door: bool, reason: Rejection | None
) -> None:
    """L08: at confirm, at planning and at loading."""
    point = a_point(**changes)
    assert refusal_of(point, PARCEL, 1_000, low_door=low_door) == reason


def test_l08_a_point_that_is_gone_or_a_parcel_too_heavy_is_refused() -> None:
    """L08: the network does not know the point any more."""
    assert refusal_of(None, PARCEL, 1_000) == Rejection.SITE_UNKNOWN
    assert refusal_of(a_point(), PARCEL, 25_001) == Rejection.WEIGHT_EXCEED


# --- Registry ---------------------------------------------------------------------------------
def test_each_network_has_an_adapter_and_the_meaning_of_its_words() -> None:
    assert ADAPTERS.keys() == MEANINGS.keys()


def test_the_null_vendor_makes_one_reservation_a_reference() -> None:
    vendor = NullVendor(a_point())
    (page,) = vendor.points()
    assert (page.is_last, [point.name for point in page.points]) == (True, ["TST01A"])
    assert vendor.availability("TST01A").state == PointState.OPEN
    assert vendor.availability("GONE").state == PointState.LEFT
    ids = {NullVendor().reserve(a_request(one)).vendor_id for one in ("rsv_1", "rsv_2", "rsv_1")}
    assert len(ids) == 2, "each call of a demo has a new Null vendor"
    for vendor_id in ids:
        assert NullVendor().status(vendor_id).state == ReservationState.AWAITING_DEPOSIT
        assert NullVendor().cancel(vendor_id).state == ReservationState.CANCELLED
    with pytest.raises(VendorError):
        NullVendor().status("9000001")
