"""Event kinds: each app declares its kinds in ``events.py``, with a dataclass of facts for each.

``PLACED = Kind("order.placed", facts=PlacedFacts, public=True)``. The facts are a frozen dataclass
of ids, words, numbers, dates and times. Each field is ``Annotated`` with a ``FieldDoc``, its
meaning and an example. The reference page and the API document are generated from these.

How facts are stored: a field without a default is always stored, even if it is null. A field that
equals its default is not stored. Dates and times are ISO 8601. A trailing underscore is not part
of the stored name (``from_`` is stored as ``from``).
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import re
import types
from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import MISSING, dataclass
from functools import cache
from typing import (
    Annotated,
    Any,
    Final,
    Generic,
    Protocol,
    TypeVar,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)

F = TypeVar("F")
Data = Mapping[str, Any]

_NAME: Final = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+")
# The form of an id, a word, a date or a currency: no spaces, no @, so no text or address.
_PLAIN: Final = re.compile(r"[A-Za-z0-9_.:+/-]{0,80}")

DECLARED: Final[list[Kind[Any]]] = []  # all kinds of this process, for the start-up check


class NewerFacts(RuntimeError):
    """The event was written by a newer version of the software."""


@dataclass(frozen=True, slots=True)
class FieldDoc:
    """The meaning of a field of the facts, with an example of a stored value."""

    text: str
    example: Any


@dataclass(frozen=True, slots=True)
class FactField:
    """A field of the facts as it is stored."""

    name: str
    attribute: str
    type: Any
    nullable: bool
    many: bool
    required: bool
    default: Any
    doc: FieldDoc | None


class StoredEvent(Protocol):
    """An event that can be read: a row of the table, or a DomainEvent."""

    @property
    def kind(self) -> str: ...
    @property
    def version(self) -> int: ...
    @property
    def data(self) -> Data: ...


class Kind(Generic[F]):
    """An event kind.

    Parameters
    ----------
    name : str
        Noun and past verb, ``order.placed``.
    facts : type
        The frozen, slotted dataclass of the facts.
    public : bool
        True if events of this kind may be sent by webhooks.
    version : int
        Version of the facts. Raise it when a field is renamed, removed or changes its meaning. A
        new field with a default needs no new version.
    upgrades : Mapping[int, Callable], optional
        Version -> function that converts stored data of that version to the next version. Old
        events are not rewritten; they are converted when they are read.
    """

    def __init__(
        self,
        name: str,
        *,
        facts: type[F],
        public: bool = False,
        version: int = 1,
        upgrades: Mapping[int, Callable[[Data], Data]] | None = None,
    ) -> None:
        if not _NAME.fullmatch(name):
            raise ValueError(f"{name!r} is not an event kind; use noun.verb such as order.placed.")
        if not dataclasses.is_dataclass(facts):
            raise TypeError(f"The facts of {name} are {facts!r}; declare them as a dataclass.")
        self.name = name
        self.facts = facts
        self.public = public
        self.version = version
        self.upgrades = dict(upgrades or {})
        if sorted(self.upgrades) != list(range(1, version)):
            raise ValueError(
                f"{name} is at version {version}: give one upgrade for each version before it."
            )
        DECLARED.append(self)

    def __repr__(self) -> str:
        return f"<Kind {self.name} v{self.version}>"

    @property
    def module(self) -> str:
        """The module that declares the kind: the module of its facts."""
        return self.facts.__module__

    def new(self, subject: str, facts: F) -> NewEvent:
        """Return an event of this kind for ``record_many``."""
        return NewEvent(self, subject, facts)

    def encode(self, facts: F) -> dict[str, Any]:
        """Return the facts as stored data. Raises TypeError or ValueError for a wrong value."""
        if type(facts) is not self.facts:
            raise TypeError(f"{self.name} carries {self.facts.__name__}, not {type(facts)!r}.")
        stored = {}
        for field in fields_of(self.facts):
            value = getattr(facts, field.attribute)
            if field.required or value != field.default:
                stored[field.name] = _plain(value, f"{self.name}: {field.name}")
        return stored

    def read(self, event: StoredEvent) -> F:
        """Return the facts of an event of this kind; older versions are converted.

        Raises
        ------
        NewerFacts
            The event has a higher version than this program knows.
        ValueError
            The event is of another kind, or a fact is missing.
        """
        if event.kind != self.name:
            raise ValueError(f"This is {event.kind}, not {self.name}.")
        if event.version > self.version:
            raise NewerFacts(
                f"This {self.name} was written at version {event.version}; this program knows "
                f"version {self.version}. Update this process, then deliver the event again."
            )
        data = event.data
        for version in range(event.version, self.version):
            data = self.upgrades[version](data)
        values = {}
        for field in fields_of(self.facts):
            if field.name in data:
                values[field.attribute] = _value(data[field.name], field)
            elif field.required:
                raise ValueError(f"A stored {self.name} has no {field.name}.")
        return self.facts(**values)


@dataclass(frozen=True, slots=True)
class NewEvent:
    """An event that is not stored yet; ``Kind.new`` makes it."""

    kind: Kind[Any]
    subject: str
    facts: Any


def fields_of(facts: Any) -> tuple[FactField, ...]:
    """Return the fields of a facts dataclass, in order of declaration."""
    return _fields(facts)


@cache
def _fields(facts: Hashable) -> tuple[FactField, ...]:
    declared: Any = facts
    hints = get_type_hints(declared, include_extras=True)
    return tuple(_field(field, hints[field.name]) for field in dataclasses.fields(declared))


def _field(field: dataclasses.Field[Any], hint: Any) -> FactField:
    hint, doc = _doc_of(hint)
    nullable = get_origin(hint) in {Union, types.UnionType} and type(None) in get_args(hint)
    if nullable:
        (hint,) = (part for part in get_args(hint) if part is not type(None))
        hint, inner = _doc_of(hint)
        doc = doc or inner
    many = get_origin(hint) is tuple
    if many:
        hint = get_args(hint)[0]
    return FactField(
        name=field.name.rstrip("_"),
        attribute=field.name,
        type=hint,
        nullable=nullable,
        many=many,
        required=field.default is MISSING and field.default_factory is MISSING,
        default=None if field.default is MISSING else field.default,
        doc=doc,
    )


def _doc_of(hint: Any) -> tuple[Any, FieldDoc | None]:
    if get_origin(hint) is not Annotated:
        return hint, None
    hint, *notes = get_args(hint)
    return hint, next((note for note in notes if isinstance(note, FieldDoc)), None)


def example_of(facts: type[Any]) -> dict[str, Any]:
    """Return example facts, as stored, from the examples of the fields."""
    return {field.name: field.doc.example for field in fields_of(facts) if field.doc is not None}


def is_plain(value: str) -> bool:
    """Return True if a string has the form of an id, a word, a date or a currency."""
    return _PLAIN.fullmatch(value) is not None


def _plain(value: Any, where: str) -> Any:
    if isinstance(value, dt.datetime):
        if value.utcoffset() is None:
            raise ValueError(f"{where} needs a time zone; use core.clock.now().")
        return value.isoformat()
    if isinstance(value, dt.date):
        return value.isoformat()
    if isinstance(value, tuple | list):
        return [_plain(item, where) for item in value]
    if isinstance(value, str):
        if not is_plain(value):
            raise ValueError(
                f"{where} is a text. Events carry ids, words and numbers; a handler reads texts "
                "from the entity."
            )
        return str(value)
    if value is None or isinstance(value, bool | int | float):
        return value
    raise TypeError(f"{where} is {type(value)!r}; a fact is an id, a word, a number or a time.")


def _value(stored: Any, field: FactField) -> Any:
    if field.many and stored is not None:
        return tuple(_one(item, field.type) for item in stored)
    return _one(stored, field.type)


def _one(stored: Any, field_type: Any) -> Any:
    if stored is not None and field_type in {dt.date, dt.datetime}:
        return field_type.fromisoformat(stored)
    return stored


def kinds_in(namespace: Mapping[str, Any]) -> Iterator[Kind[Any]]:
    """Yield the event kinds in a module's namespace, including kinds in its dictionaries."""
    for value in namespace.values():
        if isinstance(value, Kind):
            yield value
        elif isinstance(value, Mapping):
            yield from (inner for inner in value.values() if isinstance(inner, Kind))
