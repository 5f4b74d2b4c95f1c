"""The parts of the app that other modules own, by the table ``DRIVER_PARTS`` of the navigation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.templatetags.static import static
from django.urls import reverse
from django.utils.module_loading import import_string

from lastmile.core.navigation import driver_parts


def scripts() -> list[str]:
    """Return the static files that the phone keeps for work without a network."""
    return [part.script for part in driver_parts()]


def for_page() -> list[dict[str, Any]]:
    """Return the parts for the page: name, script, addresses and texts; nothing of anybody."""
    return [
        {
            "name": part.name,
            "script": static(part.script),
            "urls": {name: reverse(url) for name, url in part.urls.items()},
            "texts": dict(import_string(part.texts)()),
        }
        for part in driver_parts()
    ]


def of_day(orders: Sequence[str]) -> dict[str, Mapping[str, Any]]:
    """Return the values of each part for the orders of a route by public id."""
    return {part.name: import_string(part.day)(orders) for part in driver_parts()}
