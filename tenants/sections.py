"""Sections of the policy: settings that an app lets its retailer decide.

An app writes a frozen dataclass with defaults and names it in ``POLICIES`` of the switchboard::

    @dataclass(frozen=True, slots=True)
    class Policy:
        title: ClassVar = _("Slots")
        cutoff_minutes: int = setting(90, _("Cut-off, minutes"), least=0, most=1440)

It is stored in the retailer's own schema and gets a page under Settings. An app reads it with
``tenants.people.selectors.policy(Policy)``. Fields are int, float, bool, str, or one of them or
None; a str with ``choices`` is one of a list. A class may have ``check(self, problems)`` for rules
that need several fields.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from django.utils.functional import Promise
from django.utils.translation import gettext as _

from lastmile.core.errors import Invalid, Problems
from lastmile.core.wiring import NotWired, load, policy_table

Label = str | Promise
_KINDS = (bool, int, float, str)
LONGEST = 500  # characters of a text without choices
LARGEST = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Setting:
    """One field of a section.

    Parameters
    ----------
    name, kind, optional
        Its name, its type (bool, int, float or str), and whether None is allowed.
    label, help : str
        What a form says, translated when it is shown.
    least, most : float, optional
        Bounds of a number; ``most`` is the longest text otherwise.
    choices : tuple of (value, label)
        The values of a text, where they are a list.
    """

    name: str
    kind: type
    optional: bool
    default: Any
    label: Label
    help: Label = ""
    least: float | None = None
    most: float | None = None
    choices: tuple[tuple[str, Label], ...] = ()


@dataclass(frozen=True, slots=True)
class Section:
    """One registered section: its name in the switchboard, its class and its fields."""

    name: str
    policy: type[Any]
    title: Label
    settings: tuple[Setting, ...]


def setting(
    default: Any,
    label: Label,
    *,
    help: Label = "",  # noqa: A002  as Django and argparse call it
    least: float | None = None,
    most: float | None = None,
    choices: Iterable[tuple[str, Label]] = (),
) -> Any:
    """Return a dataclass field with a default, and what its form and its check need."""
    about = {"label": label, "help": help, "least": least, "most": most, "choices": tuple(choices)}
    return dataclasses.field(default=default, metadata=about)


def sections() -> Mapping[str, Section]:
    """Return name -> section, in the order of the switchboard. Raises NotWired."""
    return _made(tuple(policy_table().items()))


def section_of(policy: type[Any]) -> Section:
    """Return the section of a class. Raises NotWired for one that the switchboard lacks."""
    for section in sections().values():
        if section.policy is policy:
            return section
    raise NotWired(f"{policy!r} is no policy. Name it in POLICIES of the switchboard.")


@lru_cache(maxsize=8)
def _made(paths: tuple[tuple[str, str], ...]) -> Mapping[str, Section]:
    return {name: _section(name, load(path)) for name, path in paths}


def _section(name: str, policy: Any) -> Section:
    if not (isinstance(policy, type) and dataclasses.is_dataclass(policy)):
        raise NotWired(f"The policy {name!r} is no dataclass: {policy!r}.")
    if not getattr(policy, "__dataclass_params__").frozen:  # noqa: B009  no public way
        raise NotWired(f"The policy {name!r} must be frozen.")
    hints = get_type_hints(policy)
    fields = tuple(_setting(name, field, hints[field.name]) for field in dataclasses.fields(policy))
    return Section(name, policy, getattr(policy, "title", name), fields)


def _setting(section: str, field: dataclasses.Field[Any], hint: Any) -> Setting:
    members = get_args(hint) if get_origin(hint) in {Union, UnionType} else (hint,)
    kinds = [member for member in members if member is not NoneType]
    if len(kinds) != 1 or kinds[0] not in _KINDS or field.default is dataclasses.MISSING:
        raise NotWired(
            f"The policy {section!r}: {field.name} must be one of bool, int, float and str, "
            "or that and None, with a default."
        )
    about = {"label": field.name, **field.metadata}
    return Setting(
        name=field.name,
        kind=kinds[0],
        optional=NoneType in members,
        default=field.default,
        **about,
    )


def from_stored(section: Section, stored: Mapping[str, Any]) -> Any:
    """Return the policy of a stored row: defaults for what it lacks, nothing of what is gone."""
    known = {one.name for one in section.settings}
    return section.policy(**{name: value for name, value in stored.items() if name in known})


def check_section(section: Section, policy: Any) -> Any:
    """Return the policy as it is.

    Raises
    ------
    Invalid
        With a pointer to each value that does not fit, all at once.
    """
    problems = Problems()
    if type(policy) is not section.policy:
        raise Invalid(_("Some settings are not valid. See the errors."))
    for one in section.settings:
        fault = _fault(one, getattr(policy, one.name))
        if fault:
            problems.add(f"/{one.name}", fault)
    if not problems.found and hasattr(policy, "check"):
        policy.check(problems)
    problems.raise_if_any(_("Some settings are not valid. See the errors."))
    return policy


def _fault(one: Setting, value: Any) -> str:
    """Return what is wrong with a value, "" when it fits."""
    if value is None:
        return "" if one.optional else _("Enter a value.")
    kind: type = type(value)
    if kind is not one.kind and not (kind is int and one.kind is float):
        return _("This value has the wrong type.")
    if one.choices:
        known = [choice for choice, _label in one.choices]
        if value in known:
            return ""
        return _("Choose one of: %(known)s.") % {"known": ", ".join(known)}
    if one.kind is str:
        longest = int(one.most or LONGEST)
        if len(value) <= longest and "\x00" not in value:
            return ""
        return _("Use at most %(most)d characters.") % {"most": longest}
    least = -LARGEST if one.least is None else one.least
    most = LARGEST if one.most is None else one.most
    if one.kind is bool or least <= value <= most:
        return ""
    return _("Enter a number from %(least)g to %(most)g.") % {"least": least, "most": most}
