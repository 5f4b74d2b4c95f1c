"""Generates the reference page of event kinds and the webhooks of the OpenAPI document.

Both are made only from the declarations in the apps' ``events.py``.
"""

from __future__ import annotations

import datetime as dt
import inspect
import json
from pathlib import Path
from typing import Any, Final

from lastmile.core.kinds import FactField, Kind, example_of, fields_of
from lastmile.core.wiring import kind_table

PAGE: Final = Path(__file__).resolve().parents[1] / "docs" / "events.md"

_HEAD: Final = """# Events

`manage.py events_reference --write` makes this page from the declarations in each app's `events.py`. Do not edit it by hand.

An event states a fact that has become true. `GET /api/v1/events/` returns all events of a retailer by `position`; public kinds may also
be sent by webhooks. `data` has ids, words, numbers and times, never names, addresses, texts or codes: read those from the resource
that `subject` names. A field marked "optional" is missing when it does not apply. The `version` of a kind is raised when a field is
renamed, removed or changes its meaning; a new optional field does not raise it.
"""  # noqa: E501

_TYPES: Final = {
    str: "string",
    int: "integer",
    float: "number",
    bool: "boolean",
    dt.date: "string",
    dt.datetime: "string",
}
_FORMATS: Final = {dt.date: "date", dt.datetime: "date-time"}


def reference() -> str:
    """Return the page of all event kinds as Markdown, sorted by name."""
    kinds = kind_table()
    index = [
        "| kind | public | version | meaning |",
        "| --- | --- | --- | --- |",
        *(_row(kinds[name]) for name in sorted(kinds)),
    ]
    parts = [_HEAD, "\n".join(index) + "\n"]
    parts += [_section(kinds[name]) for name in sorted(kinds)]
    return "\n".join(parts)


def _row(kind: Kind[Any]) -> str:
    anchor = kind.name.replace(".", "")
    public = "yes" if kind.public else "no"
    return f"| [`{kind.name}`](#{anchor}) | {public} | {kind.version} | {_meaning(kind)} |"


def _meaning(kind: Kind[Any]) -> str:
    return " ".join((inspect.getdoc(kind.facts) or "").split())


def _section(kind: Kind[Any]) -> str:
    example = json.dumps(example_of(kind.facts), ensure_ascii=False)
    lines = [f"## {kind.name}", "", _meaning(kind), "", "| field | type | meaning |"]
    lines += ["| --- | --- | --- |"]
    lines += [
        f"| `{field.name}` | {_type_words(field)} | {field.doc.text if field.doc else ''} |"
        for field in fields_of(kind.facts)
    ]
    return "\n".join([*lines, "", f"Example of `data`: `{example}`", ""])


def _type_words(field: FactField) -> str:
    word = _FORMATS.get(field.type, _TYPES[field.type])
    if field.many:
        word = f"list of {word}"
    if field.nullable and field.required:
        word += " or null"
    return word if field.required else f"{word}, optional"


def add_webhooks(result: dict[str, Any], **_kwargs: Any) -> dict[str, Any]:
    """Add a webhook for each public event kind to the OpenAPI document (drf-spectacular hook)."""
    public = [kind for kind in kind_table().values() if kind.public]
    result["webhooks"] = {kind.name: _webhook(kind) for kind in sorted(public, key=_name)}
    return result


def _name(kind: Kind[Any]) -> str:
    return kind.name


def _webhook(kind: Kind[Any]) -> dict[str, Any]:
    event = {
        "id": "evt_7k1p5t9x3b6f0j4n8r2w",
        "kind": kind.name,
        "subject": "ord_5d9h3j7b1n4p8s2v6x0z",
        "actor": "system",
        "occurred_at": "2026-11-30T13:05:00Z",
        "position": 4711,
        "version": kind.version,
        "data": example_of(kind.facts),
    }
    body = {"type": kind.name, "timestamp": event["occurred_at"], "data": event}
    shape = _object(
        {
            "type": {"type": "string", "const": kind.name},
            "timestamp": {"type": "string", "format": "date-time"},
            "data": _object(
                {
                    "id": {"type": "string", "description": "Public id of the event."},
                    "kind": {"type": "string", "const": kind.name},
                    "subject": {"type": "string", "description": "Public id of the subject."},
                    "actor": {
                        "type": "string",
                        "description": "Public id of the member or key, or `system`.",
                    },
                    "occurred_at": {"type": "string", "format": "date-time"},
                    "position": {"type": "integer", "description": "Counts without gaps."},
                    "version": {"type": "integer", "const": kind.version},
                    "data": _facts(kind),
                }
            ),
        }
    )
    return {
        "post": {
            "operationId": "webhook_" + kind.name.replace(".", "_"),
            "summary": kind.name,
            "description": _meaning(kind),
            "tags": ["webhooks"],
            "requestBody": {
                "required": True,
                "content": {"application/json": {"schema": shape, "example": body}},
            },
            "responses": {"2XX": {"description": "Received. After any other answer we retry."}},
        }
    }


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties)}


def _facts(kind: Kind[Any]) -> dict[str, Any]:
    fields = fields_of(kind.facts)
    return {
        "type": "object",
        "properties": {field.name: _schema(field) for field in fields},
        "required": [field.name for field in fields if field.required],
    }


def _schema(field: FactField) -> dict[str, Any]:
    one: dict[str, Any] = {"type": _TYPES[field.type]}
    if field.type in _FORMATS:
        one["format"] = _FORMATS[field.type]
    if field.many:
        one = {"type": "array", "items": one}
    if field.nullable and field.required:
        one["type"] = [one["type"], "null"]
    if field.doc is not None:
        one |= {"description": field.doc.text, "examples": [field.doc.example]}
    return one
