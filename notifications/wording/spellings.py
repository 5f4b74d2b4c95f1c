"""The known spellings of a telephone number. PURE.

In three countries one mobile number is written in two ways, and providers write another one than
the shopper did. The spellings are only used to find a contact. A number is stored and called as it
was given.

- Mexico: +52 55 1234 5678 or +521 55 1234 5678. The digit 1 marked mobile numbers until 2019.
- Brazil: +55 11 8765 4321 or +55 11 98765 4321. Mobile numbers got a 9 in 2012 to 2016.
- Argentina: +54 11 2345 6789 or +549 11 2345 6789. The digit 9 marks a mobile number.

A landline is never turned into a mobile number. In Brazil the eight digits of a landline begin
with 2 to 5, those of an old mobile number with 6 to 9. In Mexico and Argentina the number itself
does not say what it is: there one number has one subscriber in both spellings.

Source: the numbering plans as the metadata of the package phonenumbers describes them.
"""

from __future__ import annotations

import re
from typing import Final

#: Pattern of one spelling -> the other one.
_PAIRS: Final[tuple[tuple[re.Pattern[str], str], ...]] = (
    (re.compile(r"\+52(\d{10})", re.ASCII), r"+521\1"),
    (re.compile(r"\+521(\d{10})", re.ASCII), r"+52\1"),
    (re.compile(r"\+55([1-9][1-9])([6-9]\d{7})", re.ASCII), r"+55\g<1>9\2"),
    (re.compile(r"\+55([1-9][1-9])9([6-9]\d{7})", re.ASCII), r"+55\1\2"),
    (re.compile(r"\+54([1-8]\d{9})", re.ASCII), r"+549\1"),
    (re.compile(r"\+549([1-8]\d{9})", re.ASCII), r"+54\1"),
)


def spellings(number: str) -> tuple[str, ...]:
    """Return a number in E.164 and its other known spellings; the number itself comes first."""
    written = [
        match.expand(other) for pattern, other in _PAIRS if (match := pattern.fullmatch(number))
    ]
    return (number, *written)
