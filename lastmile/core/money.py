"""Amounts of money: an integer of minor units and an ISO 4217 code, never a float. PURE."""

from __future__ import annotations

from dataclasses import dataclass

# Currencies whose minor unit is not a hundredth (ISO 4217 table A.1, November 2026).
_EXPONENTS: dict[str, int] = dict.fromkeys(
    [
        "BIF",
        "CLP",
        "DJF",
        "GNF",
        "ISK",
        "JPY",
        "KMF",
        "KRW",
        "PYG",
        "RWF",
        "UGX",
        "UYI",
        "VND",
        "VUV",
        "XAF",
        "XOF",
        "XPF",
    ],
    0,
) | dict.fromkeys(["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"], 3)


def exponent(currency: str) -> int:
    """Return the number of decimals of a currency (2 unless ISO 4217 states another number)."""
    return _EXPONENTS.get(currency, 2)


@dataclass(frozen=True, slots=True, order=False)
class Money:
    """An amount in minor units of a currency. Adding two currencies raises ValueError."""

    minor: int
    currency: str

    def __post_init__(self) -> None:
        if len(self.currency) != 3 or not self.currency.isascii() or not self.currency.isupper():
            raise ValueError(f"{self.currency!r} is not an ISO 4217 code such as EUR.")

    def __add__(self, other: Money) -> Money:
        if self.currency != other.currency:
            raise ValueError(f"{self.currency} and {other.currency} cannot be added.")
        return Money(self.minor + other.minor, self.currency)

    def __sub__(self, other: Money) -> Money:
        return self + Money(-other.minor, other.currency)

    def __str__(self) -> str:
        return f"{self.decimal()} {self.currency}"

    def decimal(self) -> str:
        """Return the amount with a decimal point, as ``12.30`` (JPY and CLP: ``1230``)."""
        places = exponent(self.currency)
        sign, digits = "-" if self.minor < 0 else "", str(abs(self.minor)).rjust(places + 1, "0")
        return sign + (f"{digits[:-places]}.{digits[-places:]}" if places else digits)
