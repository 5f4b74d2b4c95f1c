"""Hostile calls to every page and operation: wrong types, NUL, huge values, foreign ids.

``api_probes`` reads the API's own document, so new operations are included automatically. A body
starts as a valid one, with ids of this retailer or of another. Then one of its values is replaced
by a wrong one. Some bodies are not JSON.
"""

from __future__ import annotations

import json
import random
import re
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

METHODS = ("get", "post", "put", "patch", "delete")
UNSAFE = frozenset({"post", "put", "patch", "delete"})
WRONG_VALUES: tuple[Any, ...] = (
    None, True, 0, -1, 1, 7.5, 1e308, -1e308, 2**31, 2**63, -(2**63) - 1, 10**40, "", " ", "\x00",
    "a\x00b", "x" * 5_000, "\u202e\U0001f4a5\u0301" * 50, "'; DROP TABLE t; --", "../../etc",
    "=cmd|' /C calc'!A0", "{{7*7}}", "0", "NaN", "-0", "9999-12-31", "0000-00-00", "2026-02-30",
    "2026-11-23T25:61:00Z", "9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00+23:59", [], {}, [[]],
    [None], ["x"] * 300, {"a": {"b": [{}]}}, {"type": "Polygon", "coordinates": [[[0, 0]]]},
    [{"lat": 91, "lon": 181}], [1] * 5,
)  # fmt: skip
RAW_BODIES: tuple[bytes, ...] = (
    b"", b" ", b"null", b"[]", b"7", b'"x"', b"{", b'{"a":NaN}', b'{"a":1e999}', b"\xff\xfe",
    b"\x00", b"[" * 5_000 + b"]" * 5_000, b'{"a":' * 80 + b"1" + b"}" * 80, b"[[[[]]]]",
    rb'{"name":"\ud800"}', b'{"name":' + b"9" * 5_000 + b"}",
    b'{"name":"a","name":"b"}', b'{"__proto__":{"a":1}}',
)  # fmt: skip
WRONG_REFS: tuple[str, ...] = (
    "%00", "a%00b", "%2e%2e", "%2F", "ext%3A", "ext%3A%00", "x" * 3_000, "%F0%9F%92%A5", "%FF%FE",
    "%ED%A0%80", "-1", "0", "9" * 60, "null", "%20", "ord_", "'%20OR%201=1--", "%0d%0aX:1", "%25s",
)  # fmt: skip
WRONG_QUERIES: tuple[str, ...] = (
    "", "%00", "a%00", "-1", "0", "1e9", "9" * 60, "x" * 3_000, "%FF", "%ED%A0%80", "2026-13-01",
    "9999-12-31", "0001-01-01", "true", "%F0%9F%92%A5", "%25%25", "a,b,,", "'--", "%5C", "_%25",
)  # fmt: skip
WRONG_MATCHES: tuple[str, ...] = ("", "x", '"', '"x"', "*", '"-1"', f'"{10**30}"', 'W/"1"', '"1"')


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """A hostile call to a page or the API."""

    operation: str
    method: str
    path: str
    body: bytes = b""
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.method.upper()} {self.path[:200]} {self.body[:400]!r} {dict(self.headers)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownIds:
    """Ids that exist: this retailer's and another's; and an Idempotency-Key another has used."""

    own: Sequence[str]
    foreign: Sequence[str]
    used_key: str


def api_probes(
    document: Mapping[str, Any], ids: KnownIds, draw: random.Random, each: int
) -> Iterator[Probe]:
    """Yield ``each`` probes for every operation of the document."""
    for path, methods in sorted(document["paths"].items()):
        for method in METHODS:
            if method in methods:
                maker = _Maker(document, ids, draw, path, method, methods[method])
                for _turn in range(each):
                    yield maker.probe()


@dataclass(frozen=True, slots=True)
class _Maker:
    document: Mapping[str, Any]
    ids: KnownIds
    draw: random.Random
    path: str
    method: str
    operation: Mapping[str, Any]

    def probe(self) -> Probe:
        body, content_type = self._body() if self.method in UNSAFE else (b"", "application/json")
        path = re.sub(r"\{\w+\}", lambda _match: self._ref(), self.path)
        if query := self._query():
            path = f"{path}?{query}"
        return Probe(
            operation=self.operation["operationId"],
            method=self.method,
            path=path,
            body=body,
            content_type=content_type,
            headers=self._headers(),
        )

    def _ref(self) -> str:
        turn = self.draw.random()
        if turn < 0.5:
            return self.draw.choice(self.ids.own)
        return self.draw.choice(self.ids.foreign if turn < 0.7 else WRONG_REFS)

    def _query(self) -> str:
        named = [p["name"] for p in self.operation.get("parameters", []) if p["in"] == "query"]
        if self.draw.random() < (0.1 if self.method in UNSAFE else 0.8):
            names = self.draw.sample([*named, "limit", "cursor", "q"], k=min(2, len(named) + 3))
            values = (*WRONG_QUERIES, *self.ids.own, *self.ids.foreign)
            return "&".join(f"{name}={self.draw.choice(values)}" for name in names)
        return ""

    def _headers(self) -> dict[str, str]:
        if self.method not in UNSAFE:
            return {}
        key = self.draw.choice([uuid.UUID(int=self.draw.getrandbits(128)).hex] * 8
                               + [self.ids.used_key, "x" * 300, "a b", ""])  # fmt: skip
        headers = {"idempotency-key": key} if key else {}
        if self.draw.random() < 0.3:
            headers["if-match"] = self.draw.choice(WRONG_MATCHES)
        return headers

    def _body(self) -> tuple[bytes, str]:
        content = self.operation.get("requestBody", {}).get("content", {})
        turn = self.draw.random()
        if turn < 0.1 or not content:
            return self.draw.choice(RAW_BODIES), "application/json"
        if turn < 0.13:
            return b"a=1", self.draw.choice(
                ["text/plain", "multipart/form-data; boundary=x", "", "x"]
            )
        kind, shape = next(iter(content.items()))
        value = self._value(shape["schema"], "", 0)
        if isinstance(value, dict):
            self._spoil(value)
        if kind.startswith("multipart/"):
            return _multipart(value, self.draw), "multipart/form-data; boundary=LiMiT"
        return json.dumps(value).encode(), "application/json"

    def _spoil(self, value: dict[str, Any]) -> None:
        """Replace one value, at any depth, by a wrong one."""
        names = [*value, "unknown"]
        name = self.draw.choice(names)
        inner = value.get(name)
        if isinstance(inner, dict) and inner and self.draw.random() < 0.7:
            self._spoil(inner)
        elif isinstance(inner, list) and inner and isinstance(inner[0], dict):
            self._spoil(inner[0])
        else:
            value[name] = self.draw.choice(WRONG_VALUES)

    def _value(self, shape: Mapping[str, Any], name: str, depth: int) -> Any:
        shape = self._resolved(shape)
        if depth > 6:
            return None
        if "enum" in shape:
            return self.draw.choice(shape["enum"])
        kind = shape.get("type")
        kind = next((k for k in kind if k != "null"), None) if isinstance(kind, list) else kind
        if kind == "object" or "properties" in shape:
            needed = set(shape.get("required", ()))
            return {
                key: self._value(inner, key, depth + 1)
                for key, inner in shape.get("properties", {}).items()
                if key in needed or self.draw.random() < 0.6
            }
        if kind == "array":
            return [
                self._value(shape.get("items", {}), name, depth + 1)
                for _n in range(self.draw.randrange(3))
            ]
        return self._scalar(kind, shape, name)

    def _resolved(self, shape: Mapping[str, Any]) -> Mapping[str, Any]:
        for word in ("allOf", "oneOf", "anyOf"):
            if shape.get(word):
                return self._resolved(self.draw.choice(shape[word]))
        if "$ref" in shape:
            named = self.document["components"]["schemas"][shape["$ref"].rpartition("/")[2]]
            return self._resolved(named)
        return shape

    def _scalar(self, kind: Any, shape: Mapping[str, Any], name: str) -> Any:
        if kind == "boolean":
            return self.draw.random() < 0.5
        if kind in {"integer", "number"}:
            return self.draw.choice([0, 1, 9, 38.7 if kind == "number" else 600, 100_000])
        like = shape.get("format", "")
        if like == "date":
            return "2026-11-24"
        if like == "date-time":
            return f"2026-11-24T{self.draw.randrange(24):02}:00:00Z"
        if like == "email":
            return "ana@example.org"
        return self.draw.choice([
            *self.ids.own, *self.ids.foreign, "Rua 1", "Europe/Lisbon", "+351912345678",
        ])  # fmt: skip


def _multipart(value: Any, draw: random.Random) -> bytes:
    parts = []
    for name, form in (value if isinstance(value, dict) else {}).items():
        text = form if isinstance(form, str) else json.dumps(form)
        if name == "file":
            content = draw.choice(
                ["order_id,lat,lon\nZ1,38.72,-9.14\n", "PK\x03\x04", "\x00" * 50, text]
            )
            parts.append(
                f'--LiMiT\r\nContent-Disposition: form-data; name="file"; filename="a\x01.csv"'
                f"\r\n\r\n{content}\r\n"
            )
        else:
            parts.append(
                f'--LiMiT\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{text}\r\n'
            )
    return ("".join(parts) + "--LiMiT--\r\n").encode("utf-8", "surrogatepass")


def page_probes(
    addresses: Sequence[str], fields: Mapping[str, Sequence[str]], ids: KnownIds,
    draw: random.Random, each: int,
) -> Iterator[Probe]:  # fmt: skip
    """Yield ``each`` probes for every page: half of them its forms, filled in badly.

    ``fields`` holds the names of the inputs that each address shows.
    """
    for address in addresses:
        for turn in range(each):
            path = re.sub(
                r"<[^>]+>",
                lambda _match: draw.choice([*ids.own, *ids.foreign, *WRONG_REFS]),
                address,
            )
            if turn % 2:
                names = draw.sample(["q", "cursor", "page", "next", "limit", "hub", "date"], k=2)
                path += "?" + "&".join(f"{n}={draw.choice(WRONG_QUERIES)}" for n in names)
                yield Probe(operation=address, method="get", path=path)
                continue
            values = (*WRONG_QUERIES, *ids.own, *ids.foreign)
            form = "&".join(
                f"{name}={draw.choice(values)}"
                for name in [*fields.get(address, ()), "act", "next"]
            )
            yield Probe(
                operation=address, method="post", path=path, body=form.encode(),
                content_type="application/x-www-form-urlencoded",
            )  # fmt: skip
