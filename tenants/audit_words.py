"""The words in which the audit log tells what was done; each app declares its own.

An app writes one function that returns :class:`AuditWords` and names it in ``AUDIT_WORDS`` of the
switchboard. ``tenants.people.audit_log`` makes sentences of the entries with them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tenants.sections import Label

Names = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Sentence:
    """The sentence of one action, without its full stop.

    Parameters
    ----------
    text : str
        ``%(who)s`` is replaced by the person, key or system, ``%(what)s`` by the subject.
    own : str
        The text when somebody acted on their own account; without it, ``text``.
    tells : tuple of str
        Fields whose change is already in the text; the list of changes leaves them out.
    adds : bool
        True when the action adds its subject. The first values then follow the sentence.
    """

    text: Label
    own: Label = ""
    tells: tuple[str, ...] = ()
    adds: bool = False


@dataclass(frozen=True, slots=True)
class Field:
    """The words for one audited field.

    Parameters
    ----------
    label : str
        The label of the field on its form.
    text : callable, optional
        Turns a stored value into text. Without it, the log shows texts, numbers, yes or no, names
        of rows, and lists of these.
    empty : str
        The text of an empty value that means something, such as "All hubs".
    """

    label: Label
    text: Callable[[Any], str] | None = None
    empty: Label = ""


def no_names(_ids: Iterable[str]) -> Names:
    """Return no names; for an app whose subjects have no names."""
    return {}


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditWords:
    """The words of one app for the audit log.

    Parameters
    ----------
    sentences : mapping
        Action (``vehicle.changed``) -> its sentence.
    fields : mapping
        Noun of the action (``vehicle``) -> name of the field -> its words. A key of a stored
        object is a field of its own: ``brand.hue``.
    names : callable
        Returns the known names of public ids, in a fixed number of queries.
    """

    sentences: Mapping[str, Sentence]
    fields: Mapping[str, Mapping[str, Field]] = field(default_factory=dict)
    names: Callable[[Iterable[str]], Names] = no_names
