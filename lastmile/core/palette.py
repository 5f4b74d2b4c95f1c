"""Route colours for readers who see few of them; the twin of ``static/js/map/palette.js``.

Okabe-Ito first, then two of Tol's (yellow is left out: it vanishes on a pale ground). After eight
routes the colours come again with a dash; the route's number says the same a third time. PURE.

Source: Okabe & Ito, Color Universal Design (2008); Tol, Colour Schemes, SRON/EPS/TN/09-002.
"""

from __future__ import annotations

COLOURS = (
    "#0072b2", "#d55e00", "#009e73", "#aa4499", "#e69f00", "#56b4e9", "#882255", "#7a7a29",
)  # fmt: skip
# SVG stroke-dasharray of the swatch, in its units; on the map the same in line widths.
DASHES = ("", "5 3", "2 2", "8 2 2 2")


def colour_of(number: int) -> str:
    """The colour of the route with this number, counted from 1."""
    return COLOURS[(number - 1) % len(COLOURS)]


def pattern_of(number: int) -> int:
    """Which dash tells this route from the earlier ones of the same colour."""
    return (number - 1) // len(COLOURS) % len(DASHES)


def ink_on(colour: str) -> str:
    """Black or white, whichever reads better on a colour (WCAG 2 relative luminance)."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in parts)
    light = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    return "#ffffff" if 1.05 / (light + 0.05) >= (light + 0.05) / 0.05 else "#000000"
