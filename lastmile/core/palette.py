"""The colour and the dash pattern of a route, by its number. PURE.

The eight colours are tokens (``--route-1`` to ``--route-8`` in tokens.css: Okabe-Ito without
yellow, then two of Tol), lighter on a dark background. After eight routes the colours repeat with
a dash pattern. Stops also show their number, so no information is in the colour alone.
``static/core/map/palette.js`` has the same rules.

Source: Okabe & Ito, Color Universal Design (2008); Tol, Colour Schemes, SRON/EPS/TN/09-002.
"""

from __future__ import annotations

COLOURS = 8
# SVG stroke-dasharray of the swatch, in its units. The map has the same pattern in line widths.
DASHES = ("", "5 3", "2 2", "8 2 2 2")


def colour_of(number: int) -> int:
    """Return the number of the colour token, 1 to 8, of a route (numbered from 1)."""
    return (number - 1) % COLOURS + 1


def pattern_of(number: int) -> int:
    """Return the index in DASHES of a route, which differs for routes of the same colour."""
    return (number - 1) // COLOURS % len(DASHES)
