"""The price of a slot for one basket, with its parts. PURE."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

PartCode = Literal["base", "free", "surcharge", "share"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceRules:
    """The rules of the retailer about prices, in minor units of its currency.

    Parameters
    ----------
    free_from_minor : int or None
        Basket value from which the base price is waived; None for never.
    share_percent : int
        Share of the marginal cost that shoppers pay, in per cent; 0 for none.
    share_least_minor, share_most_minor : int
        Bounds of that share.
    """

    free_from_minor: int | None = None
    share_percent: int = 0
    share_least_minor: int = 0
    share_most_minor: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class PricePart:
    """A part of a price. The part ``free`` is negative: it waives the base price."""

    code: PartCode
    amount_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceQuote:
    """A price and its parts, which add up to it."""

    price_minor: int
    parts: tuple[PricePart, ...]

    def parts_as_json(self) -> list[dict[str, object]]:
        """Return the parts in the form of the column ``price_parts``."""
        return [{"code": part.code, "amount_minor": part.amount_minor} for part in self.parts]


def price(
    *,
    base_minor: int,
    surcharge_minor: int,
    rules: PriceRules,
    value_minor: int | None,
    cost_minor: int | None,
) -> PriceQuote:
    """Return the price of a slot: base (or 0) + surcharge + bounded share of the marginal cost.

    The base price is waived if the basket value is known and reaches ``free_from_minor``. Without
    a marginal cost (``cost_minor`` None, such as curbside) there is no share.
    """
    parts = [PricePart(code="base", amount_minor=base_minor)]
    free = rules.free_from_minor
    if free is not None and value_minor is not None and value_minor >= free:
        parts.append(PricePart(code="free", amount_minor=-base_minor))
    parts.append(PricePart(code="surcharge", amount_minor=surcharge_minor))
    parts.append(PricePart(code="share", amount_minor=_share(rules, cost_minor)))
    kept = tuple(part for part in parts if part.amount_minor)
    return PriceQuote(price_minor=sum(part.amount_minor for part in kept), parts=kept)


def _share(rules: PriceRules, cost_minor: int | None) -> int:
    """Return the share of a marginal cost, rounded half up, within its bounds."""
    if cost_minor is None or rules.share_percent == 0:
        return 0
    share = (cost_minor * rules.share_percent + 50) // 100
    return max(rules.share_least_minor, min(share, rules.share_most_minor))
