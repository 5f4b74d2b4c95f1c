"""Which of the eight route colours, and which dash, a route's number stands for. PURE.

The colours themselves are tokens (``--route-1`` to ``--route-8`` in tokens.css: Okabe-Ito without
yellow, then two after Tol), lighter on dark ground. After eight routes they come again with a dash;
the number on each stop says the same a third time. Twin: ``static/core/map/palette.js``.

Source: Okabe & Ito, Color Universal Design (2008); Tol, Colour Schemes, SRON/EPS/TN/09-002.
"""

from __future__ import annotations

COLOURS = 8
# SVG stroke-dasharray of the swatch, in its units; on the map the same in line widths.
DASHES = ("", "5 3", "2 2", "8 2 2 2")


def colour_of(number: int) -> int:
    """Which colour token, 1 to 8, the route with this number (from 1) wears."""
    return (number - 1) % COLOURS + 1


def pattern_of(number: int) -> int:
    """Which dash tells this route from the earlier ones of the same colour."""
    return (number - 1) // COLOURS % len(DASHES)
