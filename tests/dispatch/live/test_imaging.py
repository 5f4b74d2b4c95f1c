"""The child that re-encodes photos: upright, without metadata, bounded."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from dispatch.live import imaging
from dispatch.live.imaging import Unusable, work
from dispatch.live.services import reencoding
from dispatch.live.services.doubts import is_same_picture
from dispatch.live.services.reencoding import reencode
from tests.dispatch.live.pictures import blurred, door, jpeg

HEIC = Path(__file__).resolve().parents[2] / "data" / "heic"


@pytest.mark.parametrize("turn", range(1, 9))
def test_r28_every_turn_of_a_camera_stands_upright_and_keeps_no_metadata(turn: int) -> None:
    upright = Image.new("RGB", (80, 60), "white")
    upright.paste("red", (0, 0, 20, 20))  # the upper left corner is red
    undo = {
        2: [Image.Transpose.FLIP_LEFT_RIGHT],
        3: [Image.Transpose.ROTATE_180],
        4: [Image.Transpose.FLIP_TOP_BOTTOM],
        5: [Image.Transpose.TRANSPOSE],
        6: [Image.Transpose.ROTATE_90],
        7: [Image.Transpose.TRANSVERSE],
        8: [Image.Transpose.ROTATE_270],
    }
    lying = upright
    for step in undo.get(turn, []):
        lying = lying.transpose(step)
    measures, encoded = work(jpeg(lying, turn=turn))
    shown = Image.open(io.BytesIO(encoded))
    assert shown.size == (80, 60) == (measures["width"], measures["height"])
    red, _green, blue = shown.convert("RGB").getpixel((8, 8))  # type: ignore[misc]
    assert red > 200
    assert blue < 80
    assert not shown.getexif()
    assert b"Secret camera" not in encoded
    assert b"Exif" not in encoded


@pytest.mark.parametrize("name", [*(f"turn_{turn}" for turn in range(1, 9)), "two_notes"])
def test_r28_a_heic_photo_stands_upright_also_when_its_two_notes_disagree(name: str) -> None:
    """The files are of 80 x 60 pixels with a red upper left corner, turned as phones do it.

    Each has the turn of the format and a note in its EXIF data, as an iPhone writes both. In
    ``two_notes`` the note says another turn; the one of the format counts.
    """
    content = (HEIC / f"{name}.heic").read_bytes()
    assert b"Secret camera" in content
    done = reencode(content)
    assert done.refused == ""
    shown = Image.open(io.BytesIO(done.content))
    assert shown.format == "JPEG"
    assert shown.size == (80, 60)
    red, _green, blue = shown.convert("RGB").getpixel((8, 8))  # type: ignore[misc]
    assert red > 200
    assert blue < 80
    assert not shown.getexif()
    assert b"Secret camera" not in done.content
    assert b"Exif" not in done.content


def test_a_broken_heic_photo_is_refused() -> None:
    content = (HEIC / "turn_1.heic").read_bytes()
    assert reencode(content[:-60]).refused == "unreadable"
    assert reencode(content[:40]).refused == "unreadable"


def test_a_child_process_answers_with_a_photo_that_is_not_larger_than_needed() -> None:
    done = reencode(jpeg(door(1, size=(2400, 1800))))
    assert done.refused == ""
    assert (done.measures["width"], done.measures["height"]) == (1600, 1200)
    assert Image.open(io.BytesIO(done.content)).format == "JPEG"


def test_t12_what_is_no_photo_or_a_bomb_is_refused_and_nothing_of_it_is_kept() -> None:
    bomb = io.BytesIO()
    Image.new("1", (13_000, 13_000)).save(bomb, "PNG")
    polyglot = jpeg(door(2)) + b"<script>alert(1)</script>"
    svg = b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>"
    assert len(bomb.getvalue()) < 60_000
    assert reencode(bomb.getvalue()).refused == "too_large"
    for content in (b"", b"GIF89a", svg, jpeg(door(2))[:-9_000]):
        assert reencode(content).refused == "unreadable", content[:20]
    assert b"script" not in reencode(polyglot).content
    with pytest.raises(Unusable):
        work(b"%PDF-1.7")


def test_a_blurred_photo_is_less_sharp_and_a_turned_one_has_the_same_fingerprint() -> None:
    sharp, _jpeg = work(jpeg(door(3)))
    soft, _jpeg = work(jpeg(blurred(door(3))))
    assert sharp["sharpness"] > 35 > soft["sharpness"]
    turned, _jpeg = work(jpeg(door(3).rotate(90, expand=True)))
    assert is_same_picture(sharp["fingerprints"][0], turned["fingerprints"])


def test_a_photo_that_ends_its_process_changes_nothing_for_the_next_one() -> None:
    photo = jpeg(door(1))
    into, sent = os.pipe()
    answers, out = os.pipe()
    with subprocess.Popen(
        [sys.executable, "-c", _FRAGILE], stdin=into, stdout=out, stderr=subprocess.DEVNULL
    ) as child:
        for end in (into, out):
            os.close(end)
        received = []
        for content in (photo, b"die", photo):
            imaging._write(sent, len(content).to_bytes(imaging.LENGTH) + content)
            size = int.from_bytes(imaging._read(answers, imaging.LENGTH))
            received.append(imaging._read(answers, size))
        os.close(sent)
        assert child.wait(30) == 0
    os.close(answers)
    assert received[1] == b""
    assert received[0] == received[2] != b""


_FRAGILE = """
import os
from dispatch.live import imaging
usual = imaging.work
imaging.work = lambda content: os.abort() if content == b"die" else usual(content)
imaging.serve()
"""


def test_photos_share_one_child_process_and_a_slow_one_is_given_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    photo = jpeg(door(2))
    assert reencode(photo).measures["width"]
    first = reencoding._child._process
    assert reencode(b"no photo").refused == "unreadable"
    assert reencoding._child._process is first is not None
    monkeypatch.setattr(reencoding, "CHILD_S", 0)
    assert reencode(photo).refused == "too_slow"
    assert first.poll() is not None
    monkeypatch.undo()
    assert reencode(photo).measures["width"]


def test_a_child_process_that_was_killed_is_started_again() -> None:
    photo = jpeg(door(3))
    assert reencode(photo).content
    child = reencoding._child._process
    assert child is not None
    child.kill()
    child.wait(30)
    assert reencode(photo).content
