"""Re-encodes photos and measures them, each in a process with little memory and time. PURE.

    python -m dispatch.live.imaging

It reads photos and writes answers until its input ends (``serve``). An answer is one line of JSON,
and after it the bytes of a JPEG without any metadata. A photo that cannot be used gives the JSON
{"refused": code} and no bytes.
"""

from __future__ import annotations

import io
import json
import math
import os
import resource
from itertools import pairwise
from typing import Any, Final

import pi_heif
from PIL import Image, ImageChops, ImageFilter, ImageOps, ImageStat

# A HEIC file has two notes about its turn. The decoder follows the one that counts, the turn of
# the format, and sets the one in the EXIF data to "upright".
pi_heif.register_heif_opener(thumbnails=False, decode_threads=1)

FORMATS: Final = ("JPEG", "PNG", "WEBP", "HEIF")
MOST_PIXELS: Final = 25_000_000
LONGEST_SIDE: Final = 1_600
QUALITY: Final = 82
MEMORY_BYTES: Final = 600 * 1024 * 1024
CPU_S: Final = 20
#: Bytes of the length before each photo and answer.
LENGTH: Final = 8
#: Rows of the fingerprint, and comparisons in each row.
FINGER_SIDE: Final = 11
#: The least difference in light between neighbours that counts.
MARGIN: Final = 5
#: Pixels over which light is averaged before the comparison, so that a crop moves little.
SOFTENED_BY: Final = 20
#: The second half of the fingerprint is of details, which the light does not change: pixels of the
#: copy, pixels over which the light around is averaged, the least strength, and the least
#: difference that counts. Chosen on drawn scenes by day, by lamp and by flash.
DETAIL_SIDE: Final = 128
DETAIL_AROUND: Final = 7
LEAST_STRENGTH: Final = 4
DETAIL_MARGIN: Final = 0.2
TURNS: Final = (
    None, Image.Transpose.ROTATE_90, Image.Transpose.ROTATE_180, Image.Transpose.ROTATE_270
)  # fmt: skip
_LOGARITHM: Final = [round(255 * math.log(1 + n / 8) / math.log(1 + 255 / 8)) for n in range(256)]
#: Sharpness is measured at this size, so that it does not depend on the camera.
MEASURED_SIDE: Final = 512
_LAPLACIAN = ImageFilter.Kernel((3, 3), (0, 1, 0, 1, -4, 1, 0, 1, 0), scale=1, offset=128)


class Unusable(Exception):
    """The photo cannot be used; the argument is the code of the reason."""


def work(content: bytes) -> tuple[dict[str, Any], bytes]:
    """Return the measures of a photo, and its pixels upright as a JPEG without metadata."""
    try:
        image = Image.open(io.BytesIO(content), formats=FORMATS)
        if image.width * image.height > MOST_PIXELS:
            raise Unusable("too_large")
        image.draft("RGB", (LONGEST_SIDE, LONGEST_SIDE))
        image.load()
        upright = ImageOps.exif_transpose(image)
    except Unusable:
        raise
    except (OSError, ValueError, SyntaxError, RuntimeError, Image.DecompressionBombError) as fault:
        raise Unusable("unreadable") from fault
    plain = _on_white(upright)
    plain.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
    out = io.BytesIO()
    plain.save(out, "JPEG", quality=QUALITY)
    return _measures(plain), out.getvalue()


def _on_white(image: Image.Image) -> Image.Image:
    """Return the pixels alone, without metadata; transparent ones are white."""
    with_alpha = image.convert("RGBA")
    plain = Image.new("RGB", image.size, "white")
    plain.paste(with_alpha, mask=with_alpha.getchannel("A"))
    return plain


def _measures(image: Image.Image) -> dict[str, Any]:
    gray = image.convert("L")
    small = gray.copy()
    small.thumbnail((MEASURED_SIDE, MEASURED_SIDE))
    edges = small.filter(_LAPLACIAN).crop((1, 1, max(small.width - 1, 2), max(small.height - 1, 2)))
    soft = small.filter(ImageFilter.GaussianBlur(SOFTENED_BY))
    detail = _detail(gray)
    light = ImageStat.Stat(small)
    return {
        "width": image.width,
        "height": image.height,
        "sharpness": round(ImageStat.Stat(edges).var[0], 2),
        "brightness": round(light.mean[0], 2),
        "contrast": round(light.stddev[0], 2),
        "ink": round(sum(gray.histogram()[:128]) / (image.width * image.height), 5),
        "fingerprints": [
            _fingerprint(_turned(soft, turn), Image.Resampling.BOX, MARGIN)
            + _fingerprint(_turned(detail, turn), Image.Resampling.BICUBIC, DETAIL_MARGIN)
            for turn in TURNS
        ],
    }


def _fingerprint(image: Image.Image, resampling: Image.Resampling, margin: float) -> str:
    """Return two bits for each pair of neighbours of a small copy: the left one lighter, or darker.

    Neighbours that hardly differ give no bit, so that the grain of an even wall says nothing.
    """
    small = image.resize((FINGER_SIDE + 1, FINGER_SIDE), resampling)
    pixels: list[Any] = list(small.get_flattened_data())
    bits = 0
    for y in range(FINGER_SIDE):
        row = pixels[y * (FINGER_SIDE + 1) : (y + 1) * (FINGER_SIDE + 1)]
        for left, right in pairwise(row):
            bits = bits << 2 | (left > right + margin) << 1 | (right > left + margin)
    return f"{bits:061x}"


def _detail(gray: Image.Image) -> Image.Image:
    """Return the details of a photo: each place against its surroundings, in any light.

    A lamp or a flash in a dark photo gives the same light and shade to different doors. So the
    light around each place is taken away, and the rest is divided by its own strength there.
    """
    small = gray.copy()
    small.thumbnail((DETAIL_SIDE, DETAIL_SIDE))
    small = small.point(_LOGARITHM)
    around = small.filter(ImageFilter.GaussianBlur(DETAIL_AROUND))
    strength = ImageChops.difference(small, around).filter(ImageFilter.GaussianBlur(DETAIL_AROUND))
    detail = Image.new("F", small.size)
    detail.putdata(
        [
            (light - mean) / (strong + LEAST_STRENGTH)
            for light, mean, strong in zip(
                small.tobytes(), around.tobytes(), strength.tobytes(), strict=True
            )
        ]
    )
    return detail


def _turned(image: Image.Image, turn: Image.Transpose | None) -> Image.Image:
    return image if turn is None else image.transpose(turn)


def serve(into: int = 0, out: int = 1) -> None:
    """Answer photos until the input ends, each in a copy of this process.

    The libraries are loaded once. Only a copy decodes a photo, and it ends with it. So a photo that
    breaks the decoder changes nothing for the next one. Each photo and each answer comes after its
    length; an answer without any byte means that the copy ended early.
    """
    while True:
        try:
            content = _read(into, int.from_bytes(_read(into, LENGTH)))
        except EOFError:
            return
        answer = _in_copy(content)
        _write(out, len(answer).to_bytes(LENGTH) + answer)


def _in_copy(content: bytes) -> bytes:
    """Return the answer of a copy of this process with limits, b"" if it ended early."""
    out, into = os.pipe()
    copy = os.fork()
    if copy == 0:
        code = 1
        try:
            os.close(out)
            _write(into, _answer(content))
            code = 0
        finally:
            os._exit(code)
    os.close(into)
    parts = []
    while part := os.read(out, 1 << 20):
        parts.append(part)
    os.close(out)
    _pid, status = os.waitpid(copy, 0)
    return b"" if status else b"".join(parts)


def _answer(content: bytes) -> bytes:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_S, CPU_S))
    try:
        measures, encoded = work(content)
    except Unusable as fault:
        measures, encoded = {"refused": str(fault)}, b""
    except MemoryError:
        measures, encoded = {"refused": "too_large"}, b""
    return json.dumps(measures).encode() + b"\n" + encoded


def _read(into: int, count: int) -> bytes:
    """Read ``count`` bytes. Raises EOFError if the input ends before."""
    received = bytearray()
    while len(received) < count:
        piece = os.read(into, min(count - len(received), 1 << 20))
        if not piece:
            raise EOFError
        received += piece
    return bytes(received)


def _write(out: int, content: bytes) -> None:
    left = memoryview(content)
    while left:
        left = left[os.write(out, left) :]


if __name__ == "__main__":
    serve()
