"""Reads the navigation tables: the menu, the statuses, the next steps and the panels of pages.

``settings.NAVIGATION`` names the module with these tables, so that core does not import any page.
A start-up check resolves every URL name, permission and function in that module.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from importlib import import_module
from typing import Any, Protocol

from django.conf import settings
from django.db import DatabaseError, InterfaceError
from django.urls import get_resolver
from django.utils.functional import Promise
from django.utils.module_loading import import_string


class Reader(Protocol):
    """The part of a principal that navigation uses: the permissions of a page's reader."""

    def may(self, act: Any, hub: str | None = None) -> bool:
        """Return True if the principal has a permission, at a hub if one is given."""
        ...


@dataclass(frozen=True, slots=True)
class Item:
    """A menu item: its page (URL name), its permission (act), label and icon.

    ``also`` lists further pages that belong to the item although their URLs do not start with the
    item's URL. ``count`` names a function that returns how many things wait there for the reader,
    ``def f(hubs: frozenset[str] | None) -> int``.
    """

    url: str
    act: str
    label: str | Promise
    icon: str
    also: tuple[str, ...] = ()
    count: str = ""


@dataclass(frozen=True, slots=True)
class Panel:
    """A fragment that a module shows on another module's page.

    Parameters
    ----------
    url : str
        URL name. The URL has one argument: the public id of the object on the page. The view
        returns a fragment to htmx and a whole page to a browser without JavaScript. 204 means that
        there is nothing to show.
    act : str
        The permission that a reader needs to see the panel.
    label : str
        The heading of the panel, and the text of its link without JavaScript.
    """

    url: str
    act: str
    label: str | Promise


@dataclass(frozen=True, slots=True, kw_only=True)
class DriverPart:
    """A part of the driver's app that another module owns: what is done at one kind of stop.

    Parameters
    ----------
    name : str
        The name of the part, and of its values in the driver's day.
    script : str
        The static file of the ES module. It exports ``view(app, part, stops)``; the app keeps it
        for work without a network.
    urls : mapping
        Names that the script uses -> URL names without arguments.
    texts : str
        Dotted name of ``def texts() -> Mapping[str, str]``, in the reader's language.
    day : str
        Dotted name of ``def part_of(orders: Sequence[str]) -> Mapping``: JSON values for the orders
        of the route by public id. They do not change while nothing has happened.
    """

    name: str
    script: str
    urls: Mapping[str, str]
    texts: str
    day: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """The date and the hubs that the home page shows; None means all hubs."""

    date: dt.date
    hubs: frozenset[str] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A suggested next step: a sentence, the label of its button, and the page of the button.

    ``url`` and ``args`` name the page; ``needs`` is the permission that the step requires. A step
    that ``can_wait`` is not part of the day's work.
    """

    text: str
    label: str
    url: str
    args: tuple[str, ...] = ()
    needs: str
    can_wait: bool = False


def _table(name: str, default: Any) -> Any:
    return getattr(import_module(settings.NAVIGATION), name, default)


def menu() -> Sequence[Item]:
    """Return the items of the menu, in order."""
    items: Sequence[Item] = _table("MENU", ())
    return items


def status_tables() -> Mapping[str, Mapping[str, Any]]:
    """Return the statuses: owner -> code -> status."""
    tables: Mapping[str, Mapping[str, Any]] = _table("STATUSES", {})
    return tables


def panel_table() -> Mapping[str, Sequence[Panel]]:
    """Return place on a page -> the panels shown there, in order."""
    table: Mapping[str, Sequence[Panel]] = _table("PANELS", {})
    return table


def driver_parts() -> Sequence[DriverPart]:
    """Return the parts of the driver's app that other modules own."""
    parts: Sequence[DriverPart] = _table("DRIVER_PARTS", ())
    return parts


def panels_for(reader: Reader | None, place: str, hub: str | None = None) -> list[Panel]:
    """Return the panels of a place that the reader may see, at a hub if one is given."""
    if reader is None:
        return []
    return [panel for panel in panel_table().get(place, ()) if reader.may(panel.act, hub)]


def waiting_at(item: Item, hubs: frozenset[str] | None) -> int:
    """Return how many things wait at a menu item in these hubs; 0 for an item that counts none.

    An error of the database gives 0, because the page that reports the error has a menu too.
    """
    if not item.count:
        return 0
    count: Callable[[frozenset[str] | None], int] = import_string(item.count)
    try:
        return count(hubs)
    except (DatabaseError, InterfaceError):
        return 0


def next_steps(reader: Reader, scope: Scope) -> list[Step]:
    """Return the next steps that the reader may do, in the order of STEPS."""
    sources: Sequence[str] = _table("STEPS", ())
    steps: list[Step] = []
    for path in sources:
        source: Callable[[Scope], Iterable[Step]] = import_string(path)
        steps += [step for step in source(scope) if reader.may(step.needs)]
    return steps


# --- the start-up check ------------------------------------------------------------------------
def problems() -> list[str]:
    """Return the errors in the navigation tables, one sentence each."""
    return [*_wrong_names(), *_wrong_statuses(), *_wrong_functions()]


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
    for part in driver_parts():
        for name in part.urls.values():
            if 0 not in argument_counts(name):
                yield f"The driver's part {part.name!r} names {name!r}, which is no such URL."


def _wrong_statuses() -> Iterator[str]:
    owner_of: dict[str, str] = {}
    for owner, table in status_tables().items():
        for code in table:
            if code in owner_of:
                yield f"The status {code!r} is defined twice: by {owner_of[code]!r} and {owner!r}."
            owner_of.setdefault(code, owner)


def _wrong_functions() -> Iterator[str]:
    named = [("STEPS", path) for path in _table("STEPS", ())]
    named += [("MENU", item.count) for item in menu() if item.count]
    named += [("DRIVER_PARTS", path) for part in driver_parts() for path in (part.texts, part.day)]
    for table, path in named:
        try:
            good = callable(import_string(path))
        except ImportError:
            good = False
        if not good:
            yield f"{table} in {settings.NAVIGATION} names {path!r}, which does not resolve."


def _acts() -> set[str]:
    acts: type[Enum] = import_string(settings.ACTS)
    return {str(act.value) for act in acts}


def argument_counts(name: str) -> set[int]:
    """Return the numbers of arguments that the URLs of a name take; empty for an unknown name."""
    counts: set[int] = set()
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
                counts |= {len(parameters) for _address, parameters in possibilities}
    return counts
