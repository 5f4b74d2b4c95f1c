"""The contrast of a brand's colours, computed from the tokens in tokens.css. PURE.

Sources: WCAG 2.2, relative luminance and contrast ratio; B. Ottosson, "A perceptual color space
for image processing" (2020), for OKLCH to linear sRGB.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ENOUGH = 4.5  # WCAG 2.2, 1.4.3, text of any size
_TOKENS = Path(__file__).parent / "static" / "css" / "tokens.css"
_VARIABLE = re.compile(r"var\(--brand-(hue|chroma)\)")
_ROLE = re.compile(r"--([\w-]+):\s*light-dark\(\s*oklch\(([\d. ]+)\),\s*oklch\(([\d. ]+)\)\s*\)")
_DEFAULT = re.compile(r"--brand-(hue|chroma): ([\d.]+);")
# (text token, background token): all pairs that pages use with a brand colour.
_PAIRS = (
    *(("on-accent", "accent"), ("on-accent", "accent-hover"), ("accent", "accent-soft")),
    *(("accent", ground) for ground in ("surface-0", "surface-1", "surface-2")),
)


@dataclass(frozen=True, slots=True)
class Contrast:
    """The contrast of a text token on a background token, in the light or dark scheme."""

    text: str
    ground: str
    scheme: str
    ratio: float


def brand_contrasts(hue: float | None, chroma: float | None = None) -> list[Contrast]:
    """Return the contrast of each pair of tokens with a brand colour, light and dark.

    Parameters
    ----------
    hue, chroma : float, optional
        Hue and chroma of the brand; None takes Lastmile's own from the tokens.
    """
    roles = _roles(hue, chroma)
    return [
        Contrast(text, ground, scheme, ratio(roles[text][at], roles[ground][at]))
        for text, ground in _PAIRS
        for at, scheme in enumerate(("light", "dark"))
    ]


def worst(hue: float | None, chroma: float | None = None) -> Contrast:
    """Return the pair of tokens with the lowest contrast for a brand."""
    return min(brand_contrasts(hue, chroma), key=lambda pair: pair.ratio)


def ratio(one: float, other: float) -> float:
    """Return the contrast ratio of two relative luminances, from 1 (equal) to 21."""
    high, low = max(one, other), min(one, other)
    return (high + 0.05) / (low + 0.05)


def luminance(lightness: float, chroma: float, hue: float) -> float:
    """Return the relative luminance of an OKLCH colour, clipped to the sRGB gamut."""
    a, b = chroma * math.cos(math.radians(hue)), chroma * math.sin(math.radians(hue))
    long = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    middle = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
    red = 4.0767416621 * long - 3.3077115913 * middle + 0.2309699292 * short
    green = -1.2684380046 * long + 2.6097574011 * middle - 0.3413193965 * short
    blue = -0.0041960863 * long - 0.7034186147 * middle + 1.7076147010 * short
    clipped = [min(1.0, max(0.0, part)) for part in (red, green, blue)]
    return 0.2126 * clipped[0] + 0.7152 * clipped[1] + 0.0722 * clipped[2]


@cache
def _tokens() -> str:
    return _TOKENS.read_text(encoding="utf-8")


def _roles(hue: float | None, chroma: float | None) -> dict[str, tuple[float, float]]:
    brand = {name: float(value) for name, value in _DEFAULT.findall(_tokens())}
    overrides = {"hue": hue, "chroma": chroma}
    brand |= {name: value for name, value in overrides.items() if value is not None}
    css = _VARIABLE.sub(lambda match: str(brand[match[1]]), _tokens())
    roles: dict[str, tuple[float, float]] = {}
    for name, light, dark in _ROLE.findall(css):  # the first block is the default theme
        roles.setdefault(name, (_luminance_of(light), _luminance_of(dark)))
    return roles


def _luminance_of(oklch: str) -> float:
    lightness, chroma, hue = (float(part) for part in oklch.split())
    return luminance(lightness, chroma, hue)
