"""Rules for the values of nouns: each takes what came in and returns what is kept, or says why not.

A rule raises ``Invalid`` with one sentence; ``clean`` applies a table of rules to the fields that
were given and raises all faults together, each with its JSON pointer.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping
from typing import Any

from django.utils.translation import gettext as _

from lastmile.core import clock
from lastmile.core.errors import Invalid, Problems

Rule = Callable[[Any], Any]
NULL_ISLAND = 0.01  # degrees: a kilometre around latitude 0, longitude 0 there is only sea


def clean(
    fields: Mapping[str, Any], rules: Mapping[str, Rule], *, required: Collection[str] = ()
) -> dict[str, Any]:
    """Return the cleaned fields. Raises Invalid with one entry per fault."""
    problems, kept = Problems(), {}
    for name in required:
        if fields.get(name) in (None, ""):
            problems.add(f"/{name}", _("This is missing; give it a value."), "required")
    for name, raw in fields.items():
        if name in required and raw in (None, ""):
            continue
        try:
            kept[name] = rules[name](raw)
        except Invalid as fault:
            found = fault.errors or ()
            for inner in found:
                problems.add(f"/{name}{inner.pointer}", inner.detail, inner.code)
            if not found:
                problems.add(f"/{name}", fault.detail)
    problems.raise_if_any()
    return kept


def storable(raw: Any, *, most: int) -> str:
    """Return a text that the database keeps byte for byte."""
    if not isinstance(raw, str):
        raise Invalid(_("This must be a text."))
    if "\x00" in raw or any("\ud800" <= c <= "\udfff" for c in raw):
        raise Invalid(_("This holds a character that is no text (NUL or half a pair); drop it."))
    if len(raw) > most:
        raise Invalid(
            _("This is %(long)d characters long; at most %(most)d fit.")
            % {"long": len(raw), "most": most}
        )
    return raw


def text(most: int) -> Rule:
    """Any text up to ``most`` characters, kept as it is."""
    return lambda raw: storable(raw, most=most)


def name(raw: Any) -> str:
    """One line with something on it."""
    kept = storable(raw, most=120).strip()
    if not kept:
        raise Invalid(_("This is missing; give it a name."))
    return kept


def external_id(raw: Any) -> str | None:
    """The retailer's own id: printable, up to 64 characters; None or "" for none."""
    if raw in (None, ""):
        return None
    kept = storable(raw, most=64).strip()
    if not kept or not kept.isprintable():
        raise Invalid(_("An external_id is one line of printable characters."))
    return kept


def whole(least: int, most: int, *, null: bool = False) -> Rule:
    """A whole number within bounds."""

    def rule(raw: Any) -> int | None:
        if raw is None and null:
            return None
        if isinstance(raw, bool) or not isinstance(raw, int):
            raise Invalid(_("This must be a whole number."))
        if not least <= raw <= most:
            raise Invalid(
                _("This must lie between %(least)d and %(most)d.") % {"least": least, "most": most}
            )
        return raw

    return rule


def degrees(limit: int) -> Rule:
    """A coordinate in degrees within plus or minus ``limit``."""

    def rule(raw: Any) -> float:
        if isinstance(raw, bool) or not isinstance(raw, int | float) or not math.isfinite(raw):
            raise Invalid(_("This must be a number of degrees."))
        if abs(raw) > limit:
            raise Invalid(
                _(
                    "This must lie between -%(limit)d and %(limit)d degrees; are latitude and "
                    "longitude the wrong way round?"
                )
                % {"limit": limit}
            )
        return float(raw)

    return rule


def one_of(*words: str) -> Rule:
    """One of a closed list of words."""

    def rule(raw: Any) -> str:
        if not isinstance(raw, str) or raw not in words:
            raise Invalid(_("This must be one of: %(words)s.") % {"words": ", ".join(words)})
        return str(raw)

    return rule


def yes_no(raw: Any) -> bool:
    """True or false."""
    if not isinstance(raw, bool):
        raise Invalid(_("This must be true or false."))
    return raw


def zone_name(raw: Any) -> str:
    """An IANA time zone that exists."""
    kept = storable(raw, most=64)
    clock.zone(kept)
    return kept


def as_it_is(raw: Any) -> Any:
    """A value that was already checked (a row, a date)."""
    return raw


def refuse_null_island(lat: float, lon: float, problems: Problems, pointer: str) -> None:
    """Name the place that a failed geocoding leaves behind: latitude and longitude 0."""
    if abs(lat) < NULL_ISLAND and abs(lon) < NULL_ISLAND:
        problems.add(
            pointer,
            _("Latitude and longitude are both 0, which is a place in the Atlantic. Leave both "
              "empty or correct them."),
            "null_island",
        )  # fmt: skip
