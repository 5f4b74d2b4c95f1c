"""Photos for tests: doors that differ, drawn by a seed, as a phone's camera would encode them."""

from __future__ import annotations

import hashlib
import io
import math
import random
from statistics import NormalDist

from PIL import Image, ImageChops, ImageDraw, ImageFilter


def door(seed: int, *, size: tuple[int, int] = (800, 600), light: float = 1.0) -> Image.Image:
    """Return a drawn scene with walls, a door, parcels and grain."""
    rng = random.Random(seed)
    image = Image.new("RGB", size, tuple(rng.randrange(90, 200) for _c in range(3)))
    draw = ImageDraw.Draw(image)
    for _shape in range(40):
        x, y = rng.randrange(size[0]), rng.randrange(size[1])
        w, h = rng.randrange(20, size[0] // 3), rng.randrange(20, size[1] // 3)
        colour = tuple(rng.randrange(20, 235) for _c in range(3))
        draw.rectangle((x, y, x + w, y + h), fill=colour, outline="black")
    grain = _grain(rng, size, 24).convert("RGB")
    image = Image.blend(image, grain, 0.12)
    return image.point(lambda value: int(value * light)) if light != 1.0 else image


def _grain(rng: random.Random, size: tuple[int, int], spread: float) -> Image.Image:
    """Return grey noise around 128 with a normal distribution; the same seed gives the same."""
    normal = NormalDist(128, spread)
    levels = [min(255, max(0, round(normal.inv_cdf((n + 0.5) / 256)))) for n in range(256)]
    return Image.frombytes("L", size, rng.randbytes(size[0] * size[1])).point(levels)


def lit_at_night(seed: int, light: str, *, size: tuple[int, int] = (800, 600)) -> Image.Image:
    """Return a dark door with a lamp above it, or in the light of the phone's flash."""
    rng = random.Random(seed)
    by_day = door(seed, size=size)
    noise = _grain(rng, size, 8)
    is_lamp = light == "lamp"
    x = size[0] // 2 + round(rng.gauss(0, size[0] / 50))
    y = round(size[1] * (0.3 if is_lamp else 0.5)) + round(rng.gauss(0, size[1] / 50))
    reach = size[0] / (3 if is_lamp else 2)
    glow = Image.radial_gradient("L").point(lambda far: round(255 * math.exp(-((far / 80) ** 2))))
    side = round(reach * 2.4)
    lamp = Image.new("L", size)
    lamp.paste(glow.resize((side, side)), (x - side // 2, y - side // 2))
    dark = by_day.point(lambda value: round(value * 0.1))
    seen = Image.composite(by_day.point(lambda value: round(value * 0.6)), dark, lamp)
    lit = ImageChops.add(seen, lamp.point(lambda value: round(value * 0.6)).convert("RGB"))
    grain = noise.point(lambda value: max(0, value - 128)).convert("RGB")
    return ImageChops.add(lit, grain)


def signature(*, size: tuple[int, int] = (400, 160)) -> Image.Image:
    """Return a line of ink on white, as the app's pad draws it."""
    image = Image.new("RGB", size, "white")
    points = [(20 + 15 * n, 50 + 60 * (n % 2)) for n in range(20)]
    ImageDraw.Draw(image).line(points, fill="black", width=3)
    return image


def blurred(image: Image.Image) -> Image.Image:
    """Return a photo as a shaken hand takes it."""
    return image.filter(ImageFilter.GaussianBlur(9))


def jpeg(image: Image.Image, *, quality: int = 85, turn: int = 1) -> bytes:
    """Return the bytes of a JPEG with metadata: a turn, a camera and a place."""
    exif = Image.Exif()
    exif[0x0112] = turn
    exif[0x010F] = "Secret camera"
    exif.get_ifd(0x8825)[1] = "N"
    out = io.BytesIO()
    image.save(out, "JPEG", quality=quality, exif=exif)
    return out.getvalue()


def sha(content: bytes) -> str:
    """Return the hash that names a photo."""
    return hashlib.sha256(content).hexdigest()
