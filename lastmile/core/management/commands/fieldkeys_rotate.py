"""`fieldkeys_rotate --all`: encrypt all secrets again with the first of FIELD_KEYS."""

from __future__ import annotations

from argparse import ArgumentParser
from collections import Counter
from collections.abc import Mapping
from typing import Any

from django.core.management.base import CommandError

from lastmile.core.keys import ring
from lastmile.core.management.base import OperatorCommand
from lastmile.core.rotating import Rotation, rotate
from lastmile.core.tenancy import registry, retailer_context


class Command(OperatorCommand):
    """Encrypt each retailer's secrets again, and list the keys that are no longer needed."""

    help = (
        "Encrypt all secrets again with the first key of FIELD_KEYS, also those of suspended "
        "retailers. Prints which keys are no longer needed. Can be stopped and repeated. Exit "
        "status 1 if a value cannot be read."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add ``--schema`` and ``--all``; one of them is required."""
        super().add_arguments(parser)
        scope = parser.add_mutually_exclusive_group(required=True)
        scope.add_argument("--schema", help="schema of one retailer, such as t_acme")
        scope.add_argument("--all", action="store_true", help="every retailer, and the operator")

    def handle(self, *args: Any, **options: Any) -> None:
        """Print the result, then fail if a value could not be read."""
        self.unreadable: list[str] = []
        super().handle(*args, **options)
        if self.unreadable:
            raise CommandError(
                f"{len(self.unreadable)} values could not be read: " + "; ".join(self.unreadable)
            )

    def work(self, **options: Any) -> Mapping[str, Any]:
        """Rotate the keys of each chosen retailer."""
        schemas = [options["schema"]] if options["schema"] else registry().schemas()
        done: dict[str, Rotation] = {}
        for schema in schemas:
            with retailer_context(schema, allow_suspended=True):
                done[schema] = rotate()
            self.unreadable += [f"{schema} {value}" for value in done[schema].unreadable]
        in_use = sum((rotation.in_use for rotation in done.values()), Counter[str]())
        older = [key.id for key in ring().keys[1:]]
        return {
            "first": ring().first.id,
            "rows": {schema: rotation.rows for schema, rotation in done.items()},
            "in_use": dict(in_use),
            "may_be_dropped": [key for key in older if options["all"] and not in_use[key]],
            "unreadable": self.unreadable,
        }

    def summary(self, result: Mapping[str, Any]) -> str:
        """Return the rows written for each retailer, and the keys still needed."""
        lines = [f"{schema}: {rows} rows" for schema, rows in result["rows"].items() if rows]
        lines += [
            f"Key {key}: {count} values still need it." for key, count in result["in_use"].items()
        ]
        lines += [f"Key {key} is no longer needed." for key in result["may_be_dropped"]]
        return "\n".join([*lines, f"New values are encrypted with key {result['first']}."])
