"""Pickup codes: PINs that server and cabinet both compute, and short signed tokens for QR. PURE.

A PIN is HMAC-SHA256(key of the bank, reservation | role | generation), as seven digits and a check
digit (Luhn). Nobody stores it: the server computes it when it is shown, and the cabinet when it is
typed, also without a network. The generation of a reservation is chosen so that no two live PINs
of a bank are equal (``fresh_generation``).

A token is ``<body>.<signature>``, both base64url. The body is JSON with short names.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any, Final

from lockers.states import CodeRole

KEY_BYTES: Final = 32
PIN_DIGITS: Final = 8  # seven digits and the check digit
_SPACE: Final = 10 ** (PIN_DIGITS - 1)
_MOST_GENERATIONS: Final = 10_000  # tries of ``fresh_generation``; more means a broken key
#: Length of the longest token that is read.
LONGEST_TOKEN: Final = 600


def pin(key: bytes, reservation: str, role: str, generation: int) -> str:
    """Return the PIN of a role of a reservation: eight digits, the last a check digit."""
    message = f"{reservation}|{role}|{generation}".encode()
    number = int.from_bytes(hmac.digest(key, message, hashlib.sha256)[:8], "big") % _SPACE
    body = f"{number:0{PIN_DIGITS - 1}d}"
    return body + check_digit(body)


def check_digit(body: str) -> str:
    """Return the Luhn digit for a text of digits. It detects each single wrong digit."""
    total = 0
    for place, sign in enumerate(reversed(body)):
        digit = int(sign) * (2 if place % 2 == 0 else 1)
        total += digit - 9 if digit > 9 else digit
    return str(-total % 10)


def has_pin_shape(typed: str) -> bool:
    """Return True if a text has eight digits with the right check digit."""
    if len(typed) != PIN_DIGITS or not (typed.isascii() and typed.isdigit()):
        return False
    return check_digit(typed[:-1]) == typed[-1]


def pins(key: bytes, reservation: str, generation: int) -> dict[CodeRole, str]:
    """Return the PINs of all roles of a reservation."""
    return {role: pin(key, reservation, role, generation) for role in CodeRole}


def fresh_generation(key: bytes, reservation: str, *, above: int, taken: Collection[str]) -> int:
    """Return the next generation whose PINs are all different, and none of them ``taken``.

    Parameters
    ----------
    above : int
        The last generation that this reservation used.
    taken : collection of str
        The PINs that are live at the bank now.

    Raises
    ------
    RuntimeError
        No generation is free, which cannot happen with a random key.
    """
    for generation in range(above + 1, above + 1 + _MOST_GENERATIONS):
        candidates = set(pins(key, reservation, generation).values())
        if len(candidates) == len(CodeRole) and not any(code in taken for code in candidates):
            return generation
    raise RuntimeError("No generation of this reservation has free PINs.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """A reservation that a cabinet or the server knows, with its generation."""

    reservation: str
    generation: int


def match(
    key: bytes, typed: str, known: Iterable[Known], roles: Iterable[CodeRole]
) -> tuple[Known, CodeRole] | None:
    """Return the reservation and role of a typed PIN, or None.

    All candidates are compared, each in constant time, so the time does not tell which one matched.
    """
    matched: tuple[Known, CodeRole] | None = None
    wanted = list(roles)
    for one in known:
        for role in wanted:
            right = pin(key, one.reservation, role, one.generation)
            if hmac.compare_digest(right, typed) and matched is None:
                matched = one, role
    return matched


class BadToken(ValueError):
    """The token was not made with this key, or it was changed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A signed courier or shopper token, which tells a cabinet of a reservation.

    Times are whole seconds since 1970. ``box`` is the number on the compartment's door.
    """

    reservation: str
    role: str
    box: str
    generation: int
    not_before_s: int
    expires_s: int
    nonce: str

    def is_valid_at(self, now_s: int) -> bool:
        """Return True within the period [not_before, expires)."""
        return self.not_before_s <= now_s < self.expires_s


_NAMES: Final = {
    "reservation": "r", "role": "o", "box": "b", "generation": "g", "not_before_s": "n",
    "expires_s": "x", "nonce": "u",
}  # fmt: skip


def token_text(key: bytes, token: Token) -> str:
    """Return a token as text for a QR code."""
    shown = {short: getattr(token, name) for name, short in _NAMES.items()}
    body = _text(json.dumps(shown, separators=(",", ":"), sort_keys=True).encode())
    return f"{body}.{_text(_signature(key, body))}"


def read_token(key: bytes, text: str) -> Token:
    """Return the token of a text. The caller checks its period. Raises BadToken."""
    body, point, signature = text.partition(".")
    if len(text) > LONGEST_TOKEN or not point:
        raise BadToken("This is not a token.")
    try:
        sent = _bytes(signature)
        if not hmac.compare_digest(_signature(key, body), sent):
            raise BadToken("The signature is wrong.")
        read: dict[str, Any] = json.loads(_bytes(body))
        return Token(**{name: read[short] for name, short in _NAMES.items()})
    except (binascii.Error, UnicodeError, ValueError, KeyError, TypeError) as fault:
        raise BadToken("This is not a token of this bank.") from fault


def _signature(key: bytes, body: str) -> bytes:
    # 128 bits keep the QR code small.
    return hmac.digest(key, f"token|{body}".encode(), hashlib.sha256)[:16]


def _text(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).decode().rstrip("=")


def _bytes(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
