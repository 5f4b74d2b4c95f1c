"""Resolves DATABASE_URL, BROKER_URL, CACHE_URL and CHANNEL_URL; unset means embedded. Pure."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any
from urllib.parse import quote

from psycopg.conninfo import conninfo_to_dict

from lastmile.embedded.folders import Folders

VALKEY_NAMES = ("BROKER_URL", "CACHE_URL", "CHANNEL_URL")
NAMES = ("DATABASE_URL", *VALKEY_NAMES)


def wants_postgres() -> bool:
    """Return True if the embedded PostgreSQL is needed."""
    return not os.environ.get("DATABASE_URL")


def wants_valkey() -> bool:
    """Return True if the embedded Valkey is needed, that is if one of its three URLs is unset."""
    return not all(os.environ.get(name) for name in VALKEY_NAMES)


def resolve(var: Path) -> dict[str, str]:
    """Return the four URLs: from the environment, else the sockets of the embedded services."""
    folders = Folders(var)
    socket = folders.valkey_socket
    embedded = {
        "DATABASE_URL": f"postgresql://postgres@{quote(str(folders.run), safe='')}/lastmile",
        "BROKER_URL": f"redis+socket://{socket}?virtual_host=0",
        "CHANNEL_URL": f"unix://{socket}?db=1",
        "CACHE_URL": f"unix://{socket}?db=2",
    }
    return {name: os.environ.get(name) or url for name, url in embedded.items()}


def database(url: str) -> dict[str, Any]:
    """Convert a libpq URL to an entry of Django's DATABASES.

    Parameters that Django does not know (sslmode, target_session_attrs …) go to OPTIONS.
    """
    parts: dict[str, Any] = dict(conninfo_to_dict(url))
    named = {
        "NAME": parts.pop("dbname", ""),
        "USER": parts.pop("user", ""),
        "PASSWORD": parts.pop("password", ""),
        "HOST": parts.pop("host", ""),
        "PORT": str(parts.pop("port", "")),
    }
    return {**named, "OPTIONS": parts}
