"""Functions that read environment variables by type and raise an error that states the remedy."""

from __future__ import annotations

import ipaddress
import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

SHORTEST_KEY = 32  # characters; 32 random base64 characters carry 192 bits
# Different characters that a key must have. A random hexadecimal key of 32 characters has fewer
# than 8 different ones once in 10 million.
FEWEST_KINDS = 8
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class BadEnvironment(Exception):
    """A variable is missing or invalid; the message names it and says what to do."""


def text(name: str, default: str | None = None) -> str:
    """Return the value of a variable, or its default.

    Raises BadEnvironment when the variable is unset and has no default.
    """
    value = os.environ.get(name)
    if value:
        return value
    if default is None:
        raise BadEnvironment(f"{name} is not set. Set it in the environment and start again.")
    return default


def flag(name: str, default: bool = False) -> bool:
    """Return the value of a yes/no variable (1/0, true/false, yes/no, on/off), or its default."""
    value = os.environ.get(name, "")
    if not value:
        return default
    if value.lower() in {"1", "true", "yes", "on"}:
        return True
    if value.lower() in {"0", "false", "no", "off"}:
        return False
    raise BadEnvironment(f"{name}={value!r} is neither yes nor no. Use 1 or 0.")


def folder(name: str, default: Path) -> Path:
    """Return the folder of a file:// URL, or its default.

    Raises BadEnvironment for any other URL.
    """
    value = os.environ.get(name, "")
    if not value:
        return default
    parts = urlsplit(value)
    path = Path(unquote(parts.path))
    if parts.scheme != "file" or parts.netloc or not path.is_absolute():
        raise BadEnvironment(
            f"{name} is no folder and no bucket. Use file:///an/absolute/path or s3://…"
        )
    return path


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket:
    """A bucket of an object storage (S3), and the folder in it ("" for none).

    Without a key, the machine's own rights count (a role of the cloud).
    """

    endpoint: str
    name: str
    folder: str = ""
    region: str = "us-east-1"
    key: str = ""
    secret: str = field(default="", repr=False)


def bucket(name: str) -> Bucket | None:
    """Return the bucket of an s3:// URL, None if the variable is unset or has another scheme.

    ``s3://KEY:SECRET@host/bucket/folder?region=eu-west-1``; ``tls=none`` is for a server on this
    machine or on a private network.

    Raises BadEnvironment for a malformed s3:// URL. No message contains the value.
    """
    value = os.environ.get(name, "")
    if not value.startswith("s3:"):
        return None
    try:
        parts = urlsplit(value)
        port, query = parts.port, dict(parse_qsl(parts.query, strict_parsing=bool(parts.query)))
    except ValueError:
        parts, port, query = urlsplit(""), None, {"bad": ""}
    tls, region = query.pop("tls", "tls"), query.pop("region", "us-east-1")
    own, _slash, folder_name = parts.path.strip("/").partition("/")
    has_pair = bool(parts.username) == bool(parts.password)
    if query or tls not in {"tls", "none"} or not (parts.hostname and own and region and has_pair):
        raise BadEnvironment(
            f"{name} is not the address of a bucket. Write it as"
            " s3://KEY:SECRET@s3.eu-west-1.amazonaws.com/bucket?region=eu-west-1."
        )
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return Bucket(
        endpoint=f"{'https' if tls == 'tls' else 'http'}://{host}{f':{port}' if port else ''}",
        name=own,
        folder=folder_name,
        region=region,
        key=unquote(parts.username or ""),
        secret=unquote(parts.password or ""),
    )


def number(name: str, default: int, *, least: int = 0, most: int = 2**31) -> int:
    """Return the value of a variable as a whole number, or its default.

    Raises BadEnvironment for a value that is not a whole number from ``least`` to ``most``.
    """
    value = os.environ.get(name, "")
    if not value:
        return default
    try:
        whole = int(value)
    except ValueError:
        raise BadEnvironment(f"{name}={value!r} is not a whole number.") from None
    if not least <= whole <= most:
        raise BadEnvironment(f"{name}={whole} is outside {least} to {most}.")
    return whole


def address(name: str, *, https_only: bool = False) -> str:
    """Return the value of a variable that holds an http(s) URL, or "" if it is not set.

    Raises BadEnvironment for a value that is not an http(s) URL, and for http if secrets are sent
    there.
    """
    value = os.environ.get(name, "")
    parts = urlsplit(value)
    if value and (parts.scheme not in {"http", "https"} or not parts.hostname):
        raise BadEnvironment(f"{name} is not a URL. Write it as https://host/path.")
    if value and https_only and parts.scheme != "https":
        raise BadEnvironment(f"{name} would get secrets unencrypted. Write it as https://host.")
    return value


def networks(name: str) -> tuple[Network, ...]:
    """Return the networks (CIDRs) in a variable, which commas or spaces separate.

    Raises BadEnvironment for a value that is not a network.
    """
    rows = []
    for part in os.environ.get(name, "").replace(",", " ").split():
        try:
            rows.append(ipaddress.ip_network(part))
        except ValueError:
            raise BadEnvironment(
                f"{name}: {part} is not a network. Write networks as 10.0.0.0/8."
            ) from None
    return tuple(rows)


@dataclass(frozen=True, slots=True, kw_only=True)
class MailServer:
    """A server that takes e-mail.

    ``security`` is starttls, tls or none. ``sender`` is the address from which mails are sent.
    """

    host: str
    port: int
    security: str
    sender: str
    user: str = ""
    password: str = field(default="", repr=False)


def mail_url(name: str) -> MailServer | None:
    """Return the mail server in a variable, None if it is not set.

    ``smtp://user:password@host:587/?from=shop@example.org`` uses STARTTLS, ``smtps://`` uses TLS
    from the start. ``smtp://host:25/?from=…&tls=none`` uses neither, for a server on this machine.

    Raises BadEnvironment for any other value. No message contains the value.
    """
    value = os.environ.get(name, "")
    if not value:
        return None
    try:
        parts = urlsplit(value)
        port, query = parts.port, dict(parse_qsl(parts.query, strict_parsing=True))
    except ValueError:
        parts, port, query = urlsplit(""), None, {}
    tls = query.pop("tls", "starttls" if parts.scheme == "smtp" else "tls")
    sender = query.pop("from", "")
    known = {"smtp": {"starttls", "none"}, "smtps": {"tls"}}.get(parts.scheme, set())
    if tls not in known or not parts.hostname or "@" not in sender or query:
        raise BadEnvironment(
            f"{name} is not the address of a mail server. Write it as"
            " smtp://user:password@host:587/?from=shop@example.org."
        )
    return MailServer(
        host=parts.hostname,
        port=port or (465 if tls == "tls" else 587),
        security=tls,
        sender=sender,
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
    )


def secret(name: str, default: str | None = None) -> str:
    """Return the contents of the file that NAME_FILE names, else the variable NAME itself."""
    path = os.environ.get(f"{name}_FILE")
    if path:
        try:
            return Path(path).read_text(encoding="utf-8").strip()
        except OSError as fault:
            raise BadEnvironment(f"{name}_FILE={path!r} cannot be read: {fault}.") from fault
    return text(name, default)


def keys(name: str, value: str) -> tuple[str, ...]:
    """Return the secret keys in a value, which commas, spaces or line ends separate.

    ``name`` is used in error messages only. No message contains a key.

    Raises BadEnvironment for a key that is easy to guess, and for a key that occurs twice.
    """
    parts = tuple(part for part in re.split(r"[,\s]+", value) if part)
    for at, key in enumerate(parts, 1):
        if len(key) < SHORTEST_KEY or len(set(key)) < FEWEST_KINDS:
            raise BadEnvironment(
                f"Key {at} of {name} is too easy to guess: use at least {SHORTEST_KEY} random"
                " characters, as `openssl rand -base64 32` makes them."
            )
    if len(set(parts)) != len(parts):
        raise BadEnvironment(
            f"{name} contains the same key twice. Keep each key once, the newest first."
        )
    return parts
