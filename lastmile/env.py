"""Typed readers of the environment that fail loudly and say the remedy."""

from __future__ import annotations

import os
import re
from pathlib import Path
from urllib.parse import urlsplit

SHORTEST_KEY = 32  # characters; 32 random base64 characters carry 192 bits
# Different characters of a key; a random hexadecimal key of 32 has fewer once in 10 million.
FEWEST_KINDS = 8


class BadEnvironment(Exception):
    """A variable is missing or does not fit; the message says which and what to do."""


def text(name: str, default: str | None = None) -> str:
    """Return a variable; raise when it is unset and there is no default."""
    value = os.environ.get(name)
    if value:
        return value
    if default is None:
        raise BadEnvironment(f"{name} is not set. Set it in the environment and start again.")
    return default


def flag(name: str, default: bool = False) -> bool:
    """Return a yes/no variable: 1/0, true/false, yes/no, on/off."""
    value = os.environ.get(name, "")
    if not value:
        return default
    if value.lower() in {"1", "true", "yes", "on"}:
        return True
    if value.lower() in {"0", "false", "no", "off"}:
        return False
    raise BadEnvironment(f"{name}={value!r} is neither yes nor no. Use 1 or 0.")


def number(name: str, default: int, *, least: int = 0, most: int = 2**31) -> int:
    """Return a whole number within bounds."""
    value = os.environ.get(name, "")
    if not value:
        return default
    try:
        found = int(value)
    except ValueError:
        raise BadEnvironment(f"{name}={value!r} is not a whole number.") from None
    if not least <= found <= most:
        raise BadEnvironment(f"{name}={found} is outside {least} to {most}.")
    return found


def address(name: str) -> str:
    """Return a variable that is "" or an address of http or https; raise when it is another."""
    value = os.environ.get(name, "")
    parts = urlsplit(value)
    if value and (parts.scheme not in {"http", "https"} or not parts.hostname):
        raise BadEnvironment(f"{name} is no address. Write it as https://host/path.")
    return value


def secret(name: str, default: str | None = None) -> str:
    """Return NAME, or the contents of the file that NAME_FILE names."""
    path = os.environ.get(f"{name}_FILE")
    if path:
        try:
            return Path(path).read_text(encoding="utf-8").strip()
        except OSError as fault:
            raise BadEnvironment(f"{name}_FILE={path!r} cannot be read: {fault}.") from fault
    return text(name, default)


def keys(name: str, value: str) -> tuple[str, ...]:
    """Return the secret keys in the value of a variable: parted by commas, spaces or line ends.

    The name is for the message alone; no message holds a key.
    """
    found = tuple(part for part in re.split(r"[,\s]+", value) if part)
    for at, key in enumerate(found, 1):
        if len(key) < SHORTEST_KEY or len(set(key)) < FEWEST_KINDS:
            raise BadEnvironment(
                f"Key {at} of {name} is too easy to guess: use at least {SHORTEST_KEY} random"
                " characters, as `openssl rand -base64 32` makes them."
            )
    if len(set(found)) != len(found):
        raise BadEnvironment(f"{name} holds a key twice. Keep each key once, the newest first.")
    return found
