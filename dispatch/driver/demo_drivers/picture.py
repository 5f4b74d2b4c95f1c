"""Draws what the phone of a demo driver photographs: a parcel in front of a house door.

The same seed gives the same picture. Two seeds give houses so different that the check for doubled
photos tells them apart.
"""

from __future__ import annotations

import io
import random
from typing import Final

from PIL import Image, ImageDraw, ImageFilter

Colour = tuple[int, int, int]

SIZE: Final = (1_200, 900)
QUALITY: Final = 80
_GROUND: Final = 690  # the height at which the wall meets the pavement
_WALLS: Final[tuple[Colour, ...]] = (
    (214, 196, 166), (186, 120, 92), (160, 172, 180), (228, 222, 208), (150, 160, 128),
    (205, 160, 120), (124, 132, 150), (196, 178, 196),
)  # fmt: skip
_DOORS: Final[tuple[Colour, ...]] = (
    (46, 74, 98), (104, 48, 40), (52, 84, 60), (92, 66, 44), (36, 40, 48), (150, 96, 40),
    (232, 226, 214), (206, 214, 196), (222, 188, 120), (200, 208, 222), (236, 206, 196),
)  # fmt: skip
_BOXES: Final[tuple[Colour, ...]] = (
    (188, 146, 98), (188, 146, 98), (234, 232, 226), (70, 78, 96), (120, 84, 52),
)  # fmt: skip
_TAPE: Final = (222, 206, 168)
_LEAVES: Final = (66, 104, 58)


def photo_of_door(seed: int) -> bytes:
    """Return a JPEG of a parcel in front of a door."""
    rng = random.Random(seed)  # noqa: S311 - a demo, not a secret
    image = Image.new("RGB", SIZE, rng.choice(_WALLS))
    draw = ImageDraw.Draw(image)
    _wall(draw, rng)
    _shadow(image, rng)
    _pavement(draw, rng)
    left, width = rng.randrange(120, 700), rng.randrange(250, 360)
    for x in _places_beside(left, width, rng):
        rng.choice((_window, _window, _plant, _letter_box))(draw, rng, x)
    _door(draw, rng, left, width)
    box_left = left + rng.randrange(-60, width - 140)
    _parcel(draw, rng, box_left)
    image = Image.blend(_framed(image, rng, box_left), _grain(rng), 0.07)
    out = io.BytesIO()
    image.save(out, "JPEG", quality=QUALITY)
    return out.getvalue()


def _shade(colour: Colour, share: float) -> Colour:
    red, green, blue = (min(255, max(0, round(value * share))) for value in colour)
    return red, green, blue


def _framed(image: Image.Image, rng: random.Random, box_left: int) -> Image.Image:
    """Return the part of the scene that the camera sees, with the parcel in it."""
    width = rng.randrange(900, 1_140)
    height = width * SIZE[1] // SIZE[0]
    most = min(SIZE[0] - width, max(0, box_left - 40))
    x = rng.randint(max(0, min(most, box_left + 420 - width)), most)
    y = SIZE[1] - height - rng.randint(0, min(70, SIZE[1] - height))
    return image.crop((x, y, x + width, y + height)).resize(SIZE)


def _grain(rng: random.Random) -> Image.Image:
    """Return the grain of a small camera."""
    return Image.frombytes("L", SIZE, rng.randbytes(SIZE[0] * SIZE[1])).convert("RGB")


def _wall(draw: ImageDraw.ImageDraw, rng: random.Random) -> None:
    """Draw bricks, boards or plaster with a base, in the colour of the wall."""
    colour: Colour = rng.choice(_WALLS)
    height, length = rng.choice(((44, 120), (60, 1_300), (SIZE[1], 90), (SIZE[1], 1_300)))
    for row, y in enumerate(range(0, _GROUND, height)):
        for x in range(-(row % 2) * length // 2, SIZE[0], length):
            tone = _shade(colour, rng.uniform(0.86, 1.08))
            draw.rectangle((x, y, x + length, y + height), tone, _shade(colour, 0.72))
    for _part in range(rng.randrange(2, 6)):
        x, width = rng.randrange(SIZE[0]), rng.randrange(60, 300)
        top, tone = rng.randrange(-200, 400), _shade(colour, rng.choice((0.55, 0.7, 1.25)))
        draw.rectangle((x, top, x + width, top + rng.randrange(200, 900)), tone, "black")
    if rng.random() < 0.5:
        base = _shade(colour, rng.choice((0.5, 1.3)))
        draw.rectangle((0, _GROUND - rng.randrange(60, 160), SIZE[0], _GROUND), base)


def _shadow(image: Image.Image, rng: random.Random) -> None:
    """Lay shadows of trees and roofs over the wall."""
    shadow = Image.new("L", SIZE)
    draw = ImageDraw.Draw(shadow)
    for _part in range(rng.randrange(2, 5)):
        x, lean = rng.randrange(-200, SIZE[0]), rng.randrange(-400, 400)
        width, depth = rng.randrange(80, 420), rng.randrange(200, _GROUND)
        corners = [(x, 0), (x + width, 0), (x + width + lean, depth), (x + lean, depth)]
        draw.polygon(corners, 130)
    image.paste((24, 26, 34), mask=shadow.filter(ImageFilter.GaussianBlur(4)))


def _pavement(draw: ImageDraw.ImageDraw, rng: random.Random) -> None:
    tone = rng.randrange(110, 180)
    width = rng.randrange(110, 260)
    for row, y in enumerate(range(_GROUND, SIZE[1], 70)):
        for x in range(-row * 40 % width - width, SIZE[0], width):
            grey = tone + rng.randrange(-18, 18)
            draw.rectangle((x, y, x + width, y + 70), (grey, grey, grey - 6), (90, 90, 88))


def _places_beside(left: int, width: int, rng: random.Random) -> list[int]:
    """Return the left edges of the things beside the door, some distance apart."""
    places = [rng.randrange(-60, 60) + step for step in range(0, SIZE[0], 230)]
    beside = [x for x in places if x + 210 < left or x > left + width]
    return [x for x in beside if rng.random() < 0.85]


def _window(draw: ImageDraw.ImageDraw, rng: random.Random, x: int) -> None:
    top, width, height = rng.randrange(60, 200), rng.randrange(140, 205), rng.randrange(180, 340)
    frame = rng.choice(((240, 238, 232), (70, 52, 40), (44, 60, 76)))
    glass = rng.choice(((70, 88, 104), (170, 196, 210), (40, 46, 56), (222, 214, 180)))
    draw.rectangle((x, top, x + width, top + height), frame, "black")
    for column in range(2):
        for row in range(2):
            pane_x = x + 10 + column * (width - 10) // 2
            pane_y = top + 10 + row * (height - 10) // 2
            pane = (pane_x, pane_y, pane_x + width // 2 - 16, pane_y + height // 2 - 16)
            draw.rectangle(pane, _shade(glass, rng.uniform(0.85, 1.15)))
    draw.rectangle((x - 8, top + height, x + width + 8, top + height + 16), (206, 200, 190))


def _plant(draw: ImageDraw.ImageDraw, rng: random.Random, x: int) -> None:
    width, height = rng.randrange(90, 190), rng.randrange(180, 420)
    for _leaf in range(60):
        at_x = x + rng.randrange(width)
        at_y = _GROUND - 40 - rng.randrange(height)
        size = rng.randrange(14, 44)
        leaf = _shade(_LEAVES, rng.uniform(0.6, 1.5))
        draw.ellipse((at_x, at_y, at_x + size, at_y + size // 2), leaf, _shade(_LEAVES, 0.4))
    top = _GROUND - 70
    pot = [(x, top), (x + width, top), (x + width - 20, top + 110), (x + 20, top + 110)]
    draw.polygon(pot, _shade((176, 92, 62), rng.uniform(0.7, 1.1)), "black")


def _letter_box(draw: ImageDraw.ImageDraw, rng: random.Random, x: int) -> None:
    top, colour = rng.randrange(260, 420), rng.choice(_DOORS)
    draw.rectangle((x, top, x + 150, top + 190), colour, "black", 3)
    draw.rectangle((x + 24, top + 34, x + 126, top + 50), "black")
    draw.rectangle((x + 40, top + 90, x + 110, top + 130), _shade(colour, 1.5), "black")


def _door(draw: ImageDraw.ImageDraw, rng: random.Random, left: int, width: int) -> None:
    colour: Colour = rng.choice(_DOORS)
    top, right = rng.randrange(90, 190), left + width
    frame = rng.choice(((236, 232, 222), _shade(colour, 0.6)))
    draw.rectangle((left - 22, top - 22, right + 22, _GROUND), frame, "black", 2)
    draw.rectangle((left, top, right, _GROUND), colour, "black", 3)
    columns, rows = rng.choice(((2, 3), (1, 4), (2, 2), (3, 1)))
    glazed = rng.randrange(-1, rows)
    for column in range(columns):
        for row in range(rows):
            x = left + 20 + column * (width - 20) // columns
            y = top + 20 + row * (_GROUND - top - 20) // rows
            ends = (x + (width - 20) // columns - 20, y + (_GROUND - top - 20) // rows - 20)
            fill = (188, 206, 214) if row == glazed else _shade(colour, 1.25)
            draw.rectangle((x, y, *ends), fill, _shade(colour, 0.5), 4)
    knob = right - 34 if rng.random() < 0.5 else left + 14
    draw.ellipse((knob, 430, knob + 22, 452), (214, 184, 92), "black")
    draw.text((left + width // 2 - 40, top - 84), str(rng.randrange(2, 999)), "black", font_size=56)
    draw.rectangle((left - 10, _GROUND + 6, right + 10, _GROUND + 62), _shade(colour, 0.7), "black")


def _parcel(draw: ImageDraw.ImageDraw, rng: random.Random, left: int) -> None:
    width, height, depth = rng.randrange(180, 340), rng.randrange(120, 230), rng.randrange(36, 70)
    base = _GROUND + rng.randrange(60, 130)
    top, right = base - height, left + width
    box = _shade(rng.choice(_BOXES), rng.uniform(0.85, 1.12))
    lid = [(left, top), (left + depth, top - depth), (right + depth, top - depth), (right, top)]
    side = [(right, top), (right + depth, top - depth), (right + depth, base - depth),
            (right, base)]  # fmt: skip
    draw.polygon(lid, _shade(box, 1.15), "black")
    draw.polygon(side, _shade(box, 0.68), "black")
    draw.rectangle((left, top, right, base), box, "black", 2)
    tape = left + width // 2 - 16
    draw.rectangle((tape, top, tape + 32, top + height // 3), _TAPE)
    draw.polygon([(tape, top), (tape + depth, top - depth), (tape + depth + 32, top - depth),
                  (tape + 32, top)], _TAPE)  # fmt: skip
    x, y = left + 20, base - 92
    draw.rectangle((x, y, x + 112, y + 70), (244, 242, 236), (120, 120, 120))
    for line in range(18):
        at = x + 8 + line * 5
        draw.line((at, y + 36, at, y + 62), "black", rng.choice((1, 2, 3)))
    draw.line((x + 8, y + 12, x + 80, y + 12), "black", 3)
    draw.line((x + 8, y + 23, x + 58, y + 23), "black", 3)
