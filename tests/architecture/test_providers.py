"""A provider is a folder: a Protocol, its adapters, and a Null twin that keeps what it was told."""

from __future__ import annotations

import importlib
import inspect
import re
from pathlib import Path
from typing import Any

import pytest
from django.utils.module_loading import import_string

from notifications.channels.base import Channel
from notifications.channels.registry import ADAPTERS

ROOT = Path(__file__).resolve().parents[2]
LAYERS = ("tenants", "dispatch", "lockers", "notifications", "portal")


CALLS_OUT = re.compile(
    r"\bHttpClient\b|import httpx|from twilio\.rest|import smtplib|from django\.core\.mail"
)


def folders() -> list[str]:
    """The packages that call systems outside, as dotted names.

    A package of adapters may have the Protocol in the package above it.
    """
    using = {
        home_of(path.parent)
        for layer in LAYERS
        for path in (ROOT / layer).rglob("*.py")
        if CALLS_OUT.search(path.read_text(encoding="utf-8"))
    }
    return sorted({".".join(folder.relative_to(ROOT).parts) for folder in using})


def home_of(folder: Path) -> Path:
    """The folder with ``base.py``: this one or the one above it."""
    above = folder.parent
    return above if not (folder / "base.py").exists() and (above / "base.py").exists() else folder


def protocols(module: Any) -> list[type]:
    return [
        member
        for _name, member in inspect.getmembers(module, inspect.isclass)
        if getattr(member, "_is_protocol", False) and member.__module__ == module.__name__
    ]


def test_there_is_a_provider_to_look_at() -> None:
    assert {"dispatch.orders.geocoding", "notifications.channels"} <= set(folders())


@pytest.mark.parametrize("path", sorted(set(ADAPTERS.values())))
def test_each_channel_can_be_called_as_the_protocol_says(path: str) -> None:
    adapter = import_string(path)
    for name in ("send", "find", "fetch", "check"):
        declared, implemented = getattr(Channel, name), getattr(adapter, name)
        parameters = [inspect.signature(f).parameters.keys() for f in (declared, implemented)]
        assert parameters[0] == parameters[1], f"{path}.{name}"
    assert adapter.in_thread is True


@pytest.mark.parametrize("folder", folders())
def test_each_provider_has_a_protocol_and_a_null_twin(folder: str) -> None:
    (protocol,) = protocols(importlib.import_module(f"{folder}.base"))
    null = importlib.import_module(f"{folder}.null")
    twins = [
        member
        for name, member in inspect.getmembers(null, inspect.isclass)
        if name.startswith("Null") and member.__module__ == null.__name__
    ]
    assert len(twins) == 1, f"{folder}.null holds one class called Null…"
    for name in [name for name in vars(protocol) if not name.startswith("_")]:
        declared, implemented = getattr(protocol, name), getattr(twins[0], name, None)
        assert implemented is not None, f"{twins[0].__name__} has no {name}"
        parameters = [inspect.signature(f).parameters.keys() for f in (declared, implemented)]
        assert parameters[0] == parameters[1]
    assert twins[0]().told == [], "a null twin keeps the calls that it received"
