"""The grams of CO2e that a shopper is shown and promised. PURE."""

from __future__ import annotations


def shown_grams(co2_g: int | None) -> int | None:
    """Return the marginal grams as shoppers read them: 0 or more; None where not known.

    A detour may make a route shorter, so marginal grams may be negative. The figures of the
    retailer keep the sign; to a shopper such a delivery adds nothing.
    """
    return None if co2_g is None else max(0, co2_g)
