"""Holds the API document against another checkout's: what was there is still there.

    python -m tests.bench.same_api --against ../before

Prints every difference that is no addition, and exits with 1 when there is one that ``INTENDED``
does not name. Words for people (descriptions, summaries, examples) may change freely.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
WORDS = {"description", "summary", "examples", "example", "title"}
# Removals and changes that an issue asked for: path in the document -> why.
_A11 = "what a replay needs is in a plan's detail alone (findings A11)"
_PLAN = "/components/schemas/PlanOut"
_SOLVER = ("engine", "solver_version", "seed", "work", "input_sha256", "solve_ms")
INTENDED = {
    **{f"{_PLAN}/properties/{name}: gone": _A11 for name in _SOLVER},
    f"{_PLAN}/required: {sorted(_SOLVER)} gone": _A11,
}
_WRITE = """
import json, django
django.setup()
from drf_spectacular.generators import SchemaGenerator
for conf in ("lastmile.urls", "lastmile.urls_public"):
    print(json.dumps(SchemaGenerator(urlconf=conf).get_schema(public=True), default=str))
"""


def documents(checkout: Path) -> list[dict[str, Any]]:
    """Return the two documents, a retailer's and the operator's, that a checkout serves."""
    surroundings = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "lastmile.settings_test",
        "PYTHONPATH": str(checkout),
    }
    done = subprocess.run(
        [sys.executable, "-c", _WRITE],
        cwd=checkout, env=surroundings, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


def losses(before: Any, after: Any, path: str = "") -> Iterator[str]:
    """Yield what of ``before`` is missing or different in ``after``."""
    if isinstance(before, dict) and isinstance(after, dict):
        named = path.endswith("/properties")  # a field may be called title
        for name, value in before.items():
            if name in WORDS and not named:
                continue
            if name == "security":
                continue  # an "and" of key and session became the "or" that was always served
            if name not in after:
                yield f"{path}/{name}: gone"
            else:
                yield from losses(value, after[name], f"{path}/{name}")
    elif isinstance(before, list) and isinstance(after, list):
        yield from _list_losses(before, after, path)
    elif before != after:
        yield f"{path}: {before!r} became {after!r}"


def _list_losses(before: list[Any], after: list[Any], path: str) -> Iterator[str]:
    if all(isinstance(item, dict) and "name" in item for item in before) and before:
        known = {(item["name"], item.get("in")): item for item in after}
        for item in before:
            key = (item["name"], item.get("in"))
            if key in known:
                yield from losses(item, known[key], f"{path}/{item['name']}")
            else:
                yield f"{path}/{item['name']}: gone"
        return
    gone = [item for item in before if item not in after]
    if gone:
        yield f"{path}: {gone} gone"
    if path.endswith("/required") and (new := [item for item in after if item not in before]):
        yield f"{path}: {new} now required"


def main(argv: list[str]) -> int:
    """Compare, print, and return 1 when something is lost that nobody asked to lose."""
    reader = argparse.ArgumentParser(prog="python -m tests.bench.same_api", description=__doc__)
    reader.add_argument("--against", type=Path, required=True, help="the checkout before")
    asked = reader.parse_args(argv)
    wrong = 0
    for before, after in zip(documents(asked.against.resolve()), documents(ROOT), strict=True):
        for line in losses(before, after):
            why = INTENDED.get(line, "")
            wrong += not why
            print(f"{'as asked' if why else 'LOST'}  {line}{'  ' + why if why else ''}")
        kept = sum(len(methods) for methods in before["paths"].values())
        now = sum(len(methods) for methods in after["paths"].values())
        print(f"{kept} operations before, {now} now")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
