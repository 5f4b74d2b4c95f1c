"""`fieldkeys_rotate --all`: write what is encrypted with the first of FIELD_KEYS."""

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
    """Rotate every retailer's values, suspended ones too; say which keys may be dropped."""

    help = "Encrypt everything again with the first field key. Safe to stop and to repeat."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add ``--schema`` and ``--all``, of which one is needed."""
        super().add_arguments(parser)
        which = parser.add_mutually_exclusive_group(required=True)
        which.add_argument("--schema", help="one retailer")
        which.add_argument("--all", action="store_true", help="every retailer and the operator's")

    def handle(self, *args: Any, **options: Any) -> None:
        """Print what was done, then fail when something could not be read."""
        self.unreadable: list[str] = []
        super().handle(*args, **options)
        if self.unreadable:
            raise CommandError(
                f"{len(self.unreadable)} values could not be read: " + "; ".join(self.unreadable)
            )

    def work(self, **options: Any) -> Mapping[str, Any]:
        """Rotate in each retailer that was asked for."""
        schemas = [options["schema"]] if options["schema"] else registry().schemas()
        done: dict[str, Rotation] = {}
        for schema in schemas:
            with retailer_context(schema, allow_suspended=True):
                done[schema] = rotate()
            self.unreadable += [f"{schema} {said}" for said in done[schema].unreadable]
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
        """Say what was written, and which keys are still needed."""
        lines = [f"{schema}: {rows} rows" for schema, rows in result["rows"].items() if rows]
        lines += [f"Key {key}: {count} values need it." for key, count in result["in_use"].items()]
        lines += [f"Key {key} is no longer needed." for key in result["may_be_dropped"]]
        return "\n".join([*lines, f"Key {result['first']} writes."])
