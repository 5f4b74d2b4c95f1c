"""Rules that check the values of fields and bring them into the form that is stored.

A rule takes a received value and returns the stored value, or raises ``Invalid`` with one message.
``clean`` applies a table of rules to the given fields. It raises all faults together, each with
its JSON pointer.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping
from typing import Any

from django.utils.translation import gettext as _

from lastmile.core import clock
from lastmile.core.errors import Invalid, Problems

Rule = Callable[[Any], Any]
NULL_ISLAND = 0.01  # degrees: within a kilometre of latitude 0, longitude 0 there is only sea


def clean(
    fields: Mapping[str, Any], rules: Mapping[str, Rule], *, required: Collection[str] = ()
) -> dict[str, Any]:
    """Return the cleaned fields. Raises Invalid with one entry per fault."""
    problems, cleaned = Problems(), {}
    for name in required:
        if fields.get(name) in (None, ""):
            problems.add(f"/{name}", _("This field is required. Enter a value."), "required")
    for name, raw in fields.items():
        if name in required and raw in (None, ""):
            continue
        try:
            cleaned[name] = rules[name](raw)
        except Invalid as fault:
            errors = fault.errors or ()
            for inner in errors:
                problems.add(f"/{name}{inner.pointer}", inner.detail, inner.code)
            if not errors:
                problems.add(f"/{name}", fault.detail)
    problems.raise_if_any()
    return cleaned


def storable(raw: Any, *, most: int) -> str:
    """Return a text that the database can store unchanged, at most ``most`` characters long."""
    if not isinstance(raw, str):
        raise Invalid(_("This must be text."))
    if "\x00" in raw or any("\ud800" <= c <= "\udfff" for c in raw):
        raise Invalid(
            _("This text contains an invalid character (NUL or an unpaired surrogate). Delete it.")
        )
    if len(raw) > most:
        raise Invalid(
            _("This text has %(long)d characters. The maximum is %(most)d. Shorten it.")
            % {"long": len(raw), "most": most}
        )
    return raw


def text(most: int) -> Rule:
    """Return the rule for any text up to ``most`` characters, stored unchanged."""
    return lambda raw: storable(raw, most=most)


def name(raw: Any) -> str:
    """Return a name without surrounding spaces; it must not be empty."""
    stripped = storable(raw, most=120).strip()
    if not stripped:
        raise Invalid(_("The name is missing. Enter a name."))
    return stripped


def external_id(raw: Any) -> str | None:
    """Return the retailer's own id: printable, up to 64 characters; None for no id."""
    if raw in (None, ""):
        return None
    stripped = storable(raw, most=64).strip()
    if not stripped or not stripped.isprintable():
        raise Invalid(_("An external_id must be a single line of printable characters."))
    return stripped


def whole(least: int, most: int, *, null: bool = False) -> Rule:
    """Return the rule for a whole number from ``least`` to ``most``; ``null`` allows None."""

    def rule(raw: Any) -> int | None:
        if raw is None and null:
            return None
        if isinstance(raw, bool) or not isinstance(raw, int):
            raise Invalid(_("This must be a whole number."))
        if not least <= raw <= most:
            raise Invalid(
                _("This must be between %(least)d and %(most)d.") % {"least": least, "most": most}
            )
        return raw

    return rule


def degrees(limit: int) -> Rule:
    """Return the rule for a coordinate in degrees from ``-limit`` to ``limit``."""

    def rule(raw: Any) -> float:
        if isinstance(raw, bool) or not isinstance(raw, int | float) or not math.isfinite(raw):
            raise Invalid(_("This must be a number in degrees."))
        if abs(raw) > limit:
            raise Invalid(
                _(
                    "This must be between -%(limit)d and %(limit)d degrees. Check that latitude "
                    "and longitude are not swapped."
                )
                % {"limit": limit}
            )
        return float(raw)

    return rule


def one_of(*words: str) -> Rule:
    """Return the rule for a value that must be one of ``words``."""

    def rule(raw: Any) -> str:
        if not isinstance(raw, str) or raw not in words:
            raise Invalid(_("This must be one of: %(words)s.") % {"words": ", ".join(words)})
        return str(raw)

    return rule


def boolean(raw: Any) -> bool:
    """Return a value that must be True or False."""
    if not isinstance(raw, bool):
        raise Invalid(_("This must be true or false."))
    return raw


def zone_name(raw: Any) -> str:
    """Return the name of an existing IANA time zone."""
    zone = storable(raw, most=64)
    clock.zone(zone)
    return zone


def unchanged(raw: Any) -> Any:
    """Return a value that was already checked (a row, a date)."""
    return raw


def refuse_null_island(lat: float, lon: float, problems: Problems, pointer: str) -> None:
    """Add a problem for latitude 0, longitude 0, a usual result of failed geocoding."""
    if abs(lat) < NULL_ISLAND and abs(lon) < NULL_ISLAND:
        problems.add(
            pointer,
            _("Latitude and longitude are both 0, which is a point in the Atlantic. Correct them "
              "or leave both empty."),
            "null_island",
        )  # fmt: skip
