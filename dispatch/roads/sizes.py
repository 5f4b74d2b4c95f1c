"""Sizes and weights of vehicles, and the limits of streets for them. PURE.

Source: https://wiki.openstreetmap.org/wiki/Key:maxheight, Key:maxweight.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

Tags = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Size:
    """The largest vehicle of a graph: metres with its load, and tonnes of gross weight."""

    height_m: float
    width_m: float
    length_m: float
    weight_t: float


SIZES: Final[Mapping[str, Size]] = {
    "van": Size(height_m=2.6, width_m=2.1, length_m=6.0, weight_t=3.5),
    "cargo_bike": Size(height_m=2.0, width_m=1.0, length_m=2.8, weight_t=0.35),
    "lorry": Size(height_m=4.0, width_m=2.55, length_m=10.0, weight_t=18.0),
}
# A height restrictor without a height is there to keep high vehicles out.
RESTRICTOR_HEIGHT_M: Final = 2.1

LIMITS: Final[Mapping[str, str]] = {
    "maxheight": "height_m",
    "maxheight:physical": "height_m",
    "maxwidth": "width_m",
    "maxwidth:physical": "width_m",
    "maxlength": "length_m",
    "maxweight": "weight_t",
    "maxweightrating": "weight_t",
}
# Limits with these endings hold for lorries alone.
_LORRY_LIMITS: Final = ("", ":hgv", ":goods")
_FEET: Final = re.compile(
    r"""^(\d+(?:\.\d+)?)\s*(?:'|ft|feet)\s*(?:(\d+(?:\.\d+)?)\s*(?:"|''|in)?)?$"""
)
_PLAIN: Final = re.compile(r"^(\d+(?:[.,]\d+)?)\s*([a-z]*)$")
_METRES: Final = {"": 1.0, "m": 1.0, "cm": 0.01, "mm": 0.001, "in": 0.0254}
_TONNES: Final = {
    **dict.fromkeys(("", "t", "ton", "tons", "tonne", "tonnes"), 1.0),
    "kg": 0.001,
    "st": 0.90718474,
    **dict.fromkeys(("lb", "lbs"), 0.00045359237),
}


def metres(text: str) -> float | None:
    """Return a height, width or length tag in metres, such as "2.5 m" or 7'6"; None if unknown."""
    feet = _FEET.match(text.strip().lower())
    if feet:
        return float(feet.group(1)) * 0.3048 + float(feet.group(2) or 0) * 0.0254
    return _measure(text, _METRES)


def tonnes(text: str) -> float | None:
    """Return a weight tag in tonnes, such as "3.5", "3.5 t" or "7500 lbs"; None if unknown."""
    return _measure(text, _TONNES)


def _measure(text: str, units: Mapping[str, float]) -> float | None:
    plain = _PLAIN.match(text.strip().lower())
    if plain is None or plain.group(2) not in units:
        return None
    return float(plain.group(1).replace(",", ".")) * units[plain.group(2)]


def fits(graph: str, tags: Tags) -> bool:
    """Return True if the vehicle of a graph is within all limits of size and weight."""
    size = SIZES.get(graph)
    if size is None:
        return True
    endings = _LORRY_LIMITS if graph == "lorry" else ("",)
    for key, field in LIMITS.items():
        read = tonnes if field == "weight_t" else metres
        for part in ";".join(tags.get(key + ending, "") for ending in endings).split(";"):
            limit = read(part)
            if limit is not None and limit < getattr(size, field):
                return False
    return True
