"""Reads navigation: the menu, the statuses, the next steps of the home page, the panels of pages.

``settings.NAVIGATION`` names the module that lists them, so that core knows no page and no module.
A start-up check resolves every URL name, permission and function that the module names.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from importlib import import_module
from typing import Any, Protocol

from django.conf import settings
from django.urls import get_resolver
from django.utils.functional import Promise
from django.utils.module_loading import import_string


class Reader(Protocol):
    """What navigation asks of the principal who reads a page."""

    def may(self, act: Any, hub: str | None = None) -> bool:
        """Tell whether the principal may do an act, at a hub when one is named."""
        ...


@dataclass(frozen=True, slots=True)
class Item:
    """One item of the menu: its page (URL name), its permission (act), label and icon.

    ``also`` names further pages that belong to it, though their addresses do not begin with its.
    """

    url: str
    act: str
    label: str | Promise
    icon: str
    also: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Panel:
    """A fragment that a module shows on another module's page.

    Parameters
    ----------
    url : str
        URL name. Its address takes one argument: the public id of what the page shows. The view
        answers a fragment to htmx and a whole page to a browser without JavaScript; 204 means
        that there is nothing to show.
    act : str
        The permission without which the panel is left out.
    label : str
        Its heading, and the text of the link when JavaScript is off.
    """

    url: str
    act: str
    label: str | Promise


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What the home page is about: a day, and the hubs of the reader (None means all)."""

    date: dt.date
    hubs: frozenset[str] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """Something worth doing now: a sentence, the label of its button, the page it leads to.

    ``url`` and ``args`` name the page; ``needs`` is the permission of the one who can do it.
    """

    text: str
    label: str
    url: str
    args: tuple[str, ...] = ()
    needs: str


def _table(name: str, default: Any) -> Any:
    return getattr(import_module(settings.NAVIGATION), name, default)


def menu() -> Sequence[Item]:
    """Return the items of the menu, in order."""
    items: Sequence[Item] = _table("MENU", ())
    return items


def status_tables() -> Mapping[str, Mapping[str, Any]]:
    """Return the statuses as they are listed: owner -> code -> status."""
    tables: Mapping[str, Mapping[str, Any]] = _table("STATUSES", {})
    return tables


def panel_table() -> Mapping[str, Sequence[Panel]]:
    """Return place on a page -> the panels shown there, in order."""
    table: Mapping[str, Sequence[Panel]] = _table("PANELS", {})
    return table


def panels_for(reader: Reader | None, place: str, hub: str | None = None) -> list[Panel]:
    """Return the panels of a place that the reader may see, at a hub when one is named."""
    if reader is None:
        return []
    return [panel for panel in panel_table().get(place, ()) if reader.may(panel.act, hub)]


def next_steps(reader: Reader, scope: Scope) -> list[Step]:
    """Return what the reader can do next, in the order in which navigation lists the sources."""
    sources: Sequence[str] = _table("STEPS", ())
    found: list[Step] = []
    for path in sources:
        source: Callable[[Scope], Iterable[Step]] = import_string(path)
        found += [step for step in source(scope) if reader.may(step.needs)]
    return found


# --- the start-up check ------------------------------------------------------------------------
def problems() -> list[str]:
    """Return what is wrong with navigation, one sentence each."""
    return [*_wrong_names(), *_wrong_statuses(), *_wrong_steps()]


def _wrong_names() -> Iterator[str]:
    acts = _acts()
    for item in menu():
        for name in (item.url, *item.also):
            if 0 not in argument_counts(name):
                yield f"The menu names the page {name!r}, which no URLconf has without arguments."
        if item.act not in acts:
            yield f"The menu names the permission {item.act!r}, which is not in {settings.ACTS}."
    for place, panels in panel_table().items():
        for panel in panels:
            if 1 not in argument_counts(panel.url):
                yield (
                    f"The panel {panel.url!r} on {place!r} does not resolve to a URL with one "
                    "argument."
                )
            if panel.act not in acts:
                yield f"The panel {panel.url!r} needs {panel.act!r}, not in {settings.ACTS}."


def _wrong_statuses() -> Iterator[str]:
    owner_of: dict[str, str] = {}
    for owner, table in status_tables().items():
        for code in table:
            if code in owner_of:
                yield f"The status {code!r} is defined twice: by {owner_of[code]!r} and {owner!r}."
            owner_of.setdefault(code, owner)


def _wrong_steps() -> Iterator[str]:
    for path in _table("STEPS", ()):
        try:
            good = callable(import_string(path))
        except ImportError:
            good = False
        if not good:
            yield f"STEPS in {settings.NAVIGATION} names {path!r}, which does not resolve."


def _acts() -> set[str]:
    acts: type[Enum] = import_string(settings.ACTS)
    return {str(act.value) for act in acts}


def argument_counts(name: str) -> set[int]:
    """Return how many arguments the addresses of a URL name take; empty when it is unknown."""
    found: set[int] = set()
    for urlconf in (settings.ROOT_URLCONF, settings.PUBLIC_SCHEMA_URLCONF):
        resolver = get_resolver(urlconf)
        *namespaces, last = name.split(":")
        for namespace in namespaces:
            inside = resolver.namespace_dict.get(namespace)
            if inside is None:
                break
            resolver = inside[1]
        else:
            for possibilities, *_rest in resolver.reverse_dict.getlist(last):
                found |= {len(parameters) for _address, parameters in possibilities}
    return found
