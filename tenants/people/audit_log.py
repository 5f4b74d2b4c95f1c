"""The audit log as a person reads it: one sentence for each entry, with names and values.

All names of a page are looked up together, so the number of queries does not depend on the number
of entries.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

from django.utils.html import conditional_escape, format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from lastmile.core import formatting
from lastmile.core.actor import SYSTEM
from lastmile.core.ids import LENGTH
from lastmile.core.wiring import roll
from tenants.audit_words import Field, Names, Sentence
from tenants.people.models import AuditEntry

_ID: Final = re.compile(rf"[a-z]{{3}}_[0-9a-z]{{{LENGTH}}}\Z")
_ANY_ACTION: Final = Sentence(gettext_lazy("%(who)s changed %(what)s"))


@dataclass(frozen=True, slots=True)
class Line:
    """An entry with its sentence as HTML, and the values of what was added."""

    entry: AuditEntry
    sentence: SafeString
    added: list[tuple[str, SafeString]]


@dataclass(frozen=True, slots=True)
class _Words:
    """The words of all apps together, and the names that one page needs."""

    sentences: Mapping[str, Sentence]
    fields: Mapping[str, Mapping[str, Field]]
    names: Names


def lines(entries: Sequence[AuditEntry], *, link: bool = False) -> list[Line]:
    """Return the entries with their sentences, in their order.

    With ``link``, the name of a subject leads to the entries about this subject alone.
    """
    words = _words(entries)
    return [_line(entry, words, link=link) for entry in entries]


def subject_name(subject: str) -> str:
    """Return the name of one subject, "" if it has none."""
    words = _words([AuditEntry(actor=SYSTEM, subject=subject)])
    return words.names.get(subject, "")


def _words(entries: Iterable[AuditEntry]) -> _Words:
    entries = list(entries)
    ids = {entry.actor for entry in entries} | {entry.subject for entry in entries}
    for entry in entries:
        ids |= set(_ids_in(entry.changes))
    sentences: dict[str, Sentence] = {}
    fields: dict[str, Mapping[str, Field]] = {}
    names: dict[str, str] = {}
    for _app, words_of_app in roll("AUDIT_WORDS"):
        words = words_of_app()
        sentences |= words.sentences
        fields |= words.fields
        names |= words.names(ids)
    names |= _recorded_names({entry.subject for entry in entries} - set(names))
    return _Words(sentences, fields, names)


def _ids_in(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        if _ID.match(value):
            yield value
    elif isinstance(value, Mapping):
        for part in value.values():
            yield from _ids_in(part)
    elif isinstance(value, list):
        for part in value:
            yield from _ids_in(part)


def _recorded_names(subjects: set[str]) -> dict[str, str]:
    """Return the last recorded name of each subject, from the audit entries about the subject.

    It is used for subjects that no longer exist and so have no current name.
    """
    if not subjects:
        return {}
    rows = AuditEntry.objects.filter(subject__in=subjects, changes__has_key="name")
    names: dict[str, str] = {}
    for subject, changes in rows.order_by("at", "pk").values_list("subject", "changes"):
        name = changes["name"].get("after") or changes["name"].get("before")
        if isinstance(name, str):
            names[subject] = name
    return names


def _line(entry: AuditEntry, words: _Words, *, link: bool) -> Line:
    sentence = words.sentences.get(entry.act, _ANY_ACTION)
    fields = words.fields.get(entry.act.partition(".")[0], {})
    order = {name: number for number, name in enumerate(fields)}  # JSONB keeps no order
    changes = sorted(
        (change for change in _flat(entry.changes) if change[0] not in sentence.tells),
        key=lambda change: order.get(change[0], len(order)),
    )
    own = bool(sentence.own) and entry.actor == entry.subject
    text = _filled(sentence.own if own else sentence.text, entry, words.names, link=link)
    if sentence.adds:
        added = [
            (_label(name, fields), _value(after, fields.get(name), words.names))
            for name, _before, after in changes
            if name != "name" and not _is_empty(after)
        ]
        return Line(entry, format_html("{}.", text), added)
    parts = [_change(change, fields, words.names) for change in changes]
    if not parts:
        return Line(entry, format_html("{}.", text), [])
    joined = format_html_join("; ", "{}", ((change,) for change in parts))
    return Line(entry, format_html("{}: {}.", text, joined), [])


def _filled(text: Any, entry: AuditEntry, names: Names, *, link: bool) -> SafeString:
    actor = format_html("<strong>{}</strong>", _actor(entry.actor, names))
    subject = format_html(
        "<strong>{}</strong>", names.get(entry.subject) or _("(no longer exists)")
    )
    if link:
        subject = format_html(
            '<a href="?{}">{}</a>', urlencode({"subject": entry.subject}), subject
        )
    return _html(str(text), who=actor, what=subject)


def _html(text: str, **parts: str) -> SafeString:
    """Fill the ``%(name)s`` of a translated text with parts, which are escaped."""
    return format_html(text % {name: f"{{{name}}}" for name in parts}, **parts)


def _actor(actor: str, names: Names) -> str:
    """Return the name of an actor for display.

    Members are never deleted, so an unknown member belongs to the operator.
    """
    kind = actor.partition("_")[0]
    if actor == SYSTEM:
        return _("The system")
    if kind == "key":
        name = names.get(actor)
        return _("API key “%(name)s”") % {"name": name} if name else _("An API key")
    return names.get(actor) or (_("The operator") if kind == "mbr" else _("Someone"))


def _flat(changes: Mapping[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    """Yield (field, before, after) for each changed field.

    A field that stores an object gives one entry for each of its keys whose value changed.
    """
    for name, change in changes.items():
        before, after = change.get("before"), change.get("after")
        if isinstance(before, Mapping) or isinstance(after, Mapping):
            old, new = before or {}, after or {}
            for key in dict.fromkeys([*old, *new]):
                if old.get(key) != new.get(key):
                    yield f"{name}.{key}", old.get(key), new.get(key)
        else:
            yield name, before, after


def _change(change: tuple[str, Any, Any], fields: Mapping[str, Field], names: Names) -> SafeString:
    name, before, after = change
    words = fields.get(name)
    parts = {
        "field": _label(name, fields),
        "before": _value(before, words, names),
        "after": _value(after, words, names),
    }
    if before == after:
        return _html(_("“%(field)s”: %(after)s"), **parts)
    if not parts["before"] and not parts["after"]:
        return _html(_("“%(field)s” changed"), **parts)
    if not parts["before"]:
        return _html(_("“%(field)s” set to %(after)s"), **parts)
    if not parts["after"]:
        return _html(_("“%(field)s” removed (it was %(before)s)"), **parts)
    return _html(_("“%(field)s” from %(before)s to %(after)s"), **parts)


def _label(name: str, fields: Mapping[str, Field]) -> str:
    words = fields.get(name)
    return str(words.label) if words else name.replace("_", " ").replace(".", " ").capitalize()


def _is_empty(value: Any) -> bool:
    return value is None or value == "" or value == []


def _value(value: Any, words: Field | None, names: Names) -> SafeString:
    """Return a stored value as escaped text.

    An empty value gives ``words.empty``, or "" without words. A value of another type than text,
    number, yes or no, or a list gives "" unless ``words.text`` converts it.
    """
    if _is_empty(value):
        return conditional_escape(str(words.empty) if words else "")
    if words is not None and words.text is not None:
        # An entry may be older than the code, or hold "[erased]" in place of a value.
        with suppress(ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
            return conditional_escape(words.text(value))
    return conditional_escape(_plain(value, names))


def _plain(value: Any, names: Names) -> str:
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, int | float):
        return formatting.number(value, 6, trim=True)
    if isinstance(value, list):
        return ", ".join(filter(None, (_plain(part, names) for part in value)))
    if isinstance(value, str):
        return names.get(value, _("(no longer exists)")) if _ID.match(value) else value
    return ""
