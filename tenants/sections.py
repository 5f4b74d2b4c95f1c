"""Sections of the policy: settings that an app declares and the retailer decides.

An app writes a frozen dataclass with defaults and names it in ``POLICIES`` of the switchboard::

    @dataclass(frozen=True, slots=True)
    class Policy:
        title: ClassVar = _("Slots")
        cutoff_minutes: int = setting(90, _("Cut-off, minutes"), least=0, most=1440)

The values are stored in the retailer's own schema and get a page under Settings. An app reads
them with ``tenants.people.selectors.policy(Policy)``. A field is int, float, bool or str, or one
of these or None. A str with ``choices`` takes only these values. A class may have
``check(self, problems)`` for rules that need several fields.
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
    """A setting of a section.

    Parameters
    ----------
    name, kind, optional
        Name, type (bool, int, float or str), and True if None is allowed.
    label, help : str
        The label and the hint on the form, translated when shown.
    least, most : float, optional
        Bounds of a number; for a text, ``most`` is the greatest length.
    choices : tuple of (value, label)
        The allowed values of a text, if it is a choice.
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
    """A registered section: its name in the switchboard, its class and its fields."""

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
    """Return a dataclass field with a default, and with the data for its form and its check."""
    about = {"label": label, "help": help, "least": least, "most": most, "choices": tuple(choices)}
    return dataclasses.field(default=default, metadata=about)


def sections() -> Mapping[str, Section]:
    """Return the sections by name, in the order of the switchboard. Raises NotWired."""
    return _sections_of(tuple(policy_table().items()))


def section_of(policy: type[Any]) -> Section:
    """Return the section of a policy class. Raises NotWired if the switchboard does not name it."""
    for section in sections().values():
        if section.policy is policy:
            return section
    raise NotWired(f"{policy!r} is no policy. Name it in POLICIES of the switchboard.")


@lru_cache(maxsize=8)
def _sections_of(paths: tuple[tuple[str, str], ...]) -> Mapping[str, Section]:
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
    options = {"label": field.name, **field.metadata}
    return Setting(
        name=field.name,
        kind=kinds[0],
        optional=NoneType in members,
        default=field.default,
        **options,
    )


def from_stored(section: Section, stored: Mapping[str, Any]) -> Any:
    """Return the policy with the stored values, with defaults for values that are missing."""
    names = {setting.name for setting in section.settings}
    return section.policy(**{name: value for name, value in stored.items() if name in names})


def check_section(section: Section, policy: Any) -> Any:
    """Check the policy of a section and return it unchanged.

    Raises
    ------
    Invalid
        With a pointer to each value that is not valid.
    """
    problems = Problems()
    if type(policy) is not section.policy:
        raise Invalid(_("Some settings are not valid. See the errors."))
    for setting in section.settings:
        message = _fault(setting, getattr(policy, setting.name))
        if message:
            problems.add(f"/{setting.name}", message)
    if not problems.entries and hasattr(policy, "check"):
        policy.check(problems)
    problems.raise_if_any(_("Some settings are not valid. See the errors."))
    return policy


def _fault(setting: Setting, value: Any) -> str:
    """Return the error message for a value, "" if the value is valid."""
    if value is None:
        return "" if setting.optional else _("Enter a value.")
    kind: type = type(value)
    if kind is not setting.kind and not (kind is int and setting.kind is float):
        return _("This value has the wrong type.")
    if setting.choices:
        choices = [choice for choice, _label in setting.choices]
        if value in choices:
            return ""
        return _("Choose one of: %(known)s.") % {"known": ", ".join(choices)}
    if setting.kind is str:
        longest = int(setting.most or LONGEST)
        if len(value) <= longest and "\x00" not in value:
            return ""
        return _("Use at most %(most)d characters.") % {"most": longest}
    least = -LARGEST if setting.least is None else setting.least
    most = LARGEST if setting.most is None else setting.most
    if setting.kind is bool or least <= value <= most:
        return ""
    return _("Enter a number from %(least)g to %(most)g.") % {"least": least, "most": most}
