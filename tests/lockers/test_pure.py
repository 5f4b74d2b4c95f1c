"""Sizes, codes, signatures and moves of lockers: the pure parts."""

from __future__ import annotations

import datetime as dt
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockers import codes, fitting, signing
from lockers.fitting import Box, Size
from lockers.states import ENDED, HELD, INSIDE, LATE, MOVES, TAKING, CodeRole, ReservationState

KEY = bytes(range(32))
sides = st.integers(1, 500)
sizes = st.builds(Size, width_mm=sides, height_mm=sides, depth_mm=sides)


@given(sizes, sizes)
def test_a_parcel_fits_exactly_if_one_of_its_six_orientations_fits(
    parcel: Size, inside: Size
) -> None:
    spaces = (inside.width_mm, inside.height_mm, inside.depth_mm)
    turned = any(
        all(side + 10 <= space for side, space in zip(sides_, spaces, strict=True))
        for sides_ in itertools.permutations((parcel.width_mm, parcel.height_mm, parcel.depth_mm))
    )
    assert fitting.fits(parcel, inside) == turned


def size(*sides_: int) -> Size:
    width, height, depth = sides_
    return Size(width_mm=width, height_mm=height, depth_mm=depth)


def test_the_smallest_that_fits_is_chosen_and_low_doors_are_kept_for_those_who_ask() -> None:
    small_low = Box(id=1, inside=size(110, 310, 410), low=True)
    small_high = Box(id=2, inside=size(110, 310, 410))
    large_low = Box(id=3, inside=size(400, 310, 410), low=True)
    boxes = [large_low, small_low, small_high]
    parcel = size(400, 100, 300)
    assert fitting.best(parcel, boxes) == small_high
    assert fitting.best(parcel, boxes, low_door=True) == small_low
    assert fitting.in_order(parcel, boxes, low_door=True) == [small_low, large_low]
    assert fitting.best(size(400, 101, 300), boxes) == large_low
    assert fitting.best(size(401, 401, 401), boxes) is None


def test_a_pin_has_eight_digits_and_its_check_digit_catches_each_single_wrong_digit() -> None:
    pin = codes.pin(KEY, "rsv_a", CodeRole.SHOPPER, 1)
    assert len(pin) == 8
    assert codes.has_pin_shape(pin)
    for place, digit in itertools.product(range(8), "0123456789"):
        typed = pin[:place] + digit + pin[place + 1 :]
        assert codes.has_pin_shape(typed) == (typed == pin)
    assert not codes.has_pin_shape("١٢٣٤٥٦٧٨")


def test_roles_and_generations_have_different_pins() -> None:
    all_pins = {
        codes.pin(KEY, reservation, role, generation)
        for reservation in ("rsv_a", "rsv_b")
        for role in CodeRole
        for generation in (1, 2)
    }
    assert len(all_pins) == 16


def test_a_fresh_generation_skips_every_generation_with_a_taken_pin() -> None:
    first = codes.fresh_generation(KEY, "rsv_a", above=0, taken=set())
    taken = {codes.pin(KEY, "rsv_a", CodeRole.COURIER, first)}
    assert codes.fresh_generation(KEY, "rsv_a", above=0, taken=taken) > first


def test_a_typed_pin_names_its_reservation_and_role() -> None:
    known = [codes.Known(reservation=f"rsv_{n}", generation=1) for n in range(20)]
    typed = codes.pin(KEY, "rsv_7", CodeRole.SHOPPER, 1)
    assert codes.match(KEY, typed, known, CodeRole) == (known[7], CodeRole.SHOPPER)
    assert codes.match(KEY, typed, known, [CodeRole.COURIER]) is None
    assert codes.match(KEY, "00000000", known, CodeRole) is None


def token() -> codes.Token:
    return codes.Token(
        reservation="rsv_a", role="courier", box="12", generation=3, not_before_s=100,
        expires_s=200, nonce="n1",
    )  # fmt: skip


def test_a_token_is_read_back_and_no_changed_token_is() -> None:
    text = codes.token_text(KEY, token())
    assert codes.read_token(KEY, text) == token()
    assert [token().is_valid_at(second) for second in (99, 100, 199, 200)] == [
        False, True, True, False,
    ]  # fmt: skip
    with pytest.raises(codes.BadToken):
        codes.read_token(bytes(32), text)
    for place in range(len(text)):
        changed = text[:place] + ("A" if text[place] != "A" else "B") + text[place + 1 :]
        try:
            assert codes.read_token(KEY, changed) == token()  # only spare bits of base64 differ
        except codes.BadToken:
            continue


@given(st.text(max_size=700))
def test_any_other_text_is_no_token(text: str) -> None:
    with pytest.raises(codes.BadToken):
        codes.read_token(KEY, text)


def test_a_signature_covers_method_path_number_time_and_body() -> None:
    parts = {"method": "POST", "path": "/a/", "seq": 1, "time": "t", "body": b"{}"}
    right = signing.sign(KEY, **parts)
    assert signing.is_right(right, signing.sign(KEY, **parts))
    for name, other in {"method": "PUT", "path": "/b/", "seq": 2, "time": "u", "body": b""}.items():
        assert not signing.is_right(right, signing.sign(KEY, **parts | {name: other}))
    assert not signing.is_right(right, "é")


def test_a_time_in_a_header_is_read_back_and_no_other_text_is() -> None:
    instant = dt.datetime(2026, 11, 30, 12, 0, 0, 123_000, tzinfo=dt.UTC)
    assert signing.read_time(signing.write_time(instant)) == instant
    for text in ("", "noon", "2026-11-30T12:00:00", "0001-01-01T00:00:00+10:00"):
        assert signing.read_time(text) is None


def test_every_state_is_held_inside_queued_or_ended_and_each_ended_one_can_be_disputed() -> None:
    assert HELD | INSIDE == TAKING
    assert not HELD & INSIDE
    assert TAKING | ENDED | {ReservationState.QUEUED} == set(ReservationState)
    assert LATE == ENDED
    assert set(MOVES) == set(ReservationState)
    assert all(MOVES[state] == {ReservationState.DISPUTED} for state in ENDED)
    assert not any(MOVES[state] & HELD for state in INSIDE)
