"""Compares the API document with another checkout's: nothing may be lost.

    python -m tests.bench.same_api --against ../before

Prints every difference that is not an addition. Exits with 1 if there is a loss that was not
intended (``intended``). Texts for people (descriptions, summaries, examples) may change freely.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
WORDS = {"description", "summary", "examples", "example", "title"}
_A11 = "what a replay needs is in a plan's detail alone (findings A11)"
_SOLVER = ("engine", "solver_version", "seed", "work", "input_sha256", "solve_ms")
_DEEPEST = 14  # levels of nested shapes; the API has no deeper ones
_BOUNDS = {
    "maxLength": 1,
    "maxItems": 1,
    "maximum": 1,
    "minLength": -1,
    "minItems": -1,
    "minimum": -1,
}


def intended(line: str) -> str:
    """Return why a loss is intended; empty if it is not."""
    of_plans = line.startswith(("GET /api/v1/plans/ ", "POST /api/v1/plans/"))
    return _A11 if of_plans and any(name in line for name in _SOLVER) else ""


_WRITE = """
import json, django
django.setup()
from drf_spectacular.generators import SchemaGenerator
for conf in ("lastmile.urls", "lastmile.urls_public"):
    print(json.dumps(SchemaGenerator(urlconf=conf).get_schema(public=True), default=str))
"""


def documents(checkout: Path) -> list[dict[str, Any]]:
    """Return the two documents that a checkout serves: a retailer's and the operator's."""
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "lastmile.settings_test",
        "PYTHONPATH": str(checkout),
    }
    done = subprocess.run(
        [sys.executable, "-c", _WRITE],
        cwd=checkout, env=environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


@dataclass(frozen=True)
class Comparison:
    """Two documents, compared for requests or for answers."""

    before: dict[str, Any]
    after: dict[str, Any]
    request: bool = False

    def losses(self, old: Any, new: Any, path: str, depth: int = 0) -> Iterator[str]:
        """Yield all parts of ``old`` that are missing or narrower in ``new``; follow references."""
        old, new = resolved(self.before, old), resolved(self.after, new)
        if depth > _DEEPEST:
            return
        if isinstance(old, dict) and isinstance(new, dict):
            named = path.endswith("/properties")  # a field may be called title
            for name in [name for name in old if named or name not in WORDS]:
                yield from self._member(name, old, new, path, depth)
        elif isinstance(old, list) and isinstance(new, list):
            for item in old:
                if not any(self._covers(item, other, depth) for other in new):
                    yield f"{path}: {str(item)[:60]} gone"
        elif old != new:
            yield f"{path}: {old!r} became {new!r}"

    def _member(
        self, name: str, old: dict[str, Any], new: dict[str, Any], path: str, depth: int
    ) -> Iterator[str]:
        if name not in new:
            yield f"{path}/{name}: gone"
        elif name == "required" and isinstance(old[name], list):
            yield from self._required(old[name], new[name], path)
        elif name in _BOUNDS and self.request:
            if _BOUNDS[name] * new[name] < _BOUNDS[name] * old[name]:
                yield f"{path}/{name}: {old[name]} became {new[name]}"
        else:
            yield from self.losses(old[name], new[name], f"{path}/{name}", depth + 1)

    def _covers(self, old: Any, new: Any, depth: int) -> bool:
        return next(self.losses(old, new, "", depth + 1), None) is None

    def _required(self, old: list[str], new: list[str], path: str) -> Iterator[str]:
        """Yield fields that a request newly requires, or that an answer may newly omit."""
        if more := sorted(set(new) - set(old)) if self.request else []:
            yield f"{path}/required: {more} now required"
        if less := sorted(set(old) - set(new)) if not self.request else []:
            yield f"{path}/required: {less} no longer promised"


def resolved(document: dict[str, Any], value: Any) -> Any:
    """Follow a reference, also one that only has texts beside it."""
    while isinstance(value, dict):
        only = value.get("allOf", ()) if set(value) - WORDS <= {"allOf", "readOnly"} else ()
        if "$ref" in value:
            name = value["$ref"].rpartition("/")[2]
            value = document["components"]["schemas"][name]
        elif len(only) == 1:
            value = only[0]
        else:
            break
    return value


def losses(before: dict[str, Any], after: dict[str, Any]) -> Iterator[str]:
    """Yield what the operations of one document lost in the other."""
    requests, answers = Comparison(before, after, request=True), Comparison(before, after)
    for path, method, old in operations(before):
        new = after["paths"].get(path, {}).get(method)
        where = f"{method.upper()} {path}"
        if new is None:
            yield f"{where}: gone"
            continue
        if old["operationId"] != new["operationId"]:
            yield f"{where}: its operationId became {new['operationId']}"
        parameters = {(p["name"], p["in"]): p for p in new.get("parameters", ())}
        for parameter in old.get("parameters", ()):
            key = (parameter["name"], parameter["in"])
            if key not in parameters:
                yield f"{where}?{parameter['name']}: gone"
            else:
                yield from requests.losses(
                    parameter, parameters[key], f"{where}?{parameter['name']}"
                )
        if "requestBody" in old:
            body = new.get("requestBody", {})
            yield from requests.losses(old["requestBody"], body, f"{where} body")
        yield from answers.losses(old["responses"], new["responses"], f"{where} answer")


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield path, method and operation."""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


def main(argv: list[str]) -> int:
    """Compare, print, and return 1 if there is a loss that was not intended."""
    reader = argparse.ArgumentParser(prog="python -m tests.bench.same_api", description=__doc__)
    reader.add_argument("--against", type=Path, required=True, help="the checkout before")
    options = reader.parse_args(argv)
    wrong = 0
    for before, after in zip(documents(options.against.resolve()), documents(ROOT), strict=True):
        for line in losses(before, after):
            why = intended(line)
            wrong += not why
            print(f"{'as asked' if why else 'LOST'}  {line}{'  ' + why if why else ''}")
        print(f"{len([*operations(before)])} operations before, {len([*operations(after)])} now")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
